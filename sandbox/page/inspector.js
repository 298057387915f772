// The inspector: each payload between Slack, the bot, and Evo Voice, with its age; and the bot's log.

import { el } from "./dom.js";
import { $, draw, ui } from "./store.js";

const EVERY_MS = 1000;
const opened = new Set(); // ids of the payloads that are unfolded
let timer = 0;
let ahead = 0; // how far the server's clock is ahead of this one, in seconds

export function drawInspector() {
  if (draw("log", ui.state.bot.log, (lines) => lines.join("\n"))) $("log").scrollTop = $("log").scrollHeight;
}

/** Fetch payloads as long as the drawer is open. */
export function followPayloads(isOpen) {
  clearInterval(timer);
  if (!isOpen) return;
  refresh();
  timer = setInterval(refresh, EVERY_MS);
}

async function refresh() {
  try {
    const answer = await (await fetch(`/traffic?polls=${$("polls").checked ? 1 : 0}`)).json();
    ahead = answer.now - Date.now() / 1000;
    draw("payloads", answer.payloads, (all) => (all.length ? all.map(row) : el("p", { class: "muted" }, "Nothing yet.")));
    tickPayloads();
  } catch {
    clearInterval(timer); // the banner says that the playground is gone
    timer = setTimeout(() => followPayloads(!$("inspector").hidden), 3 * EVERY_MS);
  }
}

function row(payload) {
  const toggled = (event) => (event.target.open ? opened.add(payload.id) : opened.delete(payload.id));
  return el(
    "details",
    { class: "payload", "data-way": payload.way, open: opened.has(payload.id), ontoggle: toggled },
    el(
      "summary",
      { id: `payload-${payload.id}` },
      el("b", {}, payload.way),
      " ",
      payload.name,
      el("small", { class: "muted" }, payload.back && `${payload.back} · `, el("span", { "data-at": payload.at })),
    ),
    el("pre", {}, JSON.stringify(payload.sent, null, 2)),
    payload.answer != null && [el("small", { class: "muted" }, "with the answer"), el("pre", {}, JSON.stringify(payload.answer, null, 2))],
  );
}

/** Update the ages. */
export function tickPayloads() {
  for (const each of document.querySelectorAll("[data-at]")) {
    const seconds = Math.max(0, Math.round(Date.now() / 1000 + ahead - Number(each.dataset.at)));
    each.textContent = seconds < 100 ? `${seconds} sec ago` : `${Math.round(seconds / 60)} min ago`;
  }
}

$("polls").addEventListener("change", refresh);
