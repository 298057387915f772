"""The do-not-call list. Each change of it is a line in the audit log, in the same transaction.

A number keeps its first entry: when it was blocked, by whom and why does not change later.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from evoslack.calling.do_not_call import DO_NOT_CALL
from evoslack.calling.rulebook import BlockedNumber, RuleChange, as_json
from evoslack.ledger.rules import blocked_number_of, write_change
from evoslack.ledger.schema import blocked_numbers
from evoslack.ledger.store import Store

PIECE = 1_000  # numbers read at once


class BlockedNumberLedger:
    """The list in a `Store`. Every method is one transaction, safe for several threads and bots."""

    def __init__(self, store: Store) -> None:
        self._engine = store.engine
        self._readers = store.readers

    def find(self, number: str) -> BlockedNumber | None:
        """The entry for this number (E.164), or None."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(blocked_numbers).where(_is(number))).first()
        return None if row is None else blocked_number_of(row)

    def block(self, number: BlockedNumber) -> bool:
        """Add the number. False if it is on the list already; then nothing is changed."""
        with self._engine.begin() as connection:
            return add(connection, number)

    def unblock(self, number: str, *, by: str, at: datetime) -> BlockedNumber | None:
        """Take the number off the list. What its entry was; None: it was not on it."""
        deleting = sa.delete(blocked_numbers).where(_is(number)).returning(*blocked_numbers.c)
        with self._engine.begin() as connection:
            row = connection.execute(deleting).first()
            if row is None:
                return None
            gone = blocked_number_of(row)
            write_change(connection, RuleChange(at, by, DO_NOT_CALL, as_json(_told(gone)), ""))
        return gone

    def newest(self, limit: int) -> tuple[list[BlockedNumber], int]:
        """The entries added last, newest first, and how many there are in all."""
        table = blocked_numbers
        latest = sa.select(table).order_by(table.c.blocked_at.desc(), table.c.number).limit(limit)
        with self._readers.connect() as connection:
            found = [blocked_number_of(row) for row in connection.execute(latest)]
            return found, connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()

    def everything(self) -> Iterator[BlockedNumber]:
        """Every entry, by number. Read in pieces, between which others may use the database."""
        in_order, after = sa.select(blocked_numbers).order_by(blocked_numbers.c.number).limit(PIECE), ""
        while True:
            with self._readers.connect() as connection:
                rows = connection.execute(in_order.where(blocked_numbers.c.number > after)).all()
            yield from map(blocked_number_of, rows)
            if len(rows) < PIECE:
                return
            after = rows[-1].number

    def add_all(self, numbers: Collection[BlockedNumber], *, by: str, at: datetime) -> int:
        """Add all of these, as blocked by this person at this time, or none if that fails.

        How many were not on the list yet.
        """
        # Always in the same order, so that two imports at once wait for each other instead of deadlocking.
        in_order = sorted(numbers, key=lambda each: each.number)
        rows = [row_of(each) | {"blocked_by": by, "blocked_at": at} for each in in_order]
        # Asking for what was added takes three times as long as counting it.
        theirs = sa.and_(blocked_numbers.c.blocked_at == at, blocked_numbers.c.blocked_by == by)
        how_many = sa.select(sa.func.count()).where(theirs)
        with self._engine.begin() as connection:
            before: int = connection.execute(how_many).scalar_one()
            if rows:
                connection.execute(_inserting(connection), rows)
            new: int = connection.execute(how_many).scalar_one() - before
            after = as_json({"imported": len(rows), "new": new})
            write_change(connection, RuleChange(at, by, DO_NOT_CALL, "", after))
        return new


def add(connection: sa.Connection, number: BlockedNumber) -> bool:
    """Add the number in a transaction of something else. False if it is on the list already."""
    adding = _inserting(connection).values(**row_of(number)).returning(blocked_numbers.c.number)
    if connection.execute(adding).first() is None:
        return False
    after = as_json(_told(number))
    write_change(connection, RuleChange(number.at, number.by, DO_NOT_CALL, "", after))
    return True


def row_of(number: BlockedNumber) -> dict[str, Any]:
    """The row of an entry."""
    return {
        "number": number.number,
        "reason": number.reason,
        "blocked_by": number.by,
        "blocked_at": number.at,
        "call_id": number.call_id,
    }


def _inserting(connection: sa.Connection) -> sqlite.Insert | postgresql.Insert:
    """An insert that leaves numbers alone that are there already."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(blocked_numbers).on_conflict_do_nothing(index_elements=["number"])
    return sqlite.insert(blocked_numbers).on_conflict_do_nothing(index_elements=["number"])


def _told(number: BlockedNumber) -> dict[str, str]:
    """An entry in the audit log."""
    of_call = {"call_id": number.call_id} if number.call_id else {}
    return {"number": number.number, "reason": number.reason} | of_call


def _is(number: str) -> sa.ColumnElement[bool]:
    return blocked_numbers.c.number == number
