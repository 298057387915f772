"""What people have been told of a call, and what became of its one card; the rest is to be told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from evoslack.calling.calls import Call


@dataclass(frozen=True, slots=True)
class Notification:
    """What people have been told of the call, and what became of its one card; the rest is to be told."""

    call: Call
    revision: int  # grows with every change that people should hear of
    card_channel: str = ""
    card_ts: str = ""  # Slack's name for the message; empty while there is none, or none we know of
    card_tried_at: datetime | None = None
    card_due_at: datetime | None = None  # not to be tried before
    card_revision: int = 0  # what the card shows
    card_problem: str = ""  # Slack's word for why there is no (right) card
    told_revision: int = 0  # what the caller was told privately, or needed no telling
    told_bad_news: bool = False  # a private line said something else than placed
    told_what: str = ""  # the last thing that the caller was told, or could see
    attempts: int = 0  # in a row without success
