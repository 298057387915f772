// The line at the top: who one is and what to do; and what has gone wrong around the page.

import { el } from "./dom.js";
import { draw, post, ui, $ } from "./store.js";

export function drawIntro() {
  const { state } = ui;
  const me = state.people.find((each) => each.id === ui.me);
  draw("intro", me ?? {}, () => (me ? sentence(me) : "Choose a person to be."));
  $("notice").hidden = !state.notice;
  $("notice").textContent = state.notice;
  draw("stopped", [state.bot.is_connected, state.bot.has_stopped, state.bot.condition], stopped);
  draw("complaints", state.complaints, (all) => all.map((each) => el("p", { class: "banner bad" }, `Slack would reject: ${each}`)));
}

function sentence(me) {
  const phone = [el("span", { class: "wide" }, "The phone on the right"), el("span", { class: "narrow" }, "The Phone tab")];
  return [
    el("b", {}, `You're ${me.name}, ${me.job}.`),
    " ",
    me.expects,
    me.may_call && [me.expects && " ", "Type or click. ", phone, " is yours: pick up, or don't."],
  ].flat(Infinity);
}

/** The bot can't receive anything, perhaps because its process has ended. */
function stopped([isConnected, hasStopped, words]) {
  if (isConnected) return [];
  if (!hasStopped) return el("p", { class: "banner" }, words);
  const start = el("button", { type: "button", id: "start", class: "button" }, "Start it again");
  start.addEventListener("click", async () => {
    start.disabled = true;
    await post("start", {}).finally(() => (start.disabled = false));
  });
  return el("p", { class: "banner bad" }, `${words} Calls in its ledger are safe: it resumes them. `, start);
}
