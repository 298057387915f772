"""What a person reads when a rule says no: which rule, why, and what to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from evoslack.calling.calling_hours import DAY_MIN, EVERY_DAY, CallingHours
from evoslack.calling.places import zones_of
from evoslack.calling.refusals import CannotEvaluate, NumberBlocked, OutsideHours, Refusal
from evoslack.calling.rulebook import BlockedNumber, Rules
from evoslack.calling.rules import require_open_hours
from evoslack.slack.rendering import hours_messages, number_line, times
from evoslack.slack.rendering.refusal_messages import refusal_message

NOW = datetime(2026, 3, 2, 16, 12, tzinfo=UTC)  # a Monday
HONOLULU, IDAHO, NEW_YORK = "+18085220143", "+12085550100", "+12125550143"
DAYTIME = CallingHours(8 * 60, 21 * 60)
OFFICE = CallingHours(9 * 60, 18 * 60, frozenset(range(5)), frozenset({"03-04"}))


def outside(number: str, at: datetime, *hours: CallingHours, is_for_later: bool = False) -> Refusal:
    with pytest.raises(OutsideHours) as no:
        require_open_hours(
            Rules(frozenset({"*"}), hours=hours),
            zones_of(number),
            at,
            number=number,
            is_for_later=is_for_later,
        )
    return no.value


def words(refusal: Refusal) -> str:
    message = refusal_message(refusal, "US")
    assert message.field == "number"
    return message.words


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_too_early_says_the_time_there_the_hours_and_how_long_to_wait() -> None:
    assert words(outside(HONOLULU, NOW, DAYTIME)) == (
        "It's 6:12 AM in Honolulu, HI. Calling hours are 8:00 AM to 9:00 PM, their time. Nothing was dialed. "
        "Call at 8:00 AM their time, in 1 hr 48 min."
    )


def test_too_late_says_the_next_day() -> None:
    assert words(outside(NEW_YORK, utc("2026-03-03T02:30"), DAYTIME)).endswith(
        "Call at 8:00 AM on Tuesday, Mar 3, their time, in 10 hr 30 min."
    )


def test_several_zones_have_several_times_and_one_wait() -> None:
    assert words(outside(IDAHO, utc("2026-03-02T14:30"), DAYTIME)) == (
        "It's between 6:30 AM and 7:30 AM there. Calling hours are 8:00 AM to 9:00 PM, their time. "
        "Nothing was dialed. Call in 1 hr 30 min."
    )


def test_a_call_for_later_is_told_about_that_time() -> None:
    assert words(outside(NEW_YORK, utc("2026-03-04T09:30"), DAYTIME, is_for_later=True)) == (
        "It will be 4:30 AM in New York, NY then. Calling hours are 8:00 AM to 9:00 PM, their time. "
        "Nothing was dialed. Choose 8:00 AM their time or later."
    )
    assert "Choose a time 1 hr 30 min later." in words(
        outside(IDAHO, utc("2026-03-02T14:30"), DAYTIME, is_for_later=True)
    )


@pytest.mark.parametrize(
    ("at", "why"),
    [
        ("2026-03-07T17:00", "It's Saturday in New York, NY. Calling days are Monday to Friday. "),
        ("2026-03-04T17:00", "It's Mar 4 in New York, NY, a no-call date. "),
        (
            "2026-03-03T23:30",
            "It's 6:30 PM in New York, NY. Calling hours are 9:00 AM to 6:00 PM, their time. ",
        ),
        (
            "2026-03-07T23:30",
            "It's 6:30 PM in New York, NY. Calling hours are 9:00 AM to 6:00 PM, their time. ",
        ),
    ],
)
def test_the_reason_is_the_time_of_day_the_weekday_or_the_date(at: str, why: str) -> None:
    assert words(outside(NEW_YORK, utc(at), DAYTIME, OFFICE)).startswith(why)


def test_two_windows_are_said_as_the_one_that_both_leave() -> None:
    assert "Calling hours are 9:00 AM to 6:00 PM, their time." in words(
        outside(NEW_YORK, utc("2026-03-02T09:30"), DAYTIME, OFFICE)
    )
    night = CallingHours(20 * 60, 2 * 60)
    assert "8:00 AM to 9:00 PM and also 8:00 PM to 2:00 AM the next day" in words(
        outside(NEW_YORK, utc("2026-03-02T12:30"), DAYTIME, night)
    )


def test_hours_that_never_open_and_an_unknown_time_say_whom_to_ask() -> None:
    never = outside(NEW_YORK, utc("2026-03-02T09:30"), DAYTIME, CallingHours(0, 60))
    assert words(never).endswith("No time in the next month is allowed. Tell your EvoSlack admin.")
    unknown = OutsideHours(NOW, (), (DAYTIME,), None, number="+2905123")
    assert words(unknown) == (
        "EvoSlack doesn't know what time it is there, so it can't check calling hours. Nothing was dialed. "
        "An Evo Voice administrator can call with a reason."
    )


BLOCK = BlockedNumber(NEW_YORK, "asked by\n email <!channel>", "U_BOSS", NOW)


def test_a_blocked_number_says_since_when_and_why() -> None:
    assert words(NumberBlocked(BLOCK)) == (
        "On the do-not-call list since Mar 2, 2026: “asked by email <!channel>”. Nothing was dialed. "
        "If that's wrong, ask an Evo Voice administrator."
    )


def test_the_line_under_a_number_names_the_person_who_blocked_it_and_escapes_the_reason() -> None:
    assert number_line.objection(NumberBlocked(BLOCK), "New York, NY") == (
        "⚠️ On the do-not-call list since Mar 2, 2026: “asked by email &lt;!channel&gt;”. Added by <@U_BOSS>. "
        "If that's wrong, ask an Evo Voice administrator.\nNew York, NY"
    )


def test_a_rule_that_cannot_be_read_is_named() -> None:
    assert words(CannotEvaluate("hours")) == (
        "EvoSlack can't read the rule “hours”, so it can't check this call. Nothing was dialed. "
        "Tell your EvoSlack admin."
    )


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (DAYTIME, "8:00 AM to 9:00 PM"),
        (OFFICE, "9:00 AM to 6:00 PM, Monday to Friday"),
        (CallingHours(20 * 60, DAY_MIN), "8:00 PM to midnight"),
        (CallingHours(0, DAY_MIN, frozenset({5, 6, 0})), "Saturday to Monday"),
        (CallingHours(0, DAY_MIN, frozenset({0, 2, 5})), "Monday, Wednesday and Saturday"),
        (CallingHours(0, DAY_MIN, frozenset({6, 0})), "Monday and Sunday"),
        (CallingHours(0, DAY_MIN, frozenset({2})), "Wednesdays"),
        (CallingHours(0, DAY_MIN, EVERY_DAY), "any time"),
    ],
)
def test_a_window_in_words(hours: CallingHours, said: str) -> None:
    assert hours_messages.window(hours) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "1 min"),
        (1, "1 min"),
        (61, "2 min"),
        (3600, "1 hr"),
        (6480, "1 hr 48 min"),
        (47 * 3600, "47 hr"),
        (48 * 3600, "2 days"),
        (48 * 3600 + 1, "3 days"),
    ],
)
def test_a_wait_is_never_said_too_short(seconds: float, said: str) -> None:
    assert times.wait(timedelta(seconds=seconds)) == said
