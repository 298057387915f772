// Runs the app's workflow steps, as a workflow built with them would.

import { drawBlocks } from "./blocks.js";
import { el } from "./dom.js";
import { REQUIRED } from "./modal.js";
import { $, act, draw, render, toast, ui } from "./store.js";

const INTRO = "In Slack, people build workflows with these steps. Fill one in and run it here.";
const NONE = "manifest.yml declares no steps.";
const UNACKED = "EvoSlack didn't acknowledge it.";
const form = { me: "", step: "", missing: [], busy: false };
const values = {}; // input -> its value
const seen = {}; // input -> the options the app returned for it

export function drawWorkflows(context) {
  const { steps } = ui.state.app;
  $("workflows").hidden = ui.place !== "workflows";
  if ($("workflows").hidden) return;
  const isKnown = steps.some((each) => each.id === form.step);
  if (form.me !== ui.me || !isKnown) choose(isKnown ? form.step : (steps[0]?.id ?? ""));
  draw("step", [steps, form], () => (steps.length ? stepForm(steps, context) : el("p", { class: "muted" }, NONE)));
  draw("runs", ui.state.runs, (runs) => runs.map(runRow));
}

function choose(step) {
  Object.assign(form, { me: ui.me, step, missing: [] });
  for (const each of [values, seen]) Object.keys(each).forEach((name) => delete each[name]);
  const { blocks = [] } = ui.state.app.steps.find((each) => each.id === step) ?? {};
  // A workflow usually passes the person who started it.
  for (const block of blocks) if (block.element?.type === "users_select") values[block.block_id] = ui.me;
}

function stepForm(steps, context) {
  const step = steps.find((each) => each.id === form.step);
  const select = el(
    "select",
    { id: "which-step", onchange: () => [choose(select.value), render()] },
    steps.map((each) => el("option", { value: each.id, selected: each.id === form.step }, each.title)),
  );
  const run = (event) => {
    event.preventDefault();
    runStep();
  };
  return el(
    "form",
    { onsubmit: run, novalidate: true },
    el("p", { class: "muted" }, INTRO),
    el("div", { class: "block input" }, el("label", { for: "which-step" }, "Step"), select),
    step.description && el("p", { class: "hint" }, step.description),
    drawBlocks(step.blocks, inStep(context)),
    el("button", { type: "submit", id: "run-step", class: "button primary", disabled: form.busy }, "Run the step"),
  );
}

function inStep(context) {
  const put = (block, element, value) => (values[block.block_id] = value);
  return {
    ...context,
    where: "step",
    entry: ({ block_id }) => {
      const [value, option] = [values[block_id], (seen[block_id] ?? []).find((each) => each.value === values[block_id])];
      const selected_option = option ?? (value && { value, text: { text: value } });
      return { value, selected_user: value, selected_conversation: value, selected_option };
    },
    note: (block) => form.missing.includes(block.block_id) && REQUIRED,
    typed: put,
    use: put,
    suggest: async ({ block_id }, query) => {
      const { options: found = [], error } = await act("step_options", { step: form.step, block: block_id, values, query });
      if (error) toast(error);
      seen[block_id] = [...(seen[block_id] ?? []), ...found];
      return found;
    },
  };
}

async function runStep() {
  Object.assign(form, { busy: true, missing: [] });
  render();
  const result = await act("run_step", { step: form.step, values });
  Object.assign(form, { busy: false, missing: result.missing ?? [] });
  render();
}

function runRow(run) {
  const step = ui.state.app.steps.find((each) => each.id === run.step);
  const words = run.status === "running" && run.unacked ? `running · ${UNACKED}` : run.status;
  return el(
    "li",
    { class: `run ${run.status}` },
    el("b", {}, step?.title ?? run.step),
    el("span", { class: "status" }, words),
    run.error && el("p", { class: "error" }, run.error),
    pairs("In", run.inputs),
    pairs("Out", run.outputs),
  );
}

/** A value of a step; a person by name. */
function shown(value) {
  const id = value?.id ?? String(value);
  return ui.state.names[id] ? `@${ui.state.names[id]}` : id;
}

function pairs(title, all) {
  const rows = Object.entries(all ?? {}).map(([name, value]) => [el("dt", {}, name), el("dd", {}, shown(value))]);
  return rows.length > 0 && el("dl", { "aria-label": title }, el("dt", { class: "muted" }, title), el("dd", {}), rows);
}
