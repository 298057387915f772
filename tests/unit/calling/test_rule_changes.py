"""What administrators fill in: within the settings, never forbidding everything, mistakes at their fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoslack.calling.calling_hours import EVERY_DAY, CallingHours
from evoslack.calling.offer import CallerId, Flow, Offer
from evoslack.calling.refusals import CannotCheck, CannotEvaluate, Lack, NothingToOffer, Source
from evoslack.calling.rule_changes import (
    InvalidRule,
    Mistake,
    RuleField,
    allowed_masking,
    countries_value,
    flow_value,
    hours_value,
    in_words,
    limits_value,
    masking_value,
    read_dates,
)
from evoslack.calling.rule_check import RuleCheck
from evoslack.calling.rulebook import (
    FlowRule,
    Masking,
    Rules,
    StoredRule,
    hours_of,
    in_force,
    limits_of,
    value_of,
)
from tests.rules import KnownFacts

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)  # a Monday
DAYTIME = CallingHours(8 * 60, 21 * 60)
NIGHT = CallingHours(20 * 60, 4 * 60, frozenset({4}))  # from Friday 8 PM
EVERY, WORKDAYS = sorted(EVERY_DAY), [0, 1, 2, 3, 4]


def ceiling(*hours: CallingHours, **more: Any) -> Rules:
    return replace(Rules(frozenset({"US", "CA"}), hours=hours), **more)


def mistakes(call: Callable[[], object]) -> dict[str, str]:
    with pytest.raises(InvalidRule) as invalid:
        call()
    return {str(each.field): str(each.mistake) for each in invalid.value.wrong}


def test_countries_lie_within_the_settings() -> None:
    assert countries_value({"CA"}, ceiling()) == {"countries": ["CA"]}
    assert countries_value({"CA", "US"}, ceiling()) is None
    assert mistakes(lambda: countries_value(set(), ceiling())) == {"countries": "no_country"}
    assert mistakes(lambda: countries_value({"CA", "GB"}, ceiling())) == {"countries": "country_turned_off"}
    anywhere = ceiling(countries=frozenset({"*"}))
    assert countries_value({"GB", "FR"}, anywhere) == {"countries": ["FR", "GB"]}
    assert mistakes(lambda: countries_value({"XX"}, anywhere)) == {"countries": "country_turned_off"}


@pytest.mark.parametrize(
    ("window", "start", "end", "days", "expected"),
    [
        (DAYTIME, "09:00", "17:00", WORKDAYS, {}),
        (DAYTIME, "08:00", "21:00", WORKDAYS, {}),
        (DAYTIME, "07:59", "17:00", EVERY, {"start": "beyond_hours"}),
        (DAYTIME, "09:00", "21:01", EVERY, {"end": "beyond_hours"}),
        (DAYTIME, "07:00", "22:00", EVERY, {"start": "beyond_hours", "end": "beyond_hours"}),
        (DAYTIME, "20:00", "09:00", EVERY, {"end": "beyond_hours"}),
        (replace(DAYTIME, days=frozenset(WORKDAYS)), "09:00", "17:00", [4, 5], {"days": "beyond_hours"}),
        (NIGHT, "22:00", "02:00", [4], {}),
        (NIGHT, "01:00", "03:00", [5], {}),  # of the window that began on Friday
        (NIGHT, "01:00", "03:00", [4], {"start": "beyond_hours", "end": "beyond_hours"}),
        (None, "20:00", "04:00", [6], {}),
        (None, "09:00", "09:00", EVERY, {"end": "same_time"}),
        (None, "00:00", "00:00", EVERY, {"end": "same_time"}),
        (None, "", "25:00", [], {"start": "no_time", "end": "no_time", "days": "no_day"}),
        (None, "09:00", "17:00", [7], {"days": "no_day"}),
    ],
)
def test_hours_lie_within_the_settings(
    window: CallingHours | None, start: str, end: str, days: list[int], expected: dict[str, str]
) -> None:
    most = ceiling(*([window] if window else []))

    def make() -> object:
        return hours_value((start, end), days, "", most, NOW)

    if expected:
        assert mistakes(make) == expected
    else:
        assert make() is not None


def test_hours_until_midnight_and_those_of_the_settings_themselves() -> None:
    value = hours_value(("18:00", "00:00"), EVERY, "12-25", ceiling(), NOW)
    assert value is not None
    assert hours_of(value) == CallingHours(18 * 60, 24 * 60, EVERY_DAY, frozenset({"12-25"}))
    assert hours_value(("08:00", "21:00"), EVERY, "", ceiling(DAYTIME), NOW) is None
    assert hours_value(("08:00", "21:00"), EVERY, "12-25", ceiling(DAYTIME), NOW) is not None


def test_hours_that_never_come_are_said_at_once() -> None:
    mondays = "\n".join(f"{NOW + timedelta(weeks=week):%Y-%m-%d}" for week in range(6))
    assert mistakes(lambda: hours_value(("09:00", "17:00"), [0], mondays, ceiling(DAYTIME), NOW)) == {
        "dates_off": "never_open"
    }
    no_mondays = replace(DAYTIME, dates_off=read_dates(mondays)[0])
    assert mistakes(lambda: hours_value(("09:00", "17:00"), [0], "", ceiling(no_mondays), NOW)) == {
        "days": "never_open"
    }


@pytest.mark.parametrize(
    ("text", "dates", "bad"),
    [
        ("", set(), []),
        (" 12-25,\n2026-11-26; 01-01 ", {"12-25", "2026-11-26", "01-01"}, []),
        ("02-29", {"02-29"}, []),
        ("2026-02-29", set(), ["2026-02-29"]),
        ("Dec 25", set(), ["Dec", "25"]),
        ("2026-1-5 ٢٠٢٦-٠١-٠١", set(), ["2026-1-5", "٢٠٢٦-٠١-٠١"]),
    ],
)
def test_dates_are_read_however_they_are_listed(text: str, dates: set[str], bad: list[str]) -> None:
    assert read_dates(text) == (frozenset(dates), bad)


def test_limits_are_not_above_the_settings_and_empty_ones_leave_them() -> None:
    most = ceiling(limits=limits_of({"person_hour": 60}))
    assert limits_value({"person_hour": " 20 ", "all_day": "500"}, most) == {
        "person_hour": 20,
        "all_day": 500,
    }
    assert limits_value({"person_hour": "60", "all_day": "0", "person_day": ""}, most) is None
    typed = {"person_hour": "61", "all_hour": "-1", "person_day": "1000000", "all_day": "٣"}
    assert mistakes(lambda: limits_value(typed, most)) == {
        "person_hour": "above_limit",
        "all_hour": "bad_limit",
        "person_day": "bad_limit",
        "all_day": "bad_limit",
    }


def test_masking_is_not_more_lenient_than_the_settings() -> None:
    most = ceiling(masking=Masking.SHARED)
    assert allowed_masking(most) == [Masking.SHARED, Masking.ALWAYS]
    assert masking_value("always", most) == {"masking": "always"}
    assert masking_value("shared", most) is None
    for wrong in ("never", "", "sometimes"):
        assert mistakes(lambda: masking_value(wrong, most)) == {"masking": "too_lenient"}  # noqa: B023


def test_a_flow_rule_without_anything_is_none() -> None:
    assert flow_value(FlowRule()) is None
    rule = FlowRule(frozenset({"U1", "W2"}), frozenset({"S1"}), "+12025550100")
    assert flow_value(rule) == value_of(rule)
    odd = FlowRule(frozenset({"<!channel>"}), frozenset({"U1"}))
    assert mistakes(lambda: flow_value(odd)) == {"users": "bad_name", "groups": "bad_name"}


@given(st.integers(0, 1439), st.integers(0, 1439), st.sets(st.integers(0, 6)), st.integers(0, 7 * 1440 - 1))
def test_hours_that_are_taken_never_open_what_the_settings_close(
    start: int, end: int, days: set[int], minute: int
) -> None:
    most = ceiling(DAYTIME)
    typed = f"{start // 60:02}:{start % 60:02}", f"{end // 60:02}:{end % 60:02}"
    try:
        value = hours_value(typed, days, "", most, NOW)
    except InvalidRule as invalid:
        assert {each.field for each in invalid.wrong} <= {RuleField.START, RuleField.END, RuleField.DAYS}
        assert Mistake.NEVER_OPEN not in {each.mistake for each in invalid.wrong}
        return
    at = NOW.replace(hour=0, minute=0) + timedelta(minutes=minute)
    if value is not None and hours_of(value).is_open(at):
        assert DAYTIME.is_open(at)


def test_a_window_within_another_says_it_all_but_for_the_dates() -> None:
    office = CallingHours(9 * 60, 17 * 60, frozenset(WORKDAYS), frozenset({"12-25"}))
    wide, early = replace(DAYTIME, dates_off=frozenset({"01-01"})), CallingHours(7 * 60, 9 * 60)

    assert in_words([wide, office]) == [replace(office, dates_off=frozenset({"12-25", "01-01"}))]
    assert in_words([DAYTIME, early]) == [DAYTIME, early]
    assert in_words([DAYTIME]) == [DAYTIME]


# --- which flows someone may use


OFFER = Offer("acc1", (Flow("open", "Open"), Flow("sales", "Sales")), (CallerId("+1"),), CallerId("+1"))


def check(*stored: StoredRule, members: frozenset[str] | None = frozenset()) -> RuleCheck:
    """`members` of every group; None: Slack does not say."""
    facts = KnownFacts()
    facts.rules = list(stored)

    def groups_of(user_id: str, groups: Any) -> Any:
        if members is None:
            raise CannotCheck(Source.SLACK)
        return groups if user_id in members else ()

    return RuleCheck(facts, Rules(frozenset({"US"})), "US", groups_of, lambda: NOW)


def kept(flow_id: str, **names: list[str]) -> StoredRule:
    return StoredRule(f"flow:{flow_id}", names, 1, "U_ROOT", NOW)


def offered(checking: RuleCheck, user_id: str = "U_SARA") -> list[str]:
    return [flow.id for flow in checking.offer_for(OFFER, user_id).flows]


def test_a_person_is_offered_the_flows_that_they_may_use() -> None:
    assert offered(check()) == ["open", "sales"]
    assert offered(check(kept("sales", users=["U_SARA"]))) == ["open", "sales"]
    assert offered(check(kept("sales", users=["U_BOSS"]))) == ["open"]
    assert offered(check(kept("sales", groups=["S1"]), members=frozenset({"U_SARA"}))) == ["open", "sales"]
    assert offered(check(kept("sales", groups=["S1"]))) == ["open"]
    assert offered(check(kept("sales", users=["U_SARA"])), "") == ["open"], "nobody knows who it is"


def test_a_flow_of_which_slack_does_not_say_is_left_out_and_said_if_it_is_the_last() -> None:
    assert offered(check(kept("sales", groups=["S1"]), members=None)) == ["open"]
    unknown = check(kept("sales", groups=["S1"]), kept("open", groups=["S1"]), members=None)
    with pytest.raises(CannotCheck):
        unknown.offer_for(OFFER, "U_SARA")
    with pytest.raises(NothingToOffer) as nothing:
        check(kept("sales", users=["U1"]), kept("open", users=["U1"])).offer_for(OFFER, "U_SARA")
    assert nothing.value.lack is Lack.ALLOWED_FLOWS


def test_while_a_rule_cannot_be_read_no_flow_is_offered() -> None:
    with pytest.raises(CannotEvaluate):
        check(StoredRule("moods", {}, 1, "U_ROOT", NOW)).offer_for(OFFER, "U_SARA")


def test_what_is_stored_is_only_stricter() -> None:
    most = ceiling(DAYTIME, limits=limits_of({"person_hour": 60}), masking=Masking.ALWAYS)
    stored = [
        StoredRule("countries", {"countries": ["CA", "GB"]}, 1, "U", NOW),
        StoredRule("masking", {"masking": "never"}, 1, "U", NOW),
    ]
    now = in_force(most, stored)
    assert (now.countries, now.masking) == (frozenset({"CA"}), Masking.ALWAYS)
