"""When people may be called: a window of their local time, on some days, and when it opens next.

Pure. The zone is that of the number called; a number that may lie in several zones is called only while the
window is open in all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY_MIN = 24 * 60
EVERY_DAY = frozenset(range(7))
LOOK_AHEAD_DAYS = 15  # with a window on one day a week, and a holiday on that day


@dataclass(frozen=True, slots=True)
class CallingHours:
    """From `start_min` up to `end_min`, in minutes after midnight; over midnight if the end comes first.

    `days` are weekdays, Monday is 0. `dates_off` are dates without calls: `2026-11-26`, or `12-25` for every
    year. A window over midnight belongs to the day on which it begins.
    """

    start_min: int
    end_min: int  # 1 to 1440
    days: frozenset[int] = EVERY_DAY
    dates_off: frozenset[str] = frozenset()

    @property
    def is_over_midnight(self) -> bool:
        """Whether it ends on the day after it began."""
        return self.end_min <= self.start_min

    def is_open(self, local: datetime) -> bool:
        """Whether people may be called at that local time."""
        minute = local.hour * 60 + local.minute
        if not self.is_over_midnight:
            return self.start_min <= minute < self.end_min and self._is_on(local)
        if minute >= self.start_min:
            return self._is_on(local)
        return minute < self.end_min and self._is_on(local - timedelta(days=1))

    def _is_on(self, day: datetime) -> bool:
        date = f"{day:%Y-%m-%d}"
        return day.weekday() in self.days and not self.dates_off & {date, date[5:]}


def are_open(windows: Sequence[CallingHours], zones: Sequence[str], at: datetime) -> bool:
    """Whether every window is open in every zone (IANA names)."""
    return all(window.is_open(at.astimezone(ZoneInfo(zone))) for zone in zones for window in windows)


def opens_at(windows: Sequence[CallingHours], zones: Sequence[str], after: datetime) -> datetime | None:
    """The first moment from `after` on when all windows are open in all zones; None: not in two weeks."""
    if are_open(windows, zones, after):
        return after
    beginnings = {_beginning(zone, window, after, day) for zone in zones for window in windows
                  for day in range(-1, LOOK_AHEAD_DAYS)}  # fmt: skip
    beginnings |= {
        _beginning(zone, _MIDNIGHT, after, day) for zone in zones for day in range(LOOK_AHEAD_DAYS)
    }
    return next((at for at in sorted(beginnings) if at > after and are_open(windows, zones, at)), None)


_MIDNIGHT = CallingHours(0, DAY_MIN)  # a window around the clock opens when a day off ends


def _beginning(zone: str, window: CallingHours, after: datetime, day: int) -> datetime:
    """When the window begins that many days later, in UTC; in a gap of daylight saving: right after it."""
    date = (after.astimezone(ZoneInfo(zone)) + timedelta(days=day)).date()
    hours, minutes = divmod(window.start_min, 60)
    return datetime.combine(date, time(hours, minutes), ZoneInfo(zone)).astimezone(UTC)
