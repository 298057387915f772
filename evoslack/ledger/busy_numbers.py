"""Which calls to a number keep another one from being dialed."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from evoslack.calling.calls import (
    ANY_CALL,
    DOUBT_WINDOW,
    FINAL,
    OPEN_STATES,
    CallRequest,
    LostReason,
    Progress,
    State,
)
from evoslack.calling.outcomes import PROOF
from evoslack.ledger.schema import calls

# A number that was just dialed is left alone for a moment, even if that call is over: a second person who
# calls it at the same time has not seen the card yet.
JUST_PLACED = timedelta(seconds=10)
OLDEST = timedelta(days=1)  # no call lasts that long (`matching.MAX_CALL`); keeps the question quick
_MAY_HAVE_RUNG = sorted({*OPEN_STATES, State.PLACED, State.IN_DOUBT})
_NOT_OVER = sorted(set(Progress) - FINAL)


class Known(StrEnum):
    """Which calls that may be on the phone a person knows of (`CallRequest.anyway`)."""

    NONE = "none"
    ONE = "one"  # and the earlier ones
    ANY = "any"

    @classmethod
    def of(cls, request: CallRequest) -> Known:
        """Of which the person who asks for this call knows."""
        if not request.anyway:
            return cls.NONE
        return cls.ANY if request.anyway == ANY_CALL else cls.ONE


def in_the_way(request: CallRequest, at: datetime, *, except_for: str = "") -> sa.ColumnElement[bool]:
    """A call to the same number, other than the call `except_for`, that keeps this one from being dialed."""
    given = {name: sa.literal(value, kind) for name, (value, kind) in _times(at).items()}
    return sa.and_(
        calls.c.id != except_for,
        blocking(Known.of(request), request.account_id, request.number, request.anyway, **given),
    )


def _times(at: datetime) -> dict[str, tuple[datetime, Any]]:
    kind = calls.c.accepted_at.type
    return {name: (value, kind) for name, value in moments(at).items()}


def moments(at: datetime) -> dict[str, datetime]:
    """From when on calls count, by the names that `blocking` has for it."""
    return {"recent": at - JUST_PLACED, "oldest": at - OLDEST, "doubt": at - DOUBT_WINDOW}


def blocking(
    known: Known, account_id: Any, number: Any, anyway: Any, *, recent: Any, oldest: Any, doubt: Any
) -> sa.ColumnElement[bool]:
    """A call to this number that keeps another one from being dialed; all but `known` may be SQL.

    Nobody gets past one that is being dialed: their sessions could not be told apart. Who knows of one that
    may be on the phone (`CallRequest.anyway`) can call anyway; who knows of the newest knows of the earlier
    ones, so that nobody is asked about two calls in turn without end.
    """
    is_open = calls.c.state.in_(sorted(OPEN_STATES))
    is_recent = sa.and_(calls.c.state.in_(_MAY_HAVE_RUNG), calls.c.accepted_at > recent)
    others = sa.or_(_may_be_on_the_phone(doubt), is_recent)
    if known is Known.ANY:
        others = sa.false()
    elif known is Known.ONE:
        others = sa.and_(others, _is_newer_than_known(account_id, number, anyway))
    return sa.and_(
        calls.c.account_id == account_id,
        calls.c.number == number,
        sa.or_(is_open, sa.and_(others, calls.c.accepted_at > oldest)),
    )


def _is_newer_than_known(account_id: Any, number: Any, known_id: Any) -> sa.ColumnElement[bool]:
    """Whether a call was accepted after the one that the person knows of, if that is to the same number."""
    known = calls.alias("known")
    same_number = sa.and_(known.c.account_id == account_id, known.c.number == number)
    was_earlier = sa.and_(known.c.id != calls.c.id, known.c.accepted_at < calls.c.accepted_at)
    is_known = sa.select(known.c.id).where(known.c.id == known_id, same_number, ~was_earlier)
    return ~sa.exists(is_known.correlate(calls))


def may_be_on_the_phone(at: datetime) -> sa.ColumnElement[bool]:
    """The same as `Call.may_be_on_the_phone`."""
    return _may_be_on_the_phone(at - DOUBT_WINDOW)


def _may_be_on_the_phone(doubt: Any) -> sa.ColumnElement[bool]:
    is_lost = calls.c.progress.is_not_distinct_from(Progress.LOST)
    was_checked = sa.and_(is_lost, calls.c.lost_reason.is_not_distinct_from(LostReason.UNSEEN))
    is_proven = calls.c.reason.in_(sorted(PROOF)) & calls.c.reason.is_not(None)
    unproven = sa.and_(calls.c.state == State.REJECTED, ~is_proven, ~was_checked)
    is_uncertain = sa.or_(
        calls.c.state == State.IN_DOUBT, sa.and_(calls.c.state == State.PLACED, is_lost), unproven
    )
    known_since = sa.func.coalesce(calls.c.ended_at, calls.c.finished_at, calls.c.accepted_at)
    return sa.or_(
        calls.c.state.in_(sorted(OPEN_STATES)),
        calls.c.progress.in_(_NOT_OVER),
        sa.and_(is_uncertain, known_since > doubt),
    )
