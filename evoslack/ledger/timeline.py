"""Notices that a ledger was restored from a backup, and keeps it from calling anybody twice.

A restored ledger has forgotten what happened since the backup. So it begins a new timeline: forms that were
opened before are denied (`calling.request_keys`), and every call that waits in it is closed as not certain,
because it may have been dialed, or taken back, in the part that is lost. See
docs/decisions/0015-restoring.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from evoslack.calling.calls import Call, State
from evoslack.calling.outcomes import Reason
from evoslack.calling.request_keys import new_key, new_timeline, timeline_of
from evoslack.ledger.backup import IN_USE, MARKED_AS_COPY
from evoslack.ledger.dependents import mark_changed
from evoslack.ledger.rows import call_of
from evoslack.ledger.schema import calls, ledger_state
from evoslack.ledger.store import Store

_ROW = 1
_WAITING = sorted({State.RECEIVED, State.RECEIVED_LATER, State.SCHEDULED, State.ACCEPTED})
# pg_restore makes every table anew, in this server or in another one, and `createdb --template` copies them
# as they are into another database: so one of the three numbers changes.
_PLACE = (
    "SELECT system_identifier || '/' || pg_database.oid || '/' || 'ledger_state'::regclass::oid"
    " FROM pg_control_system(), pg_database WHERE datname = current_database()"
)


@dataclass(frozen=True, slots=True)
class Restoration:
    """What was done with a ledger that had been restored: the calls that waited in it are closed."""

    closed: tuple[Call, ...]

    def __str__(self) -> str:
        return (
            f"This ledger was restored from a backup. Calls that waited in it: {len(self.closed)}; they are "
            "“not certain” now and never dialed. Forms opened before are denied. Numbers blocked and rules "
            "changed since the backup are lost: check both in App Home."
        )


class Timeline:
    """The timeline of a `Store` that is open. Safe for several threads and bots.

    `on_restored` is given the calls that were closed, and what happened in words.
    """

    def __init__(
        self, store: Store, on_restored: Callable[[Sequence[Call], str], None] = lambda _closed, _words: None
    ) -> None:
        self._on_restored = on_restored
        self._engine = store.engine
        self._is_sqlite = store.is_sqlite
        self._name = ""  # empty: not taken up yet

    def new_key(self) -> str:
        """A request key for a form that is opened now."""
        return new_key(self._name)

    def take_up(self, *, at: datetime) -> Restoration | None:
        """Read which timeline it is. If the ledger was restored, begin a new one, which one bot does.

        At every start, and now and then: on PostgreSQL another bot may have begun a new one.
        """
        with self._engine.begin() as connection:
            if self._name and connection.execute(sa.select(ledger_state)).first() is None:
                return None  # it is being restored right now, under a bot that was not stopped
            row = self._row(connection)
            self._name = row.timeline
            is_restored = self._is_copy(connection) or row.place != self._place(connection)
            restoration = self._begin(connection, row.timeline, at) if is_restored else None
        if restoration is not None:
            self._on_restored(restoration.closed, str(restoration))
        return restoration

    def restored(self, *, at: datetime) -> Restoration | None:
        """An operator says that it was restored. None if another bot begins a new timeline right now."""
        with self._engine.begin() as connection:
            return self._begin(connection, self._row(connection).timeline, at)

    def _row(self, connection: sa.Connection) -> sa.Row[Any]:
        query = sa.select(ledger_state)
        row = connection.execute(query).first()
        if row is None:
            self._add_row(connection)
            row = connection.execute(query).one()
        return row

    def _add_row(self, connection: sa.Connection) -> None:
        """At the first start of all, the ledger is what it is."""
        columns = (ledger_state.c.id, ledger_state.c.timeline, ledger_state.c.place)
        row = sa.select(sa.literal(_ROW), sa.literal(new_timeline()), sa.literal(self._place(connection)))
        is_there = sa.exists().where(ledger_state.c.id == _ROW)
        adding = sa.insert(ledger_state).from_select(
            [column.name for column in columns], row.where(~is_there)
        )
        try:
            with connection.begin_nested():
                connection.execute(adding)
        except sa.exc.IntegrityError:
            return  # another bot was quicker

    def _begin(self, connection: sa.Connection, before: str, at: datetime) -> Restoration | None:
        name = new_timeline()
        beginning = sa.update(ledger_state).where(ledger_state.c.timeline == before)
        values = {"timeline": name, "restored_at": at, "place": self._place(connection)}
        if connection.execute(beginning.values(**values)).rowcount != 1:
            return None
        # Not one of `TRANSITIONS`: the row tells of a moment after which everything may have happened.
        closing = sa.update(calls).where(calls.c.state.in_(_WAITING))
        in_doubt = {"state": State.IN_DOUBT, "reason": Reason.RESTORED, "finished_at": at}
        closed = [call_of(row) for row in connection.execute(closing.values(**in_doubt).returning(calls))]
        mark_changed(connection, [call.id for call in closed], at)
        if self._is_sqlite:
            connection.exec_driver_sql(f"PRAGMA user_version={IN_USE}")
        self._name = name
        return Restoration(tuple(closed))

    def _is_copy(self, connection: sa.Connection) -> bool:
        if not self._is_sqlite:
            return False
        mark: int = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        return mark == MARKED_AS_COPY

    def _place(self, connection: sa.Connection) -> str:
        """Where these tables are; empty for SQLite, whose copies carry a mark instead."""
        return "" if self._is_sqlite else str(connection.execute(sa.text(_PLACE)).scalar_one())


def remembers(key: str) -> sa.ColumnElement[bool]:
    """Whether this ledger knows everything that became of forms with such a key."""
    timeline = timeline_of(key)
    if timeline:
        return sa.exists().where(ledger_state.c.timeline == timeline)
    return ~sa.exists().where(ledger_state.c.restored_at.is_not(None))


def is_in_place(store: Store) -> sa.ColumnElement[bool]:
    """Whether the ledger is not one that was restored while this bot ran, and that no bot has taken up yet.

    People forget to stop a bot, and supervisors start it again. A SQLite file cannot change under a bot.
    """
    if store.is_sqlite:
        return sa.true()
    return ~sa.exists().where(ledger_state.c.place != sa.literal_column(f"({_PLACE})"))


def is_before_restoring(asked_at: sa.ColumnElement[datetime]) -> sa.ColumnElement[bool]:
    """Whether that was before the ledger was restored, so that it may have forgotten what became of it."""
    return sa.exists().where(ledger_state.c.restored_at > asked_at)
