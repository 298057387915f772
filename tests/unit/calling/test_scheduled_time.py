"""The time that a call may wait for."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from evoslack.calling.refusals import BadTime, TimeProblem
from evoslack.calling.scheduled_time import MAX_AHEAD, local_to_utc, require_good_time

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("ahead", [SECOND, MAX_AHEAD])
def test_the_next_thirty_days_are_good(ahead: timedelta) -> None:
    require_good_time(NOW + ahead, NOW)


@pytest.mark.parametrize(
    ("ahead", "problem"),
    [
        (timedelta(0), TimeProblem.PAST),
        (-SECOND, TimeProblem.PAST),
        (MAX_AHEAD + SECOND, TimeProblem.FAR),
        (timedelta(days=400), TimeProblem.FAR),
    ],
)
def test_others_are_not(ahead: timedelta, problem: TimeProblem) -> None:
    with pytest.raises(BadTime) as bad:
        require_good_time(NOW + ahead, NOW)
    assert bad.value.problem is problem


@pytest.mark.parametrize(
    ("day", "clock", "zone", "utc"),
    [
        (date(2026, 3, 7), time(8), "America/New_York", datetime(2026, 3, 7, 13, tzinfo=UTC)),
        (date(2026, 3, 9), time(8), "America/New_York", datetime(2026, 3, 9, 12, tzinfo=UTC)),
        (date(2026, 3, 9), time(8), "Pacific/Honolulu", datetime(2026, 3, 9, 18, tzinfo=UTC)),
        (date(2026, 3, 9), time(8), "Asia/Kolkata", datetime(2026, 3, 9, 2, 30, tzinfo=UTC)),
        # In autumn 1:30 comes twice; the first one is meant.
        (date(2026, 11, 1), time(1, 30), "America/New_York", datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
        # The ends of the gap exist.
        (date(2026, 3, 8), time(1, 59), "America/New_York", datetime(2026, 3, 8, 6, 59, tzinfo=UTC)),
        (date(2026, 3, 8), time(3), "America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    ],
)
def test_a_wall_clock_there_is_a_moment(day: date, clock: time, zone: str, utc: datetime) -> None:
    assert local_to_utc(day, clock, zone) == utc


@pytest.mark.parametrize(
    ("day", "clock", "zone", "problem"),
    [
        (date(2026, 3, 8), time(2, 30), "America/New_York", TimeProblem.GAP),
        (date(2026, 3, 29), time(2, 0), "Europe/Berlin", TimeProblem.GAP),
        (date(2026, 3, 8), time(8), "America/Nowhere", TimeProblem.UNKNOWN_ZONE),
        (date(2026, 3, 8), time(8), "../../etc/passwd", TimeProblem.UNKNOWN_ZONE),
        (date(2026, 3, 8), time(8), "", TimeProblem.UNKNOWN_ZONE),
        (date(9999, 12, 31), time(23), "Pacific/Honolulu", TimeProblem.FAR),
        (date(1, 1, 1), time(0), "Asia/Tokyo", TimeProblem.FAR),
    ],
)
def test_a_time_that_no_clock_shows_is_none(day: date, clock: time, zone: str, problem: TimeProblem) -> None:
    with pytest.raises(BadTime) as bad:
        local_to_utc(day, clock, zone)
    assert bad.value.problem is problem
