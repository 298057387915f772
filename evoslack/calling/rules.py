"""The rules before a ring: what is never dialed, when not, and who says so.

Pure functions over facts. Asked when a form opens, when it is submitted, and again right before dialing; each
no is a `Refusal` that says which rule, why, and what to do. The kind of a number and its country are read off
its digits: see `numbers.dialable`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from evoslack.calling.calling_hours import are_open, opens_at
from evoslack.calling.calls import CallRequest
from evoslack.calling.numbers import BadNumber
from evoslack.calling.outcomes import Reason
from evoslack.calling.places import Place
from evoslack.calling.refusals import (
    FlowNotAllowed,
    LimitReached,
    NotAllowed,
    NumberBlocked,
    NumberBusy,
    OutsideHours,
    Refusal,
    UnknownCallerId,
    UnknownFlow,
)
from evoslack.calling.rulebook import BlockedNumber, FlowRule, Limit, RuleName, Rules, StoredRule

READ_AGAIN_AFTER = timedelta(seconds=0.5)  # Slack or Evo Voice had to be asked for the role meanwhile


@dataclass(frozen=True, slots=True)
class Facts:
    """What the ledger knows about one call that is wanted.

    `reached` has, for each limit that is reached, when the next call is possible. `is_contended`: this call
    is about to be dialed, and there is room for it once those that come after it are denied.
    """

    blocked: BlockedNumber | None = None
    reached: Mapping[Limit, datetime] = field(default_factory=dict)
    is_contended: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What the ledger said at one moment about a call that is wanted, and about the rules.

    `is_submitted`: its form became a call before. `is_clear`: its number is not blocked, and none of `limits`
    is reached.
    """

    request: CallRequest
    limits: tuple[Limit, ...]
    at: datetime
    is_submitted: bool
    stored: tuple[StoredRule, ...]
    is_clear: bool

    def clears(self, request: CallRequest, limits: Collection[Limit], at: datetime) -> bool:
        """Whether it says that nothing stands in the way of this very call, with these limits, then."""
        asked, wanted = (
            (each.number, each.account_id, each.user_id, each.team_id) for each in (self.request, request)
        )
        is_recent = timedelta(0) <= at - self.at <= READ_AGAIN_AFTER
        return self.is_clear and is_recent and asked == wanted and self.limits == tuple(limits)


def require_not_blocked(facts: Facts) -> None:
    """Raises `NumberBlocked`."""
    if facts.blocked is not None:
        raise NumberBlocked(facts.blocked)


def require_flow(rule: FlowRule, user_id: str, groups: Collection[str]) -> None:
    """Raises `FlowNotAllowed` unless the person, or one of their user groups, may use the flow."""
    if rule.is_restricted and user_id not in rule.users and not rule.groups & set(groups):
        raise FlowNotAllowed


def require_below_limits(facts: Facts, at: datetime) -> None:
    """Raises `LimitReached` for the limit that lasts longest."""
    if facts.reached:
        limit = max(facts.reached, key=lambda each: facts.reached[each])
        raise LimitReached(limit, facts.reached[limit], at, is_contended=facts.is_contended)


def require_open_hours(
    rules: Rules, place: Place, at: datetime, *, number: str = "", is_for_later: bool = False
) -> None:
    """Raises `OutsideHours` unless people may be called there at that time, wherever the number may be.

    Toll-free numbers are nowhere, and belong to companies: they may be called at any time. `number` (E.164)
    and `is_for_later`, whether `at` is not now, are for the words.
    """
    if not rules.hours or place.is_toll_free:
        return
    if not place.zones:
        raise OutsideHours(at, (), rules.hours, None, number=number, is_for_later=is_for_later)
    if not are_open(rules.hours, place.zones, at):
        opening = opens_at(rules.hours, place.zones, at)
        local = tuple(place.local_times(at))
        raise OutsideHours(at, local, rules.hours, opening, number=number, is_for_later=is_for_later)


def forbidding(rules: Rules, now: datetime) -> RuleName | None:
    """The rule that forbids every call, now and in the next month; None: calls are possible."""
    if not rules.countries:
        return RuleName.COUNTRIES
    # Whether the windows ever meet is the same question in every zone; this one has no clock changes.
    if rules.hours and opens_at(rules.hours, ["UTC"], now) is None:
        return RuleName.HOURS
    return None


def reason_of(refusal: Refusal) -> Reason:
    """Why a call was not dialed after all, if a rule says no that late. For others: it was not checked."""
    reasons: dict[type[Refusal], Reason] = {
        NumberBlocked: Reason.BLOCKED,
        OutsideHours: Reason.OUTSIDE_HOURS,
        LimitReached: Reason.LIMIT_REACHED,
        BadNumber: Reason.NUMBER_DENIED,
        FlowNotAllowed: Reason.FLOW_DENIED,
        UnknownFlow: Reason.FLOW_DENIED,
        UnknownCallerId: Reason.CALLER_ID_GONE,
        NotAllowed: Reason.ROLE_LOST,
        NumberBusy: Reason.ON_THE_PHONE,
    }
    return reasons.get(type(refusal), Reason.UNCHECKED)
