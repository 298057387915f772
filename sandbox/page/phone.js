// The right column: the phone system's calls, how the next ones go, and the fault switches.

import { el } from "./dom.js";
import { act, draw, ui } from "./store.js";

export function drawPhones() {
  const { state } = ui;
  draw("rings", state.rings, ringWords);
  draw("calls", state.calls, (calls) => calls.map(callRow));
  draw("next-calls", state.next_calls, nextCalls);
  draw("faults", state.faults, faultGroups);
}

function ringWords(rings) {
  return rings === 0 ? "No phone has rung yet." : `Phones rang ${rings === 1 ? "once" : `${rings} times`}.`;
}

/** A call; `tickPhones` updates the seconds of an active one. */
function callRow(call) {
  const isActive = call.lasted === null;
  const seconds = el("span", isActive ? { "data-since": call.since } : {}, isActive ? "" : `after ${call.lasted} sec`);
  const button = (name, words, kind = "") =>
    el("button", { type: "button", class: `button ${kind}`, onclick: () => act(name, { sid: call.sid }) }, words);
  return el(
    "li",
    { class: `call ${call.status.replaceAll(" ", "-")}` },
    el("b", {}, call.number),
    el("span", { class: "status" }, call.status, " ", seconds),
    el("small", { class: "muted" }, `${call.flow} · from ${call.caller_id}`),
    el("small", { class: "muted" }, `${call.script} · ${call.record}`),
    call.status === "ringing" && button("answer", "Answer"),
    isActive && button("hang_up", "Hang up", "danger"),
  );
}

/** How calls go; a change applies from the next call on. */
function nextCalls(next) {
  const choice = (id, name, options, chosen) =>
    el(
      "label",
      { class: "field" },
      el("span", {}, name),
      el(
        "select",
        { id, onchange: put },
        options.map((each) => el("option", { value: each.id, selected: each.id === chosen }, each.words)),
      ),
    );
  const course = choice("course", "The next calls…", next.courses, next.course);
  const ring = el("input", { id: "ring", type: "number", min: 0, max: 120, value: next.ring_s, onchange: put });
  const record = choice("record", "Evo Voice lists a call…", next.records, next.record);
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
    el("label", {}, archived, el("span", {}, "and archives it after it ends")),
  ];
}

/** The fault switches by group. */
function faultGroups(faults) {
  const row = (each) => {
    const change = (event) => act("set_fault", { id: each.id, on: event.target.checked });
    const about = { id: `fault-${each.id}`, type: "checkbox", role: "switch", checked: each.on, onchange: change };
    return el("label", {}, el("input", about), el("span", {}, each.label));
  };
  const groups = [...new Set(faults.map((each) => each.group))];
  return groups.map((group) =>
    el("fieldset", {}, el("legend", {}, group), faults.filter((each) => each.group === group).map(row)),
  );
}

/** Update the seconds of active calls. */
export function tickPhones() {
  for (const each of document.querySelectorAll("[data-since]")) {
    each.textContent = `${Math.max(0, Math.round(Date.now() / 1000 - Number(each.dataset.since)))} sec`;
  }
}
