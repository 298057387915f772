// The playground's page: renders the state from /events, and POSTs actions to /act/….

import { drawComposer } from "./composer.js";
import { listen } from "./connection.js";
import { tickDates } from "./dates.js";
import { el } from "./dom.js";
import { drawDrawers } from "./drawers.js";
import { drawHome } from "./home.js";
import { tickPayloads } from "./inspector.js";
import { drawIntro } from "./intro.js";
import { moveInMenu } from "./menu.js";
import { drawMessages } from "./messages.js";
import { drawModal } from "./modal.js";
import { drawPhone, tickPhones } from "./phone.js";
import { drawPlaces, notifyTabOpened, showView } from "./places.js";
import { $, draw, drawWith, remember, render, ui, workspace } from "./store.js";
import { drawWorkflows } from "./workflows.js";

function follow() {
  listen((state) => {
    ui.state = state;
    render();
  });
}

drawWith(() => {
  const context = workspace();
  drawIntro();
  drawPeople();
  drawPlaces();
  drawMessages(context);
  drawComposer();
  drawHome(context);
  drawWorkflows(context);
  drawModal(context);
  drawPhone();
  drawDrawers();
  tick();
});

function tick() {
  tickPhones();
  tickDates();
  tickPayloads();
}

// --- the people to be

function drawPeople() {
  const { people } = ui.state;
  draw("people", [people, ui.me], () => people.map(personButton));
  const me = people.find((each) => each.id === ui.me);
  draw("open-people", me ?? {}, () => [el("b", {}, me?.name), ` · ${me?.role} ▾`]);
}

function personButton(person) {
  const become = () => {
    remember("me", person.id);
    openPeople(false);
    follow();
    notifyTabOpened();
  };
  const about = { id: `person-${person.id}`, "data-person": person.id, "aria-pressed": String(person.id === ui.me) };
  return el(
    "button",
    { type: "button", ...about, title: person.expects || null, onclick: become },
    el("span", {}, person.name),
    el("small", {}, person.role),
  );
}

/** On a narrow screen the list of people is closed most of the time. */
function openPeople(isOpen) {
  $("people").classList.toggle("open", isOpen);
  $("open-people").setAttribute("aria-expanded", String(isOpen));
}

$("open-people").addEventListener("click", () => openPeople(!$("people").classList.contains("open")));
$("phone-tab").addEventListener("click", () => showView(document.body.dataset.view === "phone" ? "slack" : "phone"));
$("menu").addEventListener("keydown", moveInMenu);
setInterval(tick, 1000);
follow();
