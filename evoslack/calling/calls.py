"""What a call is, and which state may follow which; everything else is built on this.

A call is written down (received), acknowledged in time (accepted) and begun (placing: from here on a phone
may ring), and it ends in one of six states. A call for later is scheduled before it is accepted. Nothing ever
leads back to accepted, so no call is dialed twice. What happens after it was placed is its progress, which is
no part of the guarantee. Nothing here does I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from evoslack.calling.outcomes import PROOF, InDoubt, NotSent, Outcome, Placed, Reason, Rejected


class State(StrEnum):
    """Where a call stands. `TRANSITIONS` alone says which may come next."""

    RECEIVED = "received"  # written down while the submission is being answered; never dialed in this state
    RECEIVED_LATER = "received_later"  # the same of a call for later, which holds up nobody
    SCHEDULED = "scheduled"  # answered in time, and waiting for its own time; never dialed in this state
    ACCEPTED = "accepted"  # the submission was answered in time, so it may be dialed; nothing was sent yet
    PLACING = "placing"  # the request is on its way; a phone may ring
    PLACED = "placed"  # Evo Voice took the request
    REJECTED = "rejected"  # Evo Voice answered no; see `Call.is_uncertain`
    NOT_SENT = "not_sent"  # Evo Voice was never reached; nothing rang
    IN_DOUBT = "in_doubt"  # sent, but no answer that proves anything: a phone may have rung
    EXPIRED = "expired"  # waited too long; never dialed
    CANCELED = "canceled"  # taken back by a person before its time came; never dialed


TRANSITIONS: dict[State, frozenset[State]] = {
    State.RECEIVED: frozenset({State.ACCEPTED, State.EXPIRED}),
    State.RECEIVED_LATER: frozenset({State.SCHEDULED, State.EXPIRED}),
    # When its time comes, everything is asked again: a rule may say no by then, or no bot was up.
    State.SCHEDULED: frozenset({State.ACCEPTED, State.CANCELED, State.NOT_SENT, State.EXPIRED}),
    State.ACCEPTED: frozenset({State.PLACING, State.EXPIRED}),
    State.PLACING: frozenset({State.PLACED, State.REJECTED, State.NOT_SENT, State.IN_DOUBT}),
    # Doubt may still be settled by a late answer. It is never dialed again.
    State.IN_DOUBT: frozenset({State.PLACED, State.REJECTED, State.NOT_SENT}),
    State.PLACED: frozenset(),
    # A no can come after dialing began: a call that is seen at Evo Voice was placed.
    State.REJECTED: frozenset({State.PLACED}),
    State.NOT_SENT: frozenset(),
    State.EXPIRED: frozenset(),
    State.CANCELED: frozenset(),
}

UNANSWERED = frozenset({State.RECEIVED, State.RECEIVED_LATER})
OPEN_STATES = frozenset({State.RECEIVED, State.ACCEPTED, State.PLACING})


class Progress(StrEnum):
    """How far a placed call has come; it never goes back."""

    WAITING = "waiting"  # not seen at Evo Voice yet
    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"
    LOST = "lost"  # never seen, or not seen for too long


FINAL = frozenset({Progress.ENDED, Progress.LOST})


class LostReason(StrEnum):
    """Why a call is no longer tracked."""

    UNSEEN = "unseen"  # Evo Voice shows nothing of it
    UNCLEAR = "unclear"  # several sessions could be it
    BLIND = "blind"  # Evo Voice could not be polled
    LONG = "long"  # it lasted for hours


class HangUp(StrEnum):
    """What became of a hang up."""

    ASKED = "asked"
    NO_EFFECT = "no_effect"  # Evo Voice took the request, and the call went on


class Result(StrEnum):
    """What the caller says came of a call."""

    REACHED = "reached"
    VOICEMAIL = "voicemail"
    WRONG_NUMBER = "wrong_number"
    DO_NOT_CALL = "do_not_call"  # the person asked not to be called
    OTHER = "other"


class Ending(StrEnum):
    """What Evo Voice answered to a hang up."""

    TAKEN = "taken"  # which does not prove that it ended
    GONE = "gone"  # there is no such session anymore
    FORBIDDEN = "forbidden"  # the bot's login may not end calls


class Role(StrEnum):
    """What a person may do: both may call; an administrator also sees and hangs up other people's calls."""

    MANAGER = "manager"
    ADMINISTRATOR = "administrator"


# A call that is in doubt, or that was lost sight of, may still be going on for that long.
DOUBT_WINDOW = timedelta(minutes=10)


STATE_OF: dict[type[Outcome], State] = {
    Placed: State.PLACED,
    Rejected: State.REJECTED,
    NotSent: State.NOT_SENT,
    InDoubt: State.IN_DOUBT,
}


ANY_CALL = "*"  # for `CallRequest.anyway`: dial although another call to the number may be going on


@dataclass(frozen=True, slots=True)
class CallNote:
    """What a person wrote about a call. `revision` tells two people who write at once apart."""

    result: Result | None = None
    text: str = ""
    by: str = ""  # user id
    at: datetime | None = None
    revision: int = 0  # 0: nothing was written yet


@dataclass(frozen=True, slots=True)
class CallRequest:
    """One valid submission: who wants which call, and where to tell them about it."""

    key: str  # made when the form was opened; the same key is the same submission
    team_id: str
    user_id: str
    account_id: str
    flow_id: str
    flow_name: str
    number: str  # E.164
    caller_id: str  # E.164 of an owned number
    channel_id: str = ""  # where /call was typed
    response_url: str = ""  # for private messages, while Slack still takes them
    caller_id_label: str = ""  # Evo Voice's name for that number
    view_id: str = ""  # the form, which then shows the call as long as it is open
    anyway: str = ""  # a call to the same number that the person knew of (its id, or `ANY_CALL`)
    due_at: datetime | None = None  # when to dial; None: now
    hours_reason: str = ""  # why an administrator calls outside the calling hours


@dataclass(frozen=True, slots=True)
class Call:
    """A call as the ledger has it."""

    id: str
    request: CallRequest
    state: State
    accepted_at: datetime
    began_at: datetime | None = None
    finished_at: datetime | None = None
    reason: Reason | None = None
    detail: str = ""
    session_id: str = ""  # Evo Voice's id for it, once known
    progress: Progress | None = None  # None: there is nothing to track
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    evo_outcome: str = ""  # Evo Voice's own word for how it ended
    lost_reason: LostReason | None = None
    found_later: bool = False  # no answer said that it was placed; its session was found later
    hang_up: HangUp | None = None
    hung_up_by: str = ""  # user id of the person who asked to end it
    note: CallNote = CallNote()
    canceled_by: str = ""  # user id of the person who took it back before its time

    @property
    def changed_at(self) -> datetime:
        """When something about it changed last that people are told, a note included.

        A call that waits may be moved at any moment until its time comes, so that counts.
        """
        its_time = self.request.due_at if self.is_scheduled else None
        moments = (self.finished_at, self.answered_at, self.ended_at, self.note.at, its_time)
        return max([self.accepted_at, *filter(None, moments)])

    @property
    def is_unanswered(self) -> bool:
        """Whether its submission is still being answered."""
        return self.state in UNANSWERED

    @property
    def is_open(self) -> bool:
        """Whether dialing is still to come or in progress."""
        return self.state in OPEN_STATES

    @property
    def is_scheduled(self) -> bool:
        """Whether it waits for its own time."""
        return self.state is State.SCHEDULED

    @property
    def is_in_progress(self) -> bool:
        """Whether it is being dialed or tracked, so that more will be known."""
        return self.is_open or (self.progress is not None and self.progress not in FINAL)

    @property
    def is_uncertain(self) -> bool:
        """Whether a phone may have rung: in doubt, or rejected and not yet searched for in vain."""
        if self.state is not State.REJECTED:
            return self.state is State.IN_DOUBT
        was_checked = self.progress is Progress.LOST and self.lost_reason is LostReason.UNSEEN
        return self.reason not in PROOF and not was_checked

    def may_be_on_the_phone(self, at: datetime) -> bool:
        """Whether its callee may be on the phone, or about to be; `ledger.admission` asks the same in SQL."""
        if self.is_in_progress:
            return True
        is_lost = self.state is State.PLACED and self.progress is Progress.LOST
        return (is_lost or self.is_uncertain) and at < self.doubt_until

    @property
    def doubt_until(self) -> datetime:
        """Until when it may still be going on, if what became of it is uncertain."""
        return (self.ended_at or self.finished_at or self.accepted_at) + DOUBT_WINDOW

    @property
    def can_hang_up(self) -> bool:
        """Whether it is in progress and its session is certain; one found later may be someone else's."""
        return self.is_in_progress and bool(self.session_id) and not self.found_later

    @property
    def talked_s(self) -> float | None:
        """Seconds from the answer to the end, as far as both were seen."""
        if self.progress is not Progress.ENDED or self.answered_at is None or self.ended_at is None:
            return None
        return max((self.ended_at - self.answered_at).total_seconds(), 0.0)
