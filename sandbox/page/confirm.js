// Slack's confirmation dialog for a component.

import { el } from "./dom.js";
import { textNodes } from "./mrkdwn.js";
import { $ } from "./store.js";

/** Whether the action goes ahead: the component has no `confirm`, or it was confirmed. */
export function confirmed(element, context) {
  if (!element.confirm) return Promise.resolve(true);
  const { title, text, confirm, deny, style } = element.confirm;
  const dialog = $("confirm");
  const button = (kind, words, value) =>
    el("button", { type: "button", class: `button ${kind}`, onclick: () => dialog.close(value) }, words);
  dialog.returnValue = "";
  dialog.replaceChildren(
    el("h2", { id: "confirm-title" }, title.text),
    el("p", { class: "text" }, textNodes(text, context)),
    el("footer", {}, button("", deny.text, ""), button(style ?? "primary", confirm.text, "yes")),
  );
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
