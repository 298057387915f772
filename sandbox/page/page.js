// The sandbox's page: renders the state from /events, and POSTs actions to /act/….

import { tickDates } from "./dates.js";
import { el } from "./dom.js";
import { drawHome } from "./home.js";
import { moveInMenu } from "./menu.js";
import { drawMessages } from "./messages.js";
import { drawModal } from "./modal.js";
import { drawPhones, tickPhones } from "./phone.js";
import { $, act, draw, drawWith, post, render, ui, workspace } from "./store.js";
import { drawWorkflows } from "./workflows.js";

let source = null;
const read = new Map(); // person and channel -> number of messages read

function listen() {
  source?.close();
  source = new EventSource(`/events?person=${encodeURIComponent(ui.me)}`);
  source.onmessage = (event) => {
    ui.state = JSON.parse(event.data);
    render();
  };
  source.onopen = () => ($("lost").hidden = true);
  source.onerror = () => ($("lost").hidden = false);
}

drawWith(() => {
  const { state } = ui;
  const context = workspace();
  draw("people", [state.people, ui.me], ([people]) => people.map(personButton));
  drawPlaces();
  drawMessages(context);
  drawHome(context);
  drawWorkflows(context);
  drawModal(context);
  drawPhones();
  draw("bot", state.bot.condition, (words) => words);
  if (draw("log", state.bot.log, (lines) => lines.join("\n"))) $("log").scrollTop = $("log").scrollHeight;
  draw("complaints", state.complaints, (all) => all.map((each) => el("p", { class: "error" }, `Slack would reject: ${each}`)));
  tick();
});

function tick() {
  tickPhones();
  tickDates();
}

function personButton(person) {
  const become = () => {
    ui.me = person.id;
    sessionStorage.setItem("me", ui.me);
    listen();
    notifyTabOpened();
  };
  return el(
    "button",
    { type: "button", id: `person-${person.id}`, "aria-pressed": String(person.id === ui.me), onclick: become },
    el("span", {}, person.name),
    el("small", {}, person.role),
  );
}

// --- navigation

const direct = () => ui.state.channels.find((each) => each.is_im);
const inApp = (place) => ["home", "direct"].includes(place);

function go(place) {
  ui.place = place;
  render();
  notifyTabOpened();
}

/** Slack notifies the app when a person opens one of its tabs. */
function notifyTabOpened() {
  if (inApp(ui.place)) act("open_home", { tab: ui.place === "home" ? "home" : "messages" });
}

function drawPlaces() {
  const rooms = ui.state.channels.filter((each) => !each.is_im);
  const rows = [
    ...rooms.map((each) => ({ list: "channels", id: each.id, name: `# ${each.name}`, unread: unread(each) })),
    { list: "apps", id: inApp(ui.place) ? ui.place : appTab(), name: "EvoSlack", unread: unread(direct()) },
    { list: "apps", id: "workflows", name: "Workflow steps", unread: 0 },
  ];
  for (const list of ["channels", "apps"]) {
    draw(list, [rows.filter((row) => row.list === list), ui.place], ([here]) => here.map(placeButton));
  }
  const tabs = inApp(ui.place) ? [ui.state.app.has_home && ["home", "Home"], ["direct", "Messages"]].filter(Boolean) : [];
  draw("tabs", [tabs, ui.place], ([all]) => all.map(tabButton));
}

const appTab = () => (ui.state.app.has_home ? "home" : "direct");

function placeButton(row) {
  const badge = el("small", { class: "badge", "aria-label": `${row.unread} new` }, String(row.unread));
  return el(
    "button",
    { type: "button", id: `place-${row.id}`, "aria-pressed": String(row.id === ui.place), onclick: () => go(row.id) },
    el("span", {}, row.name),
    row.unread > 0 && badge,
  );
}

function tabButton([id, name]) {
  const about = { type: "button", id: `tab-${id}`, "aria-current": id === ui.place && "page" };
  return el("button", { ...about, onclick: () => go(id) }, name);
}

function unread(room) {
  if (!room) return 0;
  const key = `${ui.me} ${room.id}`;
  const here = room.is_im ? ui.place === "direct" : ui.place === room.id;
  if (here || (!read.has(key) && !room.is_im)) read.set(key, room.messages.length);
  return room.messages.length - (read.get(key) ?? 0);
}

$("menu").addEventListener("keydown", moveInMenu);
$("kill").addEventListener("click", async () => {
  $("kill").disabled = true;
  await post("kill", {}).finally(() => ($("kill").disabled = false));
});
setInterval(tick, 1000);
listen();
