"""Where to find things in Slack's payloads. Nothing in a payload is trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Payload = Mapping[str, Any]

ARRIVAL = "arrival"  # where listeners find the payload's `Arrival` in Bolt's context


def team_of(body: Payload) -> str:
    """The workspace of the person who acted, which may not be the one where the app is installed."""
    return str(body["user"].get("team_id") or (body.get("team") or {}).get("id") or "")


def text_of(value: object) -> str:
    """The value if it is a string. Raises `TypeError` otherwise."""
    if not isinstance(value, str):
        raise TypeError("not a string")
    return value
