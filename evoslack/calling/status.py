"""How a call stands, in one word: the one table that cards, pages, Home, history and the export share.

`Call` keeps what is known; this says what that means for a person. Evo Voice does not document its words for
how a call ended (evo-voice-api 9): known ones get a status of their own, others are shown as they came.
"""

from __future__ import annotations

import re
from enum import StrEnum

from evoslack.calling.calls import Call, HangUp, Progress, State


class CallStatus(StrEnum):
    """How a call stands, as a person would say it."""

    SCHEDULED = "scheduled"  # waits for its own time
    DIALING = "dialing"  # EvoSlack has it; Evo Voice has not answered yet
    CALLING = "calling"  # Evo Voice took it; nothing is seen of it yet
    RINGING = "ringing"
    ON_THE_CALL = "on_the_call"
    COMPLETED = "completed"  # the only one that certainly reached a person
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FAILED = "failed"
    CANCELED = "canceled"  # by a person before its time, or as Evo Voice says
    HUNG_UP = "hung_up"  # ended by a person in Slack
    ENDED = "ended"  # Evo Voice gave no outcome, or one that is not known
    LOST = "lost"  # it was placed, and what became of it is unknown
    REJECTED = "rejected"
    NOT_SENT = "not_sent"
    NOT_CERTAIN = "not_certain"  # it may have rung
    TOO_LATE = "too_late"


# Evo Voice's word for how a call ended, without case, spaces, dashes and underscores.
STATUS_OF_OUTCOME = {
    "completed": CallStatus.COMPLETED,
    "busy": CallStatus.BUSY,
    "noanswer": CallStatus.NO_ANSWER,
    "failed": CallStatus.FAILED,
    "canceled": CallStatus.CANCELED,
    "cancelled": CallStatus.CANCELED,
    "ended": CallStatus.ENDED,
}
# What a hang-up in Slack can lead to; with any other outcome the call had ended before.
_BY_HANG_UP = {CallStatus.COMPLETED, CallStatus.CANCELED, CallStatus.ENDED}
_OF_STATE = {
    State.RECEIVED: CallStatus.DIALING,
    State.RECEIVED_LATER: CallStatus.SCHEDULED,
    State.SCHEDULED: CallStatus.SCHEDULED,
    State.ACCEPTED: CallStatus.DIALING,
    State.PLACING: CallStatus.DIALING,
    State.REJECTED: CallStatus.REJECTED,
    State.NOT_SENT: CallStatus.NOT_SENT,
    State.IN_DOUBT: CallStatus.NOT_CERTAIN,
    State.EXPIRED: CallStatus.TOO_LATE,
    State.CANCELED: CallStatus.CANCELED,
}
_OF_PROGRESS = {
    Progress.WAITING: CallStatus.CALLING,
    Progress.RINGING: CallStatus.RINGING,
    Progress.ANSWERED: CallStatus.ON_THE_CALL,
    Progress.LOST: CallStatus.LOST,
}


def status_of(call: Call) -> CallStatus:
    """How the call stands."""
    if call.state is not State.PLACED:
        return _OF_STATE[call.state]
    if call.progress is None:  # from before calls were tracked
        return CallStatus.LOST
    if call.progress is not Progress.ENDED:
        return _OF_PROGRESS[call.progress]
    status = status_of_outcome(call.evo_outcome)
    was_hung_up = call.hang_up is HangUp.ASKED and bool(call.hung_up_by)
    return CallStatus.HUNG_UP if was_hung_up and status in _BY_HANG_UP else status


def status_of_outcome(evo_outcome: str) -> CallStatus:
    """The status for Evo Voice's word; `ENDED` for an unknown one."""
    return STATUS_OF_OUTCOME.get(plain_outcome(evo_outcome), CallStatus.ENDED)


def plain_outcome(evo_outcome: str) -> str:
    """Evo Voice's word without case, spaces, dashes and underscores."""
    return re.sub(r"[\s_-]", "", evo_outcome.casefold())
