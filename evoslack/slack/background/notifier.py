"""Tells people what became of a call: the card in the channel, and a private line when it matters.

By state, not by event: whoever is behind skips to the newest state. One call is told by one teller at a
time; a lease in the ledger says who.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from evoslack.calling.notification import Notification
from evoslack.calling.ports import NotificationLedger
from evoslack.slack.background.caller_notifier import CallerNotifier, is_too_old, retry_pause_s
from evoslack.slack.background.card_publisher import CardPublisher, Later
from evoslack.slack.background.channel_members import ChannelMembers
from evoslack.slack.background.rate_limiter import RateLimiter

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)  # after that another teller, or another bot, takes over
PATIENCE = timedelta(minutes=1)  # then the caller is told that the card is in trouble


class Notifier:
    """Brings cards and callers up to date, one call at a time."""

    def __init__(
        self,
        client: WebClient,
        ledger: NotificationLedger,
        *,
        channel_id: str,
        region: str,
        now: Callable[[], datetime],
        private_client: Callable[[str], WebhookClient],
        can_end: Callable[[], bool],
        wake_in: Callable[[float], None],
        posting: RateLimiter,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        audience = ChannelMembers(client, channel_id, clock_s=clock_s)
        self._ledger = ledger
        self._board = CardPublisher(
            client,
            ledger,
            channel_id=channel_id,
            region=region,
            now=now,
            can_end=can_end,
            posting=posting,
            hides_numbers=audience.has_strangers,
        )
        self._callers = CallerNotifier(
            client,
            ledger,
            audience,
            channel_id=channel_id,
            region=region,
            now=now,
            private_client=private_client,
            posting=posting,
        )
        self._now = now
        self._wake_in = wake_in

    def tell_next(self) -> bool:
        """Tell the news that is due longest; whether there was any."""
        now = self._now()
        lease = now + LEASE
        notification = self._ledger.claim(at=now, until=lease)
        if notification is None:
            return False
        card_again_at = self._show(notification, lease)
        # Looked up once more: how the card went is part of what the caller is told. What is newer than
        # the card is left to the next round, which begins at once.
        after = self._ledger.read(notification.call.id)
        word_again_at = self._callers.tell(after, lease) if after.revision == notification.revision else None
        again_at = min(filter(None, (card_again_at, word_again_at)), default=None)
        self._ledger.release(notification.call.id, lease=lease, again_at=again_at)
        if again_at is not None:  # cards take turns, a second apart: a look every two would bunch them
            self._wake_in((again_at - self._now()).total_seconds())
        return True

    def _show(self, notification: Notification, lease: datetime) -> datetime | None:
        """Bring the card up to date; when to look again if that did not work.

        Never raises: whether the caller is told must not depend on the card.
        """
        if notification.card_revision >= notification.revision:
            return None
        if notification.card_due_at is not None and notification.card_due_at > self._now():
            return self._look_again_at(notification, notification.card_due_at, "not there yet")
        try:
            self._board.show(notification, lease=lease)
        except Later as later:
            return self._postponed(notification, later)
        except Exception as error:
            log.exception("call %s: the card broke", notification.call.id)
            return self._postponed(notification, Later(type(error).__name__))
        return None

    def _postponed(self, notification: Notification, later: Later) -> datetime | None:
        problem = later.problem[:64]
        if is_too_old(notification, self._now()):
            self._ledger.give_up_card(notification.call.id, notification.revision, problem)
            return None
        pause_s = retry_pause_s(notification.attempts) if later.pause_s is None else later.pause_s
        due_at = self._now() + timedelta(seconds=pause_s)
        self._ledger.postpone_card(notification.call.id, due_at)
        if later.lasting:
            self._ledger.set_card_problem(notification.call.id, problem)
            return due_at
        return self._look_again_at(notification, due_at, problem)

    def _look_again_at(self, notification: Notification, due_at: datetime, problem: str) -> datetime:
        """When the card is due, or earlier to tell the caller of an ended call that it is in trouble."""
        ended_at, state = notification.call.finished_at, notification.call.state.value
        # Who knows that it was placed can wait for a card that says how it went on.
        if ended_at is None or notification.card_problem or notification.told_what.startswith(state):
            return due_at
        if self._now() < ended_at + PATIENCE:
            return min(due_at, ended_at + PATIENCE)
        self._ledger.set_card_problem(notification.call.id, problem)
        return due_at
