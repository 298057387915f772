"""When people may be called: a window of their local time, on some days, and when it opens next.

Pure. The zone is that of the number called; a number that may lie in several zones is called only while the
window is open in all of them. The wall clock decides: an hour that is skipped when clocks are put forward is
no hour, and one that comes twice counts twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY_MIN = 24 * 60
EVERY_DAY = frozenset(range(7))
HORIZON_DAYS = 31  # how far ahead an opening is searched for: four weekly days off in a row are passed
_A_DAY, _A_SECOND = timedelta(days=1), timedelta(seconds=1)


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
        return self.is_between(local) and self.is_on(self.day_of(local))

    def is_between(self, local: datetime) -> bool:
        """Whether the time of day is right, whatever the day."""
        minute = local.hour * 60 + local.minute
        if self.is_over_midnight:
            return minute >= self.start_min or minute < self.end_min
        return self.start_min <= minute < self.end_min

    def day_of(self, local: datetime) -> datetime:
        """That time on the day to which it belongs: after midnight, a window of the day before goes on."""
        minute = local.hour * 60 + local.minute
        belongs_to_yesterday = self.is_over_midnight and minute < min(self.start_min, self.end_min)
        return local - _A_DAY if belongs_to_yesterday else local

    def is_on(self, day: datetime) -> bool:
        """Whether there is a window on that day."""
        date = f"{day:%Y-%m-%d}"
        return day.weekday() in self.days and not self.dates_off & {date, date[5:]}


AROUND_THE_CLOCK = CallingHours(0, DAY_MIN)


def are_open(windows: Sequence[CallingHours], zones: Sequence[str], at: datetime) -> bool:
    """Whether every window is open in every zone (IANA names)."""
    return all(window.is_open(at.astimezone(ZoneInfo(zone))) for zone in zones for window in windows)


def opens_at(windows: Sequence[CallingHours], zones: Sequence[str], after: datetime) -> datetime | None:
    """The first moment from `after` on when all windows are open in all zones (UTC); None: not in a month.

    Nothing is open before the last of them opens, so that moment is tried next, until one serves all.
    """
    at: datetime | None = after.astimezone(UTC)
    each = [(window, ZoneInfo(zone)) for zone in zones for window in windows]
    until = after + HORIZON_DAYS * _A_DAY
    while at is not None and at < until:
        begins = at
        for window, zone in each:
            opening = _opens_at(window, zone, begins, until)
            if opening is None:
                return None
            begins = opening
        if begins == at:
            return at
        at = begins
    return None


def _opens_at(window: CallingHours, zone: ZoneInfo, after: datetime, until: datetime) -> datetime | None:
    """The first moment from `after` on when this window is open there."""
    if window.is_open(after.astimezone(zone)):
        return after
    day = (after - _A_DAY).astimezone(zone).date()  # by dates: in UTC, 24 hours may skip a short day
    while day <= until.astimezone(zone).date():
        for at in sorted(_changes(window, zone, day)):
            if at > after and window.is_open(at.astimezone(zone)):
                return at
        day += _A_DAY
    return None


def _changes(window: CallingHours, zone: ZoneInfo, day: date) -> Iterator[datetime]:
    """When the window may open on that local date (UTC).

    At its beginning, at midnight after a day off, and when the clocks change. A time that comes twice counts
    twice; what is computed for a time that is skipped does no harm, because the clocks change there as well.
    """
    hours, minutes = divmod(window.start_min, 60)
    for fold in (0, 1):
        for wall in (time(0, 0, fold=fold), time(hours, minutes, fold=fold)):
            yield datetime.combine(day, wall, zone).astimezone(UTC)
    noon = datetime.combine(day, time(12), zone).astimezone(UTC)
    for first in (noon - _A_DAY, noon):
        if first.astimezone(zone).utcoffset() != (first + _A_DAY).astimezone(zone).utcoffset():
            change = _clock_change(zone, first, first + _A_DAY)
            if change.astimezone(zone).date() == day:
                yield change


def _clock_change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """When the zone's offset changes between these two moments, to the second."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > _A_SECOND:
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after
