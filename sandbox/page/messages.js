// A channel: its messages with their buttons, menus, and files, and the message box.

import { drawBlocks } from "./blocks.js";
import { confirmed } from "./confirm.js";
import { el } from "./dom.js";
import { menuButton } from "./menu.js";
import { mrkdwn } from "./mrkdwn.js";
import { $, act, draw, forget, render, toast, ui } from "./store.js";

const EXAMPLE = "/call (814) 404-3093 survey";
const TURNED_OFF = "Sending messages to this app has been turned off.";
const failures = []; // Slackbot's messages about commands that failed

export function drawMessages(context) {
  const here = ui.state.channels.find((each) => (ui.place === "direct" ? each.is_im : each.id === ui.place));
  const isRoom = Boolean(here) && !here.is_im;
  const name = isRoom ? `# ${here.name}` : ui.place === "workflows" ? "Workflow steps" : "EvoSlack";
  $("place-name").textContent = name;
  $("messages").hidden = !here && ui.place !== "direct";
  $("composer").hidden = !here || (here.is_im && ui.state.app.read_only);
  $("turned-off").textContent = here?.is_im && ui.state.app.read_only ? TURNED_OFF : "";
  if ($("messages").hidden) return;
  $("text").placeholder = `Message ${name}, or ${EXAMPLE}`;
  const own = failures.filter((each) => each.person === ui.me && each.channel === here?.id);
  const all = [...(here?.messages ?? []), ...own].sort((one, other) => Number(one.ts) - Number(other.ts));
  const box = $("messages");
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  const replies = (message) => all.filter((each) => isReply(each) && each.thread_ts === message.ts);
  const threads = all.filter((each) => !isReply(each)).flatMap((each) => [each, ...replies(each)]);
  const nodes = () => (all.length ? threads.map((each) => row(each, here.id, context)) : welcome(isRoom));
  if (draw("messages", [ui.me, ui.place, all], nodes) && atEnd) box.scrollTop = box.scrollHeight;
}

const isReply = (message) => Boolean(message.thread_ts) && message.thread_ts !== message.ts;

function welcome(isRoom) {
  if (!isRoom) return el("div", { class: "welcome" }, "No messages from the app yet.");
  const example = el("button", { type: "button", class: "button", onclick: () => write(EXAMPLE) }, EXAMPLE);
  const words = "No messages yet. Type a command below, or send this one:";
  return el("div", { class: "welcome" }, el("p", {}, words), example);
}

function row(message, channel, context) {
  const isBot = message.user === ui.state.bot.id;
  const name = message.user === "SLACKBOT" ? "Slackbot" : isBot ? "EvoSlack" : context.names[message.user];
  const at = new Date(Number(message.ts) * 1000);
  const initial = isBot ? "☎" : (name ?? "?")[0].toUpperCase();
  return el(
    "article",
    { class: `message ${message.only_you ? "only-you" : ""} ${isReply(message) ? "reply" : ""}` },
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

const shortcuts = (type) => ui.state.app.shortcuts.filter((each) => each.type === type);

function shortcutsOf(message, channel) {
  const items = () =>
    shortcuts("message").map((each) => ({
      text: each.name,
      note: each.description,
      run: async () => warn(await act("message_shortcut", { id: each.callback_id, channel, ts: message.ts })),
    }));
  return menuButton({ class: "more", "aria-label": "More actions" }, "⋮", items);
}

$("shortcuts").replaceWith(
  menuButton({ id: "shortcuts", class: "button", "aria-label": "Shortcuts", title: "Shortcuts" }, "⚡", () =>
    shortcuts("global").map((each) => ({
      text: each.name,
      note: each.description,
      run: async () => warn(await act("shortcut", { id: each.callback_id })),
    })),
  ),
);

function warn(result) {
  if (result.seen) toast(`${result.seen} EvoSlack didn't respond.`);
}

// --- sending

async function write(text) {
  const person = ui.me;
  const channel = ui.state.channels.find((each) => (ui.place === "direct" ? each.is_im : each.id === ui.place)).id;
  const result = await act("write", { channel, text });
  if (result.seen) {
    const ts = String(Date.now() / 1000);
    failures.push({ person, channel, user: "SLACKBOT", text: result.seen, ts, only_you: true });
    if (!$("text").value) $("text").value = text; // Slack keeps a failed command in the box
  }
  render();
}

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  $("text").value = "";
  if (text) write(text);
});
$("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("composer").requestSubmit();
});
