"""Keeps book of what people have been told: the card in the channel and the private line.

Whoever tells a call's news takes a lease first, so that two bots never post the same card. News that comes
meanwhile is due when the lease is given back, or runs out.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from evoslack.calling.calls import OPEN_STATES, State
from evoslack.calling.notification import Notification
from evoslack.ledger.dependents import mark_dependents_due
from evoslack.ledger.schema import (
    UtcDateTime,
    calls,
    home_tabs,
    leases,
    notification_of,
    notifications,
    workflow_steps,
)
from evoslack.ledger.store import Store

_BOTH = sa.select(calls, *[column for column in notifications.c if column.name != "call_id"]).join(
    notifications, notifications.c.call_id == calls.c.id
)


class NotificationLedger:
    """The news in a `Store`; every method is one transaction, safe from several threads and bots."""

    def __init__(self, store: Store) -> None:
        self._engine = store.engine

    def claim(self, *, at: datetime, until: datetime) -> Notification | None:
        """Take the call whose news is due longest, or None; nobody else gets it before `until`."""
        free = sa.and_(
            notifications.c.due_at <= at,
            sa.or_(notifications.c.leased_until.is_(None), notifications.c.leased_until <= at),
        )
        due = (
            sa.select(notifications.c.call_id)
            .where(free)
            .order_by(notifications.c.due_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        with self._engine.begin() as connection:
            claimed = connection.execute(
                sa.update(notifications)
                .where(notifications.c.call_id == due.scalar_subquery(), free)
                .values(leased_until=until, attempts=notifications.c.attempts + 1)
                .returning(notifications.c.call_id)
            ).scalar_one_or_none()
            if claimed is None:
                return None
            found = notification_of(connection.execute(_BOTH.where(calls.c.id == claimed)).one())
            if found.revision == 1 and found.attempts == 1:
                # A new call shows in Home tabs; the press itself does not wait for those.
                mark_dependents_due(connection, [found.call.id], at)
            return found

    def claim_others(
        self, user_id: str, team_id: str, *, at: datetime, until: datetime, limit: int
    ) -> list[Notification]:
        """Take what else this person may have to be told privately, those first that are due longest.

        Also what waits for its time; nobody else gets it before `until`. It does not count as an attempt.
        """
        untold = sa.and_(
            notifications.c.due_at.is_not(None),
            notifications.c.told_revision < notifications.c.revision,
            calls.c.state.not_in(sorted(OPEN_STATES)),
            sa.or_(
                calls.c.state != State.PLACED,
                notifications.c.told_bad_news,
                notifications.c.card_problem != "",
            ),
        )
        free = sa.or_(notifications.c.leased_until.is_(None), notifications.c.leased_until <= at)
        theirs = (
            sa.select(notifications.c.call_id)
            .join(calls, calls.c.id == notifications.c.call_id)
            .where(calls.c.user_id == user_id, calls.c.team_id == team_id, untold, free)
            .order_by(notifications.c.due_at)
            .limit(limit)
            .with_for_update(of=notifications, skip_locked=True)
        )
        with self._engine.begin() as connection:
            claimed = connection.execute(
                sa.update(notifications)
                .where(notifications.c.call_id.in_(theirs.scalar_subquery()), free)
                .values(leased_until=until)
                .returning(notifications.c.call_id)
            ).scalars()
            found = _BOTH.where(calls.c.id.in_(claimed.all())).order_by(calls.c.accepted_at)
            return [notification_of(row) for row in connection.execute(found)]

    def read(self, call_id: str) -> Notification:
        """What is told of one call as of now."""
        with self._engine.begin() as connection:
            return notification_of(connection.execute(_BOTH.where(calls.c.id == call_id)).one())

    def trying_card(self, call_id: str, channel: str, *, at: datetime, lease: datetime) -> bool:
        """Write down that a card is about to be posted; False if the lease is not ours any more."""
        with self._engine.begin() as connection:
            tried = connection.execute(
                sa.update(notifications)
                .where(notifications.c.call_id == call_id, notifications.c.leased_until == lease)
                .values(card_tried_at=at, card_channel=channel)
            )
        return tried.rowcount == 1

    def no_card_posted(self, call_id: str, *, lease: datetime) -> None:
        """Slack said no, so there is certainly no card from this attempt, if it was the latest."""
        with self._engine.begin() as connection:
            ours = sa.and_(notifications.c.call_id == call_id, notifications.c.leased_until == lease)
            connection.execute(sa.update(notifications).where(ours).values(card_tried_at=None))

    def card_waits(self, call_id: str, until: datetime) -> None:
        """The card is not to be tried before; the caller may be told all the same."""
        self._set(call_id, card_due_at=until)

    def card_in_trouble(self, call_id: str, problem: str) -> None:
        """The card is missing or out of date for longer than anybody should wait."""
        self._set(call_id, card_problem=problem)

    def card_shows(self, call_id: str, revision: int, channel: str, ts: str) -> None:
        """The card is in the channel and shows that revision; whoever says so of an older one is late."""
        self._set(
            call_id,
            notifications.c.card_revision <= revision,
            card_revision=revision,
            card_channel=channel,
            card_ts=ts,
            card_due_at=None,
            card_problem="",
        )

    def card_given_up(self, call_id: str, revision: int, problem: str) -> None:
        """There will be no better card for that revision."""
        self._set(
            call_id, notifications.c.card_revision <= revision, card_revision=revision, card_problem=problem
        )

    def told(self, call_id: str, revision: int, *, bad_news: bool, what: str) -> None:
        """The caller knows about that revision, or needs no private line for it; `what` was said in short."""
        self._set(
            call_id,
            notifications.c.told_revision <= revision,
            told_revision=revision,
            told_bad_news=bad_news,
            told_what=what,
        )

    def done(
        self,
        call_id: str,
        revision: int,
        *,
        at: datetime,
        lease: datetime | None = None,
        again_at: datetime | None = None,
    ) -> None:
        """Give the lease back, if it is still ours: all is told, or some of it not before `again_at`.

        Whatever became news meanwhile is due at once, whether or not an older part has to wait.
        """
        values: dict[str, Any] = {} if again_at else {"attempts": 0}
        values["due_at"] = sa.case(
            (notifications.c.revision > revision, at), else_=sa.literal(again_at, UtcDateTime)
        )
        ours = sa.and_(
            notifications.c.call_id == call_id, notifications.c.leased_until.is_not_distinct_from(lease)
        )
        with self._engine.begin() as connection:
            connection.execute(sa.update(notifications).where(ours).values(leased_until=None, **values))

    def drop_leases(self, *, at: datetime) -> None:
        """Make due now whatever a dead bot had in hand. Only for a bot that knows that it is the only one."""
        with self._engine.begin() as connection:
            untold = sa.update(notifications).where(notifications.c.due_at.is_not(None))
            connection.execute(untold.values(due_at=at, leased_until=None))
            for table in (home_tabs, workflow_steps):
                # What is due in the future is of a clock that was put back since.
                in_hand = sa.or_(table.c.leased_until.is_not(None), table.c.due_at > at)
                connection.execute(sa.update(table).where(in_hand).values(due_at=at, leased_until=None))
            connection.execute(
                sa.update(notifications).values(card_due_at=None).where(notifications.c.card_due_at > at)
            )
            connection.execute(sa.update(home_tabs).values(shown_at=None).where(home_tabs.c.shown_at > at))
            connection.execute(sa.delete(leases))

    def count_untold(self) -> int:
        """How many calls have news that is not told yet."""
        with self._engine.connect() as connection:
            query = (
                sa.select(sa.func.count())
                .select_from(notifications)
                .where(notifications.c.due_at.is_not(None))
            )
            return connection.execute(query).scalar_one()

    def _set(self, call_id: str, *unless_late: sa.ColumnElement[bool], **values: Any) -> None:
        with self._engine.begin() as connection:
            this = sa.and_(notifications.c.call_id == call_id, *unless_late)
            connection.execute(sa.update(notifications).where(this).values(**values))
