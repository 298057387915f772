"""What a call is: the words and the rules that everything else is built on.

A call is written down (received), acknowledged in time (accepted), begun (placing: from here on a phone may
ring) and ends in one of five ways. Nothing ever leads back to accepted, so no call is dialed twice. How it
goes on from there is its progress: news, and no part of the guarantee. Nothing here touches the outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """Where a call stands. `TRANSITIONS` alone says which may come next."""

    RECEIVED = "received"  # written down, while the press is being answered; never dialed in this state
    ACCEPTED = "accepted"  # the press was answered in time, so it may be dialed; nothing was sent
    PLACING = "placing"  # the request is on its way; a phone may ring
    PLACED = "placed"  # Evo Voice took it
    REJECTED = "rejected"  # Evo Voice said no; see `Call.is_uncertain`
    NOT_SENT = "not_sent"  # Evo Voice was never reached; nothing rang
    IN_DOUBT = "in_doubt"  # sent, but no answer that proves anything: a phone may have rung
    EXPIRED = "expired"  # waited too long; never dialed


TRANSITIONS: dict[State, frozenset[State]] = {
    State.RECEIVED: frozenset({State.ACCEPTED, State.EXPIRED}),
    State.ACCEPTED: frozenset({State.PLACING, State.EXPIRED}),
    State.PLACING: frozenset({State.PLACED, State.REJECTED, State.NOT_SENT, State.IN_DOUBT}),
    # Doubt may still be settled by a late answer. It is never dialed again.
    State.IN_DOUBT: frozenset({State.PLACED, State.REJECTED, State.NOT_SENT}),
    State.PLACED: frozenset(),
    # A no can come from late in the service: a call that is seen at Evo Voice was placed.
    State.REJECTED: frozenset({State.PLACED}),
    State.NOT_SENT: frozenset(),
    State.EXPIRED: frozenset(),
}

OPEN_STATES = frozenset({State.RECEIVED, State.ACCEPTED, State.PLACING})


class Progress(StrEnum):
    """How far a call has come since it was asked for; it never goes back."""

    WAITING = "waiting"  # nothing of it is to be seen yet
    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"
    LOST = "lost"  # never seen, or out of sight for too long


FINAL = frozenset({Progress.ENDED, Progress.LOST})


class LostReason(StrEnum):
    """Why EvoSlack does not follow a call any more."""

    UNSEEN = "unseen"  # nothing of it is shown
    UNCLEAR = "unclear"  # several calls could be it
    BLIND = "blind"  # nobody could look
    LONG = "long"  # it goes on for hours


class HangUp(StrEnum):
    """What became of somebody's wish to end the call."""

    ASKED = "asked"
    NO_EFFECT = "no_effect"  # Evo Voice took it, and the call went on


class Ending(StrEnum):
    """What Evo Voice said to somebody's wish to end a call."""

    TAKEN = "taken"  # which does not prove that it ended
    GONE = "gone"  # there is no such session any more
    FORBIDDEN = "forbidden"  # the bot's login may not end calls


class Role(StrEnum):
    """What somebody may do here: both may call; an administrator also sees and ends other people's calls."""

    MANAGER = "manager"
    ADMINISTRATOR = "administrator"


class Reason(StrEnum):
    """The reason behind a state other than placed; `slack.messages` has the words for each."""

    # rejected: Evo Voice answered no
    LOGIN_REJECTED = "login_rejected"  # the bot's own login does not work
    ROLE_MISSING = "role_missing"  # the bot's login is neither Manager nor SystemAdministrator
    NOT_PERMITTED = "not_permitted"  # the service said no, such as for another account's flow
    NOT_FOUND = "not_found"  # the flow is not there any more
    TOO_MANY = "too_many"  # Evo Voice asks to slow down
    BAD_REQUEST = "bad_request"  # Evo Voice does not accept number, flow or caller ID
    # not sent
    UNREACHABLE = "unreachable"  # no connection was made
    HELD_UP = "held_up"  # this program stood still between taking the call and dialing it
    LOGIN_FAILED = "login_failed"  # logging in did not work, so nothing was asked of the phone system
    # in doubt
    NO_ANSWER = "no_answer"  # the time was up
    CUT_OFF = "cut_off"  # the connection broke after the request may have left
    SERVER_ERROR = "server_error"  # 5xx: it may have failed before or after dialing
    ODD_ANSWER = "odd_answer"  # 206, a redirect, or another answer that proves nothing
    IN_BETWEEN = "in_between"  # a page, from something between us and Evo Voice
    BOT_STOPPED = "bot_stopped"  # this program ended in the middle of placing the call
    BOT_BROKE = "bot_broke"  # a defect of this program, caught
    # expired
    WAITED = "waited"  # nobody was free to dial it in time
    NOT_ANSWERED = "not_answered"  # the program ended, or stood still, before it could answer the press


PROOF = frozenset(
    {Reason.LOGIN_REJECTED}
)  # of all answers that say no, only a 401 comes surely before dialing


@dataclass(frozen=True, slots=True)
class Placed:
    """Evo Voice took the call. Ids are given only if the answer happened to carry them."""

    session_id: str | None = None
    call_sid: str | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """Evo Voice answered no. That proves only for `PROOF` that nothing was dialed: else it is looked for."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class NotSent:
    """It is proven that the request never left."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class InDoubt:
    """Nothing is proven. This is the default; the other three must be earned."""

    reason: Reason
    detail: str = ""


Outcome = Placed | Rejected | NotSent | InDoubt

STATE_OF: dict[type[Outcome], State] = {
    Placed: State.PLACED,
    Rejected: State.REJECTED,
    NotSent: State.NOT_SENT,
    InDoubt: State.IN_DOUBT,
}


@dataclass(frozen=True, slots=True)
class CallRequest:
    """One press of Submit, whole: who asked, what for, and where to tell them."""

    key: str  # minted when the form was opened; the same key is the same press
    team_id: str
    user_id: str
    account_id: str
    flow_id: str
    flow_name: str
    number: str  # E.164
    caller_id: str  # E.164 of an owned number
    channel_id: str = ""  # where /call was typed
    response_url: str = ""  # private lines go there while Slack still takes them


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
    session_id: str = ""  # Evo Voice's name for it, once that is known
    progress: Progress | None = None  # None: there is nothing to follow
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    evo_outcome: str = ""  # Evo Voice's own word for how it ended
    lost_reason: LostReason | None = None
    found_later: bool = False  # no answer said that it was placed; a call was seen that can only be this one
    hang_up: HangUp | None = None

    @property
    def is_open(self) -> bool:
        """Whether the dialing is still ahead or under way."""
        return self.state in OPEN_STATES

    @property
    def is_going_on(self) -> bool:
        """Whether it is dialed or followed, so that more will be known of it."""
        return self.is_open or (self.progress is not None and self.progress not in FINAL)

    @property
    def is_uncertain(self) -> bool:
        """Whether nobody can tell if a phone rang: in doubt, or rejected and not yet looked for in vain."""
        if self.state is not State.REJECTED:
            return self.state is State.IN_DOUBT
        was_looked_for = self.progress is Progress.LOST and self.lost_reason is LostReason.UNSEEN
        return self.reason not in PROOF and not was_looked_for

    @property
    def may_be_ended(self) -> bool:
        """Whether it goes on and it is certain which session it is; by sight alone nobody is cut off."""
        return self.is_going_on and bool(self.session_id) and not self.found_later

    @property
    def talked_s(self) -> float | None:
        """Seconds from the answer to the end, as far as both were seen."""
        if self.progress is not Progress.ENDED or self.answered_at is None or self.ended_at is None:
            return None
        return max((self.ended_at - self.answered_at).total_seconds(), 0.0)
