"""An outgoing call in the stand-in Evo Voice: its script, its status, and its rows in the API."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal

Row = dict[str, Any]

# The response to a placed call; 204 without a body is the most likely (evo-voice-api 5.1).
GoodAnswer = Literal["204", "200_session", "200_empty", "200_garbage"]

QUEUED_S = 0.5  # how long a call is queued before the phone rings


@dataclass(frozen=True)
class Script:
    """The course of a call. Times in seconds; an unanswered call ends after `ring_s`.

    `session` says when the session record appears (evo-voice-api 5.2 leaves that open): when the call is
    answered, never, at once, late (when the call ends), or twice (when it is answered, plus a second record
    with the same two numbers). `archived`: after the call ends, only the archive has the record (5.4).
    """

    ring_s: float = 2
    answer: bool = True
    talk_s: float = 20
    outcome: str = "Completed"
    session: Literal["on_answer", "never", "at_once", "late", "twice"] = "on_answer"
    archived: bool = False


BUSY = Script(ring_s=1, answer=False, outcome="Busy")
NO_ANSWER = Script(ring_s=25, answer=False, outcome="No Answer")
FAILED = Script(ring_s=0.5, answer=False, outcome="Failed")


@dataclass
class Quirks:
    """Evo Voice's oddities and unknowns (evo-voice-api 9 and 10), one switch each."""

    answer: GoodAnswer = "204"
    curl_blocked: bool = True
    log_only_in_list: bool = True  # 5.4
    disconnected_before_answer: bool = True  # callState; off: Ringing (5.5)
    active_before_answer: bool = True  # /calls/active lists queued and ringing calls
    bare_active_errors: bool = True  # /calls/active: service errors without a responseStatus (5.6)
    callee_side: Literal["to", "from"] = "to"  # the session address that holds the dialed number
    dates: Literal["iso", "naive", "servicestack", "rfc2822"] = "iso"
    clock_ahead_s: float = 0  # offset of the Date header and of every date in a response
    sorts_sessions: bool = False  # honors `sortField` dateCreated; off: oldest first
    number_field: Literal["phoneNumber", "number", "displayName"] = "phoneNumber"
    signed_out_status: Literal["json", "empty"] = "json"  # GET /auth/status without a login (3.3)
    end_needs_user: bool = True  # DELETE /sessions/{id}
    read_only_blocks: bool = True  # managerAccess ReadOnly may not place calls
    administrators_listed: bool = True  # GET /users without accountIds shows logins without accounts (5.10)
    exact_email: bool = True  # emails are case-sensitive at login (3.2)
    largest_page: int = 100


@dataclass(frozen=True)
class Ring:
    """A phone that rang. `at` is aware UTC."""

    at: datetime
    flow_id: str
    number: str
    caller_id: str
    login_email: str
    sid: str


def _id() -> str:
    return uuid.uuid4().hex[:24]


@dataclass
class OutgoingCall:
    """A placed call. An age is the scripted seconds since then; change `script` to change the course."""

    flow: Row
    number: str
    caller_id: str
    login_email: str
    script: Script
    placed_at: datetime
    began: float  # the world's clock
    hung_up_s: float | None = None
    sid: str = field(default_factory=lambda: "CA" + uuid.uuid4().hex)
    session_id: str = field(default_factory=_id)
    twin_id: str = field(default_factory=_id)

    @property
    def end_s(self) -> float:
        """The age at which the call ends."""
        planned = self.script.ring_s + (self.script.talk_s if self.script.answer else 0)
        return planned if self.hung_up_s is None else self.hung_up_s

    @property
    def answered(self) -> bool:
        """Whether the call is answered before it ends."""
        return self.script.answer and self.end_s >= self.script.ring_s

    def status(self, age: float) -> str:
        """The carrier's status: queued, ringing, in-progress, completed."""
        steps = [(self.end_s, "completed"), (self.script.ring_s, "in-progress"), (QUEUED_S, "ringing")]
        return next((name for since, name in steps if age >= since), "queued")

    def archived(self, age: float) -> bool:
        """Whether the session has moved to the archive."""
        return self.script.archived and age >= self.end_s

    def sessions(self, age: float, speed: float, quirks: Quirks) -> list[Row]:
        """The session records at this age: none, one, or two."""
        on_answer = self.script.ring_s if self.answered else None
        appears = {"never": None, "at_once": 0.0, "late": self.end_s}.get(self.script.session, on_answer)
        if appears is None or age < appears:
            return []
        row = self.session(age, speed, quirks)
        twin = row | {"id": self.twin_id, "callSid": "CA" + self.twin_id.ljust(32, "0")}
        return [row, twin] if self.script.session == "twice" else [row]

    def session(self, age: float, speed: float, quirks: Quirks) -> Row:
        """SessionInfo (5.5), whether or not the API lists it yet."""
        over, talking = age >= self.end_s, self.status(age) == "in-progress"
        before = "Disconnected" if quirks.disconnected_before_answer else "Ringing"
        milestones = [("placed", 0.0), ("answered", self.script.ring_s), ("ended", self.end_s)]
        log = [
            {"date": self._stamp(at, speed, quirks), "message": f"Call {what}"}
            for what, at in milestones
            if age >= at and (what != "answered" or self.answered)
        ]
        outcome = self.script.outcome if self.hung_up_s is None else "Ended"
        callee_first = quirks.callee_side == "from"
        return {
            "id": self.session_id,
            "dateCreated": self._stamp(0, speed, quirks),
            "dateLastModified": log[-1]["date"],
            "createdBy": self.login_email,
            "dialState": "None" if over else "Active",
            "callState": "Connected" if talking else "Disconnected" if over else before,
            "queueState": "None",
            "accountId": self.flow["accountId"],
            "dateCompleted": self._stamp(self.end_s, speed, quirks) if over else None,
            "destination": self.number,
            "fromAddress": self.number if callee_first else self.caller_id,
            "toAddress": self.caller_id if callee_first else self.number,
            "channel": "Voice",
            "ended": over,
            "outcome": outcome if over else None,
            "callSid": self.sid,
            "holdReason": "None",
            "log": log,
        }

    def active(self, age: float, speed: float, quirks: Quirks) -> Row | None:
        """CallInfo (5.6), or None when the call has ended or is hidden."""
        status = self.status(age)
        if status == "completed" or (status != "in-progress" and not quirks.active_before_answer):
            return None
        answered = status == "in-progress"
        return {
            "sid": self.sid,
            "accountSid": "AC" + "0" * 32,
            "dateCreated": self._stamp(0, speed, quirks),
            "dateUpdated": self._stamp(self.script.ring_s if answered else 0, speed, quirks),
            "startTime": self._stamp(self.script.ring_s, speed, quirks) if answered else None,
            "direction": "outbound-api",
            "from": self.caller_id,
            "fromFormatted": self.caller_id,
            "to": self.number,
            "toFormatted": self.number,
            "status": status,
            "priceUnit": "USD",
            "uri": f"/2010-04-01/Accounts/AC{'0' * 32}/Calls/{self.sid}.json",
        }

    def _stamp(self, age: float, speed: float, quirks: Quirks) -> str:
        """The wall-clock time at this age, in the configured date format (2.4)."""
        at = self.placed_at + timedelta(seconds=age / speed + quirks.clock_ahead_s)
        if quirks.dates == "servicestack":
            return f"/Date({int(at.timestamp() * 1000)}+0000)/"
        if quirks.dates == "rfc2822":
            return format_datetime(at, usegmt=True)
        return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}" + ("Z" if quirks.dates == "iso" else "")
