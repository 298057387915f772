"""Reads past calls: for App Home, and for exports.

An export is read in pieces, so that a long one does not block the database.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa

from evoslack.calling.calls import Call
from evoslack.calling.history_filter import HistoryFilter, OutcomeGroup, group_of
from evoslack.calling.status import CallStatus
from evoslack.ledger.busy_numbers import OLDEST, may_be_on_the_phone
from evoslack.ledger.call_status import in_group, status, was_answered
from evoslack.ledger.rows import call_of
from evoslack.ledger.schema import calls
from evoslack.ledger.store import Store

PIECE = 500  # calls


class CallHistory:
    """Past calls in a `Store`. `user_id` None: everyone's calls."""

    def __init__(self, store: Store) -> None:
        self._engine = store.engine

    def page(
        self, team_id: str, user_id: str | None, wanted: HistoryFilter, *, limit: int, offset: int
    ) -> tuple[list[Call], int]:
        """Some of the calls that the filter finds, newest first, and how many it finds in all."""
        return self._newest(_found_by(team_id, user_id, wanted), limit, offset)

    def live(self, team_id: str, user_id: str | None, *, at: datetime, limit: int) -> tuple[list[Call], int]:
        """Some of the calls that may be on the phone now, and how many there are in all.

        Newest first, but before all others those that are in progress for certain.
        """
        recent = calls.c.accepted_at > at - OLDEST
        which = [*_of(team_id, user_id), recent, may_be_on_the_phone(at)]
        return self._newest(which, limit, 0, in_group(OutcomeGroup.IN_PROGRESS))

    def totals(self, team_id: str, user_id: str | None, *, since: datetime) -> dict[OutcomeGroup, int]:
        """How many calls from `since` on had which outcome; outcomes that none had are left out."""
        each = sa.select(status().label("status"), was_answered().label("answered"))
        which = each.where(*_of(team_id, user_id), calls.c.accepted_at >= since).subquery().c
        query = sa.select(*which, sa.func.count().label("calls")).group_by(*which)
        found: Counter[OutcomeGroup] = Counter()
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                group = group_of(CallStatus(row.status), was_answered=bool(row.answered))
                found[group] += row.calls
        return dict(found)

    def matching(self, team_id: str, user_id: str | None, wanted: HistoryFilter) -> Iterator[Call]:
        """Every call that the filter finds, on whichever page, oldest first."""
        return self._in_pieces(_found_by(team_id, user_id, wanted))

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
        return self._in_pieces([calls.c.accepted_at >= since, calls.c.accepted_at < until])

    def _newest(
        self,
        which: list[sa.ColumnElement[bool]],
        limit: int,
        offset: int,
        *before_all: sa.ColumnElement[bool],
    ) -> tuple[list[Call], int]:
        first = [sa.case((each, 0), else_=1) for each in before_all]
        newest_first = sa.select(calls).where(*which).order_by(*first, calls.c.accepted_at.desc(), calls.c.id)
        how_many = sa.select(sa.func.count()).select_from(calls).where(*which)
        with self._engine.connect() as connection:
            found = [call_of(row) for row in connection.execute(newest_first.limit(limit).offset(offset))]
            return found, connection.execute(how_many).scalar_one()

    def _in_pieces(self, which: list[sa.ColumnElement[bool]]) -> Iterator[Call]:
        oldest_first = sa.select(calls).order_by(calls.c.accepted_at, calls.c.id).limit(PIECE).where(*which)
        after: sa.ColumnElement[bool] = sa.true()
        while True:
            with self._engine.connect() as connection:
                piece = [call_of(row) for row in connection.execute(oldest_first.where(after))]
            yield from piece
            if len(piece) < PIECE:
                return
            last = piece[-1]
            at_once = sa.and_(calls.c.accepted_at == last.accepted_at, calls.c.id > last.id)
            after = sa.or_(calls.c.accepted_at > last.accepted_at, at_once)


def _of(team_id: str, user_id: str | None) -> list[sa.ColumnElement[bool]]:
    everyones = [calls.c.team_id == team_id]
    return everyones if user_id is None else [*everyones, calls.c.user_id == user_id]


def _found_by(team_id: str, user_id: str | None, wanted: HistoryFilter) -> list[sa.ColumnElement[bool]]:
    """What a call must fulfill; whose calls may be seen is the caller's business (`user_id`)."""
    if wanted.finds_nothing:
        return [sa.false()]
    found = _of(team_id, user_id)
    if wanted.digits:
        found.append(calls.c.number.contains(wanted.digits, autoescape=True))
    if wanted.outcome:
        found.append(in_group(OutcomeGroup(wanted.outcome)))
    if wanted.flow:
        found.append(calls.c.flow_id == wanted.flow)
    if wanted.since is not None:
        found.append(calls.c.accepted_at >= wanted.since)
    if wanted.until is not None:
        found.append(calls.c.accepted_at < wanted.until)
    return found


def _latest(connection: sa.Connection, which: sa.ColumnElement[bool], limit: int) -> list[Call]:
    newest_first = sa.select(calls).where(which).order_by(calls.c.accepted_at.desc()).limit(limit)
    return [call_of(row) for row in connection.execute(newest_first)]
