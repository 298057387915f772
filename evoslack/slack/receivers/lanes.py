"""Threads for payloads, in lanes, so that one kind never waits for another to the last thread.

A press of the form's button has threads of its own, and so has searching in a form, which may wait two
seconds for a role. All the rest is quick: forms are opened, and calls are ended, in the background.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Lane(StrEnum):
    """The lanes."""

    PRESS = "press"
    SEARCH = "search"
    EVENT = "event"
    REST = "rest"
    BARE = "bare"  # without a body, so not from Slack: questions for our health, which wait for the database


THREADS = {Lane.PRESS: 16, Lane.SEARCH: 8, Lane.EVENT: 6, Lane.REST: 16, Lane.BARE: 4}

_LANES = {
    "view_submission": Lane.PRESS,
    "block_suggestion": Lane.SEARCH,
    "event_callback": Lane.EVENT,
}


def lane_of(payload: Mapping[str, Any]) -> Lane:
    """The lane of a payload that was read."""
    return _LANES.get(str(payload.get("type")), Lane.REST)


def lane_of_body(body: bytes) -> Lane:
    """The lane of an HTTP request's body, without parsing it: its signature is not checked yet.

    Whoever writes something else into it only chooses where to be turned away.
    """
    if not body:
        return Lane.BARE
    for name, lane in _LANES.items():
        if name.encode() in body:
            return lane
    return Lane.REST
