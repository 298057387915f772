"""Tells people about changed calls: first the card in the channel, then, if needed, the caller privately.

It works from state, not from events: a call that changed several times is told once, as it is now. One
worker handles a call at a time; a lease in the ledger says which. This module decides what is due when; the
writing is done by `card_publisher` and `caller_notifier`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from evoslack.calling.call_log import fields_of, log_step
from evoslack.calling.notification import Notification
from evoslack.calling.ports import CardMaskLedger, NotificationLedger
from evoslack.calling.rulebook import Masking
from evoslack.slack.background.caller_notifier import CallerNotifier
from evoslack.slack.background.card_masking import CardMasking, Privacy
from evoslack.slack.background.card_publisher import CardPublisher, Postponed
from evoslack.slack.background.channel_members import ChannelMembers
from evoslack.slack.background.delivery_rules import RETRY, is_too_old
from evoslack.slack.background.rate_limiter import RateLimiter
from evoslack.slack.rendering.help_contact import NO_CONTACT, HelpContact

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=45)  # then another worker, or another bot, takes over
CARD_PATIENCE = timedelta(minutes=1)  # then the caller is told that there is trouble with the card


class Notifier:
    """Brings cards and callers up to date, one call at a time."""

    def __init__(
        self,
        client: WebClient,
        ledger: NotificationLedger,
        masks: CardMaskLedger,
        *,
        channel_id: str,
        region: str,
        now: Callable[[], datetime],
        private_client: Callable[[str], WebhookClient],
        can_end: Callable[[], bool],
        wake_in: Callable[[float], None],
        posting: RateLimiter,
        masking: Callable[[], Masking],
        mask_in: Callable[[float], None],
        contact: HelpContact = NO_CONTACT,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        members = ChannelMembers(client, channel_id, clock_s=clock_s)
        privacy = Privacy(masking, members)
        self._ledger = ledger
        self._cards = CardPublisher(
            client,
            ledger,
            channel_id=channel_id,
            region=region,
            now=now,
            can_end=can_end,
            posting=posting,
            hides_numbers=privacy.hides_numbers,
            contact=contact,
        )
        self.masking = CardMasking(masks, self._cards, privacy, now=now, wake_in=mask_in)
        self._callers = CallerNotifier(
            client,
            ledger,
            members,
            channel_id=channel_id,
            region=region,
            now=now,
            private_client=private_client,
            posting=posting,
            contact=contact,
        )
        self._now = now
        self._wake_in = wake_in

    def notify_next(self) -> bool:
        """Handle the notification that has been due the longest. Returns whether there was one."""
        now = self._now()
        lease = now + LEASE
        notification = self._ledger.claim(at=now, until=lease)
        if notification is None:
            return False
        call_id, revision = notification.call.id, notification.revision
        card_again_at = self._publish_card(notification, lease)
        # Read again: how the card went is part of what the caller is told. If the call changed meanwhile, the
        # next round, which begins at once, tells them.
        after = self._ledger.read(call_id)
        caller_again_at = self._callers.notify(after, lease) if after.revision == revision else None
        again_at = min(filter(None, (card_again_at, caller_again_at)), default=None)
        self._ledger.release(call_id, lease=lease, again_at=again_at)
        # Slots are about a second apart; polling every two seconds would send cards in pairs.
        if again_at is not None:
            self._wake_in((again_at - self._now()).total_seconds())
        return True

    def _publish_card(self, notification: Notification, lease: datetime) -> datetime | None:
        """Bring the card up to date; when to come back if that did not work.

        Never raises for a problem with the card: the caller must be told in any case.
        """
        if notification.card_revision >= notification.revision:
            return None
        if notification.card_due_at is not None and notification.card_due_at > self._now():
            return self._come_back_at(notification, notification.card_due_at, "not there yet")
        try:
            self._cards.publish(notification, lease=lease)
        except Postponed as postponed:
            return self._postpone(notification, postponed)
        except Exception as error:
            call = notification.call
            log.exception("call %s: publishing the card failed unexpectedly", call.id, extra=fields_of(call))
            return self._postpone(notification, Postponed(type(error).__name__))
        log_step(notification.call, f"the card shows revision {notification.revision}", at=self._now())
        return None

    def _postpone(self, notification: Notification, postponed: Postponed) -> datetime | None:
        call, problem = notification.call, postponed.problem[:64]
        log_step(call, f"the card waits: {problem}", at=self._now())
        if is_too_old(call.changed_at, self._now()):
            self._ledger.give_up_card(call.id, notification.revision, problem)
            return None
        pause_s = RETRY.pause_s(notification.attempts, postponed.pause_s)
        due_at = self._now() + timedelta(seconds=pause_s)
        self._ledger.postpone_card(call.id, due_at)
        if postponed.needs_fix:
            self._ledger.set_card_problem(call.id, problem)
            return due_at
        return self._come_back_at(notification, due_at, problem)

    def _come_back_at(self, notification: Notification, due_at: datetime, problem: str) -> datetime:
        """When the card is due, or sooner to tell the caller of a finished call that there is no card."""
        call, told = notification.call, notification.told_what
        # A caller who knows that it was placed can wait for a card that shows what came next.
        if call.finished_at is None or notification.card_problem or told.startswith(call.state.value):
            return due_at
        patience_ends = call.finished_at + CARD_PATIENCE
        if self._now() < patience_ends:
            return min(due_at, patience_ends)
        self._ledger.set_card_problem(call.id, problem)
        return due_at
