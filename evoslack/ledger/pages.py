"""The pages that forms became: which ones may still be open, and which must show something new.

A changed call marks its page as due (`dependents`). A bot claims a page before it updates it; what changes
meanwhile makes it due once more. A page that turns out to be closed is deleted here.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from evoslack.calling.notification import LivePage
from evoslack.ledger.due_rows import DueRows
from evoslack.ledger.rows import call_of
from evoslack.ledger.schema import calls, notifications, pages
from evoslack.ledger.store import Store

_DUE = DueRows(pages, pages.c.shown_at <= sa.bindparam("shown_before", type_=pages.c.shown_at.type))


class PageLedger:
    """The pages in a `Store`. Every method is one transaction, safe for several threads and bots."""

    def __init__(self, store: Store) -> None:
        self._engine = store.engine

    def claim(self, *, at: datetime, until: datetime, shown_before: datetime) -> LivePage | None:
        """Lease the page that has been due the longest, or None. No other bot gets it before `until`.

        A page that was updated after `shown_before` rests, and so does one whose form was submitted then.
        """
        with self._engine.begin() as connection:
            row = _DUE.claim(connection, at=at, until=until, shown_before=shown_before)
            if row is None:
                return None
            card = (notifications.c.card_channel, notifications.c.card_ts, notifications.c.card_problem)
            query = sa.select(calls, *card).join(notifications, notifications.c.call_id == calls.c.id)
            found = connection.execute(query.where(calls.c.id == row.call_id)).one()
        return LivePage(
            call_of(found),
            found.card_channel,
            found.card_ts,
            found.card_problem,
            shown=row.shown,
            attempts=row.attempts,
        )

    def mark_shown(
        self, call_id: str, shown: str, *, lease: datetime, at: datetime, again_at: datetime | None = None
    ) -> None:
        """It shows that (a digest) and rests for a moment; due again at `again_at`, whatever happens."""
        with self._engine.begin() as connection:
            _DUE.release(connection, [call_id], lease, again_at=again_at, shown=shown, shown_at=at)

    def keep(self, call_id: str, *, lease: datetime) -> None:
        """It shows all there is already."""
        with self._engine.begin() as connection:
            _DUE.release(connection, [call_id], lease)

    def postpone(self, call_id: str, *, lease: datetime, again_at: datetime) -> None:
        """It may not have been updated: due again then. What it shows is unknown."""
        later = sa.literal(again_at, pages.c.due_at.type)
        with self._engine.begin() as connection:
            _DUE.release(connection, [call_id], lease, failed=True, due_at=later, shown="")

    def remove(self, call_id: str, *, lease: datetime) -> None:
        """It is closed, so it is never tried again."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(pages).where(_DUE.is_ours([call_id], lease)))
