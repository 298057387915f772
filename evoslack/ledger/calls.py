"""Moves calls along, one committed step at a time.

The whole guarantee is in `begin`: whoever changed one row from accepted to placing may dial it once, and
nothing ever goes back to accepted. A press comes in as received, and becomes accepted only when its answer
has left in time; `receive`, `confirm` and `withdraw` are that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from evoslack.calling.calls import (
    OPEN_STATES,
    PROOF,
    STATE_OF,
    Call,
    CallRequest,
    Outcome,
    Placed,
    Progress,
    Reason,
    Rejected,
    State,
)
from evoslack.calling.workflow_step import LeaseLost
from evoslack.ledger.admission import admit
from evoslack.ledger.dependents import mark_changed
from evoslack.ledger.schema import call_of, calls, claimable_at, notifications, used_keys, workflow_steps
from evoslack.ledger.store import Store
from evoslack.ledger.transitions import change_state

# A call that was accepted so far ahead of now is of a clock that was put back; nobody knows how old it is.
AHEAD = timedelta(minutes=1)


class CallLedger:
    """The calls in a `Store`; every method is one transaction, safe from several threads and bots."""

    def __init__(self, store: Store) -> None:
        self._engine = store.engine

    def receive(self, request: CallRequest, *, at: datetime, require_time: Callable[[], None]) -> Call:
        """Write a press down, or join the call that this very press already made.

        A new call is received: nobody dials it before `confirm`. `require_time` is asked right before the
        commit; what it raises undoes everything. Raises what `accept` raises, too.
        """
        for _attempt in range(3):  # again only if the other delivery of it was withdrawn just now
            call, is_new = admit(
                self._engine, request, State.RECEIVED, at, lambda _connection, _id: require_time()
            )
            joined = call if is_new or call.state is not State.RECEIVED else self.join(call.id)
            if joined is not None:
                return joined
        raise RuntimeError("the press was written down and withdrawn again and again")

    def join(self, call_id: str) -> Call | None:
        """One more delivery of a press is being answered, apart from the others; None if it is too late."""
        received = sa.and_(calls.c.id == call_id, calls.c.state == State.RECEIVED)
        joining = sa.update(calls).where(received).values(deliveries=calls.c.deliveries + 1)
        return self._first(joining.returning(calls))

    def confirm(self, call_ids: Collection[str], *, at: datetime) -> list[Call]:
        """The presses were answered in time: from here on their calls may be dialed and told of."""
        received = sa.and_(calls.c.id.in_(call_ids), calls.c.state == State.RECEIVED)
        confirming = sa.update(calls).where(received).values(state=State.ACCEPTED).returning(calls)
        with self._engine.begin() as connection:
            confirmed = [call_of(row) for row in connection.execute(confirming)]
            told = notifications.c.call_id.in_([call.id for call in confirmed])
            connection.execute(sa.update(notifications).where(told).values(due_at=at))
        return confirmed

    def withdraw(self, call_ids: Collection[str]) -> None:
        """These presses were not answered and Slack said so: forget them, so that pressing again works."""
        with self._engine.begin() as connection:
            for call_id in call_ids:
                received = sa.and_(calls.c.id == call_id, calls.c.state == State.RECEIVED)
                fewer = sa.update(calls).where(received).values(deliveries=calls.c.deliveries - 1)
                connection.execute(fewer)
                connection.execute(sa.delete(calls).where(received, calls.c.deliveries <= 0))

    def accept(self, request: CallRequest, *, at: datetime, step: tuple[str, datetime] | None = None) -> Call:
        """Write a call down that needs no answer, or return the one that this very press already made.

        `step` is the workflow step that it is for and until when that is leased: the step becomes this call
        in the same transaction, or `LeaseLost` is raised and there is no call.
        Raises `KeyTaken` (same form, other content), `NotYourForm` (somebody else's key), `NumberBusy` (that
        number is being dialed already) or `FormUsed` (a call that is forgotten had this key).
        """

        def take_step(connection: sa.Connection, call_id: str) -> None:
            if step is None:
                return
            execution_id, lease = step
            ours = sa.and_(
                workflow_steps.c.execution_id == execution_id, workflow_steps.c.leased_until == lease
            )
            becoming = (
                sa.update(workflow_steps)
                .where(ours, workflow_steps.c.refusal.is_(None))
                .values(call_id=call_id)
            )
            if connection.execute(becoming).rowcount != 1:
                raise LeaseLost(execution_id)

        return admit(self._engine, request, State.ACCEPTED, at, take_step)[0]

    def waiting(self, *, accepted_after: datetime) -> Call | None:
        """The oldest waiting call, or None. This does not reserve it."""
        waiting = sa.select(calls).where(_is_waiting(accepted_after)).order_by(calls.c.accepted_at)
        return self._first(waiting.limit(1))

    def begin(self, *, at: datetime, accepted_after: datetime) -> Call | None:
        """Take the oldest waiting call for dialing, or None when there is none.

        Committed before it returns: the caller, and nobody else, may send one request for this call.
        """
        waiting = (
            sa.select(calls.c.id)
            .where(_is_waiting(accepted_after), calls.c.accepted_at <= at + AHEAD)
            .order_by(calls.c.accepted_at)
            .limit(1)
            .with_for_update(skip_locked=True)  # PostgreSQL: several bots each take another one
        )
        return self._first(
            sa.update(calls)
            .where(calls.c.id == waiting.scalar_subquery(), _is_waiting(accepted_after))
            .values(state=State.PLACING, began_at=at)
            .returning(calls)
        )

    def finish(
        self,
        call_id: str,
        outcome: Outcome,
        *,
        at: datetime,
        known_ids: Collection[str] | None = None,
        skew: timedelta | None = None,
    ) -> Call | None:
        """Write down how dialing ended; None when the call's state does not allow that any more.

        `known_ids` are sessions and SIDs that cannot be this call's, as they were there before it; `skew` is
        how far Evo Voice's clock was ahead of ours then.
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
        to_be_followed = target in {State.PLACED, State.IN_DOUBT}
        if isinstance(outcome, Rejected):
            to_be_followed = outcome.reason not in PROOF
        changed = self._move(calls.c.id == call_id, target, values, at, to_be_followed=to_be_followed)
        return changed[0] if changed else None

    def expire(self, *, at: datetime, accepted_before: datetime) -> list[Call]:
        """Close calls that waited too long; they are never dialed."""
        values = {"reason": Reason.WAITED, "finished_at": at}
        is_late = sa.or_(calls.c.accepted_at <= accepted_before, calls.c.accepted_at > at + AHEAD)
        was_accepted = calls.c.state == State.ACCEPTED
        which = sa.and_(was_accepted, is_late)
        return self._move(which, State.EXPIRED, values, at, to_be_followed=False)

    def abandon(self, *, at: datetime, received_before: datetime | None) -> list[Call]:
        """Close presses that nobody can be answering any more; they are never dialed.

        `received_before` None: every one, whenever it was received by anybody's clock.
        """
        values = {"reason": Reason.NOT_ANSWERED, "finished_at": at}
        of_the_dead = calls.c.state == State.RECEIVED
        if received_before is not None:
            of_the_dead = sa.and_(of_the_dead, calls.c.accepted_at <= received_before)
        return self._move(of_the_dead, State.EXPIRED, values, at, to_be_followed=False)

    def doubt_orphans(self, *, at: datetime, began_before: datetime | None) -> list[Call]:
        """Close calls whose dialing nobody can be working on any more: their phone may have rung.

        `began_before` None: whatever is being placed, whenever it began by anybody's clock.
        """
        values = {"reason": Reason.BOT_STOPPED, "finished_at": at}
        of_the_dead = calls.c.state == State.PLACING
        if began_before is not None:
            of_the_dead = sa.and_(of_the_dead, calls.c.began_at <= began_before)
        return self._move(of_the_dead, State.IN_DOUBT, values, at, to_be_followed=True)

    def find(self, request_key: str) -> Call | None:
        """The call that a form became."""
        return self._first(sa.select(calls).where(calls.c.request_key == request_key))

    def get(self, call_id: str) -> Call | None:
        """The call with that id."""
        return self._first(sa.select(calls).where(calls.c.id == call_id))

    def latest_of(self, user_id: str, team_id: str, limit: int) -> list[Call]:
        """The latest calls that this person asked for, newest first."""
        theirs = sa.and_(calls.c.user_id == user_id, calls.c.team_id == team_id)
        return self._all(sa.select(calls).where(theirs).order_by(calls.c.accepted_at.desc()).limit(limit))

    def newest(self, limit: int) -> list[Call]:
        """The latest calls, newest first."""
        return self._all(sa.select(calls).order_by(calls.c.accepted_at.desc()).limit(limit))

    def count_open(self) -> dict[State, int]:
        """How many calls are waiting (received or accepted) and how many are being placed."""
        query = (
            sa.select(calls.c.state, sa.func.count().label("how_many"))
            .where(calls.c.state.in_(sorted(OPEN_STATES)))
            .group_by(calls.c.state)
        )
        with self._engine.connect() as connection:
            found = {row.state: row.how_many for row in connection.execute(query)}
        waiting = found.get(State.RECEIVED, 0) + found.get(State.ACCEPTED, 0)
        return {State.ACCEPTED: waiting, State.PLACING: found.get(State.PLACING, 0)}

    def forget(self, *, accepted_before: datetime, at: datetime | None = None, most: int = 500) -> int:
        """Delete calls that are over and told, with all that is known of them; returns how many.

        Their request keys stay (as used `at`, by default just then) until `forget_keys`: a form may still
        come back.
        """
        told = sa.exists().where(notifications.c.call_id == calls.c.id, claimable_at(notifications).is_(None))
        old = (
            sa.select(calls.c.id)
            .where(calls.c.accepted_at < accepted_before, calls.c.state.not_in(sorted(OPEN_STATES)), told)
            .order_by(calls.c.accepted_at)
            .limit(most)
        )
        with self._engine.begin() as connection:
            gone = connection.execute(
                sa.delete(calls).where(calls.c.id.in_(old)).returning(calls.c.request_key)
            ).scalars()
            keys = [{"request_key": key, "used_at": at or accepted_before} for key in gone]
            if keys:
                connection.execute(sa.insert(used_keys), keys)
            return len(keys)

    def forget_keys(self, *, used_before: datetime) -> None:
        """Forget the keys of forms that are too old to be pressed, which is looked at before."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(used_keys).where(used_keys.c.used_at < used_before))

    def _move(
        self,
        which: sa.ColumnElement[bool],
        target: State,
        values: dict[str, Any],
        at: datetime,
        *,
        to_be_followed: bool,
    ) -> list[Call]:
        """Change the state of the calls that may change so, and put the change among the news."""
        going_on = sa.func.coalesce(calls.c.progress, sa.literal(Progress.WAITING, calls.c.progress.type))
        values = {**values, "progress": going_on if to_be_followed else None}
        with self._engine.begin() as connection:
            moved = change_state(connection, which, target, values)
            mark_changed(connection, [call.id for call in moved], at)
        return moved

    def _first(self, statement: sa.Executable) -> Call | None:
        found = self._all(statement)
        return found[0] if found else None

    def _all(self, statement: sa.Executable) -> list[Call]:
        with self._engine.begin() as connection:
            return [call_of(row) for row in connection.execute(statement)]


def _is_waiting(accepted_after: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(calls.c.state == State.ACCEPTED, calls.c.accepted_at > accepted_after)
