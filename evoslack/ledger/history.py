"""Reads past calls: one page for App Home, or a whole period for an export.

A period is read in pieces, so that a long one does not block the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa

from evoslack.calling.calls import Call
from evoslack.ledger.schema import call_of, calls
from evoslack.ledger.store import Store

PIECE = 500  # calls


class CallHistory:
    """Past calls in a `Store`."""

    def __init__(self, store: Store) -> None:
        self._engine = store.engine

    def page(
        self, team_id: str, *, user_id: str | None, digits: str, limit: int, offset: int
    ) -> tuple[list[Call], int]:
        """Some of the matching calls, newest first, and how many match in all.

        `user_id` None: everyone's calls. `digits`: only numbers that contain them.
        """
        matching = [calls.c.team_id == team_id]
        if user_id is not None:
            matching.append(calls.c.user_id == user_id)
        if digits:
            matching.append(calls.c.number.contains(digits, autoescape=True))
        newest_first = sa.select(calls).where(*matching).order_by(calls.c.accepted_at.desc(), calls.c.id)
        how_many = sa.select(sa.func.count()).select_from(calls).where(*matching)
        with self._engine.connect() as connection:
            found = [call_of(row) for row in connection.execute(newest_first.limit(limit).offset(offset))]
            return found, connection.execute(how_many).scalar_one()

    def period(self, since: datetime, until: datetime) -> Iterator[Call]:
        """The calls from `since` on and before `until`, oldest first."""
        in_period = sa.and_(calls.c.accepted_at >= since, calls.c.accepted_at < until)
        oldest_first = sa.select(calls).order_by(calls.c.accepted_at, calls.c.id).limit(PIECE)
        while True:
            with self._engine.connect() as connection:
                piece = [call_of(row) for row in connection.execute(oldest_first.where(in_period))]
            yield from piece
            if len(piece) < PIECE:
                return
            last = piece[-1]
            at_once = sa.and_(calls.c.accepted_at == last.accepted_at, calls.c.id > last.id)
            after = sa.or_(calls.c.accepted_at > last.accepted_at, at_once)
            in_period = sa.and_(calls.c.accepted_at >= last.accepted_at, calls.c.accepted_at < until, after)
