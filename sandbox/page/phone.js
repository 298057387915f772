// The phone: the call that is on it, with Answer, Decline and Hang up, and the calls so far.

import { el } from "./dom.js";
import { $, act, draw, ui } from "./store.js";

const STATES = ["ringing", "answered", "queued"]; // what the phone shows first, if there are several

export function drawPhone() {
  const { calls, rings } = ui.state;
  const call = shown(calls);
  const last = calls.find((each) => each.lasted !== null);
  $("phone").dataset.state = call?.status ?? "idle";
  draw("handset", [call, !call && last], () => handset(call, last));
  draw("heads-up", call?.status === "ringing" && call, headsUp);
  draw("rings", rings, ringWords);
  draw("calls", [calls, call?.sid], () => calls.map((each) => callRow(each, each.sid !== call?.sid)));
  $("call-list").hidden = !calls.length;
  const ringing = call?.status === "ringing";
  $("phone-tab").classList.toggle("ringing", ringing);
  $("phone-tab").textContent = ringing ? "☎ Ringing" : call ? "☎ On a call" : "☎ Phone";
}

function shown(calls) {
  return STATES.map((status) => calls.find((each) => each.status === status)).find(Boolean);
}

function ringWords(rings) {
  return rings === 0 ? "It has not rung yet." : `It has rung ${{ 1: "once", 2: "twice" }[rings] ?? `${rings} times`} so far.`;
}

/** A number as people write it. */
export function pretty(number) {
  return number.replace(/^\+1(\d{3})(\d{3})(\d{4})$/, "($1)\u00a0$2-$3");
}

function button(name, words, kind, call, id = `phone-${name}`) {
  return el("button", { type: "button", id, class: `round ${kind}`, onclick: () => act(name, { sid: call.sid }) }, words);
}

function handset(call, last) {
  if (!call) {
    const before = last && `Last: ${pretty(last.number)} · ${last.status} after ${last.lasted} sec`;
    return [
      el("p", { class: "icon", "aria-hidden": "true" }, "☎"),
      el("p", { class: "caller" }, "No call"),
      el("p", {}, "Whichever number you call, this phone rings."),
      before && el("p", {}, before),
    ];
  }
  const words = { queued: "Connecting…", ringing: "Incoming call", answered: "On the call" }[call.status];
  return [
    el("p", { class: "icon", "aria-hidden": "true" }, "☎"),
    el("p", {}, words, call.status === "answered" && [" · ", el("span", { "data-since": call.since })]),
    el("p", { class: "caller" }, call.caller_name || pretty(call.caller_id)),
    el("p", {}, "Caller ID ", pretty(call.caller_id)),
    el("p", { class: "dialed" }, "calling ", el("b", {}, pretty(call.number))),
    call.status === "answered" && el("p", {}, `You hear “${call.flow}”.`),
    el(
      "p",
      { class: "keys" },
      call.status === "ringing" && [button("decline", "Decline", "stop", call), button("answer", "Answer", "go", call)],
      call.status === "answered" && button("hang_up", "Hang up", "stop", call),
    ),
  ];
}

/** On a narrow screen a call comes over everything else, as on a real phone. */
function headsUp(call) {
  if (!call) return [];
  return [
    el("p", {}, el("b", {}, call.caller_name || pretty(call.caller_id)), ` is calling ${pretty(call.number)}`),
    button("decline", "Decline", "stop", call, "heads-up-decline"),
    button("answer", "Answer", "go", call, "heads-up-answer"),
  ];
}

/** A call; `tickPhones` updates the seconds of an active one. One that isn't on the phone has its own buttons. */
function callRow(call, hasButtons) {
  const isActive = call.lasted === null;
  const seconds = el("span", isActive ? { "data-since": call.since } : {}, isActive ? "" : `after ${call.lasted} sec`);
  const key = (name, words, kind) =>
    el("button", { type: "button", class: `button ${kind}`, onclick: () => act(name, { sid: call.sid }) }, words);
  return el(
    "li",
    { class: `call ${call.status.replaceAll(" ", "-")}`, "data-number": call.number, "data-status": call.status },
    el("b", {}, pretty(call.number)),
    el("span", { class: "status" }, call.status, " ", seconds),
    el("small", { class: "muted" }, `${call.flow} · from ${pretty(call.caller_id)}`),
    el("small", { class: "muted" }, `${call.script} · ${call.record}`),
    hasButtons && call.status === "ringing" && key("answer", "Answer", ""),
    hasButtons && isActive && key("hang_up", "Hang up", "danger"),
  );
}

/** Update the seconds of active calls. */
export function tickPhones() {
  for (const each of document.querySelectorAll("[data-since]")) {
    each.textContent = `${Math.max(0, Math.round(Date.now() / 1000 - Number(each.dataset.since)))} sec`;
  }
}
