// The app's Home tab, as published for the current person.

import { drawBlocks } from "./blocks.js";
import { confirmed } from "./confirm.js";
import { el } from "./dom.js";
import { $, act, draw, forget, render, toast, ui } from "./store.js";

const EMPTY = "EvoSlack hasn't published a Home tab for you yet.";
const drafts = new Map(); // person, block, and action -> typed text that was not sent yet

export function drawHome(context) {
  const view = ui.state.home;
  $("home").hidden = ui.place !== "home";
  if ($("home").hidden) return;
  const inHome = {
    ...context,
    where: "home",
    entry: (block, element) => {
      const draft = drafts.get(key(block.block_id, element.action_id));
      return draft ? { value: draft.text } : view.state.values[block.block_id]?.[element.action_id];
    },
    typed: (block, element, text) => {
      const [block_id, action] = [block.block_id, element.action_id];
      drafts.set(key(block_id, action), { block: block_id, action, text });
    },
    entered: async (block, element, text) => {
      const draft = key(block.block_id, element.action_id);
      warn(await act("type_home", { block: block.block_id, action: element.action_id, text, enter: true }));
      if (drafts.get(draft)?.text === text) drafts.delete(draft); // it is in the view's state now
    },
    suggest: async (block, query, element) => {
      const where = { block: block.block_id, action: element.action_id, query };
      return (await act("suggest_home", where)).options ?? [];
    },
    use: (block, element, value) => use(block, element, value, context),
  };
  const nodes = () => (view ? drawBlocks(view.blocks, inHome) : el("p", { class: "muted" }, EMPTY));
  draw("home", [ui.me, view], nodes);
}

const key = (block, action) => `${ui.me} ${block} ${action}`;

async function use(block, element, value, context) {
  if (!(await confirmed(element, context))) {
    forget("home");
    render();
    return;
  }
  const where = { block: block.block_id, action: element.action_id, value };
  const isButton = ["button", "overflow"].includes(element.type);
  warn(await act(isButton ? "click_home" : "choose_home", isButton ? { ...where, typed: unsent() } : where));
}

/** Unsent text in the fields; it is entered before a click. */
function unsent() {
  const shown = ui.state.home.blocks.filter((block) => block.element?.type === "plain_text_input");
  return shown.map((block) => drafts.get(key(block.block_id, block.element.action_id))).filter(Boolean);
}

function warn(result) {
  if (result.seen) toast(`⚠ ${result.seen}`);
}
