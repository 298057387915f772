"""Calls that wait for their own time. Each change is one conditional update, so of two bots one wins."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from evoslack.calling.calls import Call, State
from evoslack.calling.history_filter import OutcomeGroup
from evoslack.calling.outcomes import Reason
from evoslack.calling.refusals import NumberBusy
from evoslack.ledger.busy_numbers import in_the_way
from evoslack.ledger.dependents import mark_changed
from evoslack.ledger.rows import call_of
from evoslack.ledger.schema import calls
from evoslack.ledger.store import Store
from evoslack.ledger.transitions import change_state

_DUE = (  # put together once, as it is asked every second
    sa.select(calls)
    .where(calls.c.state == State.SCHEDULED, calls.c.due_at <= sa.bindparam("at", type_=calls.c.due_at.type))
    .order_by(calls.c.due_at, calls.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer()))
)


class ScheduledCallLedger:
    """The scheduled calls in a `Store`. Every method is one transaction, safe for several threads and bots.

    What changes a call names the state and the time that its reader has seen: if either is another by now,
    nothing is changed and the answer is None.
    """

    def __init__(self, store: Store) -> None:
        self._engine = store.engine

    def due(self, *, at: datetime, limit: int) -> list[Call]:
        """Calls whose time has come, oldest first."""
        with self._engine.connect() as connection:
            return [call_of(row) for row in connection.execute(_DUE, {"at": at, "limit": limit})]

    def start(self, call: Call, *, at: datetime) -> Call | None:
        """Its time has come: it becomes accepted, as if it had been pressed now.

        Raises `NumberBusy` if another call to the number may be going on; nothing is changed then.
        """
        # Whom its caller knew of when they pressed ("Call anyway") says nothing about now.
        in_its_way = in_the_way(replace(call.request, anyway=""), at, except_for=call.id)
        try:
            started = self._change(
                sa.and_(_as_seen(call), calls.c.due_at <= at, ~sa.exists().where(in_its_way)),
                State.ACCEPTED,
                at,
                accepted_at=at,
            )
        except sa.exc.IntegrityError:  # a call to the number began at this moment
            started = None
        if started is None:
            with self._engine.connect() as connection:
                newest = sa.select(calls).where(in_its_way).order_by(calls.c.accepted_at.desc())
                row = connection.execute(newest.limit(1)).first()
            if row is not None:
                busy = call_of(row)
                raise NumberBusy(busy, at - busy.accepted_at)
        return started

    def deny(self, call: Call, reason: Reason, *, at: datetime) -> Call | None:
        """Its time has come, and it may not be dialed: nothing was sent."""
        return self._change(_as_seen(call), State.NOT_SENT, at, reason=reason, finished_at=at)

    def miss(self, *, at: datetime, due_before: datetime) -> list[Call]:
        """Close the calls whose time was too long ago; they are never dialed."""
        missed = sa.and_(calls.c.state == State.SCHEDULED, calls.c.due_at < due_before)
        values = {"reason": Reason.MISSED, "finished_at": at}
        with self._engine.begin() as connection:
            closed = change_state(connection, missed, State.EXPIRED, values)
            mark_changed(connection, [call.id for call in closed], at)
        return closed

    def cancel(self, call: Call, *, by: str, at: datetime) -> Call | None:
        """A person takes it back, whatever its time is by now: a no counts as long as the call waits."""
        waits = sa.and_(calls.c.id == call.id, calls.c.state == State.SCHEDULED)
        return self._change(waits, State.CANCELED, at, canceled_by=by, finished_at=at)

    def move(self, call: Call, due_at: datetime, *, hours_reason: str, at: datetime) -> Call | None:
        """Another time."""
        moving = sa.update(calls).where(_as_seen(call)).values(due_at=due_at, hours_reason=hours_reason)
        with self._engine.begin() as connection:
            moved = [call_of(row) for row in connection.execute(moving.returning(calls))]
            mark_changed(connection, [each.id for each in moved], at)
        return moved[0] if moved else None

    def waiting(self, team_id: str, user_id: str | None, *, limit: int) -> tuple[list[Call], int]:
        """Some of the calls that wait, the next one first, and how many there are; None: everyone's."""
        is_waiting = calls.c.state == State.SCHEDULED
        # The outcome has an index; else SQLite reads all calls of the team.
        which = [is_waiting, calls.c.outcome == OutcomeGroup.SCHEDULED, calls.c.team_id == team_id]
        if user_id is not None:
            which.append(calls.c.user_id == user_id)
        next_first = sa.select(calls).where(*which).order_by(calls.c.due_at, calls.c.id).limit(limit)
        how_many = sa.select(sa.func.count()).select_from(calls).where(*which)
        with self._engine.connect() as connection:
            found = [call_of(row) for row in connection.execute(next_first)]
            return found, connection.execute(how_many).scalar_one()

    def _change(
        self, which: sa.ColumnElement[bool], target: State, at: datetime, **values: Any
    ) -> Call | None:
        with self._engine.begin() as connection:
            changed = change_state(connection, which, target, values)
            mark_changed(connection, [call.id for call in changed], at)
        return changed[0] if changed else None


def _as_seen(call: Call) -> sa.ColumnElement[bool]:
    """It still waits, for the time that its reader has seen."""
    waits = sa.and_(calls.c.id == call.id, calls.c.state == State.SCHEDULED)
    return sa.and_(waits, calls.c.due_at == call.request.due_at)
