// A button with a menu: the app's shortcuts, and what Block Kit calls an overflow menu.

import { el } from "./dom.js";
import { $ } from "./store.js";

/** A button that opens a menu; `items()` have `text`, `note` and `run`. */
export function menuButton(attributes, face, items) {
  const button = el(
    "button",
    { type: "button", "aria-haspopup": "menu", ...attributes, onclick: () => open(button, items()) },
    face,
  );
  return button;
}

function open(button, items) {
  const menu = $("menu");
  const rows = items.map(({ text, note, run }) => {
    const use = () => {
      menu.hidePopover();
      run();
    };
    return el(
      "button",
      { type: "button", role: "menuitem", onclick: use },
      text,
      note && el("small", { class: "muted" }, note),
    );
  });
  menu.replaceChildren(...(rows.length ? rows : [el("p", { class: "muted" }, "No shortcuts here.")]));
  menu.showPopover();
  const [at, size] = [button.getBoundingClientRect(), menu.getBoundingClientRect()];
  menu.style.left = `${Math.max(8, Math.min(at.left, innerWidth - size.width - 8))}px`;
  menu.style.top = `${at.bottom + size.height + 12 < innerHeight ? at.bottom + 4 : at.top - size.height - 4}px`;
  rows[0]?.focus();
}

/** The arrow keys move through the open menu. */
export function moveInMenu(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const rows = [...$("menu").querySelectorAll("button")];
  rows[(rows.indexOf(document.activeElement) + step + rows.length) % rows.length]?.focus();
  event.preventDefault();
}
