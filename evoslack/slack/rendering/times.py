"""Times as people say them, and as Slack shows them in each reader's own time zone."""

from __future__ import annotations

from datetime import datetime, timedelta

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


def ago(length: timedelta) -> str:
    """How long ago something was, in its largest unit."""
    seconds = round(length.total_seconds())
    if seconds < 1:
        return "just now"
    size, unit = next(each for each in _UNITS if seconds >= each[0])
    count = seconds // size
    return f"{count} {unit}{'' if count == 1 else 's'} ago"
