"""Keeps book of Home tabs: who looks at what, and whose tab is to be shown anew.

A change of a call makes homes due (`ripples`). Whoever shows one takes a lease first, so that of several
bots one does; what changes meanwhile makes it due once more.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from evoslack.calling.history_filter import HistoryFilter, HomeTab, Scope
from evoslack.ledger.schema import home_tabs
from evoslack.ledger.store import Store


class HomeTabLedger:
    """The homes in a `Store`; every method is one transaction, safe from several threads and bots."""

    def __init__(self, store: Store) -> None:
        self._engine = store.engine

    def opened(self, team_id: str, user_id: str, *, at: datetime) -> None:
        """Somebody opened it: due at once, with what they looked at before."""
        self._put(team_id, user_id, {"opened_at": at, "due_at": at, "shown_at": None})

    def turned(self, team_id: str, user_id: str, look: HistoryFilter, *, at: datetime) -> None:
        """Somebody wants to look at something else there: due at once."""
        looking = {"history_filter": look.packed(), "sees_all": look.scope is Scope.TEAM}
        self._put(team_id, user_id, looking | {"opened_at": at, "due_at": at, "shown_at": None})

    def claim(self, *, at: datetime, until: datetime, shown_before: datetime) -> HomeTab | None:
        """Take the home that is due longest, or None; nobody else gets it before `until`.

        One that was shown after `shown_before` rests, unless its owner did something since.
        """
        has_rested = sa.or_(home_tabs.c.shown_at.is_(None), home_tabs.c.shown_at <= shown_before)
        is_due = sa.and_(home_tabs.c.leased_until.is_(None), home_tabs.c.due_at <= at, has_rested)
        was_left = home_tabs.c.leased_until <= at  # by a bot that died, or is too slow
        due = (
            sa.select(home_tabs)
            .where(sa.or_(is_due, was_left))
            .order_by(home_tabs.c.due_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        with self._engine.begin() as connection:
            row = connection.execute(due).first()
            if row is None:
                return None
            home = HomeTab(
                row.team_id, row.user_id, HistoryFilter.unpacked(row.history_filter), row.opened_at
            )
            # Not due any more from here on, so that what changes while it is shown is not missed.
            taking = sa.update(home_tabs).where(_is(home.team_id, home.user_id))
            connection.execute(taking.values(due_at=None, leased_until=until))
            return home

    def shown(self, home: HomeTab, *, lease: datetime, at: datetime) -> None:
        """It is up to date, and rests for a moment; what its owner did meanwhile does not wait."""
        resting = sa.case((home_tabs.c.opened_at == home.opened_at, at), else_=None)
        self._give_back(home, lease, {"shown_at": resting})

    def postponed(self, home: HomeTab, *, lease: datetime, again_at: datetime) -> None:
        """It could not be shown, and is due again then; what its owner did meanwhile does not wait."""
        due_at = sa.case((home_tabs.c.opened_at == home.opened_at, again_at), else_=home_tabs.c.due_at)
        self._give_back(home, lease, {"due_at": due_at})

    def forget(self, home: HomeTab, *, lease: datetime) -> None:
        """It need not be shown until its owner opens it again."""
        with self._engine.begin() as connection:
            unchanged = sa.and_(_leased(home, lease), home_tabs.c.opened_at == home.opened_at)
            connection.execute(sa.delete(home_tabs).where(unchanged))
        self._give_back(home, lease, {})

    def forget_unopened(self, *, since: datetime) -> None:
        """Forget homes that nobody opened since, with what was searched for there."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(home_tabs).where(home_tabs.c.opened_at < since))

    def _give_back(self, home: HomeTab, lease: datetime, values: dict[str, Any]) -> None:
        with self._engine.begin() as connection:
            giving = sa.update(home_tabs).where(_leased(home, lease))
            connection.execute(giving.values(leased_until=None, **values))

    def _put(self, team_id: str, user_id: str, values: dict[str, Any]) -> None:
        new: dict[str, Any] = {
            "history_filter": "",
            "sees_all": False,
            "team_id": team_id,
            "user_id": user_id,
        }
        changing = sa.update(home_tabs).where(_is(team_id, user_id)).values(**values)
        try:
            with self._engine.begin() as connection:
                if not connection.execute(changing).rowcount:
                    connection.execute(sa.insert(home_tabs).values(**(new | values)))
        except sa.exc.IntegrityError:  # two at once; the other one has made the row
            with self._engine.begin() as connection:
                connection.execute(changing)


def _is(team_id: str, user_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(home_tabs.c.team_id == team_id, home_tabs.c.user_id == user_id)


def _leased(home: HomeTab, lease: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(_is(home.team_id, home.user_id), home_tabs.c.leased_until == lease)
