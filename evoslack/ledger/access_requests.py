"""Who asked for access, and when: at most one request a day is sent for each person.

A request is claimed before it is sent, so two bots and twenty presses send one. A claim that was never marked
as sent, because its bot was killed in between, may be taken over a minute later.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from evoslack.calling.access import ASK_AGAIN_AFTER
from evoslack.ledger.schema import access_requests
from evoslack.ledger.store import Store

SENDING_TAKES = timedelta(minutes=1)  # at most


class AccessRequestLedger:
    """The requests in a `Store`. Every method is one transaction, safe for several threads and bots."""

    def __init__(self, store: Store) -> None:
        self._engine = store.engine

    def claim(self, team_id: str, user_id: str, *, at: datetime) -> bool:
        """Whether the request of this person is to be sent now, by the one who asked this."""
        values = {"asked_at": at, "sent_at": None}
        may_ask = sa.or_(
            access_requests.c.asked_at <= at - ASK_AGAIN_AFTER,
            sa.and_(access_requests.c.sent_at.is_(None), access_requests.c.asked_at <= at - SENDING_TAKES),
        )
        taking = sa.update(access_requests).where(_of(team_id, user_id), may_ask).values(**values)
        adding = sa.insert(access_requests).values(team_id=team_id, user_id=user_id, **values)
        try:
            with self._engine.begin() as connection:
                if connection.execute(taking).rowcount:
                    return True
                connection.execute(adding)
        except sa.exc.IntegrityError:  # there is one already that may not be taken over
            return False
        return True

    def mark_sent(self, team_id: str, user_id: str, *, at: datetime) -> None:
        """The claimed request was sent."""
        this = sa.update(access_requests).where(_of(team_id, user_id))
        with self._engine.begin() as connection:
            connection.execute(this.values(sent_at=at))

    def release(self, team_id: str, user_id: str) -> None:
        """The claimed request was not sent: the person may ask again at once."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(access_requests).where(_of(team_id, user_id)))

    def asked_at(self, team_id: str, user_id: str) -> datetime | None:
        """When this person asked last; None if they have not for some days."""
        return self._when(access_requests.c.asked_at, team_id, user_id)

    def sent_at(self, team_id: str, user_id: str) -> datetime | None:
        """When the last request of this person was sent; None if none was for some days."""
        return self._when(access_requests.c.sent_at, team_id, user_id)

    def _when(self, column: sa.Column[datetime], team_id: str, user_id: str) -> datetime | None:
        with self._engine.connect() as connection:
            query = sa.select(column).where(_of(team_id, user_id))
            at: datetime | None = connection.execute(query).scalar_one_or_none()
        return at


def _of(team_id: str, user_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(access_requests.c.team_id == team_id, access_requests.c.user_id == user_id)
