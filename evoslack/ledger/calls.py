"""Moves calls along, one committed step at a time.

The whole guarantee is in `begin`: whoever changed one row from accepted to placing may dial it once, and
nothing ever goes back to accepted.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from evoslack.calls import (
    OPEN_STATES,
    OVER,
    PROOF,
    STATE_OF,
    Call,
    CallRequest,
    Outcome,
    Placed,
    Progress,
    Rejected,
    State,
    Why,
)
from evoslack.ledger.ripples import make_news, touch
from evoslack.ledger.schema import REQUEST_FIELDS, call_of, calls, news
from evoslack.ledger.store import Store
from evoslack.ledger.transitions import change_state
from evoslack.refusals import NumberBusy, require_same

# A number that was just dialled is left alone for a moment: whoever presses for it at the same time as
# somebody else has not seen the card yet.
JUST_PLACED = timedelta(seconds=10)
_MAY_HAVE_RUNG = sorted({*OPEN_STATES, State.PLACED, State.IN_DOUBT})
_NOT_OVER = sorted(set(Progress) - OVER)


class CallLedger:
    """The calls in a `Store`; every method is one transaction, safe from several threads and bots."""

    def __init__(self, store: Store) -> None:
        self._engine = store.engine

    def accept(self, request: CallRequest, *, at: datetime) -> Call:
        """Write a call down, or return the one that this very press already made.

        Raises `KeyTaken` (same form, other content), `NotYourForm` (somebody else's key) or
        `NumberBusy` (that number is being dialled already).
        """
        for _attempt in range(2):  # a second time only if the call in our way was settled meanwhile
            inserted = self._insert(request, at)
            if inserted is not None:
                return inserted
            first = self.find(request.key)
            if first is not None:
                return require_same(
                    first,
                    team_id=request.team_id,
                    user_id=request.user_id,
                    flow_id=request.flow_id,
                    number=request.number,
                    caller_id=request.caller_id,
                )
            busy = self._busy_with(request, at)
            if busy is not None:
                raise NumberBusy(busy)
        raise RuntimeError("the ledger took the call neither as new nor as known")

    def waiting(self, *, accepted_after: datetime) -> Call | None:
        """The oldest waiting call, or None; nobody has it by that."""
        is_waiting = sa.and_(calls.c.state == State.ACCEPTED, calls.c.accepted_at > accepted_after)
        return self._first(sa.select(calls).where(is_waiting).order_by(calls.c.accepted_at).limit(1))

    def begin(self, *, at: datetime, accepted_after: datetime) -> Call | None:
        """Take the oldest waiting call for dialling, or None when there is none.

        Committed before it returns: the caller, and nobody else, may send one request for this call.
        """
        waiting = (
            sa.select(calls.c.id)
            .where(calls.c.state == State.ACCEPTED, calls.c.accepted_at > accepted_after)
            .order_by(calls.c.accepted_at)
            .limit(1)
            .with_for_update(skip_locked=True)  # PostgreSQL: several bots each take another one
        )
        return self._first(
            sa.update(calls)
            .where(
                calls.c.id == waiting.scalar_subquery(),
                calls.c.state == State.ACCEPTED,
                calls.c.accepted_at > accepted_after,
            )
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
        """Write down how dialling ended; None when the call's state does not allow that any more.

        `known_ids` are sessions and SIDs that cannot be this call's, as they were there before it; `skew` is
        how far Evo Voice's clock was ahead of ours then.
        """
        values: dict[str, Any] = {"finished_at": at}
        if known_ids is not None:
            values["known_ids"] = json.dumps(sorted(known_ids))
        if skew is not None:
            values["skew_s"] = skew.total_seconds()
        if isinstance(outcome, Placed):
            values |= {
                "why": None,
                "detail": "",
                "session_id": outcome.session_id,
                "call_sid": outcome.call_sid,
            }
        else:
            values |= {"why": outcome.why, "detail": outcome.detail}
        target = STATE_OF[type(outcome)]
        to_be_followed = target in {State.PLACED, State.IN_DOUBT}
        if isinstance(outcome, Rejected):
            to_be_followed = outcome.why not in PROOF
        changed = self._move(calls.c.id == call_id, target, values, at, to_be_followed=to_be_followed)
        return changed[0] if changed else None

    def expire(self, *, at: datetime, accepted_before: datetime) -> list[Call]:
        """Close calls that waited too long; they are never dialled."""
        values = {"why": Why.WAITED, "finished_at": at}
        too_old = calls.c.accepted_at <= accepted_before
        return self._move(too_old, State.EXPIRED, values, at, to_be_followed=False)

    def doubt_orphans(self, *, at: datetime, began_before: datetime | None) -> list[Call]:
        """Close calls whose dialling nobody can be working on any more: their phone may have rung.

        `began_before` None: whatever is being placed, whenever it began by anybody's clock.
        """
        values = {"why": Why.BOT_STOPPED, "finished_at": at}
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
        """How many calls are waiting and how many are being placed."""
        query = (
            sa.select(calls.c.state, sa.func.count())
            .where(calls.c.state.in_(sorted(OPEN_STATES)))
            .group_by(calls.c.state)
        )
        with self._engine.connect() as connection:
            found = {State(state): count for state, count in connection.execute(query)}
        return {state: found.get(state, 0) for state in (State.ACCEPTED, State.PLACING)}

    def forget(self, *, accepted_before: datetime, most: int = 500) -> int:
        """Delete calls that are over and told, with all that is known of them; returns how many."""
        told = sa.exists().where(news.c.call_id == calls.c.id, news.c.due_at.is_(None))
        old = (
            sa.select(calls.c.id)
            .where(calls.c.accepted_at < accepted_before, calls.c.state.not_in(sorted(OPEN_STATES)), told)
            .order_by(calls.c.accepted_at)
            .limit(most)
        )
        with self._engine.begin() as connection:
            return connection.execute(sa.delete(calls).where(calls.c.id.in_(old))).rowcount

    def _insert(self, request: CallRequest, at: datetime) -> Call | None:
        """Write the call down; None if its key or its number is taken."""
        call = Call(id=uuid.uuid4().hex, request=request, state=State.ACCEPTED, accepted_at=at)
        values = {field: getattr(request, field) for field in REQUEST_FIELDS}
        values |= {
            "id": call.id,
            "request_key": request.key,
            "state": call.state,
            "accepted_at": at,
            "detail": "",
        }
        # One statement looks for a call in the way and writes this one down; what begins in between meets
        # the unique index.
        row = sa.select(*(sa.literal(value, calls.c[name].type) for name, value in values.items()))
        unless = sa.exists().where(_in_the_way(request, at))
        try:
            with self._engine.begin() as connection:
                writing = sa.insert(calls).from_select(list(values), row.where(~unless))
                if connection.execute(writing.returning(calls.c.id)).scalar_one_or_none() is None:
                    return None
                connection.execute(
                    sa.insert(news).values(
                        call_id=call.id,
                        revision=1,
                        due_at=at,
                        attempts=0,
                        card_channel="",
                        card_ts="",
                        card_revision=0,
                        card_problem="",
                        told_revision=0,
                        told_bad_news=False,
                    )
                )
                touch(connection, [call.id], at)
        except sa.exc.IntegrityError:
            return None  # PostgreSQL's own words would bring the number into a log
        return call

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
        going_on = sa.func.coalesce(calls.c.progress, Progress.WAITING)
        values = {**values, "progress": going_on if to_be_followed else None}
        with self._engine.begin() as connection:
            moved = change_state(connection, which, target, values)
            make_news(connection, [call.id for call in moved], at)
        return moved

    def _busy_with(self, request: CallRequest, at: datetime) -> Call | None:
        return self._first(sa.select(calls).where(_in_the_way(request, at)))

    def _first(self, statement: sa.Executable) -> Call | None:
        found = self._all(statement)
        return found[0] if found else None

    def _all(self, statement: sa.Executable) -> list[Call]:
        with self._engine.begin() as connection:
            return [call_of(row) for row in connection.execute(statement)]


def _in_the_way(request: CallRequest, at: datetime) -> sa.ColumnElement[bool]:
    """A call to the same number that is open or may have rung just now."""
    is_looked_for = sa.and_(calls.c.state == State.REJECTED, calls.c.progress.in_(_NOT_OVER))
    may_have_rung = sa.or_(calls.c.state.in_(_MAY_HAVE_RUNG), is_looked_for)
    is_recent = sa.and_(may_have_rung, calls.c.accepted_at > at - JUST_PLACED)
    return sa.and_(
        calls.c.account_id == request.account_id,
        calls.c.number == request.number,
        sa.or_(calls.c.state.in_(sorted(OPEN_STATES)), is_recent),
    )
