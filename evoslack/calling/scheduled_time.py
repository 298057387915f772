"""The time that a call may wait for: from a person's date, time and zone to a moment, or to what is wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from evoslack.calling.refusals import BadTime, TimeProblem

MAX_AHEAD = timedelta(days=30)
GRACE = timedelta(minutes=10)  # a call whose time is longer ago is never dialed


def require_good_time(due_at: datetime, now: datetime) -> None:
    """Raises `BadTime` for a time that has passed or is too far ahead."""
    if due_at <= now:
        raise BadTime(TimeProblem.PAST)
    if due_at > now + MAX_AHEAD:
        raise BadTime(TimeProblem.FAR)


def local_to_utc(day: date, clock: time, zone: str) -> datetime:
    """The moment that a wall clock in the zone (an IANA name) shows; of two in autumn, the first.

    Raises `BadTime` for a time that no clock shows, as clocks are put forward, and for an unknown zone.
    """
    try:
        local = datetime.combine(day, clock, ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadTime(TimeProblem.UNKNOWN_ZONE) from error
    try:
        moment = local.astimezone(UTC)
        is_shown = moment.astimezone(local.tzinfo).replace(tzinfo=None) == local.replace(tzinfo=None)
    except OverflowError as error:  # year 1 or 9999
        raise BadTime(TimeProblem.FAR) from error
    if not is_shown:
        raise BadTime(TimeProblem.GAP)
    return moment
