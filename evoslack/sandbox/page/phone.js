// The right-hand side: what the phone system heard, and the switches for what may go wrong.

import { el } from "./dom.js";

export function ringWords(rings) {
  return rings === 0 ? "The phone has not rung yet." : `The phone rang ${rings === 1 ? "once" : `${rings} times`}.`;
}

/** One call; the seconds of a call that goes on are written by `tick`. */
export function callRow(call) {
  const goesOn = call.lasted === null;
  const seconds = el("span", goesOn ? { "data-since": call.since } : {}, goesOn ? "" : `after ${call.lasted} s`);
  return el(
    "li",
    { class: `call ${call.status.replaceAll(" ", "-")}` },
    el("b", {}, call.number),
    el("span", { class: "status" }, call.status, " ", seconds),
    el("small", { class: "muted" }, `${call.flow} · from ${call.caller_id}`),
  );
}

/** The switches, grouped by where the trouble is; `put(id, on)` when one is used. */
export function troubleGroups(troubles, put) {
  const row = (each) => {
    const change = (event) => put(each.id, event.target.checked);
    const input = el("input", { type: "checkbox", role: "switch", checked: each.on, onchange: change });
    return el("label", {}, input, el("span", {}, each.words));
  };
  const places = [...new Set(troubles.map((each) => each.where))];
  return places.map((place) =>
    el("fieldset", {}, el("legend", {}, place), troubles.filter((each) => each.where === place).map(row)),
  );
}

/** Let the seconds of the calls that go on run. */
export function tick() {
  for (const each of document.querySelectorAll("[data-since]")) {
    each.textContent = `${Math.max(0, Math.round(Date.now() / 1000 - Number(each.dataset.since)))} s`;
  }
}
