// An external select: gets its options from the app when the list opens and as the person types.

import { el } from "./dom.js";

const SEARCH_PAUSE_MS = 150;

/** An external select; `context` as in blocks.js. */
export function combobox(element, context, block) {
  const listId = `${context.where}-options-${block.block_id}`;
  let chosen = context.entry(block, element)?.selected_option;
  let [options, active, asked, timer] = [[], -1, 0, 0];
  const field = el("input", {
    role: "combobox",
    "aria-label": block.type === "input" ? null : element.placeholder?.text,
    "aria-expanded": "false",
    "aria-controls": listId,
    autocomplete: "off",
    placeholder: element.placeholder?.text,
    "data-focus": element.focus_on_load,
    onclick: () => open(""),
    oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(() => open(field.value), SEARCH_PAUSE_MS);
    },
    onblur: close,
    onkeydown: key,
  });
  const list = el("ul", { id: listId, role: "listbox", hidden: true });
  field.value = chosen?.text.text ?? "";

  async function open(query) {
    if (!query) field.select();
    const mine = ++asked;
    const found = await context.suggest(block, query, element);
    if (mine !== asked || document.activeElement !== field) return;
    options = found;
    active = Math.max(0, found.findIndex((option) => option.value === chosen?.value));
    list.hidden = false;
    field.setAttribute("aria-expanded", "true");
    draw();
  }

  function draw() {
    const rows = options.map((option, index) =>
      el(
        "li",
        {
          id: `${listId}-${index}`,
          role: "option",
          "aria-selected": String(index === active),
          onmousedown: (event) => event.preventDefault(), // keeps the focus in the field
          onclick: () => take(option),
        },
        option.text.text,
        option.description && el("span", { class: "muted" }, option.description.text),
      ),
    );
    list.replaceChildren(...(rows.length ? rows : [el("li", { class: "muted" }, "No items")]));
    field.setAttribute("aria-activedescendant", rows.length ? `${listId}-${active}` : "");
    list.children[active]?.scrollIntoView({ block: "nearest" });
  }

  function take(option) {
    chosen = option;
    context.use(block, element, option.value);
    close();
  }

  function close() {
    clearTimeout(timer);
    asked += 1;
    list.hidden = true;
    field.setAttribute("aria-expanded", "false");
    field.value = chosen?.text.text ?? "";
  }

  function key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && list.hidden) open("");
    else if (step && options.length) {
      active = (active + step + options.length) % options.length;
      draw();
    } else if (event.key === "Enter" && !list.hidden && options[active]) take(options[active]);
    else if (event.key === "Escape" && !list.hidden) close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return el("div", { class: "combobox" }, field, list);
}
