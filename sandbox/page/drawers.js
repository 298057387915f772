// The drawers “Break something” and “Inspector”: opened by a button, closed by ✕ or Escape, never both open.

import { drawBreak } from "./break.js";
import { drawInspector, followPayloads } from "./inspector.js";
import { $, ui } from "./store.js";

const DRAWERS = ["break", "inspector"];

export function drawDrawers() {
  const on = ui.state.faults.filter((each) => each.on).length;
  const words = on ? `Break something (${on} on)` : "Break something";
  if ($("open-break").textContent !== words) $("open-break").textContent = words;
  $("open-break").classList.toggle("active", on > 0);
  drawBreak();
  drawInspector();
}

function open(name, isOpen) {
  for (const each of DRAWERS) {
    const isThis = isOpen && each === name;
    $(each).hidden = !isThis;
    $(`open-${each}`).setAttribute("aria-expanded", String(isThis));
  }
  if (isOpen) document.body.dataset.drawer = name;
  else delete document.body.dataset.drawer;
  followPayloads(isOpen && name === "inspector");
  (isOpen ? $(name) : $(`open-${name}`)).focus();
}

for (const name of DRAWERS) {
  $(`open-${name}`).addEventListener("click", () => open(name, $(name).hidden));
  $(name).querySelector(".x").addEventListener("click", () => open(name, false));
  $(name).addEventListener("keydown", (event) => event.key === "Escape" && open(name, false));
}
