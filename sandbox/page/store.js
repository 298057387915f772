// Shared by all parts of the page: the current person and place, the state, and sending actions.
//
// The page is rendered from `ui.state`, region by region, and only where it has changed.

export const $ = (id) => document.getElementById(id);

// `place`: a channel's id, "home" or "direct" (the tabs of the app), or "workflows".
export const ui = {
  me: sessionStorage.getItem("me") ?? "U_SARA",
  place: sessionStorage.getItem("place") ?? "C_CALLS",
  state: null,
};

/** Set `me` or `place`, and keep it for a reload. */
export function remember(name, value) {
  ui[name] = value;
  sessionStorage.setItem(name, value);
}

export const isNarrow = () => matchMedia("(max-width: 760px)").matches;

const drawn = new Map(); // region -> the JSON it was drawn from
let drawAll = () => {};

/** Redraw what has changed, with the function given to `drawWith`. */
export const render = () => ui.state && drawAll();
export const drawWith = (draw) => (drawAll = draw);

/** Redraw a region if its data has changed; keeps focus and selection. */
export function draw(id, data, nodes) {
  const key = JSON.stringify(data);
  if (drawn.get(id) === key) return false;
  drawn.set(id, key);
  const held = $(id).contains(document.activeElement) ? document.activeElement : null;
  $(id).replaceChildren(...[nodes(data)].flat(Infinity).filter((each) => each != null && each !== false));
  if (held?.id) restoreFocus(document.getElementById(held.id), held);
  return true;
}

/** Force a redraw of a region without a change, such as after a canceled choice. */
export const forget = (id) => drawn.delete(id);

function restoreFocus(element, held) {
  element?.focus({ preventScroll: true });
  if (element && held.selectionStart != null) element.setSelectionRange(held.selectionStart, held.selectionEnd);
}

let queue = Promise.resolve();

/** Send an action; actions run one at a time. The result has a `problem` when it failed. */
export function act(name, body = {}) {
  const person = ui.me;
  queue = queue.then(() => post(name, { person, ...body }));
  return queue;
}

/** Send an action without queueing: the queue may be waiting for the bot. */
export async function post(name, body) {
  const headers = { "Content-Type": "application/json" };
  let result;
  try {
    const answer = await fetch(`/act/${name}`, { method: "POST", headers, body: JSON.stringify(body) });
    result = await answer.json();
  } catch {
    result = { problem: "the playground doesn't respond." };
  }
  if (result.problem) toast(`That didn't work: ${result.problem}`);
  return result;
}

export function toast(words) {
  $("toast").textContent = words;
  setTimeout(() => $("toast").textContent === words && ($("toast").textContent = ""), 6000);
}

/** The base of the `context` for blocks.js; each place adds its own handlers. */
export function workspace() {
  const { state } = ui;
  return {
    names: state.names,
    people: Object.fromEntries(state.people.map((each) => [each.id, each.name])),
    channels: Object.fromEntries(state.channels.filter((each) => !each.is_im).map((each) => [each.id, each.name])),
    go: (id) => {
      remember("place", id);
      render();
    },
    entry: () => undefined,
    note: () => "",
    typed: () => {},
  };
}
