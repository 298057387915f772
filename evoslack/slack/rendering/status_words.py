"""The one table of words for how a call stands: cards, private messages, Home, history and the form use it.

Each status has a symbol of its own and words that say the same without it, so that no meaning depends on
color. Nothing but a completed call wears a tick.
"""

from __future__ import annotations

from dataclasses import dataclass

from evoslack.calling.calls import Result
from evoslack.calling.status import CallStatus


@dataclass(frozen=True, slots=True)
class StatusWords:
    """What people see of a status."""

    symbol: str
    words: str  # they stand behind a number, so they begin with a small letter

    def __str__(self) -> str:
        return f"{self.symbol} {self.words}"


STATUS_WORDS = {
    CallStatus.SCHEDULED: StatusWords("🕗", "scheduled"),
    CallStatus.DIALING: StatusWords("⏳", "dialing"),
    CallStatus.CALLING: StatusWords("📞", "calling"),
    CallStatus.RINGING: StatusWords("🔔", "ringing"),
    CallStatus.ON_THE_CALL: StatusWords("🟢", "on the call"),
    CallStatus.COMPLETED: StatusWords("☑️", "completed"),
    CallStatus.NO_ANSWER: StatusWords("🔕", "no answer"),
    CallStatus.BUSY: StatusWords("🚫", "busy"),
    CallStatus.FAILED: StatusWords("⚠️", "failed"),
    CallStatus.CANCELED: StatusWords("✖️", "canceled"),
    CallStatus.HUNG_UP: StatusWords("✋", "hung up"),
    CallStatus.ENDED: StatusWords("⏹️", "ended"),
    CallStatus.LOST: StatusWords("❔", "outcome unknown"),
    CallStatus.REJECTED: StatusWords("❌", "rejected"),
    CallStatus.NOT_SENT: StatusWords("📵", "not sent"),
    CallStatus.NOT_CERTAIN: StatusWords("❓", "not certain"),
    CallStatus.TOO_LATE: StatusWords("⌛", "too late"),
}

RESULT_WORDS = {
    Result.REACHED: "Reached",
    Result.VOICEMAIL: "Voicemail",
    Result.WRONG_NUMBER: "Wrong number",
    Result.DO_NOT_CALL: "Asked not to be called",
    Result.OTHER: "Other",
}
