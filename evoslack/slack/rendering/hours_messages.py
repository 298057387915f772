"""Calling hours in words: when people may be called, and why not at some moment. Plain text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from evoslack.calling.calling_hours import DAY_MIN, EVERY_DAY, CallingHours
from evoslack.slack.rendering import times

_AND = " and also "  # between windows that must all be open
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def window(hours: CallingHours) -> str:
    """Such as 8:00 AM to 9:00 PM, Monday to Friday."""
    parts = [part for part in (_clocks(hours), days(hours.days)) if part]
    return ", ".join(parts) or "any time"


def days(chosen: frozenset[int]) -> str:
    """Weekdays, such as Monday to Friday; empty for every day."""
    if chosen == EVERY_DAY:
        return ""
    for first in chosen:  # one row of days, also over the end of the week
        row = [(first + place) % 7 for place in range(len(chosen))]
        if set(row) == chosen and len(row) > 2:
            return f"{DAYS[row[0]]} to {DAYS[row[-1]]}"
    *most, last = [DAYS[day] for day in sorted(chosen)]
    return f"{', '.join(most)} and {last}" if most else f"{last}s"


def closed(local: Sequence[datetime], hours: Sequence[CallingHours], there: str, *, is_later: bool) -> str:
    """Why people may not be called at these local times, which are all that it may be `there`.

    `is_later`: the call is for a later time.
    """
    at, shut = next(
        ((time, each) for each in hours for time in local if not each.is_open(time)), (local[0], None)
    )
    clocks = times.plain_clock(at)
    if len(local) > 1:
        clocks = f"between {times.plain_clock(local[0])} and {times.plain_clock(local[-1])}"
    it_is, then = ("It will be", " then") if is_later else ("It's", "")
    if shut is None or not shut.is_between(at):
        narrow = _joined([each for each in hours if not all(map(each.is_between, local))])
        clock_times = _AND.join(_clocks(each) for each in narrow)
        return f"{it_is} {clocks} {there}{then}. Calling hours are {clock_times}, their time."
    day = shut.day_of(at)
    if day.weekday() in shut.days:
        return f"It's {times.short_date(day)} {there}{then}, a no-call date."
    return f"It's {DAYS[day.weekday()]} {there}{then}. Calling days are {days(shut.days)}."


def together(hours: Sequence[CallingHours]) -> str:
    """When all of these are open, such as 9:00 AM to 6:00 PM, Monday to Friday."""
    return _AND.join(dict.fromkeys(window(each) for each in _joined(hours)))


def _joined(hours: Sequence[CallingHours]) -> Sequence[CallingHours]:
    """One window instead of several, if that can be said so simply."""
    start, end = max(each.start_min for each in hours), min(each.end_min for each in hours)
    chosen = frozenset.intersection(*(each.days for each in hours))
    is_simple = start < end and bool(chosen) and not any(each.is_over_midnight for each in hours)
    return [CallingHours(start, end, chosen)] if is_simple else hours


def _clocks(hours: CallingHours) -> str:
    """The times of day; empty for all of them."""
    if (hours.start_min, hours.end_min) == (0, DAY_MIN):
        return ""
    next_day = " the next day" if hours.is_over_midnight else ""
    return f"{times.plain_minute(hours.start_min)} to {times.plain_minute(hours.end_min)}{next_day}"
