// What all parts of the page share: who one is, where, what there is to see, and how to do something.
//
// Everything on the screen is drawn from `ui.state`, region by region, and only where it has changed.

export const $ = (id) => document.getElementById(id);

// `place`: a channel's id, "home" or "direct" (the tabs of the app), or "workflows".
export const ui = { me: sessionStorage.getItem("me") ?? "U_SARA", place: "C_GENERAL", state: null };

const drawn = new Map(); // region -> the JSON that it shows
let drawAll = () => {};

/** Draw everything that has changed; the page says once how. */
export const render = () => ui.state && drawAll();
export const drawWith = (draw) => (drawAll = draw);

/** Redraw a region if what it shows has changed; what was in hand there stays in hand. */
export function draw(id, data, nodes) {
  const key = JSON.stringify(data);
  if (drawn.get(id) === key) return false;
  drawn.set(id, key);
  const held = $(id).contains(document.activeElement) ? document.activeElement : null;
  $(id).replaceChildren(...[nodes(data)].flat(Infinity).filter((each) => each != null && each !== false));
  if (held?.id) takeUp(document.getElementById(held.id), held);
  return true;
}

/** Let a region be drawn again though nothing has changed, such as when a choice was taken back. */
export const forget = (id) => drawn.delete(id);

function takeUp(element, held) {
  element?.focus();
  if (element && held.selectionStart != null) element.setSelectionRange(held.selectionStart, held.selectionEnd);
}

let queue = Promise.resolve();

/** Acts happen one after the other, as they were done; the answer, with `problem` when it was not possible. */
export function act(name, body = {}) {
  const person = ui.me;
  queue = queue.then(() => post(name, { person, ...body })).catch((error) => ({ problem: String(error) }));
  return queue;
}

/** The same, past the queue, which may be waiting for the bot. */
export async function post(name, body) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`/act/${name}`, { method: "POST", headers, body: JSON.stringify(body) });
  const told = await answer.json();
  if (told.problem) toast(`That did not work: ${told.problem}`);
  return told;
}

export function toast(words) {
  $("toast").textContent = words;
  setTimeout(() => $("toast").textContent === words && ($("toast").textContent = ""), 6000);
}

/** What drawing blocks needs of the workspace; whoever draws adds what happens when something is used. */
export function workspace() {
  const { state } = ui;
  return {
    names: state.names,
    people: Object.fromEntries(state.people.map((each) => [each.id, each.name])),
    channels: Object.fromEntries(state.channels.filter((each) => !each.is_im).map((each) => [each.id, each.name])),
    go: (id) => {
      ui.place = id;
      render();
    },
    entry: () => undefined,
    note: () => "",
    typed: () => {},
  };
}
