"""Whether the ledger can be written right now, and what is waiting in it: for health checks and metrics.

All of it is cheap whatever the ledger holds: every count is answered by an index over few rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from evoslack.calling.calls import FINAL, Progress, State
from evoslack.ledger.notifications import DUE
from evoslack.ledger.schema import calls, leases, notifications
from evoslack.ledger.store import Store, with_short_lock_timeout

ROW = "health"  # of the table of leases, which is not kept either
DOUBT_SPAN = timedelta(hours=24)  # calls in doubt are counted that far back
STUCK_ATTEMPTS = 5  # the fifth attempt comes about half a minute after the first

_WAITING = (State.RECEIVED, State.ACCEPTED)
_TRACKED = sorted(set(Progress) - FINAL)


@dataclass(frozen=True, slots=True)
class LedgerCounts:
    """What is waiting in the ledger, of all bots together."""

    waiting: int  # received or accepted, and not being dialed yet
    oldest_waiting_s: float  # 0 if none waits
    placing: int
    scheduled: int
    tracked: int
    in_doubt: int  # of the last 24 hours
    cards_pending: int
    private_messages_pending: int
    notifications_stuck: int


class LedgerHealth:
    """Writes to a `Store` and counts what waits. Raises the database's own errors."""

    def __init__(self, store: Store) -> None:
        self._engine = store.engine

    def read(self, *, at: datetime) -> LedgerCounts:
        """Write one row of its own and commit it, then count. Waits only briefly for a locked file."""
        found: list[LedgerCounts] = []

        def step() -> bool:
            self._write(at)
            found.append(self._count(at))
            return False

        with_short_lock_timeout(step)()
        return found[0]

    def _write(self, at: datetime) -> None:
        """Only a commit shows that the disk is not full; the row says nothing that anyone reads."""
        ours = leases.c.name == ROW
        try:
            with self._engine.begin() as connection:
                if not connection.execute(sa.update(leases).where(ours).values(until=at)).rowcount:
                    connection.execute(sa.insert(leases).values(name=ROW, holder="", until=at))
        except sa.exc.IntegrityError:
            return  # another bot has just inserted it, so writing works

    def _count(self, at: datetime) -> LedgerCounts:
        with self._engine.connect() as connection:
            by_state = {row.state: row for row in connection.execute(_by_state())}
            in_doubt = connection.execute(_in_doubt(at - DOUBT_SPAN)).scalar_one()
            tracked = connection.execute(_tracked()).scalar_one()
            told = connection.execute(_untold()).one()
        waiting = [by_state[state] for state in _WAITING if state in by_state]
        oldest = min((row.oldest for row in waiting), default=at)
        return LedgerCounts(
            waiting=sum(row.how_many for row in waiting),
            oldest_waiting_s=max((at - oldest).total_seconds(), 0.0),
            placing=_how_many(by_state.get(State.PLACING)),
            scheduled=_how_many(by_state.get(State.SCHEDULED)),
            tracked=tracked,
            in_doubt=in_doubt,
            cards_pending=told.cards,
            private_messages_pending=told.messages,
            notifications_stuck=told.stuck,
        )


def _how_many(row: sa.Row[State, int, datetime] | None) -> int:
    return 0 if row is None else int(row.how_many)


def _by_state() -> sa.Select[State, int, datetime]:
    to_come = [*_WAITING, State.PLACING, State.SCHEDULED]
    how_many, oldest = sa.func.count().label("how_many"), sa.func.min(calls.c.accepted_at).label("oldest")
    return (
        sa.select(calls.c.state, how_many, oldest).where(calls.c.state.in_(to_come)).group_by(calls.c.state)
    )


def _in_doubt(since: datetime) -> sa.Select[int]:
    theirs = sa.and_(calls.c.state == State.IN_DOUBT, calls.c.accepted_at > since)
    return sa.select(sa.func.count()).select_from(calls).where(theirs)


def _tracked() -> sa.Select[int]:
    return sa.select(sa.func.count()).select_from(calls).where(calls.c.progress.in_(_TRACKED))


def _untold() -> sa.Select[int, int, int]:
    def count_if(condition: sa.ColumnElement[bool], name: str) -> sa.Label[int]:
        return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0).label(name)

    columns = notifications.c
    return sa.select(
        count_if(columns.card_revision < columns.revision, "cards"),
        count_if(columns.told_revision < columns.revision, "messages"),
        count_if(columns.attempts >= STUCK_ATTEMPTS, "stuck"),
    ).where(DUE.has_work)
