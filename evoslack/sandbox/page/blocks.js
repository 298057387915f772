// Block Kit as Slack draws it: blocks of messages and modals, and the elements in them.
//
// `context` is what the page lends: `names`, `channels`, `go` (see mrkdwn.js), `use(block, element, value)` when
// something is pressed or chosen, `entry(block, element)` for what stands in it (as in view.state.values),
// `typed(block, element, text)` and `suggest(block, query)` in modals, `note(block)` for an error under an input.

import { el } from "./dom.js";
import { textNodes } from "./mrkdwn.js";

const SEARCH_PAUSE_MS = 150;

export function drawBlocks(blocks, context) {
  return blocks.map((block) => (BLOCKS[block.type] ?? unknown)(block, context));
}

const unknown = (thing) => el("p", { class: "unknown" }, `(the sandbox does not draw “${thing.type}”)`);
const text = (object, context, tag = "div") => el(tag, { class: "text" }, textNodes(object, context));

const BLOCKS = {
  section: (block, context) =>
    el(
      "div",
      { class: "block section" },
      el(
        "div",
        { class: "grow" },
        block.text && text(block.text, context),
        block.fields && el("div", { class: "fields" }, block.fields.map((field) => text(field, context))),
      ),
      block.accessory && drawElement(block, block.accessory, context),
    ),
  header: (block) => el("h3", { class: "block header" }, block.text.text),
  divider: () => el("hr", { class: "block" }),
  image: (block) => el("div", { class: "block picture" }, block.title?.text ?? "", ` [picture: ${block.alt_text}]`),
  context: (block, context) =>
    el(
      "div",
      { class: "block context" },
      block.elements.map((each) =>
        each.type === "image" ? el("span", {}, `[picture: ${each.alt_text}]`) : text(each, context, "span"),
      ),
    ),
  actions: (block, context) =>
    el("div", { class: "block actions" }, block.elements.map((each) => drawElement(block, each, context))),
  input: (block, context) => {
    const element = drawElement(block, block.element, context);
    const field = element.matches("input, textarea, select") ? element : element.querySelector("input");
    if (!element.matches(".ticks")) field.id = `field-${block.block_id}`; // several fields share that label
    const [hint, error] = [block.hint?.text, context.note(block)];
    const optional = block.optional && el("span", { class: "muted" }, " (optional)");
    field.setAttribute("aria-describedby", `about-${block.block_id}`);
    if (error) field.setAttribute("aria-invalid", "true");
    return el(
      "div",
      { class: error ? "block input wrong" : "block input" },
      el("label", { for: field.id || null }, block.label.text, optional),
      element,
      el(
        "div",
        { id: `about-${block.block_id}` },
        error && el("p", { class: "error" }, error),
        hint && el("p", { class: "hint" }, hint),
      ),
    );
  },
};

function drawElement(block, element, context) {
  return (ELEMENTS[element.type] ?? unknown)(element, context, block);
}

const ELEMENTS = {
  image: (element) => el("span", { class: "picture" }, `[picture: ${element.alt_text}]`),
  button: (element, context, block) =>
    el(
      "button",
      {
        type: "button",
        class: `button ${element.style ?? ""}`,
        "aria-label": element.accessibility_label,
        onclick: () => {
          if (/^https?:/.test(element.url ?? "")) window.open(element.url, "_blank", "noopener");
          context.use(block, element);
        },
      },
      element.text.text,
    ),
  plain_text_input: (element, context, block) => {
    const field = el(element.multiline ? "textarea" : "input", {
      autocomplete: "off",
      placeholder: element.placeholder?.text,
      "data-focus": element.focus_on_load,
      oninput: () => context.typed(block, element, field.value),
    });
    field.value = context.entry(block, element)?.value ?? "";
    return field;
  },
  static_select: (element, context, block) => {
    const groups = element.option_groups ?? [{ options: element.options }];
    return choice(element, context, block, groups, context.entry(block, element)?.selected_option?.value);
  },
  conversations_select: (element, context, block) => {
    const options = Object.entries(context.channels).map(([value, name]) => ({ value, text: { text: `#${name}` } }));
    return choice(element, context, block, [{ options }], context.entry(block, element)?.selected_conversation);
  },
  overflow: (element, context, block) =>
    choice({ ...element, placeholder: { text: "⋯" } }, context, block, [{ options: element.options }]),
  radio_buttons: (element, context, block) => ticks(element, context, block, "radio"),
  checkboxes: (element, context, block) => ticks(element, context, block, "checkbox"),
  external_select: combobox,
};

function choice(element, context, block, groups, chosen = "") {
  const options = (group) => group.options.map((each) => el("option", { value: each.value }, each.text.text));
  const field = el(
    "select",
    {
      class: element.type,
      "aria-label": element.placeholder?.text,
      onchange: () => context.use(block, element, field.value),
    },
    el("option", { value: "", disabled: true }, element.placeholder?.text ?? ""),
    groups.map((group) => (group.label ? el("optgroup", { label: group.label.text }, options(group)) : options(group))),
  );
  field.value = chosen;
  return field;
}

function ticks(element, context, block, type) {
  const entry = context.entry(block, element) ?? {};
  const chosen = (entry.selected_options ?? [entry.selected_option]).map((option) => option?.value);
  const box = el("div", { class: "ticks" });
  for (const option of element.options) {
    const [name, checked] = [`${block.block_id}/${element.action_id}`, chosen.includes(option.value)];
    const change = () => {
      const values = [...box.querySelectorAll(":checked")].map((tick) => tick.value);
      context.use(block, element, type === "radio" ? values[0] : values);
    };
    const tick = el("input", { type, name, value: option.value, checked, onchange: change });
    const note = option.description && el("span", { class: "muted" }, ` ${option.description.text}`);
    box.append(el("label", {}, tick, " ", textNodes(option.text, context), note));
  }
  return box;
}

/** An external select: the app is asked for options when it opens and while one types in it. */
function combobox(element, context, block) {
  const listId = `options-${block.block_id}`;
  let chosen = context.entry(block, element)?.selected_option;
  let [options, active, asked, timer] = [[], -1, 0, 0];
  const field = el("input", {
    role: "combobox",
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
    const found = await context.suggest(block, query);
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
          onmousedown: (event) => event.preventDefault(), // or the field would lose the focus first
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
