// “Break something”: the fault switches, killing the bot, and how the next calls go, each with what to watch for.

import { el } from "./dom.js";
import { $, act, draw, post, ui } from "./store.js";

const RING = "The card says “ringing” for as long as the phone rings.";
const RECORD =
  "Until then the card follows the list of active calls, without Hang up. If never, nobody learns how it ended.";
const ARCHIVED = "EvoSlack reads current sessions only: the card may say “ended” without saying how.";

export function drawBreak() {
  const { state } = ui;
  draw("bot", state.bot.condition, (words) => words);
  draw("faults", state.faults, faultGroups);
  draw("next-calls", state.next_calls, nextCalls);
}

const watch = (words) => el("small", { class: "watch" }, words);

/** The fault switches by group. */
function faultGroups(faults) {
  const row = (each) => {
    const change = (event) => act("set_fault", { id: each.id, on: event.target.checked });
    const about = { id: `fault-${each.id}`, "data-fault": each.id, type: "checkbox", role: "switch" };
    const input = el("input", { ...about, checked: each.on, onchange: change });
    return el("label", {}, input, el("span", {}, each.label, watch(each.watch)));
  };
  const groups = [...new Set(faults.map((each) => each.group))];
  return groups.map((group) =>
    el("fieldset", {}, el("legend", {}, group), faults.filter((each) => each.group === group).map(row)),
  );
}

/** How calls go; a change applies from the next call on. */
function nextCalls(next) {
  const choice = (id, name, options, chosen, words) =>
    el(
      "label",
      { class: "field" },
      el("span", {}, name),
      el(
        "select",
        { id, onchange: put },
        options.map((each) => el("option", { value: each.id, selected: each.id === chosen }, each.words)),
      ),
      watch(words),
    );
  const course = choice("course", "The next calls…", next.courses, next.course, RING);
  const ring = el("input", { id: "ring", type: "number", min: 0, max: 120, value: next.ring_s, onchange: put });
  const record = choice("record", "Evo Voice lists a call…", next.records, next.record, RECORD);
  const archived = el("input", { id: "archived", type: "checkbox", checked: next.archived, onchange: put });
  const chosen = (label) => label.querySelector("select").value;
  function put() {
    act("next_calls", {
      course: chosen(course),
      ring_s: ring.valueAsNumber || 0,
      record: chosen(record),
      archived: archived.checked,
    });
  }
  return [
    el("h3", {}, "How calls go"),
    course,
    next.answers && el("label", {}, el("span", {}, "answered after"), ring, el("span", {}, "seconds")),
    record,
    el("label", {}, archived, el("span", {}, "Archive calls when they end", watch(ARCHIVED))),
  ];
}

$("kill").addEventListener("click", async () => {
  $("kill").disabled = true;
  await post("kill", {}).finally(() => ($("kill").disabled = false));
});
