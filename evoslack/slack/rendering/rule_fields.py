"""The inputs of the forms for rules, and what their lists offer. Pure functions from values to blocks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from evoslack.calling.offer import CallerId, Flow, Offer
from evoslack.calling.rule_changes import RuleField, allowed_masking
from evoslack.calling.rulebook import LIMIT_KINDS, Rules
from evoslack.slack.rendering import hours_messages, select_options
from evoslack.slack.rendering import rule_form_messages as says
from evoslack.slack.rendering import rules_page_messages as words
from evoslack.slack.rendering.blocks import Block, plain

PREFIX = "rule_"  # of block ids and action ids; the field's name follows
NO_CALLER_ID = "none"
# The action ids of lists of which Slack asks for the options.
LISTS = re.compile(
    "|".join(
        f"{PREFIX}{each}"
        for each in (RuleField.COUNTRIES, RuleField.FLOW, RuleField.GROUPS, RuleField.CALLER_ID)
    )
)
LONGEST_DATES = 3_000  # characters
MOST_PEOPLE, MOST_GROUPS = 100, 30


@dataclass(frozen=True, slots=True)
class FormFacts:
    """What a form can offer. `groups` are names by id; None: Slack did not tell them."""

    ceiling: Rules
    offer: Offer
    region: str
    groups: Mapping[str, str] | None = field(default_factory=dict)


_REQUIRED = frozenset(
    {
        *(RuleField.COUNTRIES, RuleField.START, RuleField.END, RuleField.DAYS),
        *(RuleField.MASKING, RuleField.FLOW),
    }
)


def block_id(each: RuleField) -> str:
    """The block id and the action id of a field."""
    return f"{PREFIX}{each}"


def field_of(each: RuleField, filled: Sequence[str], facts: FormFacts) -> Block:
    """An input with what is filled in."""
    element = _ELEMENTS[each](filled, facts) | {"action_id": block_id(each)}
    block: Block = {"type": "input", "block_id": block_id(each), "label": plain(says.LABELS[each])}
    if each not in _UNHINTED:
        block["hint"] = plain(says.hint(each, facts.ceiling))
    return block | {"optional": each not in _REQUIRED, "element": element}


_UNHINTED = frozenset({RuleField.DAYS, RuleField.MASKING, RuleField.FLOW})


def _countries(filled: Sequence[str], _facts: FormFacts) -> Block:
    return _external("multi_external_select", says.CHOOSE_COUNTRIES) | _initial(
        [country_option(code) for code in filled]
    )


def _time(filled: Sequence[str], _facts: FormFacts) -> Block:
    return {"type": "timepicker"} | ({"initial_time": filled[0]} if filled else {})


def _days(filled: Sequence[str], _facts: FormFacts) -> Block:
    options = [_option(hours_messages.DAYS[day], str(day)) for day in range(7)]
    chosen = [option for option in options if option["value"] in filled]
    return {"type": "checkboxes", "options": options} | _initial(chosen)


def _dates(filled: Sequence[str], _facts: FormFacts) -> Block:
    text: Block = {"type": "plain_text_input", "multiline": True, "max_length": LONGEST_DATES}
    return text | ({"initial_value": filled[0]} if filled and filled[0] else {})


def _limit(filled: Sequence[str], _facts: FormFacts) -> Block:
    number: Block = {"type": "number_input", "is_decimal_allowed": False, "min_value": "0"}
    return number | ({"initial_value": filled[0]} if filled else {})


def _masking(filled: Sequence[str], facts: FormFacts) -> Block:
    options = {each: _option(says.MASKING_CHOICES[each], each) for each in allowed_masking(facts.ceiling)}
    chosen = [option for each, option in options.items() if each in filled]
    return {"type": "radio_buttons", "options": list(options.values())} | (
        {"initial_option": chosen[0]} if chosen else {}
    )


def _flow(filled: Sequence[str], facts: FormFacts) -> Block:
    flows = [facts.offer.flow(each) or Flow(each, each) for each in filled]
    select = _external("external_select", says.CHOOSE_FLOW)
    return select | ({"initial_option": select_options.flow_option(flows[0])} if flows else {})


def _users(filled: Sequence[str], _facts: FormFacts) -> Block:
    select: Block = {"type": "multi_users_select", "max_selected_items": MOST_PEOPLE}
    return select | ({"initial_users": list(filled)} if filled else {})


def _groups(filled: Sequence[str], facts: FormFacts) -> Block:
    known = facts.groups or {}
    select = _external("multi_external_select", says.CHOOSE_GROUPS) | {"max_selected_items": MOST_GROUPS}
    return select | _initial([_option(known.get(each, each), each) for each in filled])


def _caller_id(filled: Sequence[str], facts: FormFacts) -> Block:
    select = _external("external_select", says.CHOOSE_CALLER_ID)
    chosen = filled[0] if filled else NO_CALLER_ID
    if chosen == NO_CALLER_ID:
        return select | {"initial_option": _option(says.NO_CALLER_ID, NO_CALLER_ID)}
    caller_id = facts.offer.caller_id(chosen) or CallerId(chosen)
    return select | {"initial_option": select_options.caller_id_option(caller_id, facts.region)}


_ELEMENTS: dict[RuleField, Callable[[Sequence[str], FormFacts], Block]] = {
    RuleField.COUNTRIES: _countries,
    RuleField.START: _time,
    RuleField.END: _time,
    RuleField.DAYS: _days,
    RuleField.DATES_OFF: _dates,
    **{RuleField(name): _limit for name in LIMIT_KINDS},
    RuleField.MASKING: _masking,
    RuleField.FLOW: _flow,
    RuleField.USERS: _users,
    RuleField.GROUPS: _groups,
    RuleField.CALLER_ID: _caller_id,
}


def country_option(code: str) -> Block:
    """A country in a select."""
    return _option(f"{words.country(code)} ({code})", code)


def group_options(groups: Mapping[str, str], typed: str) -> list[Block]:
    """At most 100 user groups whose name holds what was typed."""
    wanted = typed.casefold().strip()
    found = sorted((name, group) for group, name in groups.items() if wanted in name.casefold())
    return [_option(name, group) for name, group in found[: select_options.MOST_OPTIONS]]


def country_options(codes: Iterable[str], typed: str) -> list[Block]:
    """At most 100 countries whose name or code holds what was typed."""
    wanted = typed.casefold().strip()
    named = sorted((code.casefold() != wanted, words.country(code), code) for code in codes)
    fitting = [code for is_other, name, code in named if not is_other or wanted in name.casefold()]
    return [country_option(code) for code in fitting[: select_options.MOST_OPTIONS]]


def caller_id_options(options: list[Block], typed: str) -> list[Block]:
    """These caller IDs, and above them the way back to none."""
    none = [] if typed.strip() else [_option(says.NO_CALLER_ID, NO_CALLER_ID)]
    return [*none, *options][: select_options.MOST_OPTIONS]


def _external(kind: str, placeholder: str) -> Block:
    return {"type": kind, "min_query_length": 0, "placeholder": plain(placeholder)}


def _initial(options: list[Block]) -> Block:
    return {"initial_options": options} if options else {}


def _option(text: str, value: str) -> Block:
    return {"text": plain(text[: select_options.LONGEST_OPTION]), "value": value}
