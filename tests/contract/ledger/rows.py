"""What tests read of every table, and how they deliver notifications."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.schema import metadata
from evoslack.ledger.store import Store


def count_rows(store: Store) -> dict[str, int]:
    """The number of rows in every table that has some."""
    with store.engine.connect() as connection:
        counts = {
            table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }
    return {name: count for name, count in counts.items() if count}


def deliver(notifications: NotificationLedger, *call_ids: str, at: datetime) -> None:
    """Deliver everything about these calls; the others stay due."""
    lease = at + timedelta(seconds=1)
    for found in list(iter(lambda: notifications.claim(at=at, until=lease), None)):
        again_at = None if found.call.id in call_ids else at
        notifications.release(found.call.id, lease=lease, again_at=again_at)
