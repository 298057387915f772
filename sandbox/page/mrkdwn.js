// Slack's text objects as DOM nodes: mrkdwn with its tokens and escapes; plain_text unchanged.

import { date } from "./dates.js";
import { el } from "./dom.js";

const INLINE = new RegExp(
  [
    "`([^`\\n]+)`",
    "(https?://[^\\s<>]+)",
    "<([^<>\\n]+)>",
    ...["\\*", "_", "~"].map(
      (m) => `(?<![\\p{L}\\p{N}${m}])${m}(?![\\s${m}])([^${m}\\n]*?)(?<!\\s)${m}(?![\\p{L}\\p{N}${m}])`,
    ),
  ].join("|"),
  "gu",
);
const LINKABLE = /^(https?:|mailto:|tel:)/;

/** Nodes for a text object; `context` has `names` by user id, `channels` by id and `go(channelId)`. */
export function textNodes(object, context) {
  if (object.type !== "mrkdwn") return [object.text];
  return mrkdwn(object.text, { ...context, verbatim: object.verbatim });
}

/** Nodes for mrkdwn: code blocks, then quotes, then inline styles. URLs become links unless the text is `verbatim`. */
export function mrkdwn(text, context) {
  return text.split(/```\n?([\s\S]*?)\n?```/).flatMap((part, index) => {
    if (index % 2) return [el("pre", {}, decoded(part))];
    return part.split(/((?:^&gt; ?.*(?:\n|$))+)/m).flatMap((piece, odd) => {
      if (odd % 2 === 0) return inline(piece, context);
      return [el("blockquote", {}, inline(piece.replace(/^&gt; ?/gm, "").trimEnd(), context))];
    });
  });
}

function inline(text, context) {
  const nodes = [];
  let done = 0;
  for (const found of text.matchAll(INLINE)) {
    const [whole, code, address, token, bold, italic, struck] = found;
    nodes.push(decoded(text.slice(done, found.index)));
    if (code) nodes.push(el("code", {}, decoded(code)));
    else if (address) nodes.push(context.verbatim ? decoded(address) : link(decoded(address)));
    else if (token) nodes.push(tokenNode(token, context));
    else if (bold) nodes.push(el("b", {}, inline(bold, context)));
    else if (italic) nodes.push(el("i", {}, inline(italic, context)));
    else nodes.push(el("s", {}, inline(struck, context)));
    done = found.index + whole.length;
  }
  return [...nodes, decoded(text.slice(done))];
}

function tokenNode(token, context) {
  const [target, label] = token.split(/\|(.*)/s);
  if (/^@[UW]/.test(target)) {
    return el("span", { class: "mention" }, `@${context.names[target.slice(1)] ?? label ?? target.slice(1)}`);
  }
  if (/^#[CG]/.test(target)) {
    const id = target.slice(1);
    const name = `#${context.channels[id] ?? label ?? id}`;
    return el("button", { type: "button", class: "mention", onclick: () => context.go(id) }, name);
  }
  if (target.startsWith("!subteam^")) {
    const id = target.slice("!subteam^".length);
    return el("span", { class: "mention" }, `@${context.names[id] ?? label ?? id}`);
  }
  if (target.startsWith("!date^")) return date(target, decoded(label ?? ""), link);
  if (target.startsWith("!")) return el("span", { class: "mention loud" }, label ?? `@${target.slice(1)}`);
  return LINKABLE.test(target) ? link(decoded(target), label && decoded(label)) : decoded(`<${token}>`);
}

function link(address, label = address.replace(/^(mailto|tel):/, "")) {
  return LINKABLE.test(address) ? el("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, label) : label;
}

function decoded(text) {
  return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}
