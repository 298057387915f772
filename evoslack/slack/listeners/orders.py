"""An order: what somebody wants called, checked in one place wherever it came from, a form or a workflow."""

from __future__ import annotations

from dataclasses import dataclass

from evoslack.calling.calls import CallRequest
from evoslack.calling.numbers import BadNumber, dialable
from evoslack.calling.refusals import Refusal, UnknownCallerId, UnknownFlow
from evoslack.slack.listeners.form_opener import FormOpener, FormSettings


@dataclass(frozen=True, slots=True)
class CallDraft:
    """Who wants which call, as it was filled in; nothing is checked yet."""

    key: str
    user_id: str
    team_id: str
    flow_id: str
    typed_number: str
    caller_id: str | None  # None: the preset one
    channel_id: str = ""
    response_url: str = ""


class InvalidFields(Exception):
    """Some of what was filled in needs another look."""

    def __init__(self, problems: list[Refusal]) -> None:
        super().__init__()
        self.problems = problems


def checked(order: CallDraft, opener: FormOpener, rules: FormSettings) -> CallRequest:
    """The request that the switchboard takes. Raises `Unclear` or a `Refusal`."""
    number, problems = number_in(order.typed_number, rules)
    offer = opener.offer_to(order.user_id, order.team_id)
    flow = offer.flow(order.flow_id)
    preset = offer.default_caller_id
    caller_id = preset if order.caller_id is None else offer.caller_id(order.caller_id)
    problems += [] if flow else [UnknownFlow()]
    problems += [] if caller_id else [UnknownCallerId()]
    if problems or flow is None or caller_id is None:
        raise InvalidFields(problems)
    return CallRequest(
        key=order.key,
        team_id=order.team_id,
        user_id=order.user_id,
        account_id=offer.account_id,
        flow_id=flow.id,
        flow_name=flow.name,
        number=number,
        caller_id=caller_id.number,
        channel_id=order.channel_id,
        response_url=opener.safe_url(order.response_url),
    )


def number_in(typed: str, rules: FormSettings) -> tuple[str, list[Refusal]]:
    """The number that was typed, or what is wrong with it."""
    try:
        return dialable(typed, rules.region, rules.allowed_countries), []
    except BadNumber as bad:
        return "", [bad]
