"""A moment where a number is, and the same moment for each reader, as people say them.

What time it is there is only a hint: a number that may lie in several zones has a span of times, or none.
"""

from __future__ import annotations

import html
from datetime import datetime

from evoslack.calling.calls import Call
from evoslack.calling.places import Place, place_of
from evoslack.slack.rendering import times
from evoslack.slack.rendering.place_names import in_a_sentence

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def where(place: Place, at: datetime) -> str:
    """The place as it follows “in” in a sentence; empty if it is unknown or could be several."""
    if place.local_time(at) is None:
        return ""
    return in_a_sentence(place.name) or city(place.zones[0])


def city(zone: str) -> str:
    """How people call a time zone: by its city."""
    return zone.rpartition("/")[2].replace("_", " ")


def day(at: datetime) -> str:
    """A day, such as Mon, Nov 2."""
    return f"{WEEKDAYS[at.weekday()]}, {_MONTHS[at.month - 1]} {at.day}"


def local(place: Place, at: datetime, now: datetime | None = None) -> str:
    """That moment where the number is; with its day unless it is the one of `now`. Empty: unknown."""
    found = place.local_times(at)
    if not found:
        return ""
    first, last = found[0], found[-1]
    clocks = times.clock(first) if len(found) == 1 else f"{times.clock(first)} to {times.clock(last)}"
    is_today = now is not None and now.astimezone(first.tzinfo).date() == first.date()
    return clocks if is_today else f"{day(first)}, {clocks}"


def yours(at: datetime) -> str:
    """That moment as Slack shows it to each reader (mrkdwn)."""
    return f"{times.moment(at, '{date_short_pretty} at {time}', '%Y-%m-%d %H:%M')} your time"


def due(call: Call) -> str:
    """When a call is dialed: their time and place, and the reader's own time (mrkdwn)."""
    if call.request.due_at is None:
        return ""
    at, place = call.request.due_at, place_of(call.request.number)
    there = local(place, at)
    if not there:
        return yours(at)
    name = html.escape(where(place, at), quote=False)
    return f"{there} {f'in {name}' if name else 'there'} ({yours(at)})"
