// The sandbox's page: shows what the server tells in /events, and POSTs what one does to /act/….
//
// Everything on the screen is drawn from `state`, region by region, and only where it has changed.

import { drawBlocks } from "./blocks.js";
import { el } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";
import { callRow, ringWords, tick, troubleGroups } from "./phone.js";

const EXAMPLE = "/call (814) 404-3093 survey";
const REQUIRED = "Please complete this required field.";
const $ = (id) => document.getElementById(id);

let me = sessionStorage.getItem("me") ?? "U_SARA";
let channel = "C_GENERAL";
let state = null;
let source = null;
const drawn = new Map(); // region -> the JSON that it shows
const read = new Map(); // person and channel -> how many messages were seen there
const failures = []; // what Slack itself told a person after a command that went wrong
const drafts = new Map(); // view, block and action -> text that is typed and not yet sent
const form = { view: "", missing: [], trouble: "", busy: false };

// --- talking to the server

function listen() {
  source?.close();
  source = new EventSource(`/events?person=${encodeURIComponent(me)}`);
  source.onmessage = (event) => {
    state = JSON.parse(event.data);
    render();
  };
  source.onopen = () => ($("lost").hidden = true);
  source.onerror = () => ($("lost").hidden = false);
}

let queue = Promise.resolve();

/** Acts of one person happen one after the other, as they were done. */
function act(name, body = {}) {
  queue = queue.then(() => post(name, { person: me, ...body })).catch((error) => ({ problem: String(error) }));
  return queue;
}

async function post(name, body) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`/act/${name}`, { method: "POST", headers, body: JSON.stringify(body) });
  const told = await answer.json();
  if (told.problem) toast(`That did not work: ${told.problem}`);
  return told;
}

function toast(words) {
  $("toast").textContent = words;
  setTimeout(() => $("toast").textContent === words && ($("toast").textContent = ""), 6000);
}

// --- drawing

/** Redraw a region if what it shows has changed. */
function draw(id, data, nodes) {
  const key = JSON.stringify(data);
  if (drawn.get(id) === key) return false;
  drawn.set(id, key);
  $(id).replaceChildren(...[nodes(data)].flat(Infinity));
  return true;
}

function render() {
  if (!state) return;
  const context = contextOf();
  draw("people", [state.people, me], ([people]) => people.map(personButton));
  drawChannels();
  drawMessages(context);
  drawModal(context);
  draw("rings", state.rings, (rings) => ringWords(rings));
  draw("calls", state.calls, (calls) => calls.map(callRow));
  draw("troubles", state.troubles, (all) => troubleGroups(all, (id, on) => act("trouble", { id, on })));
  draw("bot", state.bot.condition, (words) => words);
  if (draw("log", state.bot.log, (lines) => lines.join("\n"))) $("log").scrollTop = $("log").scrollHeight;
  draw("complaints", state.complaints, (all) => all.map((each) => el("p", { class: "error" }, `Slack minds: ${each}`)));
  tick();
}

function contextOf() {
  return {
    names: state.names,
    channels: Object.fromEntries(state.channels.filter((each) => !each.is_im).map((each) => [each.id, each.name])),
    go,
    entry: () => undefined,
    note: () => "",
  };
}

function personButton(person) {
  const become = () => {
    [me, form.view] = [person.id, ""];
    sessionStorage.setItem("me", me);
    listen();
  };
  return el(
    "button",
    { type: "button", "aria-pressed": String(person.id === me), onclick: become },
    el("span", {}, person.name),
    el("small", {}, person.role),
  );
}

function drawChannels() {
  if (!state.channels.some((each) => each.id === channel)) channel = "C_GENERAL";
  const rows = state.channels.map((each) => {
    const key = `${me} ${each.id}`;
    if (each.id === channel || !read.has(key)) read.set(key, each.messages.length);
    const unread = each.messages.length - read.get(key);
    return { id: each.id, name: title(each), unread, here: each.id === channel };
  });
  draw("channels", rows, () =>
    rows.map((row) =>
      el(
        "button",
        { type: "button", "aria-pressed": String(row.here), onclick: () => go(row.id) },
        el("span", {}, row.name),
        row.unread > 0 && el("small", { class: "badge", "aria-label": `${row.unread} new` }, String(row.unread)),
      ),
    ),
  );
}

const title = (each) => (each.is_im ? `${each.name} · direct` : `# ${each.name}`);

function go(id) {
  channel = id;
  render();
}

function drawMessages(context) {
  const here = state.channels.find((each) => each.id === channel);
  $("channel-name").textContent = title(here);
  $("text").placeholder = `Message ${title(here)}, or ${EXAMPLE}`;
  const own = failures.filter((each) => each.person === me && each.channel === channel);
  const all = [...here.messages, ...own].sort((one, other) => Number(one.ts) - Number(other.ts));
  const box = $("messages");
  const follow = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  const replies = (message) => all.filter((each) => isReply(each) && each.thread_ts === message.ts);
  const threads = all.filter((each) => !isReply(each)).flatMap((each) => [each, ...replies(each)]);
  const nodes = () => (all.length ? threads.map((each) => messageRow(each, context)) : welcome());
  if (draw("messages", [channel, all], nodes) && follow) box.scrollTop = box.scrollHeight;
}

const isReply = (message) => Boolean(message.thread_ts) && message.thread_ts !== message.ts;

function welcome() {
  const example = el("button", { type: "button", class: "button", onclick: () => write(EXAMPLE) }, EXAMPLE);
  const words = "Nothing here yet. Type a command below, or send this one:";
  return el("div", { class: "welcome" }, el("p", {}, words), example);
}

function messageRow(message, context) {
  const isBot = message.user === state.bot.id;
  const name = message.user === "SLACKBOT" ? "Slackbot" : isBot ? "EvoSlack" : context.names[message.user];
  const at = new Date(Number(message.ts) * 1000);
  const use = async (block, element, value) => {
    if (element.confirm && !(await confirmed(element.confirm, context))) return;
    const where = { channel, ts: message.ts, block: block.block_id, action: element.action_id, value };
    const told = await act("click", where);
    if (told.seen) toast(`${told.seen} Slack shows a warning sign: EvoSlack did not answer.`);
  };
  // Slack shows `text`, and that it was edited, only where there are no blocks.
  const edited = message.edited && el("small", { class: "muted" }, " (edited)");
  const content = message.blocks?.length
    ? drawBlocks(message.blocks, { ...context, use })
    : el("div", { class: "text" }, mrkdwn(message.text, context), edited);
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
      content,
    ),
  );
}

// --- the modal

function drawModal(context) {
  const view = state.modal;
  const id = view?.id ?? "";
  if (form.view !== id) Object.assign(form, { view: id, missing: [], trouble: "", busy: false });
  const shown = view && [view.id, view.hash, state.errors, form];
  const inModal = {
    ...context,
    entry: (block, element) => {
      const typed = drafts.get(draftKey(block, element));
      return typed === undefined ? view.state.values[block.block_id]?.[element.action_id] : { value: typed };
    },
    note: (block) => (form.missing.includes(block.block_id) ? REQUIRED : state.errors[block.block_id]),
    typed: (block, element, text) => drafts.set(draftKey(block, element), text),
    suggest: async (block, query) => (await act("suggest", { block: block.block_id, query })).options ?? [],
    use: (block, element, value) => useInModal(block, element, value, context),
  };
  const changed = draw("modal", shown, () => (view ? modalNodes(view, inModal) : []));
  $("screen").hidden = !view;
  $("messages").inert = $("composer").inert = Boolean(view);
  if (changed && view && !form.busy) focusIn($("modal"));
  if (changed && !view) $("text").focus();
}

const draftKey = (block, element) => `${form.view} ${block.block_id} ${element.action_id}`;

function focusIn(modal) {
  const first = modal.querySelector("[aria-invalid]") ?? modal.querySelector("[data-focus]");
  (first ?? modal.querySelector("input, textarea, select") ?? modal).focus();
}

function modalNodes(view, context) {
  const close = (everything) => () => act("close", { everything });
  const submit = (event) => {
    event.preventDefault();
    submitForm(view);
  };
  return el(
    "form",
    { class: "view", novalidate: true, onsubmit: submit },
    el(
      "header",
      {},
      el("h3", { id: "modal-title" }, view.title.text),
      el("button", { type: "button", class: "x", "aria-label": "Close", onclick: close(true) }, "✕"),
    ),
    el("div", { class: "body" }, drawBlocks(view.blocks, context)),
    form.trouble && el("p", { class: "trouble", role: "alert" }, form.trouble),
    el(
      "footer",
      {},
      el("button", { type: "button", class: "button", onclick: close(false) }, view.close?.text ?? "Cancel"),
      view.submit && el("button", { type: "submit", class: "button primary", disabled: form.busy }, view.submit.text),
    ),
  );
}

async function submitForm(view) {
  if (form.busy || !view.submit) return;
  const texts = view.blocks.filter((block) => block.type === "input" && block.element.type === "plain_text_input");
  const typed = {};
  for (const block of texts) {
    const text = drafts.get(draftKey(block, block.element));
    if (text !== undefined) typed[block.block_id] = text;
  }
  Object.assign(form, { busy: true, missing: [], trouble: "" });
  render();
  const told = await act("submit", { typed });
  const outcome = { busy: false, missing: told.missing ?? [], trouble: told.seen ?? "" };
  if (form.view === view.id) Object.assign(form, outcome);
  render();
}

async function useInModal(block, element, value, context) {
  if (element.confirm && !(await confirmed(element.confirm, context))) return;
  const isButton = ["button", "overflow"].includes(element.type);
  const where = { block: block.block_id, action: element.action_id, value };
  const told = await act(isButton ? "click" : "choose", where);
  form.trouble = told.seen ?? "";
  render();
}

/** Slack's own dialog before a component that wants one; whether the answer was yes. */
function confirmed(confirm, context) {
  const dialog = $("confirm");
  const words = confirm.text.type === "mrkdwn" ? mrkdwn(confirm.text.text, context) : confirm.text.text;
  const button = (kind, text, value) =>
    el("button", { type: "button", class: `button ${kind}`, onclick: () => dialog.close(value) }, text);
  dialog.returnValue = "";
  dialog.replaceChildren(
    el("h3", {}, confirm.title.text),
    el("p", { class: "text" }, words),
    el(
      "footer",
      {},
      button("", confirm.deny.text, ""),
      button(confirm.style ?? "primary", confirm.confirm.text, "yes"),
    ),
  );
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

// --- what one does

async function write(text) {
  const [person, where] = [me, channel];
  const told = await act("write", { channel: where, text });
  if (told.seen) {
    const ts = String(Date.now() / 1000);
    failures.push({ person, channel: where, user: "SLACKBOT", text: told.seen, ts, only_you: true });
    if (!$("text").value) $("text").value = text; // Slack leaves a command that failed in the box
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
$("modal").addEventListener("keydown", (event) => {
  if (event.key === "Escape") act("close");
});
$("kill").addEventListener("click", async () => {
  $("kill").disabled = true; // past the queue, which may be waiting for the bot
  await post("kill", {}).finally(() => ($("kill").disabled = false));
});
setInterval(tick, 1000);
listen();
