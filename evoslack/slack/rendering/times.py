"""Times as people say them, and as Slack shows them in each reader's own time zone."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

NO_BREAK = "\u00a0"
_UNITS = ((3600, "hour"), (60, "minute"), (1, "second"))


def when(at: datetime) -> str:
    """A moment (mrkdwn)."""
    return moment(at, "{date_short_pretty} {time}", "%Y-%m-%d %H:%M")


def since(at: datetime) -> str:
    """How long ago that was, counted by Slack, so it is right whenever it is read (mrkdwn)."""
    return moment(at, "{ago}", "%H:%M")


def moment(at: datetime, shown: str, otherwise: str) -> str:
    """A moment (mrkdwn): `shown` in Slack's tokens (slack-facts 4), `otherwise` in UTC for where it can't."""
    return f"<!date^{int(at.timestamp())}^{shown}|{at:{otherwise}} UTC>"


def clock(at: datetime) -> str:
    """The time of day, such as 3:48 PM; no line breaks inside it."""
    return f"{at.hour % 12 or 12}:{at:%M}{NO_BREAK}{'AM' if at.hour < 12 else 'PM'}"


def plain_clock(at: datetime) -> str:
    """The same with an ordinary space, for plain text."""
    return clock(at).replace(NO_BREAK, " ")


def plain_minute(minute: int) -> str:
    """The time of day that many minutes after midnight."""
    hours, minutes = divmod(minute % (24 * 60), 60)
    return (
        "midnight"
        if not hours and not minutes
        else plain_clock(datetime(2000, 1, 1, hours, minutes, tzinfo=UTC))
    )


def date(at: datetime) -> str:
    """A day such as Mar 2, 2026, in the zone of that moment."""
    return f"{short_date(at)}, {at.year}"


def short_date(at: datetime) -> str:
    """A day such as Mar 2."""
    return f"{at:%b} {at.day}"


def wait(length: timedelta) -> str:
    """How long to wait, rounded up, so that nobody is told to come too early: 12 min, 1 hr 48 min, 3 days."""
    minutes = max(math.ceil(length.total_seconds() / 60), 1)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{math.ceil(hours / 24 + minutes / 1440)} days"
    if not hours:
        return f"{minutes} min"
    return f"{hours} hr {minutes} min" if minutes else f"{hours} hr"


def ago(length: timedelta) -> str:
    """How long ago something was, in its largest unit."""
    seconds = round(length.total_seconds())
    if seconds < 1:
        return "just now"
    size, unit = next(each for each in _UNITS if seconds >= each[0])
    count = seconds // size
    return f"{count} {unit}{'' if count == 1 else 's'} ago"
