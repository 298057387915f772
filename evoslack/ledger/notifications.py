"""What people have been told of each call: the card in the channel, and the private message to its caller.

A bot claims a call before it notifies, so that two bots never post the same card. What changes meanwhile is
due when the claim is released, or its lease runs out.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from evoslack.calling.calls import OPEN_STATES, State
from evoslack.calling.notification import Notification
from evoslack.ledger.alerts import IS_ALERT
from evoslack.ledger.dependents import mark_dependents_due, mark_page_due
from evoslack.ledger.due_rows import DueRows
from evoslack.ledger.rows import notification_of
from evoslack.ledger.schema import calls, home_tabs, leases, notifications, pages, workflow_steps
from evoslack.ledger.store import Store

DUE = DueRows(notifications)
BOTH = sa.select(calls, *[column for column in notifications.c if column.name != "call_id"]).join(
    notifications, notifications.c.call_id == calls.c.id
)


class NotificationLedger:
    """The notifications in a `Store`. Every method is one transaction, safe for several threads and bots."""

    def __init__(self, store: Store) -> None:
        self._engine = store.engine

    def claim(self, *, at: datetime, until: datetime) -> Notification | None:
        """Lease the one that has been due the longest, or None. No other bot gets it before `until`."""
        with self._engine.begin() as connection:
            row = DUE.claim(connection, at=at, until=until)
            if row is None:
                return None
            found = notification_of(connection.execute(BOTH.where(calls.c.id == row.call_id)).one())
            if found.revision == 1 and found.attempts == 1:
                # A new call shows in Home tabs; its submission did not wait for those.
                mark_dependents_due(connection, [found.call.id], at)
            return found

    def claim_others(
        self, user_id: str, team_id: str, *, at: datetime, until: datetime, limit: int
    ) -> list[Notification]:
        """Lease what else this person may have to be told privately, oldest first.

        Also what is due only later. Does not count as an attempt.
        """
        untold = sa.and_(
            DUE.claimable_at.is_not(None),
            notifications.c.told_revision < notifications.c.revision,
            notifications.c.told_ts == "",  # else that message is edited
            calls.c.state.not_in(sorted(OPEN_STATES)),
            sa.or_(
                calls.c.state != State.PLACED,
                notifications.c.told_bad_news,
                notifications.c.card_problem != "",
            ),
        )
        free = DUE.is_free(at)
        theirs = (
            sa.select(notifications.c.call_id)
            .join(calls, calls.c.id == notifications.c.call_id)
            .where(calls.c.user_id == user_id, calls.c.team_id == team_id, untold, free)
            .order_by(DUE.claimable_at)
            .limit(limit)
            .with_for_update(of=notifications, skip_locked=True)
        )
        with self._engine.begin() as connection:
            claimed = connection.execute(
                sa.update(notifications)
                .where(notifications.c.call_id.in_(theirs.scalar_subquery()), free)
                .values(**DUE.leased(until))
                .returning(notifications.c.call_id)
            ).scalars()
            found = BOTH.where(calls.c.id.in_(claimed.all())).order_by(calls.c.accepted_at)
            return [notification_of(row) for row in connection.execute(found)]

    def claim_message(
        self, channel: str, ts: str, call_id: str, *, at: datetime, until: datetime
    ) -> list[Notification] | None:
        """Lease what else this direct message tells of, besides that call. Does not count as an attempt.

        None, and nothing is leased, if another worker has one of them: it may be about to edit it, too.
        """
        others = sa.and_(
            notifications.c.told_channel == channel,
            notifications.c.told_ts == ts,
            notifications.c.call_id != call_id,
        )
        free = sa.select(notifications.c.call_id).where(others, DUE.is_free(at))
        with self._engine.begin() as connection:
            ids = connection.execute(free.with_for_update(skip_locked=True)).scalars().all()
            count = sa.select(sa.func.count()).select_from(notifications).where(others)
            if len(ids) < connection.execute(count).scalar_one():
                return None
            theirs = notifications.c.call_id.in_(ids)
            connection.execute(sa.update(notifications).where(theirs).values(**DUE.leased(until)))
            return [notification_of(row) for row in connection.execute(BOTH.where(calls.c.id.in_(ids)))]

    def forget_message(self, channel: str, ts: str) -> None:
        """This direct message cannot be edited anymore; what changes from now on needs a new one."""
        this = sa.and_(notifications.c.told_channel == channel, notifications.c.told_ts == ts)
        with self._engine.begin() as connection:
            connection.execute(sa.update(notifications).where(this).values(told_channel="", told_ts=""))

    def read(self, call_id: str) -> Notification:
        """The notification of one call, as it is now."""
        with self._engine.begin() as connection:
            return notification_of(connection.execute(BOTH.where(calls.c.id == call_id)).one())

    def cards_of(self, call_ids: Collection[str]) -> dict[str, tuple[str, str]]:
        """Channel and ts of the cards of these calls, by call id; without those that have none."""
        theirs = sa.and_(notifications.c.call_id.in_(call_ids), notifications.c.card_ts != "")
        query = sa.select(notifications.c.call_id, notifications.c.card_channel, notifications.c.card_ts)
        with self._engine.connect() as connection:
            return {
                row.call_id: (row.card_channel, row.card_ts)
                for row in connection.execute(query.where(theirs))
            }

    def mark_card_tried(self, call_id: str, channel: str, *, at: datetime, lease: datetime) -> bool:
        """Write down that a card is about to be posted; False if the lease is no longer ours."""
        with self._engine.begin() as connection:
            tried = connection.execute(
                sa.update(notifications)
                .where(DUE.is_ours([call_id], lease))
                .values(card_tried_at=at, card_channel=channel)
            )
        return tried.rowcount == 1

    def clear_card_tried(self, call_id: str, *, lease: datetime) -> None:
        """Slack rejected the card of this attempt, so there is certainly none, if the lease is still ours."""
        with self._engine.begin() as connection:
            ours = DUE.is_ours([call_id], lease)
            connection.execute(sa.update(notifications).where(ours).values(card_tried_at=None))

    def postpone_card(self, call_id: str, until: datetime) -> None:
        """The card must wait until then; the caller need not."""
        self._set(call_id, card_due_at=until)

    def set_card_problem(self, call_id: str, problem: str) -> None:
        """The card has been missing or out of date for too long."""
        self._set_problem(call_id, problem, notifications.c.card_problem != problem)

    def mark_card_shown(
        self, call_id: str, revision: int, channel: str, ts: str, *, is_masked: bool = False
    ) -> None:
        """The card is in the channel and shows that revision. Ignored if it already shows a newer one.

        `is_masked`: it hides the number.
        """
        shown: dict[str, Any] = {"card_revision": revision, "card_channel": channel, "card_ts": ts}
        shown["card_is_masked"] = is_masked
        this = sa.and_(notifications.c.call_id == call_id, notifications.c.card_revision <= revision)
        with self._engine.begin() as connection:
            # Locked before its page, as `mark_changed` does, so that the two do not deadlock.
            shown_before = sa.select(notifications.c.card_ts, notifications.c.card_problem)
            before = connection.execute(shown_before.where(this).with_for_update()).one_or_none()
            if before is None or (before.card_ts, before.card_problem) != (ts, ""):
                self._mark_page_due(connection, call_id)  # it links to the card
            connection.execute(
                sa.update(notifications).where(this).values(card_due_at=None, card_problem="", **shown)
            )

    def give_up_card(self, call_id: str, revision: int, problem: str) -> None:
        """That revision gets no better card."""
        not_newer = notifications.c.card_revision <= revision
        self._set_problem(call_id, problem, not_newer, card_revision=revision)

    def mark_told(
        self,
        call_id: str,
        revision: int,
        *,
        bad_news: bool,
        what: str,
        message: tuple[str, str] | None = None,
    ) -> None:
        """The caller knows that revision, or needs no message about it; `what` sums up what they know.

        `message`: channel and ts of the direct message that said it, if it was a new one.
        """
        values = {"told_revision": revision, "told_bad_news": bad_news, "told_what": what}
        if message is not None:
            values["told_channel"], values["told_ts"] = message
        self._set(call_id, notifications.c.told_revision <= revision, **values)

    def release(self, call_id: str, *, lease: datetime, again_at: datetime | None = None) -> None:
        """Give the lease back, if it is still ours: all is told, or some of it not before `again_at`.

        What changed meanwhile is due at once, whether or not an older part has to wait.
        """
        with self._engine.begin() as connection:
            DUE.release(connection, [call_id], lease, again_at=again_at, failed=again_at is not None)

    def drop_leases(self, *, at: datetime) -> None:
        """Make due now what a dead bot held. Only for a bot that knows that it is the only one.

        A time in the future comes from a clock that has been set back, or from an earlier pause.
        """
        with self._engine.begin() as connection:
            for table in (notifications, pages, home_tabs, workflow_steps):
                DueRows(table).drop_leases(connection, at=at)
            ahead = notifications.c.card_due_at > at
            connection.execute(sa.update(notifications).where(ahead).values(card_due_at=None))
            connection.execute(sa.update(pages).where(pages.c.shown_at > at).values(shown_at=at))
            connection.execute(sa.update(home_tabs).where(home_tabs.c.shown_at > at).values(shown_at=None))
            connection.execute(sa.delete(leases).where(sa.not_(IS_ALERT)))

    def count_untold(self) -> int:
        """How many calls have something that is not told yet, or is being told."""
        untold = sa.select(sa.func.count()).select_from(notifications).where(DUE.claimable_at.is_not(None))
        with self._engine.connect() as connection:
            return connection.execute(untold).scalar_one()

    def _set(self, call_id: str, *not_newer: sa.ColumnElement[bool], **values: Any) -> None:
        with self._engine.begin() as connection:
            this = sa.and_(notifications.c.call_id == call_id, *not_newer)
            connection.execute(sa.update(notifications).where(this).values(**values))

    def _set_problem(
        self, call_id: str, problem: str, condition: sa.ColumnElement[bool], **values: Any
    ) -> None:
        """Write down what is wrong with the card, which its page says, too."""
        this = sa.and_(notifications.c.call_id == call_id, condition)
        with self._engine.begin() as connection:
            writing = sa.update(notifications).where(this).values(card_problem=problem, **values)
            if connection.execute(writing).rowcount:
                self._mark_page_due(connection, call_id)

    @staticmethod
    def _mark_page_due(connection: sa.Connection, call_id: str) -> None:
        mark_page_due(connection, pages.c.call_id == call_id, pages.c.shown_at)
