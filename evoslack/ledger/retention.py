"""Deletes calls that are older than `HISTORY_DAYS`, with everything known of them, and what else is old."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa

from evoslack.calling.calls import OPEN_STATES, UNANSWERED, State
from evoslack.ledger.schema import access_requests, calls, claimable_at, notifications, used_keys
from evoslack.ledger.store import Store

PURGE_EVERY = timedelta(hours=1)  # finding old calls is not cheap
ACCESS_REQUESTS_ARE_KEPT = timedelta(days=2)  # people may ask again after one
KEYS_ARE_KEPT = timedelta(days=2)  # a form that old can no longer be submitted

_TO_COME = sorted({*OPEN_STATES, *UNANSWERED, State.SCHEDULED})


class CallRetention:
    """Purges the calls in a `Store`. Safe for several bots, but only with a clock that can be trusted."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._engine = store.engine
        self._now = now
        self._purge_at = now() + PURGE_EVERY

    def purge(self, history: timedelta) -> None:
        """Delete calls older than that, at most once an hour."""
        now = self._now()
        if now < self._purge_at:
            return
        while self.purge_calls(accepted_before=now - history, at=now):
            pass
        self.purge_keys(used_before=now - KEYS_ARE_KEPT)
        self.purge_access_requests(asked_before=now - ACCESS_REQUESTS_ARE_KEPT)
        self._purge_at = now + PURGE_EVERY

    def purge_calls(self, *, accepted_before: datetime, at: datetime, limit: int = 500) -> int:
        """Delete calls that are over and that people were told of. Returns how many.

        Their request keys stay until `purge_keys`, as used `at`: their forms may still be open somewhere.
        """
        told = sa.exists().where(notifications.c.call_id == calls.c.id, claimable_at(notifications).is_(None))
        old = (
            sa.select(calls.c.id)
            .where(calls.c.accepted_at < accepted_before, calls.c.state.not_in(_TO_COME), told)
            .order_by(calls.c.accepted_at)
            .limit(limit)
        )
        with self._engine.begin() as connection:
            deleting = sa.delete(calls).where(calls.c.id.in_(old)).returning(calls.c.request_key)
            keys = [{"request_key": key, "used_at": at} for key in connection.execute(deleting).scalars()]
            if keys:
                connection.execute(sa.insert(used_keys), keys)
        return len(keys)

    def purge_keys(self, *, used_before: datetime) -> None:
        """Delete the keys of forms that are too old to be submitted; their age is checked before."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(used_keys).where(used_keys.c.used_at < used_before))

    def purge_access_requests(self, *, asked_before: datetime) -> None:
        """Delete who asked for access that long ago."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(access_requests).where(access_requests.c.asked_at < asked_before))
