// Renders Block Kit as Slack does: the blocks of messages, modals, and Home tabs, and their elements.
//
// `context` comes from the page: `names`, `people`, `channels`, `go` (see mrkdwn.js); `where`, a unique prefix for
// ids; `use(block, element, value)` when an element is clicked or an option chosen; `entry(block, element)`, its
// current state (as in view.state.values); `typed(block, element, text)`; `entered(block, element, text)` for a
// field that notifies the app at once; `suggest(block, query, element)`; `note(block)`, the error under an input.

import { combobox } from "./combobox.js";
import { el } from "./dom.js";
import { menuButton } from "./menu.js";
import { textNodes } from "./mrkdwn.js";

export function drawBlocks(blocks, context) {
  return blocks.map((block) => (BLOCKS[block.type] ?? unknown)(block, context));
}

/** What this page can't show is loud: Slack may show it, so nobody should take its absence for the truth. */
const unknown = (thing) => el("p", { class: "unknown", "data-unknown": thing.type }, `⚠ This page can't show a “${thing.type}”. Slack may.`);
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
    const field = element.matches("input, textarea, select") ? element : element.querySelector("input, select");
    if (!field) return el("div", { class: "block input" }, el("p", {}, el("b", {}, block.label.text)), element);
    if (!element.matches(".ticks")) field.id = `${context.where}-${block.block_id}`; // several fields share the label
    const [hint, error] = [block.hint?.text, context.note(block)];
    const optional = block.optional && el("span", { class: "muted" }, " (optional)");
    field.setAttribute("aria-describedby", `${context.where}-about-${block.block_id}`);
    if (error) field.setAttribute("aria-invalid", "true");
    return el(
      "div",
      { class: error ? "block input wrong" : "block input" },
      el("label", { for: field.id || null }, block.label.text, optional),
      element,
      el(
        "div",
        { id: `${context.where}-about-${block.block_id}` },
        error && el("p", { class: "error" }, error),
        hint && el("p", { class: "hint" }, hint),
      ),
    );
  },
};

function drawElement(block, element, context) {
  const drawn = (ELEMENTS[element.type] ?? unknown)(element, context, block);
  drawn.id = `${context.where}-${block.block_id}-${element.action_id}`; // to restore the focus after a redraw
  return drawn;
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
      maxlength: element.max_length,
      rows: element.multiline ? 5 : null,
      placeholder: element.placeholder?.text,
      "data-focus": element.focus_on_load,
      oninput: () => {
        context.typed(block, element, field.value);
        if (notifies(block, element, "on_character_entered")) context.entered?.(block, element, field.value);
      },
      onkeydown: (event) => {
        if (event.key !== "Enter" || event.isComposing || !context.entered) return;
        if (!notifies(block, element, "on_enter_pressed")) return;
        if (!element.multiline) event.preventDefault();
        context.entered(block, element, field.value);
      },
    });
    field.value = context.entry(block, element)?.value ?? "";
    return field;
  },
  number_input: (element, context, block) => {
    const field = el("input", {
      type: "number",
      step: element.is_decimal_allowed ? "any" : 1,
      min: element.min_value,
      max: element.max_value,
      placeholder: element.placeholder?.text,
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
  users_select: (element, context, block) => {
    const options = Object.entries(context.people).map(([value, name]) => ({ value, text: { text: name } }));
    return choice(element, context, block, [{ options }], context.entry(block, element)?.selected_user);
  },
  multi_users_select: (element, context, block) => {
    const chosen = context.entry(block, element)?.selected_users ?? [];
    const options = Object.entries(context.people)
      .filter(([value]) => !chosen.includes(value))
      .map(([value, name]) => ({ value, text: { text: name } }));
    const named = chosen.map((value) => [value, context.people[value] ?? context.names[value] ?? value]);
    return several(element, context, block, named, (adding) => choice(element, adding, block, [{ options }], ""));
  },
  multi_external_select: (element, context, block) => {
    const chosen = context.entry(block, element)?.selected_options ?? [];
    const named = chosen.map((option) => [option.value, option.text.text]);
    return several(element, context, block, named, (adding) => combobox(element, adding, block));
  },
  datepicker: (element, context, block) => {
    const day = context.entry(block, element)?.selected_date ?? "";
    // A browser shows its own pattern in an empty field, so the placeholder stands before it.
    const field = el("input", { type: "date", "aria-label": element.placeholder?.text });
    field.value = day;
    field.addEventListener("change", () => field.value && context.use(block, element, field.value));
    return el("span", { class: "day" }, !day && el("span", { class: "muted" }, element.placeholder?.text), field);
  },
  file_input: (element, context, block) => {
    const accept = element.filetypes?.map((each) => `.${each}`).join(",");
    const field = el("input", { type: "file", accept });
    field.addEventListener("change", () => field.files[0] && context.attach(block, field.files[0]));
    return field;
  },
  timepicker: (element, context, block) => {
    const field = el("input", { type: "time", "aria-label": element.placeholder?.text ?? block.label?.text });
    field.value = context.entry(block, element)?.selected_time ?? "";
    field.addEventListener("change", () => context.use(block, element, field.value || null));
    return field;
  },
  overflow: (element, context, block) => {
    const items = () =>
      element.options.map((each) => ({ text: each.text.text, run: () => context.use(block, element, each.value) }));
    return menuButton({ class: "button overflow", "aria-label": "More options" }, "⋯", items);
  },
  radio_buttons: (element, context, block) => ticks(element, context, block, "radio"),
  checkboxes: (element, context, block) => ticks(element, context, block, "checkbox"),
  external_select: combobox,
};

/** Whether this trigger in the field notifies the app. */
function notifies(block, element, trigger) {
  const on = element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  return Boolean(block.dispatch_action) && on.includes(trigger);
}

function choice(element, context, block, groups, chosen) {
  const options = (group) => group.options.map((each) => el("option", { value: each.value }, each.text.text));
  const field = el(
    "select",
    {
      class: element.type,
      "aria-label": element.placeholder?.text,
      onchange: () => context.use(block, element, field.value),
    },
    el("option", { value: "", disabled: true }, element.placeholder?.text ?? "Choose…"),
    groups.map((group) => (group.label ? el("optgroup", { label: group.label.text }, options(group)) : options(group))),
  );
  field.value = chosen ?? "";
  return field;
}

/** A select of several: those that are chosen, each with a button that removes it, and a field that adds one. */
function several(element, context, block, named, field) {
  const values = named.map(([value]) => value);
  const without = (value) => values.filter((each) => each !== value);
  const adding = {
    ...context,
    entry: () => ({}),
    use: (_block, _element, value) => context.use(block, element, [...without(value), value]),
  };
  const chips = named.map(([value, name]) => {
    const remove = () => context.use(block, element, without(value));
    return el("button", { type: "button", class: "button chip", "aria-label": `Remove ${name}`, onclick: remove }, `${name} ✕`);
  });
  return el("div", { class: "several" }, chips, field(adding));
}

function ticks(element, context, block, type) {
  const entry = context.entry(block, element) ?? {};
  const chosen = (entry.selected_options ?? [entry.selected_option]).map((option) => option?.value);
  const box = el("div", { class: "ticks" });
  for (const option of element.options) {
    const [name, checked] = [`${context.where}/${block.block_id}/${element.action_id}`, chosen.includes(option.value)];
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
