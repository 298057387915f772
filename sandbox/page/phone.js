// The right-hand side: what the phone system heard, how its calls go, and the switches for what may go wrong.

import { el } from "./dom.js";
import { act, draw, ui } from "./store.js";

export function drawPhones() {
  const { state } = ui;
  draw("rings", state.rings, ringWords);
  draw("calls", state.calls, (calls) => calls.map(callRow));
  draw("next-calls", state.next_calls, nextCalls);
  draw("troubles", state.troubles, troubleGroups);
}

function ringWords(rings) {
  return rings === 0 ? "The phone has not rung yet." : `The phone rang ${rings === 1 ? "once" : `${rings} times`}.`;
}

/** One call; the seconds of a call that goes on are written by `tickPhones`. */
function callRow(call) {
  const goesOn = call.lasted === null;
  const seconds = el("span", goesOn ? { "data-since": call.since } : {}, goesOn ? "" : `after ${call.lasted} s`);
  const button = (name, words, kind = "") =>
    el("button", { type: "button", class: `button ${kind}`, onclick: () => act(name, { sid: call.sid }) }, words);
  return el(
    "li",
    { class: `call ${call.status.replaceAll(" ", "-")}` },
    el("b", {}, call.number),
    el("span", { class: "status" }, call.status, " ", seconds),
    el("small", { class: "muted" }, `${call.flow} · from ${call.caller_id}`),
    el("small", { class: "muted" }, `${call.script} · ${call.record}`),
    call.status === "ringing" && button("answer", "Answer now"),
    goesOn && button("hang_up", "Hang up there", "danger"),
  );
}

/** How the next calls go: each change counts from the next call on. */
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
  const course = choice("course", "The next calls …", next.courses, next.course);
  const ring = el("input", { id: "ring", type: "number", min: 0, max: 120, value: next.ring_s, onchange: put });
  const record = choice("record", "Evo Voice lists a call …", next.records, next.record);
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
    el("label", {}, archived, el("span", {}, "and moves it to the archive once it is over")),
  ];
}

/** The switches, grouped by where the trouble is. */
function troubleGroups(troubles) {
  const row = (each) => {
    const change = (event) => act("trouble", { id: each.id, on: event.target.checked });
    const about = { id: `trouble-${each.id}`, type: "checkbox", role: "switch", checked: each.on, onchange: change };
    return el("label", {}, el("input", about), el("span", {}, each.words));
  };
  const places = [...new Set(troubles.map((each) => each.where))];
  return places.map((place) =>
    el("fieldset", {}, el("legend", {}, place), troubles.filter((each) => each.where === place).map(row)),
  );
}

/** Let the seconds of the calls that go on run. */
export function tickPhones() {
  for (const each of document.querySelectorAll("[data-since]")) {
    each.textContent = `${Math.max(0, Math.round(Date.now() / 1000 - Number(each.dataset.since)))} s`;
  }
}
