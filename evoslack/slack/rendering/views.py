"""The forms people see, as pure functions from values to Slack views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice
from typing import Any

from evoslack.calling.calls import Call
from evoslack.calling.numbers import pretty
from evoslack.calling.offer import CallerId, Flow, Offer
from evoslack.slack.rendering import form_messages, messages
from evoslack.slack.rendering.form_metadata import FormMetadata

View = dict[str, Any]

FORM, CHOICE = "call_form", "call_choice"
NUMBER, FLOW, CALLER_ID = "number", "flow", "caller_id"  # block ids and action ids alike

MOST_OPTIONS = 100  # slack-facts 3: options of a select
LONGEST_OPTION = 75  # and the length of each text
CLOSE_ENOUGH = 0.6  # how like a flow's name typed words must be
LONGEST_TYPED = messages.LONGEST_NAME  # characters; who types more means no flow and no caller ID


@dataclass(frozen=True, slots=True)
class Prefill:
    """What a form shall be filled with; whatever is not on offer is left open."""

    number: str = ""  # as a person would type it
    words: str = ""  # that should name a flow
    flow_id: str = ""
    caller_id: str = ""

    @classmethod
    def again(cls, call: Call, region: str) -> Prefill:
        """The same call once more."""
        request = call.request
        return cls(pretty(request.number, region), "", request.flow_id, request.caller_id)


def loading(external_id: str) -> View:
    """Shown at once while the role is being looked up: a trigger lives only three seconds.

    `external_id` is our own name for it, so that it can be replaced even if Slack's answer gets lost.
    """
    return {**_notice("call_loading", form_messages.LOADING), "external_id": external_id}


def notice(words: str) -> View:
    """A page with words and nothing to press; `words` is mrkdwn."""
    return _notice("call_notice", words)


def form(
    offer: Offer,
    origin: FormMetadata,
    *,
    region: str,
    allowed: frozenset[str],
    wish: Prefill,
) -> View:
    """The form, filled with what is wished for, and with the preset caller ID if none is."""
    only = offer.flows[0] if len(offer.flows) == 1 else None
    flow = offer.flow(wish.flow_id) or only or best_flow(offer.flows, wish.words)
    caller_id = offer.caller_id(wish.caller_id) or offer.default_caller_id
    number_input = {
        "type": "plain_text_input",
        "action_id": NUMBER,
        "max_length": 150,
        "focus_on_load": flow is not None,
    }
    if wish.number:
        number_input["initial_value"] = wish.number[:150]
    return {
        "type": "modal",
        "callback_id": FORM,
        "private_metadata": origin.packed(),
        "title": _plain(form_messages.FORM_TITLE),
        "submit": _plain(form_messages.FORM_SUBMIT),
        "close": _plain(messages.CANCEL),
        "blocks": [
            _select(
                FLOW, form_messages.FLOW_LABEL, form_messages.FLOW_HINT, flow_option(flow) if flow else None
            ),
            {
                "type": "input",
                "block_id": NUMBER,
                "label": _plain(form_messages.NUMBER_LABEL),
                "hint": _plain(form_messages.number_hint(region, allowed)),
                "element": number_input,
            },
            _select(
                CALLER_ID,
                form_messages.CALLER_ID_LABEL,
                form_messages.CALLER_ID_HINT,
                caller_id_option(caller_id, region),
            ),
        ],
    }


def choice(numbers: Sequence[str], origin: FormMetadata, *, region: str) -> View:
    """Several numbers were found: which one shall the form have? At most a hundred are offered."""
    options = [{"text": _plain(pretty(number, region)), "value": number} for number in numbers[:MOST_OPTIONS]]
    return {
        "type": "modal",
        "callback_id": CHOICE,
        "private_metadata": origin.packed(),
        "title": _plain(form_messages.FORM_TITLE),
        "submit": _plain(form_messages.CHOICE_SUBMIT),
        "close": _plain(messages.CANCEL),
        "blocks": [
            {
                "type": "input",
                "block_id": NUMBER,
                "label": _plain(form_messages.CHOICE_LABEL),
                "hint": _plain(form_messages.choice_hint(len(numbers), len(options))),
                "element": {"type": "static_select", "action_id": NUMBER, "options": options},
            }
        ],
    }


def flow_options(flows: Sequence[Flow], typed: str) -> list[dict[str, Any]]:
    """At most 100 flows whose name holds every typed word."""
    if len(typed) > LONGEST_TYPED:
        return []
    wanted = set(typed.casefold().split())
    names = ((flow, flow.name.casefold()) for flow in flows)
    found = (flow for flow, name in names if all(word in name for word in wanted))
    return [flow_option(flow) for flow in islice(found, MOST_OPTIONS)]


def caller_id_options(caller_ids: Sequence[CallerId], typed: str, region: str) -> list[dict[str, Any]]:
    """At most 100 caller IDs whose label or digits hold what was typed."""
    if len(typed) > LONGEST_TYPED:
        return []
    wanted = typed.casefold().strip()
    digits = "".join(char for char in wanted if char.isdigit())
    found = (
        caller_id
        for caller_id in caller_ids
        if wanted in caller_id.label.casefold() or (digits and digits in caller_id.number)
    )
    return [caller_id_option(caller_id, region) for caller_id in islice(found, MOST_OPTIONS)]


def flow_option(flow: Flow) -> dict[str, Any]:
    """One flow; the value is its id."""
    option = {"text": _plain(_cut(flow.name)), "value": flow.id}
    return option | {"description": _plain(_cut(flow.note))} if flow.note else option


def caller_id_option(caller_id: CallerId, region: str) -> dict[str, Any]:
    """One caller ID; the value is its E.164 number."""
    number = pretty(caller_id.number, region)
    label = f"{number} · {caller_id.label}" if caller_id.label else number
    return {"text": _plain(_cut(label)), "value": caller_id.number}


def best_flow(flows: Sequence[Flow], words: str) -> Flow | None:
    """The flow whose name fits the words best, or None when none is like them."""
    wanted = words.casefold().strip()
    if not wanted or len(wanted) > LONGEST_TYPED:
        return None
    # It grows with the product of both lengths; what a list does not show makes no difference.
    matcher = SequenceMatcher(None, "", wanted[:LONGEST_OPTION])
    likeness = [_likeness(flow.name.casefold(), wanted, matcher) for flow in flows]
    best = max(likeness, default=0.0)
    return flows[likeness.index(best)] if best >= CLOSE_ENOUGH else None


def _likeness(name: str, wanted: str, matcher: SequenceMatcher[str]) -> float:
    """How like each other they are; `matcher` knows what is wanted already."""
    if name == wanted:
        return 3.0
    matcher.set_seq1(name[:LONGEST_OPTION])
    if name.startswith(wanted):
        return 2.0 + matcher.ratio()
    if all(word in name for word in set(wanted.split())):
        return 1.0 + matcher.ratio()
    return matcher.ratio() if matcher.quick_ratio() >= CLOSE_ENOUGH else 0.0  # the quick one is never less


def _select(block: str, label: str, hint: str, initial: dict[str, Any] | None) -> dict[str, Any]:
    # An external select asks us for its options, so a form is as quick with 500 flows as with one.
    element: dict[str, Any] = {
        "type": "external_select",
        "action_id": block,
        "min_query_length": 0,
        "placeholder": _plain(form_messages.SEARCH_PLACEHOLDER),
    }
    if initial:
        element["initial_option"] = initial
    return {
        "type": "input",
        "block_id": block,
        "label": _plain(label),
        "hint": _plain(hint),
        "element": element,
    }


def _notice(callback_id: str, words: str) -> View:
    return {
        "type": "modal",
        "callback_id": callback_id,
        "title": _plain(form_messages.FORM_TITLE),
        "close": _plain(form_messages.CLOSE),
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": words, "verbatim": True}}],
    }


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_OPTION else text[: LONGEST_OPTION - 1] + "…"
