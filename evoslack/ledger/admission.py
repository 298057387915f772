"""Writes a new call down, unless its form or its number already has one.

One statement checks and writes; whatever happens in between violates a unique index.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa

from evoslack.calling.calls import (
    ANY_CALL,
    DOUBT_WINDOW,
    FINAL,
    OPEN_STATES,
    Call,
    CallRequest,
    LostReason,
    Progress,
    State,
)
from evoslack.calling.outcomes import PROOF
from evoslack.calling.refusals import FormBeforeRestore, FormUsed, NumberBusy, require_same
from evoslack.ledger.dependents import mark_dependents_due
from evoslack.ledger.rows import REQUEST_FIELDS, call_of
from evoslack.ledger.schema import calls, notifications, pages, used_keys
from evoslack.ledger.timeline import remembers

# A number that was just dialed is left alone for a moment, even if that call is over: a second person who
# calls it at the same time has not seen the card yet.
JUST_PLACED = timedelta(seconds=10)
OLDEST = timedelta(days=1)  # no call lasts that long (`matching.MAX_CALL`); keeps the question quick
_MAY_HAVE_RUNG = sorted({*OPEN_STATES, State.PLACED, State.IN_DOUBT})
_NOT_OVER = sorted(set(Progress) - FINAL)

BeforeCommit = Callable[[sa.Connection, str], None]  # gets the id of the new call


def admit(
    engine: sa.Engine,
    request: CallRequest,
    state: State,
    at: datetime,
    before_commit: BeforeCommit,
    *,
    is_remembered: sa.ColumnElement[bool] | None = None,
) -> tuple[Call, bool]:
    """The call, in `state` if it is new, and whether it is new.

    `before_commit` is called last in the transaction; what it raises rolls everything back. `is_remembered`:
    whether the ledger knows everything that became of such a form; None: by its key.
    Raises `KeyTaken`, `NotYourForm`, `NumberBusy`, `FormUsed` or `FormBeforeRestore`.
    """
    is_remembered = remembers(request.key) if is_remembered is None else is_remembered
    for _attempt in range(2):  # again only if the call in the way was settled meanwhile
        inserted = _insert(engine, request, state, at, before_commit, is_remembered)
        if inserted is not None:
            return inserted, True
        first = _first(engine, calls.c.request_key == request.key)
        if first is not None:
            return _same_submission(first, request), False
        if _is_used(engine, request.key):
            raise FormUsed
        if not _holds(engine, is_remembered):
            raise FormBeforeRestore
        busy = _first(engine, in_the_way(request, at))
        if busy is not None:
            raise NumberBusy(busy, at - busy.accepted_at)
    raise RuntimeError("the call is neither new nor known")


def _first(engine: sa.Engine, which: sa.ColumnElement[bool]) -> Call | None:
    with engine.begin() as connection:
        newest_first = sa.select(calls).where(which).order_by(calls.c.accepted_at.desc())
        row = connection.execute(newest_first.limit(1)).first()
        return None if row is None else call_of(row)


def _is_used(engine: sa.Engine, key: str) -> bool:
    with engine.begin() as connection:
        query = sa.select(used_keys.c.request_key).where(used_keys.c.request_key == key)
        return connection.execute(query).first() is not None


def _holds(engine: sa.Engine, condition: sa.ColumnElement[bool]) -> bool:
    with engine.begin() as connection:
        return connection.execute(sa.select(sa.literal(1)).where(condition)).first() is not None


def _insert(
    engine: sa.Engine,
    request: CallRequest,
    state: State,
    at: datetime,
    before_commit: BeforeCommit,
    is_remembered: sa.ColumnElement[bool],
) -> Call | None:
    """Insert the call. None if its key or its number is taken, or its form is from before a restore."""
    call = Call(id=uuid.uuid4().hex, request=request, state=state, accepted_at=at)
    values = {field: getattr(request, field) for field in REQUEST_FIELDS}
    values |= {
        "id": call.id,
        "request_key": request.key,
        "state": call.state,
        "accepted_at": at,
        "detail": "",
        "deliveries": 1,
    }
    row = sa.select(*(sa.literal(value, calls.c[name].type) for name, value in values.items()))
    # A call for later holds up nobody, and nobody holds it up: that is asked when its time comes.
    busy = sa.false() if request.due_at else sa.exists().where(in_the_way(request, at))
    used = sa.exists().where(used_keys.c.request_key == request.key)
    try:
        with engine.begin() as connection:
            writing = sa.insert(calls).from_select(list(values), row.where(~busy, ~used, is_remembered))
            if connection.execute(writing.returning(calls.c.id)).scalar_one_or_none() is None:
                return None
            connection.execute(
                sa.insert(notifications).values(
                    call_id=call.id,
                    revision=1,
                    due_at=at if state is State.ACCEPTED else None,
                    attempts=0,
                    card_channel="",
                    card_ts="",
                    card_revision=0,
                    card_problem="",
                    told_revision=0,
                    told_bad_news=False,
                )
            )
            if request.view_id:
                connection.execute(sa.insert(pages).values(call_id=call.id, shown_at=at))
            if state is State.ACCEPTED:
                # Not for a submission that awaits its answer: a locked tab would hold that up. There
                # `NotificationLedger.claim` does it.
                mark_dependents_due(connection, [call.id], at)
            before_commit(connection, call.id)  # as late as possible
    except sa.exc.IntegrityError:
        return None  # not re-raised: PostgreSQL's text would put the number into a log
    return call


def _same_submission(first: Call, request: CallRequest) -> Call:
    return require_same(
        first,
        team_id=request.team_id,
        user_id=request.user_id,
        flow_id=request.flow_id,
        number=request.number,
        caller_id=request.caller_id,
        due_at=request.due_at,
    )


def in_the_way(request: CallRequest, at: datetime, *, except_for: str = "") -> sa.ColumnElement[bool]:
    """A call to the same number, other than the call `except_for`, that keeps this one from being dialed.

    Nobody gets past one that is being dialed: their sessions could not be told apart. Who knows of one that
    may be on the phone (`CallRequest.anyway`) can call anyway; who knows of the newest knows of the earlier
    ones, so that nobody is asked about two calls in turn without end.
    """
    is_open = calls.c.state.in_(sorted(OPEN_STATES))
    is_recent = sa.and_(calls.c.state.in_(_MAY_HAVE_RUNG), calls.c.accepted_at > at - JUST_PLACED)
    others = sa.or_(may_be_on_the_phone(at), is_recent)
    if request.anyway:
        others = sa.false() if request.anyway == ANY_CALL else sa.and_(others, _is_newer_than_known(request))
    return sa.and_(
        calls.c.account_id == request.account_id,
        calls.c.number == request.number,
        calls.c.id != except_for,
        sa.or_(is_open, sa.and_(others, calls.c.accepted_at > at - OLDEST)),
    )


def _is_newer_than_known(request: CallRequest) -> sa.ColumnElement[bool]:
    """Whether a call was accepted after the one that the person knows of, if that is to the same number."""
    known = calls.alias("known")
    same_number = sa.and_(known.c.account_id == request.account_id, known.c.number == request.number)
    was_earlier = sa.and_(known.c.id != calls.c.id, known.c.accepted_at < calls.c.accepted_at)
    is_known = sa.select(known.c.id).where(known.c.id == request.anyway, same_number, ~was_earlier)
    return ~sa.exists(is_known.correlate(calls))


def may_be_on_the_phone(at: datetime) -> sa.ColumnElement[bool]:
    """The same as `Call.may_be_on_the_phone`."""
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
        sa.and_(is_uncertain, known_since > at - DOUBT_WINDOW),
    )
