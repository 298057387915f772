"""Finds the calls that a filter finds, and counts them, without reading the whole history.

The newest calls are scanned first. Only if too few of them fit, an index of digits is read: then they
are rare. Counting stops, too. So what a page costs does not grow with the number of calls.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from evoslack.calling.calls import Call
from evoslack.calling.history_filter import HistoryFilter, OutcomeGroup
from evoslack.calling.history_page import MOST_COUNTED, Count
from evoslack.ledger.history_indexes import LONGEST_NUMBER, by_index, number_contains
from evoslack.ledger.rows import call_of
from evoslack.ledger.schema import calls

MOST_SCANNED = 4_000  # calls: the best compromise between digits that half and that few of them have
MOST_ROWS_SCANNED = 250  # where each row has to be read, from wherever it is
_PLACE = (calls.c.accepted_at, calls.c.id)
Condition = sa.ColumnElement[bool]


class HistorySearch:
    """One filter, on an open connection. `user_id` None: everyone's calls."""

    def __init__(
        self,
        connection: sa.Connection,
        team_id: str,
        user_id: str | None,
        wanted: HistoryFilter,
        scanned: int,
    ) -> None:
        self._connection = connection
        self._scanned = scanned
        self._digits = wanted.digits
        self._is_sqlite = connection.dialect.name == "sqlite"
        # SQLite's indexes have the row id, and not ours: so an index alone is enough.
        self._place: sa.ColumnElement[Any] = (
            sa.literal_column("calls.rowid") if self._is_sqlite else calls.c.id
        )
        self._rare = _Rare()
        self._finds_nothing = wanted.finds_nothing or len(self._digits) > LONGEST_NUMBER
        narrowing: list[tuple[sa.Column[Any], str]] = []
        indexes = []
        if user_id is not None:
            narrowing.append((calls.c.user_id, user_id))
            indexes.append("calls_by_person")
        if wanted.outcome:
            narrowing.append((calls.c.outcome, OutcomeGroup(wanted.outcome)))
            indexes.append("calls_by_outcome")
        if wanted.flow:
            narrowing.append((calls.c.flow_id, wanted.flow))
            indexes.append("calls_by_flow")
        self._index = indexes[0] if indexes else "calls_by_team"
        # One of them and the time have an index; the others are checked on the calls found by it, and so
        # written that no database prefers their own index.
        self._by_index = [calls.c.team_id == team_id, *(column == value for column, value in narrowing[:1])]
        if wanted.since is not None:
            self._by_index.append(calls.c.accepted_at >= wanted.since)
        if wanted.until is not None:
            self._by_index.append(calls.c.accepted_at < wanted.until)
        self._others = [sa.func.coalesce(column, "") == value for column, value in narrowing[1:]]

    def newest(self, limit: int, *, older_than: tuple[datetime, str] | None = None) -> list[Call]:
        """The first of them, newest first."""
        return self._rows(limit, _before(older_than), newest_first=True)

    def oldest(self, limit: int, *, newer_than: tuple[datetime, str] | None = None) -> list[Call]:
        """The first of them, oldest first."""
        return self._rows(limit, _after(newer_than), newest_first=False)

    def count_older(self, than: Call) -> Count:
        """How many are older."""
        return self._count(than, newest_first=True)

    def count_newer(self, than: Call) -> Count:
        """How many are newer."""
        return self._count(than, newest_first=False)

    def _rows(self, limit: int, where: list[Condition], *, newest_first: bool) -> list[Call]:
        if self._finds_nothing:
            return []
        near = self._near(where, newest_first=newest_first) if self._digits else None
        those = by_index(sa.select(calls), self._index).where(*self._conditions(where, near))
        rows = self._connection.execute(those.order_by(*_ordered(newest_first)).limit(limit))
        found = [call_of(row) for row in rows]
        if near is None or len(found) >= limit:
            return found
        self._rare = self._read_rare(where, limit, newest_first=newest_first)
        return self._rare.first

    def _count(self, than: Call, *, newest_first: bool) -> Count:
        """Up to `MOST_COUNTED` and one."""
        if self._finds_nothing:
            return Count(0)
        if (found := self._rare.beyond(than, newest_first=newest_first)) is not None:
            return Count(min(found, MOST_COUNTED), is_all=found <= MOST_COUNTED)
        place = (than.accepted_at, than.id)
        where = _before(place) if newest_first else _after(place)
        near = self._near(where, newest_first=newest_first)
        those = by_index(sa.select(calls.c.accepted_at), self._index).where(*self._conditions(where, near))
        found = self._number_of(those.limit(MOST_COUNTED + 1))
        is_rare = near is not None and self._digits and found * 100 < self._scanned
        if is_rare:  # they can all be counted
            near, found = None, self._number_of(self._by_digits(where).limit(MOST_COUNTED + 1))
        return Count(min(found, MOST_COUNTED), is_all=near is None and found <= MOST_COUNTED)

    def _conditions(self, where: list[Condition], near: Condition | None) -> list[Condition]:
        which = [*self._by_index, *where, *self._others]
        if self._digits:
            which.append(calls.c.number.contains(self._digits, autoescape=True))
        return which if near is None else [*which, near]

    def _near(self, where: list[Condition], *, newest_first: bool) -> Condition | None:
        """The calls that are scanned; None: there are no more, or an index is enough."""
        if not (self._digits or self._others):
            return None
        at = calls.c.accepted_at
        there = by_index(sa.select(at), self._index).where(*self._by_index, *where)
        scanned = self._scanned if self._digits else min(self._scanned, MOST_ROWS_SCANNED)
        there = there.order_by(at.desc() if newest_first else at).limit(1).offset(scanned)
        last: datetime | None = self._connection.execute(there).scalar_one_or_none()
        if last is None:
            return None
        return at >= last if newest_first else at <= last

    def _by_digits(self, where: list[Condition]) -> sa.Select[Any]:
        """The calls whose numbers have the digits, in any order, by an index of numbers.

        Each with its `place`, by which it is read.
        """
        has_digits = number_contains(self._digits, is_sqlite=self._is_sqlite)
        found = sa.select(calls.c.accepted_at, self._place.label("place"))
        return by_index(found.where(has_digits, *self._by_index, *self._others, *where), "calls_by_digits")

    def _read_rare(self, where: list[Condition], limit: int, *, newest_first: bool) -> _Rare:
        """The first of those, and how many there are, in one go."""
        # In a step of its own, or the databases would rather go through all calls in order.
        found = self._by_digits(where).cte("found").prefix_with("MATERIALIZED")
        at, total = found.c.accepted_at, sa.select(sa.func.count()).select_from(found).scalar_subquery()
        in_order = sa.select(at).order_by(at.desc() if newest_first else at)
        last = sa.func.coalesce(in_order.limit(1).offset(limit - 1).scalar_subquery(), at)
        first = sa.select(found.c.place).where(at >= last if newest_first else at <= last)
        query = sa.select(calls, total.label("total")).where(self._place.in_(first))
        rows = self._connection.execute(query.order_by(*_ordered(newest_first)).limit(limit)).all()
        return _Rare([call_of(row) for row in rows], rows[0].total if rows else 0, newest_first)

    def _number_of(self, rows: sa.Select[Any]) -> int:
        found: int = self._connection.execute(
            sa.select(sa.func.count()).select_from(rows.subquery())
        ).scalar_one()
        return found


@dataclass(frozen=True, slots=True)
class _Rare:
    """The first calls that an index of digits found, in their order, and how many it found in all."""

    first: list[Call] = field(default_factory=list)
    total: int = 0
    newest_first: bool = True

    def beyond(self, than: Call, *, newest_first: bool) -> int | None:
        """How many come after that one; None: that is not known."""
        ids = [call.id for call in self.first]
        if newest_first is not self.newest_first or than.id not in ids:
            return None
        return self.total - ids.index(than.id) - 1


def _ordered(newest_first: bool) -> list[sa.ColumnElement[Any]]:
    return [column.desc() if newest_first else column.asc() for column in _PLACE]


def _before(place: tuple[datetime, str] | None) -> list[Condition]:
    return [] if place is None else [sa.tuple_(*_PLACE) < _values(place)]


def _after(place: tuple[datetime, str] | None) -> list[Condition]:
    return [] if place is None else [sa.tuple_(*_PLACE) > _values(place)]


def after_call(call: Call) -> Condition:
    """The calls that come after that one, oldest first."""
    return sa.tuple_(*_PLACE) > _values((call.accepted_at, call.id))


def _values(place: tuple[datetime, str]) -> sa.ColumnElement[Any]:
    at, call_id = place
    return sa.tuple_(sa.literal(at, calls.c.accepted_at.type), sa.literal(call_id, calls.c.id.type))
