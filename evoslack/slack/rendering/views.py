"""The modals people see, as pure functions from values to Slack views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as with_default
from typing import Any
from urllib.parse import urlsplit

from evoslack.calling.calls import Call
from evoslack.calling.number_format import pretty
from evoslack.calling.offer import CallerId, Flow, Offer
from evoslack.calling.validation import Entries
from evoslack.slack.rendering import button_messages, form_messages, number_line, select_options
from evoslack.slack.rendering.blocks import Block, field, modal, plain, section
from evoslack.slack.rendering.form_metadata import FormMetadata
from evoslack.slack.rendering.help_contact import NO_CONTACT, HelpContact
from evoslack.slack.rendering.typed_words import read_words

FORM, CHOICE = "call_form", "call_choice"
NUMBER, FLOW, CALLER_ID, WHEN = "number", "flow", "caller_id", "when"  # block ids and action ids alike
NOW, LATER = "now", "later"  # values of the last one
NOTES = "notes"  # what was typed and could not be used

LONGEST_NUMBER = 150  # characters of the number field


@dataclass(frozen=True, slots=True)
class FormSettings:
    """What the settings say about the form."""

    command: str
    region: str  # ISO code for numbers without a plus
    allowed_countries: frozenset[str]  # ISO codes, or `*`
    calls_channel: str
    response_hosts: frozenset[str]  # hosts that private messages may be posted to
    help_contact: HelpContact = NO_CONTACT

    def safe_url(self, url: str) -> str:
        """The response URL if private messages may be posted to it, else empty."""
        try:
            host = urlsplit(url).hostname
        except ValueError:
            return ""
        return url if host in self.response_hosts and len(url) < 1000 else ""


@dataclass(frozen=True, slots=True)
class Prefill:
    """What to fill a form with; what is not on offer is left open."""

    number: str = ""  # as a person would type it
    words: str = ""  # that may name a flow
    flow_id: str = ""
    caller_id: str = ""
    note: str = ""  # what else to say, such as that no number was found

    @property
    def is_open(self) -> bool:
        """Whether neither the command nor an earlier call says which flow is meant."""
        return not (self.words or self.flow_id)

    @classmethod
    def again(cls, call: Call, region: str) -> Prefill:
        """The same call once more."""
        request = call.request
        return cls(pretty(request.number, region), "", request.flow_id, request.caller_id)


def loading(external_id: str) -> Block:
    """Shown at once while the role is being looked up: a trigger lives only three seconds.

    `external_id` is our own name for it, so that it can be replaced even if Slack's answer gets lost.
    """
    return {**_notice("call_loading", form_messages.LOADING), "external_id": external_id}


def notice(words: str) -> Block:
    """A page with words and nothing to press; `words` is mrkdwn."""
    return _notice("call_notice", words)


@dataclass(frozen=True, slots=True)
class Question:
    """Asks whether to call a number that may be on the phone.

    `call_id` is the call that a press lets pass; empty: there is only something to wait for.
    """

    words: str  # mrkdwn
    number: str  # E.164
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class FormAbout:
    """What is known when a form is shown: the person's last call, and about the number that stands in it."""

    last: Call | None = None
    line: str = ""  # under the number (mrkdwn)
    question: Question | None = None  # if someone may be on the phone with it
    # For flows with a default of their own: that, or what the person chose last for this very flow.
    caller_ids: Mapping[str, str] = with_default(default_factory=dict)
    defaults: Mapping[str, str] = with_default(default_factory=dict)  # these flows' defaults alone


def form(
    offer: Offer,
    metadata: FormMetadata,
    settings: FormSettings,
    prefill: Prefill,
    about: FormAbout = FormAbout(),
    question: Question | None = None,
) -> Block:
    """The form with what is known already. What was typed and could not be used is said."""
    typed = read_words(prefill.words, offer.flows)
    flow = _preset_flow(offer, prefill, typed.flow, about.last)
    caller_id = _preset_caller_id(offer, prefill, flow, about)
    needs_flow = flow is None and bool(prefill.number) and not number_line.is_problem(about.line)
    notes = [*([prefill.note] if prefill.note else []), *typed.unused]
    fields = [
        *([_notes(notes)] if notes else []),
        _number_field(settings, prefill.number, has_focus=not needs_flow),
        _flow_field(flow, has_focus=needs_flow),
        _caller_id_field(caller_id, _gone_default(offer, flow, about), settings.region),
        _when_field(),
    ]
    submit = form_messages.CALL_ANYWAY if question and question.call_id else form_messages.FORM_SUBMIT
    if question is not None:
        asking = section(question.words) | {"block_id": f"{number_line.QUESTION} {question.number}"}
        fields.insert(0, asking)
    return _form(FORM, submit, metadata, number_line.put(fields, about.line))


def _notes(notes: list[str]) -> Block:
    """What was typed and could not be used, as plain text: it is foreign."""
    return {"type": "section", "block_id": NOTES, "text": plain("\n".join(notes))}


def _preset_flow(offer: Offer, prefill: Prefill, named: Flow | None, last: Call | None) -> Flow | None:
    """The flow that was meant, else the only one, else the last one if nothing says what was meant."""
    meant = offer.flow(prefill.flow_id) or named
    if meant is None and len(offer.flows) == 1:
        meant = offer.flows[0]
    if meant is None and last is not None and prefill.is_open:
        meant = offer.flow(last.request.flow_id)
    return meant


def _preset_caller_id(offer: Offer, prefill: Prefill, flow: Flow | None, about: FormAbout) -> CallerId:
    """The caller ID of an earlier call, else the flow's, else the last one, as far as they are on offer."""
    last = about.last.request.caller_id if about.last else ""
    own = about.caller_ids.get(flow.id, "") if flow else ""
    wanted = prefill.caller_id or (own if offer.caller_id(own) else last)
    return offer.caller_id(wanted) or offer.default_caller_id


def _gone_default(offer: Offer, flow: Flow | None, about: FormAbout) -> str:
    """The flow's default caller ID if it is no longer on offer, else empty."""
    default = about.defaults.get(flow.id, "") if flow else ""
    return default if offer.caller_id(default) is None else ""


def _number_field(settings: FormSettings, number: str, *, has_focus: bool) -> Block:
    element: Block = {
        "type": "plain_text_input",
        "action_id": NUMBER,
        "max_length": LONGEST_NUMBER,
        "focus_on_load": has_focus,
        "dispatch_action_config": {"trigger_actions_on": ["on_character_entered", "on_enter_pressed"]},
    }
    if number:
        element["initial_value"] = number[:LONGEST_NUMBER]
    hint = form_messages.number_hint(settings.region, settings.allowed_countries)
    return field(NUMBER, form_messages.NUMBER_LABEL, hint, element) | {"dispatch_action": True}


def _flow_field(flow: Flow | None, *, has_focus: bool) -> Block:
    select = _select(FLOW, form_messages.FLOW_PLACEHOLDER, select_options.flow_option(flow) if flow else None)
    focus = {"focus_on_load": True} if has_focus else {}
    return field(FLOW, form_messages.FLOW_LABEL, form_messages.FLOW_HINT, select | focus)


def _caller_id_field(caller_id: CallerId, gone_default: str, region: str) -> Block:
    select = _select(
        CALLER_ID, form_messages.CALLER_ID_PLACEHOLDER, select_options.caller_id_option(caller_id, region)
    )
    gone = form_messages.CALLER_ID_GONE.format(number=pretty(gone_default, region)) if gone_default else ""
    hint = " ".join(filter(None, (form_messages.CALLER_ID_HINT, gone)))
    return field(CALLER_ID, form_messages.CALLER_ID_LABEL, hint, select)


def _when_field() -> Block:
    """Now is preset: one press for a call now stays one press."""
    words = ((NOW, form_messages.WHEN_NOW), (LATER, form_messages.WHEN_LATER))
    options = [{"text": plain(shown), "value": value} for value, shown in words]
    select = {"type": "static_select", "action_id": WHEN, "options": options, "initial_option": options[0]}
    return {"type": "input", "block_id": WHEN, "label": plain(form_messages.WHEN_LABEL), "element": select}


def is_for_later(values: Mapping[str, Any]) -> bool:
    """Whether the person wants to choose a time; forms of an older version have no such field."""
    return _chosen(values, WHEN) == LATER


def entries_of(values: Mapping[str, Any]) -> Entries:
    """What stands in the form, from `view.state.values`. Raises what a payload of another shape leads to."""
    return Entries(_chosen(values, FLOW), _typed(values, NUMBER), _chosen(values, CALLER_ID))


def choice(numbers: Sequence[str], metadata: FormMetadata, settings: FormSettings) -> Block:
    """Asks which of several numbers to put into the form. At most a hundred are offered."""
    options = [
        {"text": plain(pretty(number, settings.region)), "value": number}
        for number in numbers[: select_options.MOST_OPTIONS]
    ]
    hint = form_messages.choice_hint(len(numbers), len(options))
    select = {"type": "static_select", "action_id": NUMBER, "options": options}
    which = field(NUMBER, form_messages.CHOICE_LABEL, hint, select)
    return _form(CHOICE, form_messages.CHOICE_SUBMIT, metadata, [which])


def _chosen(values: Mapping[str, Any], block: str) -> str:
    option = values.get(block, {}).get(block, {}).get("selected_option")
    return str(option["value"]) if option else ""


def _typed(values: Mapping[str, Any], block: str) -> str:
    text = values.get(block, {}).get(block, {}).get("value") or ""
    if not isinstance(text, str):
        raise TypeError("not a string")
    return text


def _select(action_id: str, placeholder: str, initial: Block | None) -> Block:
    # An external select asks us for its options, so a form is as quick with 500 flows as with one.
    element: Block = {
        "type": "external_select",
        "action_id": action_id,
        "min_query_length": 0,
        "placeholder": plain(placeholder),
    }
    return element | ({"initial_option": initial} if initial else {})


def _form(callback_id: str, submit: str, metadata: FormMetadata, fields: list[Block]) -> Block:
    view = modal(callback_id, form_messages.FORM_TITLE, button_messages.CANCEL, fields)
    return view | {"private_metadata": metadata.packed(), "submit": plain(submit)}


def _notice(callback_id: str, words: str) -> Block:
    return modal(callback_id, form_messages.FORM_TITLE, form_messages.CLOSE, [section(words)])
