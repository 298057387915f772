"""The one way to work on rows that are due: claim a row, then release it.

A claim sets `leased_until` and clears `due_at`; a change meanwhile sets `due_at` again, and the release keeps
it. A row whose lease ran out, because its bot died or was too slow, can be claimed again. So a row has work
left exactly while one of the two is set (`schema.claimable_at`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from evoslack.ledger.schema import claimable_at

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class DueRows:
    """The rows of `table`, which has the columns `due_at`, `leased_until` and `attempts`.

    `conditions` are what else a row needs to be claimed; their parameters are given to `claim`.
    """

    def __init__(self, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> None:
        self._table = table
        self._key = tuple(table.primary_key)
        self.claimable_at = claimable_at(table)
        self._claiming = self._statement(conditions)
        # A range, for which SQLite takes the index; not for IS NOT NULL.
        self.has_work = self.claimable_at > _LONG_AGO

    def claim(
        self, connection: sa.Connection, *, at: datetime, until: datetime, **given: Any
    ) -> sa.Row[Any] | None:
        """Lease the row that has been due the longest, or None. Counts as an attempt."""
        return connection.execute(self._claiming, {"at": at, "until": until, **given}).first()

    def _statement(self, conditions: Sequence[sa.ColumnElement[bool]]) -> Any:
        """Put together once: that takes longer than the answer, and idle bots ask several times a second."""
        is_due = self.claimable_at <= sa.bindparam("at", type_=self._table.c.due_at.type)
        due = (
            sa.select(*self._key)
            .where(is_due, *conditions)
            .order_by(self.claimable_at)
            .limit(1)
            .with_for_update(skip_locked=True)  # PostgreSQL: several bots each take another one
        )
        leased: Any = self.leased(sa.bindparam("until", type_=self._table.c.leased_until.type))
        this = sa.tuple_(*self._key) == due.scalar_subquery()
        claiming = sa.update(self._table).where(this, is_due)
        return claiming.values(**leased, attempts=self._table.c.attempts + 1).returning(*self._table.c)

    def leased(self, until: Any) -> dict[str, Any]:
        """The values of a row while it is leased."""
        return {"due_at": None, "leased_until": until}

    def is_free(self, at: datetime) -> sa.ColumnElement[bool]:
        """Whether the row is not leased."""
        leased_until = self._table.c.leased_until
        return sa.or_(leased_until.is_(None), leased_until <= at)

    def is_ours(self, key: Sequence[str], lease: datetime) -> sa.ColumnElement[bool]:
        """Whether the row with that primary key is still held with that lease."""
        this = [column == value for column, value in zip(self._key, key, strict=True)]
        return sa.and_(*this, self._table.c.leased_until == lease)

    def release(
        self,
        connection: sa.Connection,
        key: Sequence[str],
        lease: datetime,
        *,
        again_at: datetime | None = None,
        failed: bool = False,
        **values: Any,
    ) -> None:
        """Give the lease back, if it is still ours.

        The row is due again at `again_at`, or since the moment when a change meanwhile made it due, unless
        `values` say otherwise. `failed` keeps the count of attempts; otherwise it is reset.
        """
        if again_at is not None:
            due_at = self._table.c.due_at
            values.setdefault("due_at", sa.func.coalesce(due_at, sa.literal(again_at, due_at.type)))
        if not failed:
            values["attempts"] = 0
        releasing = sa.update(self._table).where(self.is_ours(key, lease))
        connection.execute(releasing.values(leased_until=None, **values))

    def drop_leases(self, connection: sa.Connection, *, at: datetime) -> None:
        """Make due now what is leased, or due in the future."""
        waits = sa.or_(self._table.c.leased_until.is_not(None), self._table.c.due_at > at)
        connection.execute(sa.update(self._table).where(waits).values(due_at=at, leased_until=None))
