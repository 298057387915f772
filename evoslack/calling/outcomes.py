"""How dialing ended, and why: values, returned and never raised.

*In doubt* is the default; the other three must be proven. Nothing here does I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """The reason for a state other than placed; `slack.rendering.messages` has a sentence for each."""

    # rejected: Evo Voice answered no
    LOGIN_REJECTED = "login_rejected"  # the bot's own login failed
    ROLE_MISSING = "role_missing"  # the bot's login is neither Manager nor SystemAdministrator
    NOT_PERMITTED = "not_permitted"  # such as for another account's flow
    NOT_FOUND = "not_found"  # the flow no longer exists
    TOO_MANY = "too_many"  # Evo Voice asks to slow down
    BAD_REQUEST = "bad_request"  # Evo Voice does not accept number, flow or caller ID
    # not sent
    UNREACHABLE = "unreachable"  # no connection could be made
    HELD_UP = "held_up"  # the bot was paused between taking the call and dialing it
    LOGIN_FAILED = "login_failed"  # logging in failed, so the call was not requested
    # not sent, because a rule said no right before dialing, or when its time came
    BLOCKED = "blocked"  # the number is on the do-not-call list
    OUTSIDE_HOURS = "outside_hours"
    LIMIT_REACHED = "limit_reached"
    NUMBER_DENIED = "number_denied"  # its kind or its country is not called anymore
    FLOW_DENIED = "flow_denied"  # the flow is gone, or kept to other people
    CALLER_ID_GONE = "caller_id_gone"
    ROLE_LOST = "role_lost"  # the caller may not place calls anymore
    ON_THE_PHONE = "on_the_phone"  # another call to the number may be going on
    UNCHECKED = "unchecked"  # a rule or a role could not be checked
    # in doubt
    NO_ANSWER = "no_answer"  # timed out
    CUT_OFF = "cut_off"  # the connection broke after the request may have left
    SERVER_ERROR = "server_error"  # 5xx: it may have failed before or after dialing
    ODD_ANSWER = "odd_answer"  # 206, a redirect, or another answer that proves nothing
    IN_BETWEEN = "in_between"  # an HTML page, from something between us and Evo Voice
    BOT_STOPPED = "bot_stopped"  # the bot stopped while placing the call
    BOT_BROKE = "bot_broke"  # a defect in the bot, caught
    RESTORED = "restored"  # it waited in a backup; what became of it since is lost
    # expired
    WAITED = "waited"  # no worker was free to dial it in time
    MISSED = "missed"  # no bot was up when its time came
    NOT_ANSWERED = "not_answered"  # the bot stopped, or was paused, before it could answer the submission


PROOF = frozenset(
    {Reason.LOGIN_REJECTED}
)  # of all answers that say no, only a 401 certainly comes before dialing


@dataclass(frozen=True, slots=True)
class Placed:
    """Evo Voice took the request. Ids are given only if the answer happened to carry them."""

    session_id: str | None = None
    call_sid: str | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """Evo Voice answered no. Only `PROOF` proves that nothing was dialed; else the call is searched for."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class NotSent:
    """It is proven that the request never left."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class InDoubt:
    """Nothing is proven. This is the default; the other three must be proven."""

    reason: Reason
    detail: str = ""


Outcome = Placed | Rejected | NotSent | InDoubt
