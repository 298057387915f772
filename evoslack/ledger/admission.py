"""Writes a new call down, unless its form or its number already has one.

One statement checks and writes (`admission_statements`); whatever happens in between violates a unique index.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from evoslack.calling.calls import Call, CallRequest, State
from evoslack.calling.refusals import FormBeforeRestore, FormUsed, NumberBusy, require_same
from evoslack.calling.request_keys import timeline_of
from evoslack.ledger.admission_statements import Kind, inserting
from evoslack.ledger.busy_numbers import Known, in_the_way, moments
from evoslack.ledger.dependents import mark_dependents_due
from evoslack.ledger.rows import REQUEST_FIELDS, call_of
from evoslack.ledger.schema import calls, used_keys
from evoslack.ledger.timeline import remembers

BeforeCommit = Callable[[sa.Connection, str], None]  # gets the id of the new call


def admit(
    engine: sa.Engine,
    request: CallRequest,
    state: State,
    at: datetime,
    before_commit: BeforeCommit,
    *,
    is_remembered: bool = False,
) -> tuple[Call, bool]:
    """The call, in `state` if it is new, and whether it is new.

    `before_commit` is called last in the transaction; what it raises rolls everything back. `is_remembered`:
    the ledger knows everything that became of such a form; otherwise its key says whether it does.
    Raises `KeyTaken`, `NotYourForm`, `NumberBusy`, `FormUsed` or `FormBeforeRestore`.
    """
    for _attempt in range(2):  # again only if the call in the way was settled meanwhile
        inserted = _insert(engine, request, state, at, before_commit, is_remembered=is_remembered)
        if inserted is not None:
            return inserted, True
        first = _first(engine, calls.c.request_key == request.key)
        if first is not None:
            return _same_submission(first, request), False
        if _is_used(engine, request.key):
            raise FormUsed
        if not is_remembered and not _holds(engine, remembers(request.key)):
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
    *,
    is_remembered: bool,
) -> Call | None:
    """Insert the call. None if its key or its number is taken, or its form is from before a restore."""
    call = Call(id=uuid.uuid4().hex, request=request, state=state, accepted_at=at)
    kind = Kind(
        is_now=request.due_at is None,
        known=Known.of(request),
        timeline=None if is_remembered else bool(timeline_of(request.key)),
        has_page=bool(request.view_id),
    )
    try:
        with engine.begin() as connection:
            first, *rest = inserting(kind, at_once=not connection.dialect.name.startswith("sqlite"))
            given = _given(call, due_at=at if state is State.ACCEPTED else None)
            if connection.execute(first, given).scalar_one_or_none() is None:
                return None
            for statement in rest:
                connection.execute(statement, given)
            if state is State.ACCEPTED:
                # Not for a submission that awaits its answer: a locked tab would hold that up. There
                # `NotificationLedger.claim` does it.
                mark_dependents_due(connection, [call.id], at)
            before_commit(connection, call.id)  # as late as possible
    except sa.exc.IntegrityError:
        return None  # not re-raised: PostgreSQL's text would put the number into a log
    return call


def _given(call: Call, due_at: datetime | None) -> dict[str, Any]:
    request, at = call.request, call.accepted_at
    given = {field: getattr(request, field) for field in REQUEST_FIELDS}
    return given | {
        "id": call.id,
        "request_key": request.key,
        "state": call.state,
        "accepted_at": at,
        "notify_at": due_at,
        "timeline": timeline_of(request.key),
        **moments(at),
    }


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
