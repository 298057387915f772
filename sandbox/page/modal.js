// The current person's top modal.

import { drawBlocks } from "./blocks.js";
import { confirmed } from "./confirm.js";
import { el } from "./dom.js";
import { $, act, draw, forget, isNarrow, render, ui } from "./store.js";

export const REQUIRED = "Please complete this required field.";
const drafts = new Map(); // view, block, and action -> typed text that was not sent yet
const TYPED = ["plain_text_input", "number_input"];
const TYPING_PAUSE_MS = 500;
const pauses = new Map(); // the same -> the timer that notifies the app once typing pauses
const form = { view: "", missing: [], failure: "", busy: false };
const BEHIND = ["side", "tabs", "place-name", "messages", "home", "workflows", "composer", "beside"];
const REACHABLE = "a[href], button, input, select, textarea, [tabindex]";
let focused = ""; // the view and its errors for which the focus was set
let opener = ""; // the id of what had the focus before the modal

export function drawModal(context) {
  const view = ui.state.modal;
  const id = view?.id ?? "";
  if (form.view !== id) Object.assign(form, { view: id, missing: [], failure: "", busy: false });
  const shown = view && [view.id, view.hash, ui.state.errors, form, chosen(view)];
  const inModal = {
    ...context,
    where: "modal",
    entry: (block, element) => {
      const typed = drafts.get(draftKey(block, element));
      return typed === undefined ? view.state.values[block.block_id]?.[element.action_id] : { value: typed };
    },
    note: (block) => (form.missing.includes(block.block_id) ? REQUIRED : ui.state.errors[block.block_id]),
    typed: (block, element, text) => drafts.set(draftKey(block, element), text),
    entered: (block, element, text) => entered(view, block, element, text),
    suggest: async (block, query) => (await act("suggest", { block: block.block_id, query })).options ?? [],
    use: (block, element, value) => use(block, element, value, context),
    attach,
  };
  const wasOpen = !$("screen").hidden;
  if (view && !wasOpen) opener = document.activeElement?.id ?? "";
  const scrolled = $("modal").querySelector(".body")?.scrollTop ?? 0;
  const changed = draw("modal", shown, () => (view ? nodes(view, inModal) : []));
  $("screen").hidden = !view;
  for (const behind of BEHIND) $(behind).inert = Boolean(view);
  if (changed && view) $("modal").querySelector(".body").scrollTop = scrolled;
  const now = JSON.stringify([id, ui.state.errors, form.missing]);
  const isLost = !$("modal").contains(document.activeElement);
  if (changed && view && !form.busy && (now !== focused || isLost)) {
    focused = now;
    focusIn($("modal"));
  }
  if (wasOpen && !view) focusBack();
}

/** The focus returns to where it was before the modal, or to the message box if that is gone. */
function focusBack() {
  const back = opener && document.getElementById(opener);
  if (back && back !== document.body) back.focus();
  else if (!$("composer").hidden && !isNarrow()) $("text").focus();
}

/** Uploads a file into a field, instead of the one that was there. */
async function attach(block, file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const content = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  await act("attach", { block: block.block_id, name: file.name, content });
}

/** What is chosen in selects of several, which show it next to their field. */
const chosen = (view) =>
  view.blocks
    .filter((block) => block.element?.type.startsWith("multi_"))
    .map((block) => view.state.values[block.block_id]);

const draftKey = (block, element) => `${form.view} ${block.block_id} ${element.action_id}`;

/** Notifies the app of a text when typing pauses, if the view is still there then. */
function entered(view, block, element, text) {
  const key = draftKey(block, element);
  clearTimeout(pauses.get(key));
  const notify = () => form.view === view.id && !form.busy && act("type", { block: block.block_id, text });
  pauses.set(key, setTimeout(notify, TYPING_PAUSE_MS));
}

function focusIn(modal) {
  const first = modal.querySelector("[aria-invalid]") ?? modal.querySelector("[data-focus]");
  (first ?? modal.querySelector("input, textarea, select") ?? modal).focus();
}

function nodes(view, context) {
  const close = (everything) => () => act("close", { everything });
  const submit = (event) => {
    event.preventDefault();
    send(view);
  };
  return el(
    "form",
    { class: "view", novalidate: true, onsubmit: submit },
    el(
      "header",
      {},
      el("h2", { id: "modal-title" }, view.title.text),
      el("button", { type: "button", class: "x", "aria-label": "Close", onclick: close(true) }, "✕"),
    ),
    el("div", { class: "body" }, drawBlocks(view.blocks, context)),
    form.failure && el("p", { class: "failure", role: "alert" }, form.failure),
    el(
      "footer",
      {},
      el("button", { type: "button", class: "button", onclick: close(false) }, view.close?.text ?? "Cancel"),
      view.submit && el("button", { type: "submit", class: "button primary", disabled: form.busy }, view.submit.text),
    ),
  );
}

async function send(view) {
  if (form.busy || !view.submit) return;
  const texts = view.blocks.filter((block) => TYPED.includes(block.element?.type) && block.type === "input");
  const typed = {};
  for (const block of texts) {
    const text = drafts.get(draftKey(block, block.element));
    if (text !== undefined) typed[block.block_id] = text;
  }
  Object.assign(form, { busy: true, missing: [], failure: "" });
  render();
  const result = await act("submit", { typed });
  const outcome = { busy: false, missing: result.missing ?? [], failure: result.seen ?? "" };
  if (form.view === view.id) Object.assign(form, outcome);
  render();
}

async function use(block, element, value, context) {
  if (await confirmed(element, context)) {
    const isButton = ["button", "overflow"].includes(element.type);
    const where = { block: block.block_id, action: element.action_id, value };
    const result = await act(isButton ? "click" : "choose", where);
    form.failure = result.seen ?? "";
  } else forget("modal");
  render();
}

/** Escape closes, and Tab stays inside. */
document.addEventListener("keydown", (event) => {
  if ($("screen").hidden || $("confirm").open || event.defaultPrevented) return;
  if (event.key === "Escape" && !$("menu").matches(":popover-open")) act("close");
  if (event.key !== "Tab") return;
  const all = [...$("modal").querySelectorAll(REACHABLE)].filter((each) => !each.disabled && each.tabIndex >= 0);
  const [first, last] = [all[0], all.at(-1)];
  const at = document.activeElement;
  const isInside = $("modal").contains(at) && at !== $("modal");
  if (isInside && at !== (event.shiftKey ? first : last)) return;
  (event.shiftKey ? last : first)?.focus();
  event.preventDefault();
});
