// Where the page gets its state from: server-sent events, or polling in a browser without them.

import { $, remember, ui } from "./store.js";

const FIRST_PERSON = "U_SARA";
const RETRY_MS = 2000;
const POLL_MS = 1000;
let source = null;
let poll = 0;

/** Follow the state as `ui.me` sees it; `show(state)` is called with each one. */
export function listen(show) {
  source?.close();
  clearTimeout(poll);
  if (typeof EventSource === "undefined") return ask(show);
  source = new EventSource(`/events?person=${encodeURIComponent(ui.me)}`);
  source.onmessage = (event) => show(JSON.parse(event.data));
  source.onopen = () => found(true);
  source.onerror = () => {
    found(false);
    if (source.readyState !== EventSource.CLOSED) return; // it reconnects on its own
    poll = setTimeout(() => again(show), RETRY_MS);
  };
}

/** Try again; a playground that does not know this person gets another one. */
async function again(show) {
  const answer = await fetch(`/state?person=${encodeURIComponent(ui.me)}`).catch(() => null);
  if (answer?.status === 404) remember("me", FIRST_PERSON);
  listen(show);
}

async function ask(show) {
  $("old-browser").hidden = false;
  const person = ui.me;
  try {
    const answer = await fetch(`/state?person=${encodeURIComponent(person)}`);
    if (!answer.ok) throw new Error(String(answer.status));
    const state = await answer.json();
    if (person !== ui.me) return;
    show(state);
    found(true);
  } catch {
    found(false);
  }
  clearTimeout(poll);
  poll = setTimeout(() => ask(show), POLL_MS);
}

function found(isThere) {
  $("lost").hidden = isThere;
}
