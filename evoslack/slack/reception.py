"""Seats everybody who answers a payload: who listens at which door, and what each needs for that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from slack_sdk import WebClient

from evoslack.calls import Call, Ending
from evoslack.slack import hanging_up, listeners, shortcuts
from evoslack.slack.opening import Catalog, Opener, Permission, Rules
from evoslack.slack.whisper import Whisper


class Switchboard(listeners.Switchboard, shortcuts.Calls, Protocol):
    """Where calls go and where they are looked up."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the listeners work with."""

    client: WebClient  # quick to give up: Slack waits three seconds
    switchboard: Switchboard
    permission: Permission
    catalog: Catalog
    hang_up: Callable[[Call], Ending | None]
    rules: Rules
    later: Callable[[Callable[[], None]], object]
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Listeners:
    """Everybody who answers; `slack.app` says to what."""

    form: listeners.CallListeners
    shortcuts: shortcuts.ShortcutListeners
    hanging_up: hanging_up.HangUpListener


def seat(desk: Desk) -> Listeners:
    """Build the listeners."""
    opener = Opener(desk.client, desk.permission, desk.catalog, desk.rules, desk.later, desk.now)
    whisper = Whisper(desk.client, desk.later)
    board, rules = desk.switchboard, desk.rules
    return Listeners(
        form=listeners.CallListeners(board, opener, rules),
        shortcuts=shortcuts.ShortcutListeners(board, opener, rules, whisper),
        hanging_up=hanging_up.HangUpListener(
            board, desk.hang_up, opener, whisper, desk.later, region=rules.region
        ),
    )
