// A channel: its messages with their buttons, menus, and files.

import { drawBlocks } from "./blocks.js";
import { confirmed } from "./confirm.js";
import { el } from "./dom.js";
import { menuButton } from "./menu.js";
import { mrkdwn } from "./mrkdwn.js";
import { $, act, draw, forget, render, toast, ui } from "./store.js";

const failures = []; // Slackbot's messages about commands that failed
const CARDS = "C_CALLS"; // the channel of the cards, which is beside the others
const lastPlace = {}; // region -> whose place it shows
const rows = new Map(); // region -> its rows by message, which stay for as long as the message doesn't change

/** The channel that is shown, or the direct messages of the app. */
export function hereNow() {
  return ui.state.channels.find((each) => (ui.place === "direct" ? each.is_im : each.id === ui.place));
}

export function drawMessages(context) {
  const here = hereNow();
  const isRoom = Boolean(here) && !here.is_im;
  $("place-name").textContent = isRoom ? `# ${here.name}` : ui.place === "workflows" ? "Workflow steps" : "EvoSlack";
  $("messages").hidden = !here && ui.place !== "direct";
  if (!$("messages").hidden) drawRoom("messages", here, context);
  const cards = ui.state.channels.find((each) => each.id === CARDS);
  $("beside").hidden = !here || here.id === CARDS;
  if (!$("beside").hidden) drawRoom("cards", cards, context);
}

/** A command of this person failed; Slackbot says so where it was typed. */
export function fail(channel, text) {
  const ts = String(Date.now() / 1000);
  failures.push({ person: ui.me, channel, user: "SLACKBOT", text, ts, only_you: true });
}

function drawRoom(id, room, context) {
  const own = failures.filter((each) => each.person === ui.me && each.channel === room?.id);
  const all = [...(room?.messages ?? []), ...own].sort((one, other) => Number(one.ts) - Number(other.ts));
  const box = $(id);
  const place = `${ui.me} ${room?.id}`;
  const atEnd = lastPlace[id] !== place || box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  lastPlace[id] = place;
  const kept = box.scrollTop;
  const replies = (message) => all.filter((each) => isReply(each) && each.thread_ts === message.ts);
  const isThere = new Set(all.map((each) => each.ts));
  const tops = all.filter((each) => !isReply(each) || !isThere.has(each.thread_ts));
  const threads = tops.flatMap((each) => (isReply(each) ? [each] : [each, ...replies(each)]));
  const nodes = () => [
    room?.earlier > 0 && el("p", { class: "welcome" }, `${room.earlier} earlier messages aren't shown here.`),
    all.length ? rowsOf(id, place, threads, (each) => row(each, room.id, context)) : el("p", { class: "welcome" }, welcome(room)),
  ];
  if (draw(id, [place, all, room?.earlier], nodes)) box.scrollTop = atEnd ? box.scrollHeight : kept;
}

/** The rows of messages; only those of changed ones are made. */
function rowsOf(id, place, messages, make) {
  const before = rows.get(id) ?? new Map();
  const now = new Map(
    messages.map((each) => {
      const key = `${place} ${JSON.stringify(each)}`;
      return [key, before.get(key) ?? make(each)];
    }),
  );
  rows.set(id, now);
  return [...now.values()];
}

const isReply = (message) => Boolean(message.thread_ts) && message.thread_ts !== message.ts;

function welcome(room) {
  if (!room || room.is_im) return "No messages from the app yet.";
  return room.id === CARDS ? "Each call gets a card here." : "No messages yet.";
}

function row(message, channel, context) {
  const isBot = message.user === ui.state.bot.id;
  const name = message.user === "SLACKBOT" ? "Slackbot" : isBot ? "EvoSlack" : context.names[message.user];
  const at = new Date(Number(message.ts) * 1000);
  const initial = isBot ? "☎" : (name ?? "?")[0].toUpperCase();
  return el(
    "article",
    { class: `message ${message.only_you ? "only-you" : ""} ${isReply(message) ? "reply" : ""}`, "data-ts": message.ts },
    message.only_you && el("p", { class: "muted private" }, "Only visible to you"),
    el("span", { class: `avatar ${isBot ? "app" : ""}`, "aria-hidden": "true" }, initial),
    el(
      "div",
      { class: "grow" },
      el(
        "p",
        { class: "who" },
        el("b", {}, name ?? message.user),
        (isBot || message.user === "SLACKBOT") && el("span", { class: "tag" }, "APP"),
        el("time", { class: "muted", title: at.toString() }, at.toLocaleTimeString("en-US", { timeStyle: "short" })),
      ),
      content(message, channel, context),
      (message.files ?? []).map((file) => fileRow(file, channel)),
    ),
    // Slack has no shortcuts on ephemeral messages.
    !message.only_you && shortcutsOf(message, channel),
  );
}

function content(message, channel, context) {
  const use = async (block, element, value) => {
    if (!(await confirmed(element, context))) return redraw();
    const where = { channel, ts: message.ts, block: block.block_id, action: element.action_id, value };
    return warn(await act("click", where));
  };
  // Slack shows `text` and “(edited)” only without blocks.
  const edited = message.edited && el("small", { class: "muted" }, " (edited)");
  if (message.blocks?.length) return drawBlocks(message.blocks, { ...context, where: `message-${message.ts}`, use });
  return el("div", { class: "text" }, mrkdwn(message.text, context), edited);
}

function redraw() {
  forget("messages");
  forget("cards");
  rows.clear();
  render();
}

function fileRow(file, channel) {
  return el(
    "p",
    { class: "file" },
    el("span", { "aria-hidden": "true" }, "📄"),
    el("b", {}, file.title),
    el("small", { class: "muted" }, `${file.name} · ${size(file.size)}`),
    el("a", { class: "button", href: `/files/${channel}/${file.id}`, download: file.name }, "Download"),
  );
}

const size = (bytes) => (bytes < 1000 ? `${bytes} bytes` : `${(bytes / 1000).toFixed(1)} kB`);

// --- shortcuts

export const shortcuts = (type) => ui.state.app.shortcuts.filter((each) => each.type === type);

function shortcutsOf(message, channel) {
  const items = () =>
    shortcuts("message").map((each) => ({
      text: each.name,
      note: each.description,
      run: async () => warn(await act("message_shortcut", { id: each.callback_id, channel, ts: message.ts })),
    }));
  return menuButton({ id: `more-${message.ts}`, class: "more", "aria-label": "More actions" }, "⋮", items);
}

export function warn(result) {
  if (result.seen) toast(`${result.seen} EvoSlack didn't respond.`);
}
