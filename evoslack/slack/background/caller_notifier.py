"""Tells callers privately what happened to their calls, when the card does not.

The message is a reply where /call was typed, or else a direct message about everything that waits for the
same caller. A direct message with bad news is edited when one of its calls changes, so that none of it gets
stale. A call is marked as told only once its message went out; until then its lease is held, so that no other
bot tells the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from evoslack.calling.notification import Notification
from evoslack.calling.ports import NotificationLedger
from evoslack.slack.background import caller_needs, direct_message
from evoslack.slack.background.channel_members import ChannelMembers
from evoslack.slack.background.delivery_rules import is_expiring, is_too_old, moment_of_its_own
from evoslack.slack.background.direct_delivery import DirectDelivery
from evoslack.slack.background.rate_limiter import RateLimiter
from evoslack.slack.background.reply_in_place import RepliesInPlace
from evoslack.slack.rendering import caller_messages, private_message
from evoslack.slack.rendering.blocks import Block
from evoslack.slack.rendering.help_contact import NO_CONTACT, HelpContact
from evoslack.slack.workspace import problem_of

log = logging.getLogger(__name__)

MAX_TOGETHER = 30  # calls claimed for one message; more would rarely fit


class CallerNotifier:
    """The private messages to people who placed a call."""

    def __init__(
        self,
        client: WebClient,
        ledger: NotificationLedger,
        members: ChannelMembers,
        *,
        channel_id: str,
        region: str,
        now: Callable[[], datetime],
        private_client: Callable[[str], WebhookClient],
        posting: RateLimiter,  # per person
        contact: HelpContact = NO_CONTACT,
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._members = members
        self._channel_id = channel_id
        self._region = region
        self._now = now
        self._replies = RepliesInPlace(private_client, now)
        self._delivery = DirectDelivery(posting, now)
        self._contact = contact

    def notify(self, notification: Notification, lease: datetime) -> datetime | None:
        """Tell the caller if they need to know; when to try again if that failed."""
        if not self._is_needed(notification):
            return None
        if is_expiring(lease, self._now()):
            return self._now()
        if notification.told_ts:
            return self._edit(notification, lease)
        call = notification.call
        if self._replies.can_send(call):
            (text,), blocks = self._content([notification])
            if self._replies.send(call, text, blocks):
                self._mark_told(notification, direct_message.NOWHERE)
                return None
        return self._send(notification, lease)

    def _send(self, notification: Notification, lease: datetime) -> datetime | None:
        """Send one direct message about everything that waits for the same caller."""
        user_id = notification.call.request.user_id
        if wait_s := self._delivery.wait_s(user_id):
            return self._now() + timedelta(seconds=wait_s)
        together = [notification, *self._others(notification, lease)]
        texts, blocks = self._content(together)
        place: list[direct_message.Place] = []
        again_at = self._delivery.deliver(
            together, lambda: place.append(direct_message.send(self._client, user_id, texts, blocks))
        )
        message = place[0] if place and caller_needs.is_kept(notification) else direct_message.NOWHERE
        return self._conclude(together, lease, again_at, message)

    def _edit(self, notification: Notification, lease: datetime) -> datetime | None:
        """Bring the direct message up to date that told of this call before, with all that it tells of."""
        call, place = notification.call, (notification.told_channel, notification.told_ts)
        now = self._now()
        others = self._ledger.claim_message(*place, call.id, at=now, until=lease)
        if others is None:
            return now + moment_of_its_own(call.id)
        together = [notification, *others]
        if wait_s := self._delivery.wait_s(call.request.user_id):
            free_at = now + timedelta(seconds=wait_s)
            for each in others:
                self._release(each, lease, free_at)
            return free_at
        texts, blocks = self._content(together)
        try:
            again_at = self._delivery.deliver(
                together, lambda: direct_message.edit(self._client, place, texts, blocks)
            )
        except SlackApiError as error:
            log.info(
                "call %s: its message cannot be edited (%s); sending another", call.id, problem_of(error)
            )
            self._ledger.forget_message(*place)
            for each in others:
                self._release(each, lease, now)
            return now
        return self._conclude(together, lease, again_at, None)

    def _conclude(
        self,
        together: list[Notification],
        lease: datetime,
        again_at: datetime | None,
        message: direct_message.Place | None,
    ) -> datetime | None:
        """Write down who was told, and release all but the first; when to try that one again.

        `message`: the new one; None: an edit, which nobody notices, so some ends are said once more at once.
        """
        again_of: dict[str, datetime | None] = {}
        for each in together:
            again_of[each.call.id] = again_at
            if again_at is None and message is None and self._ends_unnoticed(each):
                self._mark_told_until_its_end(each)
                again_of[each.call.id] = self._now()
            elif again_at is None or self._is_too_old(each):
                self._mark_told(each, message)
        first, *others = together
        for each in others:
            self._release(each, lease, again_of[each.call.id])
        if not self._is_too_old(first):
            return again_of[first.call.id]
        self._delivery.forget(first.call.request.user_id)
        return None

    def _ends_unnoticed(self, notification: Notification) -> bool:
        """Whether a call has ended that was in doubt before, and its card does not tell the caller."""
        return caller_needs.is_over(notification) and (
            bool(notification.card_problem)
            or caller_needs.was_hung_up_by_another(notification)
            or not self._members.includes(notification.call.request.user_id)
        )

    def _mark_told_until_its_end(self, notification: Notification) -> None:
        """The caller knows that it was placed, from a message that is right now and not edited anymore."""
        self._ledger.mark_told(
            notification.call.id,
            notification.revision - 1,
            bad_news=False,
            what=notification.call.state.value,
            message=direct_message.NOWHERE,
        )

    def _is_needed(self, notification: Notification) -> bool:
        """Whether the caller needs a private message. Records it if they need none for this revision."""
        call = notification.call
        if notification.told_revision >= notification.revision or call.is_open:
            return False
        if caller_needs.did_it_themselves(call):
            what = caller_needs.summary(notification, is_edited=False)
            self._ledger.mark_told(call.id, notification.revision, bad_news=False, what=what)
            return False
        what = caller_needs.summary(notification, is_edited=bool(notification.told_ts))
        if what == notification.told_what:  # ringing and answered show on the card alone
            bad_news = notification.told_bad_news
            self._ledger.mark_told(call.id, notification.revision, bad_news=bad_news, what=what)
            return False
        if caller_needs.is_needed_anyway(notification):
            return True
        # The card says it, but only once it is up to date (it may still fail), and only to those who can read
        # the channel.
        if notification.card_revision < notification.revision:
            return False
        if self._members.includes(call.request.user_id):
            self._ledger.mark_told(call.id, notification.revision, bad_news=False, what=what)
            return False
        return True

    def _others(self, notification: Notification, lease: datetime) -> list[Notification]:
        """What else this caller needs to know now and fits into the same message.

        What is edited later and what is not are never in one: an edit must neither lose nor hide anything.
        """
        request, found, paragraphs = notification.call.request, [], [self._paragraph(notification)]
        for other in self._ledger.claim_others(
            request.user_id, request.team_id, at=self._now(), until=lease, limit=MAX_TOGETHER
        ):
            paragraph = self._paragraph(other)
            if (
                direct_message.fits(paragraphs, paragraph)
                and caller_needs.is_kept(other) is caller_needs.is_kept(notification)
                and self._is_needed(other)
                and not self._replies.can_send(other.call)
            ):
                found.append(other)
                paragraphs.append(paragraph)
            else:
                self._release(other, lease, self._now())
        return found

    def _content(self, notifications: list[Notification]) -> tuple[list[str], list[Block]]:
        in_order = sorted(notifications, key=lambda each: (each.call.accepted_at, each.call.id))
        texts = [self._paragraph(each) for each in in_order]
        calls = [each.call for each in in_order]
        return texts, private_message.blocks(list(zip(texts, calls, strict=True)), self._region)

    def _paragraph(self, notification: Notification) -> str:
        words = caller_messages.paragraph(notification, self._region, self._channel_id)
        return self._contact.named_in(words)

    def _mark_told(self, notification: Notification, message: direct_message.Place | None) -> None:
        """`message`: the new message that said it; None: the one that said it before was edited."""
        call = notification.call
        is_edited = message != direct_message.NOWHERE
        self._ledger.mark_told(
            call.id,
            notification.revision,
            bad_news=caller_needs.is_bad_news(call),
            what=caller_needs.summary(notification, is_edited=is_edited),
            message=message,
        )

    def _release(self, other: Notification, lease: datetime, again_at: datetime | None) -> None:
        """Release a call that was claimed along with another; its own card may still be due."""
        if other.told_revision >= other.revision:
            again_at = None
        if other.card_revision < other.revision:
            again_at = min(filter(None, (again_at, other.card_due_at or self._now())))
        self._ledger.release(other.call.id, lease=lease, again_at=again_at)

    def _is_too_old(self, notification: Notification) -> bool:
        return is_too_old(notification.call.changed_at, self._now())
