// Where one is in Slack: channels, the tabs of the app, and workflow steps, with counts of what is new.

import { el } from "./dom.js";
import { $, act, draw, remember, render, ui } from "./store.js";

const read = new Map(); // person and channel -> the newest message that was read

const direct = () => ui.state.channels.find((each) => each.is_im);
const inApp = (place) => ["home", "direct"].includes(place);

export function go(place) {
  remember("place", place);
  showView("slack");
  render();
  notifyTabOpened();
}

/** Shows "slack" or "phone", of which a narrow screen has room for one. */
export function showView(view) {
  document.body.dataset.view = view;
  $("phone-tab").setAttribute("aria-pressed", String(view === "phone"));
}

/** Slack notifies the app when a person opens one of its tabs. */
export function notifyTabOpened() {
  if (inApp(ui.place)) act("open_home", { tab: ui.place === "home" ? "home" : "messages" });
}

export function drawPlaces() {
  const rooms = ui.state.channels.filter((each) => !each.is_im);
  const known = [...rooms.map((each) => each.id), "home", "direct", "workflows"];
  if (!known.includes(ui.place)) remember("place", rooms[0].id);
  const rows = [
    ...rooms.map((each) => ({ list: "channels", id: each.id, name: `# ${each.name}`, unread: unread(each) })),
    { list: "apps", id: inApp(ui.place) ? ui.place : appTab(), name: "EvoSlack", unread: unread(direct()) },
    { list: "apps", id: "workflows", name: "Workflows", unread: 0 },
  ];
  for (const list of ["channels", "apps"]) {
    draw(list, [rows.filter((row) => row.list === list), ui.place], ([here]) => here.map(placeButton));
  }
  const tabs = inApp(ui.place) ? [ui.state.app.has_home && ["home", "Home"], ["direct", "Messages"]].filter(Boolean) : [];
  draw("tabs", [tabs, ui.place], ([all]) => all.map(tabButton));
}

const appTab = () => (ui.state.app.has_home ? "home" : "direct");

function placeButton(row) {
  const badge = el("small", { class: "badge" }, String(row.unread), el("span", { class: "unseen" }, " new"));
  const about = { id: `place-${row.id}`, "data-place": row.id, "aria-pressed": String(row.id === ui.place) };
  return el(
    "button",
    { type: "button", ...about, onclick: () => go(row.id) },
    el("span", {}, row.name),
    row.unread > 0 && badge,
  );
}

function tabButton([id, name]) {
  const about = { type: "button", id: `tab-${id}`, "aria-current": id === ui.place && "page" };
  return el("button", { ...about, onclick: () => go(id) }, name);
}

/** What is new in a room; what was there before this person looked in is read, but for direct messages. */
function unread(room) {
  if (!room) return 0;
  const key = `${ui.me} ${room.id}`;
  const here = room.is_im ? ui.place === "direct" : ui.place === room.id;
  if (here || (!read.has(key) && !room.is_im)) read.set(key, Number(room.messages.at(-1)?.ts ?? 0));
  return room.messages.filter((each) => Number(each.ts) > (read.get(key) ?? 0)).length;
}
