"""Which Home tabs people have opened, with which filter, and which ones are due to be published again.

A changed call marks tabs as due (`dependents`). A bot claims a tab before it publishes it; what changes
meanwhile makes it due once more.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from evoslack.calling.history_filter import HistoryFilter, HomeTab, Scope
from evoslack.ledger.due_rows import DueRows
from evoslack.ledger.schema import home_tabs
from evoslack.ledger.store import Store

_SHOWN_BEFORE = sa.bindparam("shown_before", type_=home_tabs.c.shown_at.type)
_DUE = DueRows(home_tabs, sa.or_(home_tabs.c.shown_at.is_(None), home_tabs.c.shown_at <= _SHOWN_BEFORE))


class HomeTabLedger:
    """The Home tabs in a `Store`. Every method is one transaction, safe for several threads and bots."""

    def __init__(self, store: Store) -> None:
        self._engine = store.engine

    def mark_opened(self, team_id: str, user_id: str, *, at: datetime) -> None:
        """Its owner opened it: due at once, with the filter they had before."""
        self._put(team_id, user_id, {"opened_at": at, "due_at": at, "shown_at": None})

    def mark_due(self, team_id: str, user_id: str, *, at: datetime) -> None:
        """Something else that it shows has changed: due at once, if its owner ever opened it."""
        this = sa.and_(home_tabs.c.team_id == team_id, home_tabs.c.user_id == user_id)
        with self._engine.begin() as connection:
            connection.execute(sa.update(home_tabs).where(this).values(due_at=at, shown_at=None))

    def set_filter(self, team_id: str, user_id: str, history_filter: HistoryFilter, *, at: datetime) -> None:
        """Its owner chose other calls to see: due at once."""
        chosen: dict[str, Any] = {"history_filter": asdict(history_filter)}
        if history_filter.scope is Scope.TEAM:
            chosen["sees_all"] = True
        self._put(team_id, user_id, chosen | {"opened_at": at, "due_at": at, "shown_at": None})

    def claim(self, *, at: datetime, until: datetime, shown_before: datetime) -> HomeTab | None:
        """Lease the tab that has been due the longest, or None. No other bot gets it before `until`.

        A tab that was published after `shown_before` rests, unless its owner has acted since.
        """
        with self._engine.begin() as connection:
            row = _DUE.claim(connection, at=at, until=until, shown_before=shown_before)
        if row is None:
            return None
        chosen = None if row.history_filter is None else HistoryFilter.of(row.history_filter)
        return HomeTab(row.team_id, row.user_id, chosen, row.opened_at, row.sees_all)

    def set_sees_all(self, tab: HomeTab, sees_all: bool, *, lease: datetime) -> None:
        """Whether it shows other people's calls, so that each changed call makes it due.

        To be written before the calls are read: what changes afterwards makes it due again.
        """
        with self._engine.begin() as connection:
            showing = sa.update(home_tabs).where(_DUE.is_ours(_key(tab), lease))
            connection.execute(showing.values(sees_all=sees_all))

    def mark_shown(
        self, tab: HomeTab, *, lease: datetime, at: datetime, again_at: datetime | None = None
    ) -> None:
        """It is up to date and rests for a moment, unless its owner acted meanwhile.

        It is due once more at `again_at`, or earlier if something changes.
        """
        shown_at = sa.case((home_tabs.c.opened_at == tab.opened_at, at), else_=None)
        self._release(tab, lease, again_at=again_at, shown_at=shown_at)

    def postpone(self, tab: HomeTab, *, lease: datetime, again_at: datetime) -> None:
        """It could not be published: due again then, or at once if its owner acted meanwhile."""
        due_at = sa.case((home_tabs.c.opened_at == tab.opened_at, again_at), else_=home_tabs.c.due_at)
        self._release(tab, lease, failed=True, due_at=due_at)

    def remove(self, tab: HomeTab, *, lease: datetime) -> None:
        """Delete it, unless its owner opened it again meanwhile."""
        unchanged = sa.and_(_DUE.is_ours(_key(tab), lease), home_tabs.c.opened_at == tab.opened_at)
        with self._engine.begin() as connection:
            connection.execute(sa.delete(home_tabs).where(unchanged))
            _DUE.release(connection, _key(tab), lease)

    def purge_unopened(self, *, since: datetime) -> None:
        """Delete tabs that were not opened since, with what was searched for there."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(home_tabs).where(home_tabs.c.opened_at < since))

    def _release(self, tab: HomeTab, lease: datetime, **values: Any) -> None:
        with self._engine.begin() as connection:
            _DUE.release(connection, _key(tab), lease, **values)

    def _put(self, team_id: str, user_id: str, values: dict[str, Any]) -> None:
        key = {"team_id": team_id, "user_id": user_id}
        this = sa.and_(home_tabs.c.team_id == team_id, home_tabs.c.user_id == user_id)
        changing = sa.update(home_tabs).where(this).values(**values)
        try:
            with self._engine.begin() as connection:
                if not connection.execute(changing).rowcount:
                    connection.execute(sa.insert(home_tabs).values(**({"sees_all": False} | key | values)))
        except sa.exc.IntegrityError:  # two at once, and the other one inserted it
            with self._engine.begin() as connection:
                connection.execute(changing)


def _key(tab: HomeTab) -> tuple[str, str]:
    return tab.team_id, tab.user_id
