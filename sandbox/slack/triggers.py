"""Trigger ids: each lets the app open one view for the person who just did something (slack-facts 2)."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from sandbox.slack.errors import SlackError


@dataclass
class Trigger:
    """A trigger_id's data."""

    user_id: str
    channel_id: str | None
    in_modal: bool
    made_at: float = field(default_factory=time.monotonic)
    used: bool = False


class Triggers:
    """The trigger ids of one workspace. Call it with the team's lock held."""

    def __init__(self) -> None:
        self.lifetime_s = 3.0
        self._triggers: dict[str, Trigger] = {}

    def new(self, user_id: str, channel_id: str | None = None, in_modal: bool = False) -> str:
        """A trigger_id for something this person just did."""
        trigger_id = f"{time.time_ns() // 1000}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self._triggers[trigger_id] = Trigger(user_id, channel_id, in_modal)
        return trigger_id

    def get_valid(self, trigger_id: Any) -> Trigger:
        """The unused trigger with this id; the caller sets `used`. Raises SlackError as Slack does."""
        trigger = self._triggers.get(str(trigger_id))
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if time.monotonic() - trigger.made_at > self.lifetime_s:
            raise SlackError("expired_trigger_id")
        return trigger
