"""Threads for payloads, in lanes: a flood of one kind never takes the last thread from another.

Form submissions have threads of their own, and so have searches in a form: both may wait two seconds for a
role. Most others are quick, because forms are opened and calls are ended in the background.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any


class Lane(StrEnum):
    """A kind of payload that has threads of its own."""

    PRESS = "press"
    SEARCH = "search"
    EVENT = "event"
    REST = "rest"
    BARE = "bare"  # no body, so not from Slack: health checks, which wait for the database


THREADS = {Lane.PRESS: 16, Lane.SEARCH: 8, Lane.EVENT: 6, Lane.REST: 16, Lane.BARE: 4}

_LANES = {
    "view_submission": Lane.PRESS,
    "block_suggestion": Lane.SEARCH,
    "event_callback": Lane.EVENT,
}


# Is given the lane of a payload, and how many seconds old it was when it was answered.
NoteAnswer = Callable[[Lane, float], None]


def unnoted(_lane: Lane, _age_s: float) -> None:
    """For answers that nobody counts."""


def lane_of(payload: Mapping[str, Any]) -> Lane:
    """The lane of a parsed payload."""
    return _LANES.get(str(payload.get("type")), Lane.REST)


def lane_of_body(body: bytes) -> Lane:
    """The lane of an HTTP request's body, without parsing it: its signature is not checked yet.

    A forged body only chooses the lane in which it is rejected.
    """
    if not body:
        return Lane.BARE
    for name, lane in _LANES.items():
        if name.encode() in body:
            return lane
    return Lane.REST
