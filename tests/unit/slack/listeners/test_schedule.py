"""What was filled in on the page that asks when to call, as a time or as what is wrong with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from evoslack.calling.places import Place, zones_of
from evoslack.calling.refusals import BadTime, ReasonNeeded, TimeProblem
from evoslack.slack.listeners.schedule import field_of, moment_in, timing_of, words_of
from evoslack.slack.rendering import schedule_page
from evoslack.slack.rendering.form_metadata import FormMetadata, ScheduleMetadata
from evoslack.slack.rendering.schedule_page import AT_ONCE, AT_OPENING, AT_OTHER, OWN, WhenEntries

NOW = datetime(2026, 3, 2, 16, 12, tzinfo=UTC)
OPENS = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
HONOLULU = "+18082345678"
PLACE = zones_of(HONOLULU)
PAGE = ScheduleMetadata(
    FormMetadata("key"), "flow1", HONOLULU, "+12025550100", "America/New_York", str(int(OPENS.timestamp()))
)
FILLED = WhenEntries(AT_OTHER, "2026-03-03", "14:30", OWN)


def problem(entries: WhenEntries, page: ScheduleMetadata = PAGE) -> TimeProblem:
    with pytest.raises(BadTime) as caught:
        timing_of(entries, page, PLACE, NOW)
    return caught.value.problem


def test_the_offer_is_one_choice_away() -> None:
    assert timing_of(WhenEntries(AT_OPENING, date="2026-03-02"), PAGE, PLACE, NOW).due_at == OPENS


@pytest.mark.parametrize(
    ("zone", "hour_utc"), [(OWN, 19), ("Pacific/Honolulu", 24)], ids=["my time", "their time"]
)
def test_a_time_is_meant_in_the_zone_that_was_chosen(zone: str, hour_utc: int) -> None:
    entries = WhenEntries(AT_OTHER, "2026-03-03", "14:30", zone)

    wanted = datetime(2026, 3, 3, 0, 30, tzinfo=UTC) + timedelta(hours=hour_utc)
    assert timing_of(entries, PAGE, PLACE, NOW).due_at == wanted


def test_who_has_no_zone_in_slack_enters_utc() -> None:
    assert moment_in(FILLED, "", PLACE) == datetime(2026, 3, 3, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("entries", "expected", "field"),
    [
        (WhenEntries(AT_OTHER, "2026-03-08", "02:30", OWN), TimeProblem.GAP, schedule_page.TIME),
        (WhenEntries(AT_OTHER, "2026-03-02", "11:11", OWN), TimeProblem.PAST, schedule_page.TIME),
        (WhenEntries(AT_OTHER, "2027-04-06", "11:11", OWN), TimeProblem.FAR, schedule_page.DATE),
        (WhenEntries(AT_OTHER, "9999-12-31", "23:59", OWN), TimeProblem.FAR, schedule_page.DATE),
        (WhenEntries(AT_OTHER, "2026-03-03", "", OWN), TimeProblem.MISSING, schedule_page.TIME),
        (WhenEntries(AT_OTHER, "", "14:30", OWN), TimeProblem.MISSING, schedule_page.DATE),
        (WhenEntries(AT_OTHER, "tomorrow", "14:30", OWN), TimeProblem.MISSING, schedule_page.TIME),
        (WhenEntries(AT_OTHER, "2026-03-03", "25:99", OWN), TimeProblem.MISSING, schedule_page.TIME),
        (
            WhenEntries(AT_OTHER, "2026-03-03", "14:30", "Asia/Tokyo"),
            TimeProblem.UNKNOWN_ZONE,
            schedule_page.ZONE,
        ),
        (WhenEntries(AT_OTHER, "2026-03-03", "14:30", ""), TimeProblem.UNKNOWN_ZONE, schedule_page.ZONE),
        (WhenEntries(AT_OPENING, "2026-03-03", "14:30", OWN), TimeProblem.TWO_TIMES, schedule_page.CHOICE),
    ],
    ids=[
        *("gap", "past", "400 days", "end of time", "no time", "no date", "no day", "no clock"),
        *("forged zone", "no zone", "two times"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(entries: WhenEntries, expected: TimeProblem, field: str) -> None:
    assert problem(entries) is expected
    assert field_of(BadTime(expected), entries) == field
    assert words_of(BadTime(expected), entries, "US").endswith(".")


def test_an_offer_that_is_over_says_to_call_now() -> None:
    page = ScheduleMetadata(FormMetadata("key"), "flow1", HONOLULU, "+12025550100", opens_at="1772460000")
    entries = WhenEntries(AT_OPENING)

    assert problem(entries, page) is TimeProblem.PAST
    assert "call now" in words_of(BadTime(TimeProblem.PAST), entries, "US")


@pytest.mark.parametrize("reason", ["", "   ", "\n\t"])
def test_calling_at_once_needs_a_reason(reason: str) -> None:
    with pytest.raises(ReasonNeeded):
        timing_of(WhenEntries(AT_ONCE, reason=reason), PAGE, PLACE, NOW)


def test_a_reason_is_kept_on_one_line() -> None:
    timing = timing_of(WhenEntries(AT_ONCE, reason=" they asked\n for it "), PAGE, PLACE, NOW)

    assert (timing.due_at, timing.hours_reason) == (None, "they asked for it")


def test_a_choice_that_was_never_offered_is_a_time_that_is_missing() -> None:
    assert problem(WhenEntries("whenever")) is TimeProblem.MISSING


def test_a_number_that_is_nowhere_has_no_zone_to_choose() -> None:
    with pytest.raises(BadTime):
        moment_in(WhenEntries(AT_OTHER, "2026-03-03", "14:30", "Pacific/Honolulu"), "", Place())
