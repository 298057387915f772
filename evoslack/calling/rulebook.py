"""The rules as values: what the settings allow at most, what administrators narrowed, and what is in force.

The settings are the ceiling. What administrators store can only be stricter: both hold at the same time, so
nothing has to be adapted when the settings change later. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from evoslack.calling.calling_hours import DAY_MIN, EVERY_DAY, CallingHours

ANY_COUNTRY = "*"
HOUR, A_DAY = timedelta(hours=1), timedelta(days=1)
# The limits by their names in a stored rule.
LIMIT_KINDS = {
    "person_hour": (HOUR, True),
    "person_day": (A_DAY, True),
    "all_hour": (HOUR, False),
    "all_day": (A_DAY, False),
}
_DATE = re.compile(r"(\d{4}-)?\d\d-\d\d", re.ASCII)
LONGEST_REASON = 300  # characters of why a number is not called, or why someone calls outside the hours


class NumberKind(StrEnum):
    """Kinds of numbers that are not called unless the settings allow them."""

    PREMIUM = "premium"
    SHARED_COST = "shared_cost"
    PERSONAL = "personal"
    PAGER = "pager"
    UAN = "uan"  # universal access number
    VOICEMAIL = "voicemail"


class Masking(StrEnum):
    """In which channels cards show only the last four digits, from lenient to strict."""

    NEVER = "never"
    SHARED = "shared"  # with other companies
    ALWAYS = "always"


class RuleName(StrEnum):
    """The rules that administrators can change; a flow's rule also has the flow's id behind a colon."""

    COUNTRIES = "countries"
    HOURS = "hours"
    LIMITS = "limits"
    MASKING = "masking"
    FLOW = "flow"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` calls within `span`, of one person or of everyone together."""

    most: int
    span: timedelta
    per_person: bool


@dataclass(frozen=True, slots=True)
class FlowRule:
    """Who may use a flow: these users and the members of these user groups; nobody named: everyone.

    `caller_id` is the flow's own default (E.164), or empty.
    """

    users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    caller_id: str = ""

    @property
    def is_restricted(self) -> bool:
        """Whether only some people may use the flow."""
        return bool(self.users or self.groups)


@dataclass(frozen=True, slots=True)
class BlockedNumber:
    """A number on the do-not-call list: who added it, when, and why."""

    number: str  # E.164
    reason: str
    by: str  # user id
    at: datetime
    call_id: str = ""  # the call in which they asked not to be called


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule that an administrator changed. `revision` tells two who change it at once apart."""

    name: str  # a `RuleName`, for a flow `flow:<id>`
    value: Mapping[str, Any]
    revision: int
    by: str  # user id
    at: datetime


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One line of the audit log. Before and after are JSON; empty: there was, or is, no rule."""

    at: datetime
    by: str  # user id
    rule: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What is in force. Each of `hours` must be open, and none of `limits` reached."""

    countries: frozenset[str]  # ISO codes, or `*`
    kinds: frozenset[NumberKind] = frozenset()  # allowed although they are not by default
    hours: tuple[CallingHours, ...] = ()
    limits: tuple[Limit, ...] = ()
    masking: Masking = Masking.SHARED
    flows: Mapping[str, FlowRule] = field(default_factory=dict)

    def flow(self, flow_id: str) -> FlowRule:
        """The rule for this flow."""
        return self.flows.get(flow_id, FlowRule())


class UnreadableRule(Exception):
    """A stored rule that this version cannot read; `name` is the rule's."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def in_force(ceiling: Rules, stored: Iterable[StoredRule]) -> Rules:
    """The settings' rules and the administrators' together. Raises `UnreadableRule`."""
    rules = ceiling
    for each in stored:
        try:
            rules = _narrowed(rules, each.name, each.value)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnreadableRule(each.name) from error
    return rules


def flow_rule_name(flow_id: str) -> str:
    """The name of a flow's rule."""
    return f"{RuleName.FLOW}:{flow_id}"


def lowest(limits: Iterable[Limit]) -> dict[str, int]:
    """The limits by their names; of several for the same, the lowest one holds."""
    found: dict[str, int] = {}
    for name, kind in LIMIT_KINDS.items():
        if mosts := [limit.most for limit in limits if (limit.span, limit.per_person) == kind]:
            found[name] = min(mosts)
    return found


def _narrowed(rules: Rules, name: str, value: Mapping[str, Any]) -> Rules:
    kind, _, flow_id = name.partition(":")
    match RuleName(kind):
        case RuleName.COUNTRIES:
            return replace(rules, countries=_both(rules.countries, countries_of(value)))
        case RuleName.HOURS:
            return replace(rules, hours=(*rules.hours, hours_of(value)))
        case RuleName.LIMITS:
            return replace(rules, limits=(*rules.limits, *limits_of(value)))
        case RuleName.MASKING:
            _require_keys(value, {"masking"})
            order = list(Masking)
            return replace(rules, masking=max(rules.masking, Masking(value["masking"]), key=order.index))
        case RuleName.FLOW:
            return replace(rules, flows={**rules.flows, flow_id: flow_rule_of(value)})


def _both(some: frozenset[str], others: frozenset[str]) -> frozenset[str]:
    """The countries that are in both lists."""
    if ANY_COUNTRY in some:
        return others
    return some if ANY_COUNTRY in others else some & others


def countries_of(value: Mapping[str, Any]) -> frozenset[str]:
    """`{"countries": ["US", …]}`."""
    _require_keys(value, {"countries"})
    return _texts(value["countries"])


def hours_of(value: Mapping[str, Any]) -> CallingHours:
    """`{"start_min": 540, "end_min": 1080, "days": [0, …], "dates_off": ["12-25", …]}`."""
    _require_keys(value, {"start_min", "end_min", "days", "dates_off"})
    start, end = value["start_min"], value["end_min"]
    days = frozenset(value.get("days", EVERY_DAY))
    in_range = isinstance(start, int) and isinstance(end, int) and 0 <= start < DAY_MIN and 0 < end <= DAY_MIN
    dates = _texts(value.get("dates_off", []))
    if not in_range or not days <= EVERY_DAY or not all(map(_DATE.fullmatch, dates)):
        raise ValueError("not calling hours")
    return CallingHours(start, end, days, dates)


def limits_of(value: Mapping[str, Any]) -> tuple[Limit, ...]:
    """`{"person_hour": 20, "person_day": 0, "all_hour": 0, "all_day": 0}`; 0 is no limit."""
    _require_keys(value, LIMIT_KINDS)
    found = {name: value.get(name, 0) for name in LIMIT_KINDS}
    if not all(isinstance(most, int) and most >= 0 for most in found.values()):
        raise ValueError("not limits")
    return tuple(Limit(most, *LIMIT_KINDS[name]) for name, most in found.items() if most)


def flow_rule_of(value: Mapping[str, Any]) -> FlowRule:
    """`{"users": ["U…"], "groups": ["S…"], "caller_id": "+1…"}`."""
    _require_keys(value, {"users", "groups", "caller_id"})
    caller_id = value.get("caller_id", "")
    if not isinstance(caller_id, str):
        raise TypeError("not a caller ID")
    return FlowRule(_texts(value.get("users", [])), _texts(value.get("groups", [])), caller_id)


def value_of(rule: CallingHours | FlowRule) -> dict[str, Any]:
    """What `hours_of` and `flow_rule_of` read."""
    if isinstance(rule, FlowRule):
        return {"users": sorted(rule.users), "groups": sorted(rule.groups), "caller_id": rule.caller_id}
    return {
        "start_min": rule.start_min,
        "end_min": rule.end_min,
        "days": sorted(rule.days),
        "dates_off": sorted(rule.dates_off),
    }


def as_json(value: Mapping[str, Any] | None) -> str:
    """A value for the audit log, always in the same order; empty for none."""
    return "" if value is None else json.dumps(value, sort_keys=True, ensure_ascii=False)


def _require_keys(value: Mapping[str, Any], known: Collection[str]) -> None:
    """Raises `ValueError` for what another version added: leaving it out could allow what it forbids."""
    if not value.keys() <= set(known):
        raise ValueError


def _texts(values: object) -> frozenset[str]:
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise TypeError("not a list of texts")
    return frozenset(values)
