"""What Evo Voice shows of an account's calls at one moment, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Active:
    """A call in progress, as the carrier lists it (evo-voice-api 5.6). Numbers are digits only."""

    sid: str
    to: str
    sender: str
    is_answered: bool
    created_at: datetime | None = None  # None: not given, or in a form or zone that is not known
    is_by_request: bool = True  # False: an inbound call, or one dialed by a flow or a phone


@dataclass(frozen=True, slots=True)
class Session:
    """A call in Evo Voice's own record (evo-voice-api 5.5). Numbers are digits only."""

    id: str
    call_sid: str
    numbers: frozenset[str]  # from, to and destination: which of them holds the callee is not known
    created_at: datetime | None
    is_ringing: bool
    is_talking: bool
    is_over: bool
    destination: str = ""  # what was dialed, as far as that is given
    completed_at: datetime | None = None
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What Evo Voice showed of one account at one moment."""

    taken_at: datetime  # by our clock, when the poll began
    skew: timedelta  # how far the server's clock is ahead of ours
    active: tuple[Active, ...]
    sessions: tuple[Session, ...]

    def ids(self, number: str, caller_id: str) -> frozenset[str]:
        """The ids of everything in it that could be a call between these two (E.164)."""
        both = {digits(number), digits(caller_id)}
        sessions = [session for session in self.sessions if both <= session.numbers]
        return frozenset(
            {active.sid for active in self.active if both == {active.to, active.sender}}
            | {session.id for session in sessions}
            | {session.call_sid for session in sessions if session.call_sid}
        )


def digits(number: str) -> str:
    """An E.164 number as Evo Voice's lists are compared: without the plus."""
    return number.removeprefix("+")
