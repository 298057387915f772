// The message box: a draft for each channel, commands offered after “/”, and sending.

import { el } from "./dom.js";
import { menuButton } from "./menu.js";
import { fail, hereNow, shortcuts, warn } from "./messages.js";
import { $, act, isNarrow, render, ui } from "./store.js";

export const EXAMPLE = "/call (814) 404-3093 survey";
const TURNED_OFF = "Sending messages to this app has been turned off.";
let shown = ""; // whose draft for which place is in the box
let offers = [];
let active = 0;

// --- drafts

const draftKey = () => `draft ${ui.me} ${ui.place}`;

/** The first draft in the cards' channel is a command to try. */
function draft() {
  return sessionStorage.getItem(draftKey()) ?? (ui.place === "C_CALLS" ? EXAMPLE : "");
}

export function drawComposer() {
  const here = hereNow();
  const isTurnedOff = Boolean(here?.is_im) && ui.state.app.read_only;
  $("composer").hidden = !here || isTurnedOff;
  $("turned-off").textContent = isTurnedOff ? TURNED_OFF : "";
  if (shown === draftKey()) return;
  const isFirst = shown === "";
  shown = draftKey();
  $("text").value = draft();
  $("text").placeholder = `Message ${$("place-name").textContent}, or / for commands`;
  offer();
  if (isFirst && !isNarrow() && !$("composer").hidden && !ui.state.modal) $("text").focus();
}

function put(text) {
  $("text").value = text;
  sessionStorage.setItem(draftKey(), text);
  offer();
}

// --- commands

function offer() {
  const text = $("text").value;
  const { commands } = ui.state.app;
  offers = /^\/\S*$/.test(text) ? commands.filter((each) => each.command.startsWith(text)) : [];
  if (document.activeElement !== $("text")) offers = [];
  active = 0;
  const typed = commands.find((each) => text.startsWith(`${each.command} `));
  $("usage").hidden = !typed;
  $("usage").textContent = typed ? `${typed.command} ${typed.usage_hint} · ${typed.description}` : "";
  drawOffers();
}

function drawOffers() {
  const rows = offers.map((each, index) =>
    el(
      "li",
      {
        id: `offer-${index}`,
        role: "option",
        "aria-selected": String(index === active),
        onmousedown: (event) => event.preventDefault(), // keeps the focus in the box
        onclick: () => take(each),
      },
      el("b", {}, each.command),
      ` ${each.usage_hint ?? ""} `,
      el("small", { class: "muted" }, each.description),
    ),
  );
  $("suggestions").replaceChildren(...rows);
  $("suggestions").hidden = !rows.length;
  if (rows.length) $("text").setAttribute("aria-activedescendant", `offer-${active}`);
  else $("text").removeAttribute("aria-activedescendant");
}

function take(command) {
  put(`${command.command} `);
  $("text").focus();
}

$("text").addEventListener("input", () => put($("text").value));
$("text").addEventListener("focus", offer);
$("text").addEventListener("blur", () => ui.state && offer());
$("text").addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const chosen = offers[active];
  if (offers.length && step) active = (active + step + offers.length) % offers.length;
  else if (offers.length && event.key === "Escape") offers = [];
  else if (chosen && ["Enter", "Tab"].includes(event.key) && chosen.command !== $("text").value) return key(event, () => take(chosen));
  else if (event.key === "Enter" && !event.shiftKey) return key(event, () => $("composer").requestSubmit());
  else return;
  key(event, drawOffers);
});

function key(event, then) {
  event.preventDefault();
  event.stopPropagation();
  then();
}

// --- sending

async function write(text) {
  const [channel, from] = [hereNow().id, draftKey()];
  const result = await act("write", { channel, text });
  if (result.problem || result.seen) {
    if (result.seen) fail(channel, result.seen);
    if (from === draftKey() && !$("text").value) put(text); // Slack keeps a failed command in the box
  }
  render();
}

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  put("");
  if (text) write(text);
});

$("shortcuts").replaceWith(
  menuButton({ id: "shortcuts", class: "button", "aria-label": "Shortcuts", title: "Shortcuts" }, "⚡", () =>
    shortcuts("global").map((each) => ({
      text: each.name,
      note: each.description,
      run: async () => warn(await act("shortcut", { id: each.callback_id })),
    })),
  ),
);
