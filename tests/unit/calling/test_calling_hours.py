"""When people may be called: on their own clock, on both sides of every change of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoslack.calling.calling_hours import (
    DAY_MIN,
    EVERY_DAY,
    HORIZON_DAYS,
    CallingHours,
    are_open,
    opens_at,
)

NEW_YORK, CHICAGO, HONOLULU = "America/New_York", "America/Chicago", "Pacific/Honolulu"
DAYTIME = CallingHours(8 * 60, 21 * 60)
NIGHT = CallingHours(20 * 60, 2 * 60)
WEEKDAYS = frozenset(range(5))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(text: str, zone: str = NEW_YORK) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("clock", "is_open"),
    [("07:59:59", False), ("08:00", True), ("20:59:59", True), ("21:00", False), ("00:00", False)],
)
def test_a_window_opens_with_its_first_minute_and_closes_before_its_last(clock: str, is_open: bool) -> None:
    assert DAYTIME.is_open(local(f"2026-03-02T{clock}")) is is_open


@pytest.mark.parametrize(
    ("clock", "is_open"),
    [("19:59", False), ("20:00", True), ("23:59", True), ("00:00", True), ("01:59", True), ("02:00", False)],
)
def test_a_window_over_midnight_goes_on_in_the_next_day(clock: str, is_open: bool) -> None:
    assert NIGHT.is_open(local(f"2026-03-02T{clock}")) is is_open


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    friday = CallingHours(20 * 60, 2 * 60, frozenset({4}))

    assert friday.is_open(local("2026-03-06T20:00"))  # Friday
    assert friday.is_open(local("2026-03-07T01:59"))  # still Friday's
    assert not friday.is_open(local("2026-03-06T01:00"))  # Thursday's
    assert not friday.is_open(local("2026-03-07T20:00"))


@pytest.mark.parametrize(
    ("date", "is_open"),
    [("2026-12-25", False), ("2031-12-25", False), ("2026-11-26", False), ("2027-11-26", True)],
)
def test_a_date_off_is_of_one_year_or_of_every_year(date: str, is_open: bool) -> None:
    hours = CallingHours(8 * 60, 21 * 60, EVERY_DAY, frozenset({"12-25", "2026-11-26"}))

    assert hours.is_open(local(f"{date}T12:00")) is is_open


def test_every_zone_and_every_window_has_to_be_open() -> None:
    at = utc("2026-03-02T13:30")  # 8:30 AM in New York, 7:30 AM in Chicago

    assert are_open([DAYTIME], [NEW_YORK], at)
    assert not are_open([DAYTIME], [NEW_YORK, CHICAGO], at)
    assert not are_open([DAYTIME, CallingHours(9 * 60, 17 * 60)], [NEW_YORK], at)


@pytest.mark.parametrize(
    ("after", "opens"),
    [
        ("2026-03-02T13:00", "2026-03-02T13:00"),  # it is 8:00 AM
        ("2026-03-02T12:59:30", "2026-03-02T13:00"),
        ("2026-03-03T02:00", "2026-03-03T13:00"),  # 9:00 PM
        ("2026-03-08T02:00", "2026-03-08T12:00"),  # the night in which clocks are put forward
        ("2026-11-01T02:00", "2026-11-01T13:00"),  # and back
    ],
)
def test_it_opens_at_eight_there_whatever_the_clocks_did_in_the_night(after: str, opens: str) -> None:
    assert opens_at([DAYTIME], [NEW_YORK], utc(after)) == utc(opens)


@pytest.mark.parametrize(
    ("window", "after", "opens"),
    [
        # 2:30 AM does not exist on March 8: at 2:00 AM the clocks show 3:00.
        (CallingHours(150, 600), "2026-03-08T06:00", "2026-03-08T07:00"),
        (CallingHours(120, 600), "2026-03-08T06:00", "2026-03-08T07:00"),
        (CallingHours(180, 600), "2026-03-08T06:00", "2026-03-08T07:00"),
        # It begins and ends in the hour that is skipped: there is none on that day.
        (CallingHours(130, 170), "2026-03-08T06:00", "2026-03-09T06:10"),
        # 1:30 AM comes twice on November 1, at 5:30 and 6:30 UTC; in between it is 1:00 AM again.
        (CallingHours(90, 600), "2026-11-01T05:00", "2026-11-01T05:30"),
        (CallingHours(90, 600), "2026-11-01T06:05", "2026-11-01T06:30"),
        # Open until 1:30 AM, closed, and open again when it is 1:00 AM for the second time.
        (CallingHours(30, 90), "2026-11-01T05:45", "2026-11-01T06:00"),
    ],
)
def test_it_opens_right_where_the_clocks_change(window: CallingHours, after: str, opens: str) -> None:
    assert opens_at([window], [NEW_YORK], utc(after)) == utc(opens)


@pytest.mark.parametrize(
    ("zone", "after", "opens"),
    [
        ("America/Havana", "2025-03-09T04:30", "2025-03-09T05:00"),  # midnight is skipped
        ("America/Santiago", "2025-04-06T02:30", "2025-04-06T04:00"),  # the last hour of the day comes twice
        ("Australia/Lord_Howe", "2025-10-04T13:00", "2025-10-04T13:30"),  # clocks change by half an hour
    ],
)
def test_a_day_begins_at_midnight_wherever_the_clocks_change(zone: str, after: str, opens: str) -> None:
    """The day before is a day off; the window is around the clock."""
    day = utc(opens).astimezone(ZoneInfo(zone)).date()
    all_day = CallingHours(0, DAY_MIN, EVERY_DAY, frozenset({str(day - timedelta(days=1))}))

    assert opens_at([all_day], [zone], utc(after)) == utc(opens)


def test_days_off_are_passed() -> None:
    weekdays = CallingHours(8 * 60, 21 * 60, WEEKDAYS, frozenset({"2026-03-09"}))

    assert opens_at([weekdays], [NEW_YORK], utc("2026-03-07T03:00")) == utc("2026-03-10T12:00")


def test_it_opens_when_the_last_of_several_zones_opens() -> None:
    assert opens_at([DAYTIME], [NEW_YORK, HONOLULU], utc("2026-07-01T10:00")) == utc("2026-07-01T18:00")


def test_hours_that_never_open_are_none() -> None:
    mornings, evenings = CallingHours(8 * 60, 12 * 60), CallingHours(13 * 60, 21 * 60)
    mondays = CallingHours(0, DAY_MIN, frozenset({0}))
    tuesdays = CallingHours(0, DAY_MIN, frozenset({1}))
    narrow = CallingHours(8 * 60, 9 * 60)

    assert opens_at([mornings, evenings], [NEW_YORK], utc("2026-03-02T10:00")) is None
    assert opens_at([mondays, tuesdays], [NEW_YORK], utc("2026-03-02T10:00")) is None
    assert opens_at([narrow], [NEW_YORK, HONOLULU], utc("2026-03-02T10:00")) is None
    assert opens_at([CallingHours(0, 60, frozenset())], [NEW_YORK], utc("2026-03-02T10:00")) is None


# --- compared with asking minute by minute ------------------------------------------------------------------

ZONES = [
    *(NEW_YORK, CHICAGO, HONOLULU, "Europe/London", "America/St_Johns", "America/Havana", "America/Santiago"),
    *("Africa/Casablanca", "Australia/Lord_Howe", "Pacific/Chatham", "Asia/Kathmandu", "America/Nuuk"),
]
CHANGES = [
    *("2025-03-09T07:00", "2025-11-02T06:00", "2025-03-30T01:00", "2025-10-26T01:00", "2025-04-06T03:00"),
    *("2025-09-07T04:00", "2025-02-23T02:00", "2025-10-04T15:30"),
]
MINUTES = st.sampled_from([0, 30, 60, 90, 120, 150, 180, 480, 1260, 1380, 1410]) | st.integers(0, DAY_MIN - 1)
WINDOWS = st.builds(
    CallingHours,
    MINUTES,
    MINUTES.map(lambda minute: minute or DAY_MIN),
    st.sampled_from([EVERY_DAY, WEEKDAYS, frozenset({5, 6})]),
    st.sampled_from([frozenset(), frozenset({"03-09"}), frozenset({"2025-11-02", "10-26"})]),
)
DAY_AROUND = st.integers(-24 * 60, 24 * 60).map(lambda minutes: timedelta(minutes=minutes))


@given(
    st.lists(WINDOWS, min_size=1, max_size=2),
    st.lists(st.sampled_from(ZONES), min_size=1, max_size=2),
    st.sampled_from(CHANGES).map(utc),
    DAY_AROUND,
)
def test_no_minute_before_the_opening_is_open(
    windows: list[CallingHours], zones: list[str], change: datetime, off: timedelta
) -> None:
    after = change + off
    opening = opens_at(windows, zones, after)
    searched = min(opening or after + timedelta(days=HORIZON_DAYS), after + timedelta(days=3))

    minutes = int((searched - after) / timedelta(minutes=1))
    early = (after + timedelta(minutes=each) for each in range(0, minutes, 5))
    assert not any(are_open(windows, zones, at) for at in early)
    # Windows and clocks change on full minutes: the one right before the opening is still closed.
    if opening is not None:
        assert are_open(windows, zones, opening)
        assert opening == after or not are_open(windows, zones, opening - timedelta(minutes=1))
