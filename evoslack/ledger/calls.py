"""Every change of a call's state, one committed transaction each.

The whole guarantee is in `begin`: it moves one row from accepted to placing, its caller may dial once, and
nothing ever goes back to accepted. A submission is received first, and accepted only once its answer left
in time: see `receive`, `confirm` and `withdraw`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from evoslack.calling.calls import (
    OPEN_STATES,
    STATE_OF,
    UNANSWERED,
    Call,
    CallRequest,
    Progress,
    State,
)
from evoslack.calling.outcomes import PROOF, Outcome, Placed, Reason, Rejected
from evoslack.ledger.admission import admit
from evoslack.ledger.begin_statements import BEGINNING, BY_ID, BY_KEY, OLDEST_WAITING
from evoslack.ledger.dependents import mark_changed
from evoslack.ledger.rows import call_of
from evoslack.ledger.schema import calls, notifications
from evoslack.ledger.store import Store
from evoslack.ledger.timeline import is_in_place
from evoslack.ledger.transitions import AHEAD, change_state
from evoslack.ledger.workflow_steps import give_call

_IS_UNANSWERED: sa.ColumnElement[bool] = calls.c.state.in_(sorted(UNANSWERED))


class CallLedger:
    """The calls in a `Store`. Every method is one transaction, safe for several threads and bots."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._engine = store.engine
        self._beginning = BEGINNING.where(is_in_place(store))

    def receive(self, request: CallRequest, *, at: datetime, require_time: Callable[[], None]) -> Call:
        """Write a submission down as a received call, or join the call that this form already became.

        A received call is not dialed before `confirm`. `require_time` is called right before the commit; what
        it raises rolls everything back. Also raises what `accept` raises.
        """
        for _attempt in range(3):  # again only if its other delivery was withdrawn just now
            state = State.RECEIVED if request.due_at is None else State.RECEIVED_LATER
            call, is_new = admit(self._engine, request, state, at, lambda _connection, _id: require_time())
            joined = call if is_new or not call.is_unanswered else self.join(call.id)
            if joined is not None:
                return joined
        raise RuntimeError("the submission was written down and withdrawn again and again")

    def join(self, call_id: str) -> Call | None:
        """Count one more delivery of a submission that is being answered. None if it is too late."""
        received = sa.and_(calls.c.id == call_id, _IS_UNANSWERED)
        joining = sa.update(calls).where(received).values(deliveries=calls.c.deliveries + 1)
        with self._engine.begin() as connection:
            row = connection.execute(joining.returning(calls)).first()
        return None if row is None else call_of(row)

    def confirm(self, call_ids: Collection[str], *, at: datetime) -> list[Call]:
        """These submissions were answered in time: people are notified, and their calls may be dialed.

        Calls for later become scheduled instead.
        """
        received = sa.and_(calls.c.id.in_(call_ids), _IS_UNANSWERED)
        now_or_later = sa.case(
            (calls.c.due_at.is_(None), sa.literal(State.ACCEPTED, calls.c.state.type)),
            else_=sa.literal(State.SCHEDULED, calls.c.state.type),
        )
        confirming = sa.update(calls).where(received).values(state=now_or_later).returning(calls)
        with self._engine.begin() as connection:
            confirmed = [call_of(row) for row in connection.execute(confirming)]
            theirs = notifications.c.call_id.in_([call.id for call in confirmed])
            connection.execute(sa.update(notifications).where(theirs).values(due_at=at))
        return confirmed

    def withdraw(self, call_ids: Collection[str]) -> None:
        """Delete submissions whose answer did not leave, so that pressing again works."""
        with self._engine.begin() as connection:
            for call_id in call_ids:
                received = sa.and_(calls.c.id == call_id, _IS_UNANSWERED)
                fewer = sa.update(calls).where(received).values(deliveries=calls.c.deliveries - 1)
                connection.execute(fewer)
                connection.execute(sa.delete(calls).where(received, calls.c.deliveries <= 0))

    def accept(self, request: CallRequest, *, at: datetime, step: tuple[str, datetime] | None = None) -> Call:
        """Write a call down that needs no answer, or return the one that this form already became.

        `step` is its workflow step and the end of that step's lease: in the same transaction the step gets
        this call, or `LeaseLost` is raised and there is no call.
        Raises `KeyTaken` (same form, other content), `NotYourForm` (another person's key), `NumberBusy` (the
        number is being dialed already), `FormUsed` (a call that was deleted had this key) or
        `FormBeforeRestore`.
        """

        def take_step(connection: sa.Connection, call_id: str) -> None:
            if step is not None:
                execution_id, lease = step
                give_call(connection, execution_id, lease, call_id)

        # How old a step is, its row says: see `WorkflowStep.is_before_restore`.
        return admit(self._engine, request, State.ACCEPTED, at, take_step, is_remembered=bool(step))[0]

    def waiting(self, *, accepted_after: datetime) -> Call | None:
        """The oldest call that waits to be dialed, or None. This does not reserve it."""
        found = self._read(OLDEST_WAITING, accepted_after=accepted_after)
        return found[0] if found else None

    def begin(self, *, at: datetime, accepted_after: datetime) -> Call | None:
        """Take the oldest waiting call for dialing: it becomes placing. None if none waits, or none may.

        Committed before it returns; from then on a phone may ring. Only the caller may dial this call, with
        one request (see `EvoClient.dial`).
        """
        given = {"accepted_after": accepted_after, "ahead": at + AHEAD, "at": at}
        with self._engine.begin() as connection:
            row = connection.execute(self._beginning, given).first()
        return None if row is None else call_of(row)

    def finish(
        self,
        call_id: str,
        outcome: Outcome,
        *,
        at: datetime,
        known_ids: Collection[str] | None = None,
        skew: timedelta | None = None,
    ) -> Call | None:
        """Write down how dialing ended. None if the call's state no longer allows that.

        `known_ids`: sessions and SIDs that existed before the call, so they cannot be its own. `skew`: how
        far Evo Voice's clock was ahead of ours then.
        """
        values: dict[str, Any] = {"finished_at": at}
        if known_ids is not None:
            values["known_ids"] = sorted(known_ids)
        if skew is not None:
            values["skew_s"] = skew.total_seconds()
        if isinstance(outcome, Placed):
            values |= {
                "reason": None,
                "detail": "",
                "session_id": outcome.session_id,
                "call_sid": outcome.call_sid,
            }
        else:
            values |= {"reason": outcome.reason, "detail": outcome.detail}
        target = STATE_OF[type(outcome)]
        is_tracked = target in {State.PLACED, State.IN_DOUBT}
        if isinstance(outcome, Rejected):
            is_tracked = outcome.reason not in PROOF
        changed = self._move(calls.c.id == call_id, target, values, at, is_tracked=is_tracked)
        return changed[0] if changed else None

    def expire(self, *, at: datetime, accepted_before: datetime) -> list[Call]:
        """Close calls that waited too long; they are never dialed."""
        values = {"reason": Reason.WAITED, "finished_at": at}
        is_late = sa.or_(calls.c.accepted_at <= accepted_before, calls.c.accepted_at > at + AHEAD)
        expired = sa.and_(calls.c.state == State.ACCEPTED, is_late)
        return self._move(expired, State.EXPIRED, values, at, is_tracked=False)

    def abandon(self, *, at: datetime, received_before: datetime | None) -> list[Call]:
        """Close submissions that no bot can still be answering; they are never dialed.

        `received_before` None: all of them, whatever any clock says.
        """
        values = {"reason": Reason.NOT_ANSWERED, "finished_at": at}
        orphaned = _IS_UNANSWERED
        if received_before is not None:
            orphaned = sa.and_(orphaned, calls.c.accepted_at <= received_before)
        return self._move(orphaned, State.EXPIRED, values, at, is_tracked=False)

    def doubt_orphans(self, *, at: datetime, began_before: datetime | None) -> list[Call]:
        """Close calls that no bot can still be dialing: their phone may have rung.

        `began_before` None: all of them, whatever any clock says.
        """
        values = {"reason": Reason.BOT_STOPPED, "finished_at": at}
        orphaned = calls.c.state == State.PLACING
        if began_before is not None:
            orphaned = sa.and_(orphaned, calls.c.began_at <= began_before)
        return self._move(orphaned, State.IN_DOUBT, values, at, is_tracked=True)

    def find(self, request_key: str) -> Call | None:
        """The call that this form or step became, or None."""
        found = self._read(BY_KEY, key=request_key)
        return found[0] if found else None

    def get(self, call_id: str) -> Call | None:
        """The call with that id, or None."""
        found = self._read(BY_ID, call_id=call_id)
        return found[0] if found else None

    def newest(self, limit: int) -> list[Call]:
        """The latest calls, newest first."""
        return self._read(sa.select(calls).order_by(calls.c.accepted_at.desc()).limit(limit))

    def count_open(self) -> dict[State, int]:
        """How many calls wait to be dialed (received or accepted), and how many are being placed."""
        query = (
            sa.select(calls.c.state, sa.func.count().label("how_many"))
            .where(calls.c.state.in_(sorted(OPEN_STATES)))
            .group_by(calls.c.state)
        )
        with self._engine.connect() as connection:
            found = {row.state: row.how_many for row in connection.execute(query)}
        waiting = found.get(State.RECEIVED, 0) + found.get(State.ACCEPTED, 0)
        return {State.ACCEPTED: waiting, State.PLACING: found.get(State.PLACING, 0)}

    def _move(
        self,
        which: sa.ColumnElement[bool],
        target: State,
        values: dict[str, Any],
        at: datetime,
        *,
        is_tracked: bool,
    ) -> list[Call]:
        """Change the state of those of these calls that may change so; people are notified of it."""
        in_progress = sa.func.coalesce(calls.c.progress, sa.literal(Progress.WAITING, calls.c.progress.type))
        values = {**values, "progress": in_progress if is_tracked else None}
        with self._engine.begin() as connection:
            moved = change_state(connection, which, target, values)
            mark_changed(connection, [call.id for call in moved], at)
        return moved

    def _read(self, statement: sa.Executable, **given: Any) -> list[Call]:
        with self._store.reading() as connection:
            return [call_of(row) for row in connection.execute(statement, given)]
