"""The kinds of trouble that ALERT_CHANNEL is told of when they last, and what is known of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AlertKind(StrEnum):
    """What is wrong. The names are stored."""

    DATABASE = "database"
    EVO_VOICE = "evo_voice"  # it is away
    EVO_LOGIN = "evo_login"  # it rejects the login
    CARDS = "cards"  # they do not get into the channel
    IN_DOUBT = "in_doubt"  # calls of which nobody knows whether a phone rang


@dataclass(frozen=True, slots=True)
class Alert:
    """A trouble since then, until it was last met; `count` is how many calls or cards it is about."""

    kind: AlertKind
    since: datetime
    until: datetime
    count: int = 0
