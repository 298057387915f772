"""Turns what a person or a workflow filled in into a call that may be placed, or says what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from evoslack.calling.calls import CallRequest
from evoslack.calling.numbers import BadNumber, dialable
from evoslack.calling.offer import Offer
from evoslack.calling.refusals import Refusal, UnknownCallerId, UnknownFlow
from evoslack.calling.rulebook import ANY_COUNTRY, NumberKind, Rules


@dataclass(frozen=True, slots=True)
class Entries:
    """What was filled in; nothing is checked yet."""

    flow_id: str
    typed_number: str
    caller_id: str | None  # None: the default one


@dataclass(frozen=True, slots=True)
class CallDraft:
    """Which call was asked for, as it was filled in; nothing is checked yet."""

    key: str
    user_id: str
    team_id: str
    entries: Entries
    channel_id: str = ""
    response_url: str = ""
    view_id: str = ""
    anyway: str = ""
    due_at: datetime | None = None
    hours_reason: str = ""


class InvalidFields(Exception):
    """Some fields are wrong; `problems` has a `Refusal` for each of them."""

    def __init__(self, problems: list[Refusal]) -> None:
        super().__init__()
        self.problems = problems


def validate(draft: CallDraft, offer: Offer, *, region: str, rules: Rules) -> CallRequest:
    """The request that can be written down and dialed. Raises `InvalidFields`.

    `offer` is what this person may call with. `region` is the ISO code for numbers without a plus. The rules
    about more than its fields are asked by `rule_check`.
    """
    problems: list[Refusal] = []
    entries, number = draft.entries, ""
    try:
        number = dialable(entries.typed_number, region, rules.countries, rules.kinds)
    except BadNumber as bad:
        problems.append(bad)
    flow = offer.flow(entries.flow_id)
    default = offer.caller_id(rules.flow(entries.flow_id).caller_id) or offer.default_caller_id
    caller_id = default if entries.caller_id is None else offer.caller_id(entries.caller_id)
    if flow is None:
        problems.append(UnknownFlow())
    if caller_id is None:
        problems.append(UnknownCallerId())
    if problems or flow is None or caller_id is None:
        raise InvalidFields(problems)
    return CallRequest(
        key=draft.key,
        team_id=draft.team_id,
        user_id=draft.user_id,
        account_id=offer.account_id,
        flow_id=flow.id,
        flow_name=flow.name,
        number=number,
        caller_id=caller_id.number,
        channel_id=draft.channel_id,
        response_url=draft.response_url,
        caller_id_label=caller_id.label,
        view_id=draft.view_id,
        anyway=draft.anyway,
        due_at=draft.due_at,
        hours_reason=draft.hours_reason,
    )


def number_or_empty(typed: str, *, region: str) -> str:
    """The E.164 number that was typed, whatever the rules say of it; empty if it is none."""
    try:
        return dialable(typed, region, {ANY_COUNTRY}, NumberKind)
    except BadNumber:
        return ""
