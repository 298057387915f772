"""What people have been told of a call, and what became of its card."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from evoslack.calling.calls import Call


@dataclass(frozen=True, slots=True)
class Notification:
    """How far people have been told of a call. Whatever lags behind `revision` is still to be told."""

    call: Call
    revision: int  # grows with every change that people should be told of
    card_channel: str = ""
    card_ts: str = ""  # Slack's id of the message; empty: there is none, or none that we know of
    card_tried_at: datetime | None = None
    card_due_at: datetime | None = None  # the card must wait until then
    card_revision: int = 0  # what the card shows
    card_problem: str = ""  # Slack's error code: why the card is missing or out of date
    told_revision: int = 0  # what the caller was told privately, or needed no message for
    told_bad_news: bool = False  # a private message said something other than placed
    told_what: str = ""  # the last thing the caller was told or could see
    told_channel: str = ""  # where the direct message is that said so; empty: there is none
    told_ts: str = ""
    attempts: int = 0  # in a row without success, with this one


@dataclass(frozen=True, slots=True)
class LivePage:
    """The page that a form became. It shows its call as long as it is open."""

    call: Call
    card_channel: str
    card_ts: str  # empty: there is no card yet
    card_problem: str  # Slack's error code: why the card is missing or out of date
    shown: str  # a digest of what it shows; empty: unknown
    attempts: int  # in a row without success, with this one
