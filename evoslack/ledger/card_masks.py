"""Cards that were posted while their number could be shown, and must hide it by now.

Which of them are left is in the rows themselves, so a restart goes on where the last bot was. Only rows with
nothing else to do are taken: those that are due are brought up to date by the notifier.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from evoslack.calling.notification import Notification
from evoslack.ledger.notifications import BOTH, DUE
from evoslack.ledger.rows import notification_of
from evoslack.ledger.schema import calls, notifications, shows_number
from evoslack.ledger.store import Store


class CardMaskLedger:
    """The cards in a `Store` that show their numbers. Safe for several threads and bots."""

    def __init__(self, store: Store) -> None:
        self._engine = store.engine

    def any_left(self) -> bool:
        """Whether any card shows its number, as far as we know."""
        one = sa.select(notifications.c.call_id).where(shows_number).limit(1)
        with self._engine.connect() as connection:
            return connection.execute(one).first() is not None

    def claim(self, *, at: datetime, until: datetime) -> Notification | None:
        """Lease the newest of them, or None. It does not become due by that, and is no attempt to tell."""
        is_idle = DUE.claimable_at.is_(None)
        may_be_tried = sa.func.coalesce(notifications.c.card_due_at, at) <= at
        newest = (
            sa.select(notifications.c.call_id)
            .where(shows_number, is_idle, may_be_tried)
            .order_by(notifications.c.card_ts.desc())
            .limit(1)
            .with_for_update(skip_locked=True)  # PostgreSQL: several bots each take another one
        )
        claiming = (
            sa.update(notifications)
            .where(notifications.c.call_id == newest.scalar_subquery(), is_idle)
            .values(**DUE.leased(until))
            .returning(notifications.c.call_id)
        )
        with self._engine.begin() as connection:
            call_id = connection.execute(claiming).scalar_one_or_none()
            found = None if call_id is None else connection.execute(BOTH.where(calls.c.id == call_id)).one()
        return None if found is None else notification_of(found)

    def release(self, call_id: str, *, lease: datetime, again_at: datetime | None = None) -> None:
        """Give the lease back, if it is still ours. `again_at`: this card is not tried before that."""
        with self._engine.begin() as connection:
            waits = {} if again_at is None else {"card_due_at": again_at}
            DUE.release(connection, [call_id], lease, failed=True, **waits)

    def give_up(self, call_id: str) -> None:
        """Slack does not let us edit this card, so there is no point in trying again."""
        this = notifications.c.call_id == call_id
        with self._engine.begin() as connection:
            connection.execute(sa.update(notifications).where(this).values(card_is_masked=True))
