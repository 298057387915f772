"""Reads past calls: for App Home, and for exports.

An export is read in pieces, so that a long one does not block the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from evoslack.calling.calls import Call
from evoslack.calling.history_filter import HistoryFilter, OutcomeGroup
from evoslack.calling.history_page import Count, Cursor, HistoryPage, Way
from evoslack.ledger.busy_numbers import OLDEST, may_be_on_the_phone
from evoslack.ledger.history_indexes import by_index, may_be_live
from evoslack.ledger.history_search import MOST_SCANNED, HistorySearch, after_call
from evoslack.ledger.rows import call_of
from evoslack.ledger.schema import calls
from evoslack.ledger.store import Store

PIECE = 500  # calls


class CallHistory:
    """Past calls in a `Store`. `user_id` None: everyone's calls.

    What takes long is read beside everything else; what a form reads, is quick and in line with the writes.
    """

    def __init__(self, store: Store, *, scanned: int = MOST_SCANNED) -> None:
        self._engine = store.engine
        self._readers = store.readers
        self._scanned = scanned

    def page(self, team_id: str, user_id: str | None, wanted: HistoryFilter, *, limit: int) -> HistoryPage:
        """The page of that filter; if it does not exist anymore, the nearest one."""
        with self._readers.connect() as connection:
            search = HistorySearch(connection, team_id, user_id, wanted, self._scanned)
            found, is_newest, is_oldest = _page(search, wanted.cursor, limit)
            if not found:
                return HistoryPage()
            return HistoryPage(
                found,
                newer=Count(0) if is_newest else search.count_newer(found[0]),
                older=Count(0) if is_oldest else search.count_older(found[-1]),
            )

    def live(self, team_id: str, user_id: str | None, *, at: datetime, limit: int) -> tuple[list[Call], int]:
        """Some of the calls that may be on the phone now, and how many there are in all.

        Newest first, but before all others those that are in progress for certain.
        """
        recent = calls.c.accepted_at > at - OLDEST
        which: list[Any] = [*_of(team_id, user_id), recent, may_be_live, may_be_on_the_phone(at)]
        certain_first = sa.case((calls.c.outcome == OutcomeGroup.IN_PROGRESS, 0), else_=1)
        in_order = (certain_first, calls.c.accepted_at.desc(), calls.c.id.desc())
        with self._readers.connect() as connection:
            live = by_index(sa.select(calls), "calls_that_may_be_live").where(*which)
            found = [call_of(row) for row in connection.execute(live.order_by(*in_order).limit(limit))]
            if len(found) < limit:
                return found, len(found)
            how_many = sa.select(sa.func.count()).select_from(live.subquery())
            return found, connection.execute(how_many).scalar_one()

    def totals(self, team_id: str, user_id: str | None, *, since: datetime) -> dict[OutcomeGroup, int]:
        """How many calls from `since` on had which outcome; outcomes that none had are left out."""
        which = [*_of(team_id, user_id), calls.c.accepted_at >= since]
        if user_id is None:  # then the index by outcome has all that is asked
            which.append(calls.c.outcome.in_(list(OutcomeGroup)))
        query = sa.select(calls.c.outcome, sa.func.count().label("calls")).where(*which)
        with self._readers.connect() as connection:
            return {row.outcome: row.calls for row in connection.execute(query.group_by(calls.c.outcome))}

    def matching(self, team_id: str, user_id: str | None, wanted: HistoryFilter) -> Iterator[Call]:
        """Every call that the filter finds, on whichever page, oldest first."""
        after: tuple[datetime, str] | None = None
        while True:
            with self._readers.connect() as connection:
                search = HistorySearch(connection, team_id, user_id, wanted, self._scanned)
                piece = search.oldest(PIECE, newer_than=after)
            yield from piece
            if len(piece) < PIECE:
                return
            after = (piece[-1].accepted_at, piece[-1].id)

    def latest_of(self, user_id: str, team_id: str, limit: int) -> list[Call]:
        """The latest calls of this person, newest first."""
        theirs = sa.and_(calls.c.user_id == user_id, calls.c.team_id == team_id)
        with self._engine.connect() as connection:
            return _latest(connection, theirs, limit)

    def latest_to(self, account_id: str, number: str, limit: int) -> list[Call]:
        """The latest calls to this number (E.164), newest first."""
        return self.for_a_form("", "", account_id, number, limit)[1]

    def for_a_form(
        self, user_id: str, team_id: str, account_id: str, number: str, limit: int
    ) -> tuple[Call | None, list[Call]]:
        """This person's latest call, and the latest calls to this number, newest first; read at once."""
        theirs = sa.and_(calls.c.user_id == user_id, calls.c.team_id == team_id)
        to_it = sa.and_(calls.c.account_id == account_id, calls.c.number == number)
        with self._engine.connect() as connection:
            last = _latest(connection, theirs, 1) if user_id else []
            return last[0] if last else None, _latest(connection, to_it, limit) if number else []

    def period(self, since: datetime, until: datetime) -> Iterator[Call]:
        """The calls from `since` on and before `until`, oldest first."""
        oldest_first = sa.select(calls).order_by(calls.c.accepted_at, calls.c.id).limit(PIECE)
        after = calls.c.accepted_at >= since
        while True:
            query = oldest_first.where(after, calls.c.accepted_at < until)
            with self._readers.connect() as connection:
                piece = [call_of(row) for row in connection.execute(query)]
            yield from piece
            if len(piece) < PIECE:
                return
            after = after_call(piece[-1])


def _page(search: HistorySearch, cursor: Cursor | None, limit: int) -> tuple[list[Call], bool, bool]:
    """The calls of a page, newest first, and whether it is the newest and the oldest one."""
    place = None if cursor is None else (cursor.at, cursor.call_id)
    if cursor is not None and cursor.way is Way.NEWER:
        found = search.oldest(limit + 1, newer_than=place)
        if len(found) > limit:
            return found[:limit][::-1], False, False
        cursor = place = None  # fewer are left than fit on the newest page
    if cursor is None or cursor.way is Way.OLDER:
        found = search.newest(limit + 1, older_than=place)
        if found or cursor is None:
            return found[:limit], cursor is None, len(found) <= limit
    found = search.oldest(limit + 1)
    return found[:limit][::-1], len(found) <= limit, True


def _of(team_id: str, user_id: str | None) -> list[sa.ColumnElement[bool]]:
    everyones = [calls.c.team_id == team_id]
    return everyones if user_id is None else [*everyones, calls.c.user_id == user_id]


def _latest(connection: sa.Connection, which: sa.ColumnElement[bool], limit: int) -> list[Call]:
    newest_first = sa.select(calls).where(which).order_by(calls.c.accepted_at.desc()).limit(limit)
    return [call_of(row) for row in connection.execute(newest_first)]
