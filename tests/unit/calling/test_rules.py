"""The rules before a ring: each says its no, none hides another, and no order of them changes the answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoslack.calling.calling_hours import AROUND_THE_CLOCK, DAY_MIN, EVERY_DAY, CallingHours
from evoslack.calling.calls import Call, CallRequest, Role, State
from evoslack.calling.numbers import BadNumber, Problem
from evoslack.calling.outcomes import NotSent, Reason
from evoslack.calling.places import Place
from evoslack.calling.refusals import (
    CannotEvaluate,
    FlowNotAllowed,
    LimitReached,
    NumberBlocked,
    OutsideHours,
    Refusal,
)
from evoslack.calling.rule_check import RuleCheck
from evoslack.calling.rulebook import HOUR, BlockedNumber, Limit, RuleName, Rules, StoredRule, in_force
from evoslack.calling.rules import forbidding, require_open_hours
from tests.calls import call_request
from tests.rules import US_ONLY, KnownFacts, rule_check

NUMBER = "+12125550143"  # New York
NOON, NIGHT = datetime(2026, 3, 2, 17, tzinfo=UTC), datetime(2026, 3, 2, 9, 12, tzinfo=UTC)  # there; 4:12 AM
DAYTIME = CallingHours(8 * 60, 21 * 60)
HOURS = Rules(countries=frozenset({"US"}), hours=(DAYTIME,))
BLOCK = BlockedNumber(NUMBER, "asked by email", "U_BOSS", NIGHT)
LIMIT = Limit(60, HOUR, per_person=True)


def refusal_of(check: RuleCheck, role: Role = Role.MANAGER, **changes: Any) -> Refusal | None:
    request = CallRequest(**{**vars_of(call_request(number=NUMBER)), **changes})
    try:
        check.require(request, role)
    except Refusal as refusal:
        return refusal
    return None


def vars_of(request: CallRequest) -> dict[str, Any]:
    return {name: getattr(request, name) for name in CallRequest.__slots__}


def stored(name: str, **value: Any) -> StoredRule:
    return StoredRule(name, value, 1, "U_ROOT", NOON)


# --- calling hours ------------------------------------------------------------------------------------------


def test_a_call_at_noon_is_allowed_and_one_at_four_in_the_morning_says_when_it_opens() -> None:
    assert refusal_of(rule_check(HOURS, at=NOON)) is None

    refusal = refusal_of(rule_check(HOURS, at=NIGHT))

    assert isinstance(refusal, OutsideHours)
    assert [f"{time:%H:%M}" for time in refusal.local_times] == ["04:12"]
    assert refusal.opens_at == datetime(2026, 3, 2, 13, tzinfo=UTC)
    assert (refusal.number, refusal.is_for_later) == (NUMBER, False)


def test_a_call_for_later_is_asked_about_its_own_time() -> None:
    check = rule_check(HOURS, at=NIGHT)

    assert refusal_of(check, due_at=NOON) is None
    refusal = refusal_of(rule_check(HOURS, at=NOON), due_at=NIGHT + timedelta(days=1))
    assert isinstance(refusal, OutsideHours)
    assert refusal.is_for_later


def test_only_an_administrator_with_a_reason_passes_the_hours() -> None:
    check = rule_check(HOURS, at=NIGHT)

    assert refusal_of(check, Role.ADMINISTRATOR, hours_reason="they asked for it") is None
    assert isinstance(refusal_of(check, Role.ADMINISTRATOR), OutsideHours)
    assert isinstance(refusal_of(check, Role.MANAGER, hours_reason="they asked for it"), OutsideHours)


def test_a_number_in_several_zones_is_called_only_when_all_of_them_are_open() -> None:
    idaho = "+12085550100"  # 8:30 AM in Boise is 7:30 AM in the north
    early = datetime(2026, 1, 15, 15, 30, tzinfo=UTC)

    assert isinstance(refusal_of(rule_check(HOURS, at=early), number=idaho), OutsideHours)
    assert refusal_of(rule_check(HOURS, at=early + HOUR), number=idaho) is None


def test_a_toll_free_number_may_be_called_at_any_time() -> None:
    assert refusal_of(rule_check(HOURS, at=NIGHT), number="+18005550143") is None


def test_a_number_whose_time_is_unknown_is_not_called_while_there_are_hours() -> None:
    with pytest.raises(OutsideHours) as no:
        require_open_hours(HOURS, Place(), NOON)
    assert (no.value.local_times, no.value.opens_at) == ((), None)

    require_open_hours(US_ONLY, Place(), NOON)


# --- the others ---------------------------------------------------------------------------------------------


def test_a_blocked_number_is_called_by_nobody() -> None:
    facts = KnownFacts()
    facts.blocked[NUMBER] = BLOCK

    for role in Role:
        refusal = refusal_of(rule_check(facts=facts), role, hours_reason="I know them")
        assert isinstance(refusal, NumberBlocked)
        assert refusal.block == BLOCK


def test_a_reached_limit_says_when_the_next_call_is_possible() -> None:
    facts = KnownFacts()
    daily = Limit(100, timedelta(days=1), per_person=False)
    facts.reached = {LIMIT: NOON + timedelta(minutes=12), daily: NOON + timedelta(hours=3)}

    refusal = refusal_of(rule_check(facts=facts, at=NOON))

    assert isinstance(refusal, LimitReached)
    assert (refusal.limit, refusal.wait) == (daily, timedelta(hours=3))  # the one that lasts longest


def test_a_call_for_later_counts_when_it_is_dialed() -> None:
    facts = KnownFacts()
    facts.reached = {LIMIT: NOON + timedelta(minutes=12)}

    assert refusal_of(rule_check(facts=facts, at=NOON), due_at=NOON + timedelta(days=1)) is None


def test_a_number_that_is_no_longer_allowed_is_not_dialed() -> None:
    refusal = refusal_of(rule_check(Rules(countries=frozenset({"CA"}))))
    assert isinstance(refusal, BadNumber)
    assert refusal.problem is Problem.COUNTRY


@pytest.mark.parametrize(
    "rule",
    [
        stored("hours", start_min="9"),
        stored("color", hue=1),
        stored("limits", x=1),
        # A newer version may say more, which must not be left out.
        stored("flow:flow1", users=[], emails=["sara@example.com"]),
        stored("countries", countries=["US"], states=["NY"]),
        stored("hours", start_min=0, end_min=1440, lunch=[720, 780]),
        stored("hours", start_min=0, end_min=1440, dates_off=["2026-12-24/2026-12-26"]),
        stored("masking", masking="never", except_for=["C_SHARED"]),
    ],
)
def test_a_rule_that_cannot_be_read_says_no(rule: StoredRule) -> None:
    facts = KnownFacts()
    facts.rules = [rule]

    refusal = refusal_of(rule_check(facts=facts))
    assert isinstance(refusal, CannotEvaluate)
    assert refusal.rule == rule.name
    with pytest.raises(CannotEvaluate):
        rule_check(facts=facts).rules()


class BrokenFacts(KnownFacts):
    """A ledger that cannot be read."""

    def read(self, *_: Any, **__: Any) -> Any:
        raise OSError("the disk is gone")

    def facts(self, *_: Any, **__: Any) -> Any:
        raise OSError("the disk is gone")


def test_right_before_dialing_every_no_and_every_failure_is_a_reason_not_to_dial() -> None:
    def outcome(check: RuleCheck, **changes: Any) -> NotSent | None:
        request = CallRequest(**{**vars_of(call_request(number=NUMBER)), **changes})
        return check.before_dialing(Call("id", request, State.ACCEPTED, NIGHT))

    blocked, limited, unreadable = KnownFacts(), KnownFacts(), KnownFacts()
    blocked.blocked[NUMBER] = BLOCK
    limited.reached = {LIMIT: NOON}
    unreadable.rules = [stored("hours")]

    assert outcome(rule_check(HOURS, at=NOON)) is None
    assert outcome(rule_check(HOURS, at=NIGHT)) == NotSent(Reason.OUTSIDE_HOURS)
    assert outcome(rule_check(HOURS, at=NIGHT), hours_reason="they asked") is None
    assert outcome(rule_check(facts=blocked)) == NotSent(Reason.BLOCKED)
    assert outcome(rule_check(facts=limited)) == NotSent(Reason.LIMIT_REACHED)
    assert outcome(rule_check(facts=unreadable)) == NotSent(Reason.UNCHECKED)
    assert outcome(rule_check(facts=BrokenFacts())) == NotSent(Reason.UNCHECKED)
    assert outcome(rule_check(), number="+19005550143") == NotSent(Reason.NUMBER_DENIED)
    assert outcome(rule_check(), number="+18765550143") == NotSent(Reason.NUMBER_DENIED)


@pytest.mark.parametrize("others", [[NOON], [NIGHT], [NOON, NIGHT], [NIGHT, NOON]])
def test_while_clocks_disagree_the_hours_must_be_open_by_each(others: list[datetime]) -> None:
    def nobody(_user: str, _groups: object) -> frozenset[str]:
        return frozenset()

    check = RuleCheck(KnownFacts(), HOURS, "US", nobody, lambda: NOON, possible=lambda: others)
    request = call_request(number=NUMBER)
    denied = NotSent(Reason.OUTSIDE_HOURS) if NIGHT in others else None

    assert check.before_dialing(Call("id", request, State.ACCEPTED, NOON)) == denied
    typed = check.objection(check.rules(), NUMBER, account_id="acc1", user_id="U_SARA", team_id="T1")
    assert isinstance(typed, OutsideHours) is (denied is not None)


def test_while_a_number_is_typed_the_rules_that_need_no_more_are_asked() -> None:
    facts = KnownFacts()

    def objection(rules: Rules, at: datetime) -> Refusal | None:
        check = rule_check(rules, facts, at)
        return check.objection(check.rules(), NUMBER, account_id="acc1", user_id="U_SARA", team_id="T1")

    assert objection(HOURS, NOON) is None
    assert isinstance(objection(HOURS, NIGHT), OutsideHours)
    facts.reached = {LIMIT: NOON}
    assert isinstance(objection(HOURS, NIGHT), LimitReached)
    facts.blocked[NUMBER] = BLOCK
    assert isinstance(objection(HOURS, NIGHT), NumberBlocked)


# --- no order matters ---------------------------------------------------------------------------------------

STORED = [
    stored("countries", countries=["US", "PR"]),
    stored("hours", start_min=540, end_min=1080, days=[0, 1, 2, 3, 4], dates_off=["12-25"]),
    stored("limits", person_hour=20),
    stored("masking", masking="always"),
    stored("flow:flow1", users=["U_SARA"], groups=["S1"], caller_id="+12025550100"),
]


def test_the_order_of_what_administrators_changed_makes_no_difference() -> None:
    first = in_force(HOURS, STORED)

    for order in permutations(STORED):
        assert in_force(HOURS, order) == first
    assert first.countries == {"US"}


def test_what_administrators_change_is_never_wider_than_the_settings() -> None:
    wide = [
        stored("countries", countries=["*", "US", "JM"]),
        stored("hours", start_min=0, end_min=DAY_MIN),
        stored("limits", person_hour=1000),
        stored("masking", masking="never"),
    ]
    limited = Rules(frozenset({"US"}), hours=(DAYTIME,), limits=(LIMIT,))

    rules = in_force(limited, wide)

    assert "JM" not in rules.countries
    assert DAYTIME in rules.hours
    assert LIMIT in rules.limits
    assert rules.masking is limited.masking


WINDOWS = st.builds(
    CallingHours,
    st.integers(0, DAY_MIN - 1),
    st.integers(1, DAY_MIN),
    st.sampled_from([EVERY_DAY, frozenset({0, 2}), frozenset({5, 6})]),
)
NUMBERS = st.sampled_from(
    [NUMBER, "+12085550100", "+18005550143", "+19005550143", "+18765550143", "+12029760143"]
)
MOMENTS = st.integers(0, 7 * DAY_MIN).map(lambda minutes: NIGHT + timedelta(minutes=minutes))


@given(
    NUMBERS,
    st.lists(WINDOWS, max_size=3),
    MOMENTS,
    st.booleans(),
    st.booleans(),
    st.sampled_from([("U_SARA",), ("U_BOSS",), ()]),
    st.randoms(use_true_random=False),
)
def test_the_answer_is_the_one_of_every_rule_alone_in_any_order(
    number: str,
    windows: Sequence[CallingHours],
    at: datetime,
    is_blocked: bool,
    is_limited: bool,
    users: tuple[str, ...],
    random: Any,
) -> None:
    """A call is allowed exactly if each rule, asked alone, allows it, in whatever order they are kept."""
    flow = [stored("flow:flow1", users=list(users))] if users else []

    def allows(hours: Sequence[CallingHours], rules: list[StoredRule], *, with_facts: bool) -> bool:
        known = KnownFacts()
        known.rules = rules
        if with_facts and is_blocked:
            known.blocked[number] = BLOCK
        if with_facts and is_limited:
            known.reached = {LIMIT: at + HOUR}
        check = rule_check(Rules(frozenset({"US"}), hours=tuple(hours)), known, at)
        return refusal_of(check, number=number) is None

    alone = [allows([each], [], with_facts=False) for each in windows]
    alone += [allows([], flow, with_facts=False), allows([], [], with_facts=True)]
    shuffled = list(windows)
    random.shuffle(shuffled)

    assert allows(windows, flow, with_facts=True) is all(alone)
    assert allows(shuffled, flow, with_facts=True) is all(alone)


# --- rules that forbid everything ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (US_ONLY, None),
        (HOURS, None),
        (Rules(frozenset()), RuleName.COUNTRIES),
        (in_force(US_ONLY, [stored("countries", countries=["CA"])]), RuleName.COUNTRIES),
        (Rules(frozenset({"*"}), hours=(CallingHours(480, 600), CallingHours(600, 720))), RuleName.HOURS),
        (Rules(frozenset({"*"}), hours=(CallingHours(0, DAY_MIN, frozenset()),)), RuleName.HOURS),
        (Rules(frozenset({"*"}), hours=(AROUND_THE_CLOCK,)), None),
    ],
)
def test_rules_that_forbid_every_call_are_known_at_once(rules: Rules, expected: RuleName | None) -> None:
    assert forbidding(rules, NOON) is expected


def test_a_flow_that_is_kept_for_others_is_denied() -> None:
    facts = KnownFacts()
    facts.rules = [stored("flow:flow1", users=["U_BOSS"])]

    assert isinstance(refusal_of(rule_check(facts=facts)), FlowNotAllowed)
    assert refusal_of(rule_check(facts=facts), flow_id="flow2") is None
    assert refusal_of(rule_check(facts=facts), user_id="U_BOSS") is None
