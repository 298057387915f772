"""Tells callers privately what happened to their calls, when the card does not.

The message is a reply where /call was typed, or else a direct message about everything that waits for the
same caller. A call is marked as told only once its message went out; until then its lease is held, so that
no other bot tells the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from evoslack.calling.calls import FINAL, State
from evoslack.calling.notification import Notification
from evoslack.calling.ports import NotificationLedger
from evoslack.slack.background import direct_message
from evoslack.slack.background.channel_members import ChannelMembers
from evoslack.slack.background.delivery_rules import RETRY, is_expiring, is_too_old
from evoslack.slack.background.rate_limiter import RateLimiter
from evoslack.slack.rendering import messages
from evoslack.slack.rendering.help_contact import NO_CONTACT, HelpContact
from evoslack.slack.workspace import SLACK_ERRORS, pause_of, problem_of

log = logging.getLogger(__name__)

# A reply where /call was typed is easily missed once the caller has moved on.
REPLY_WITHIN = timedelta(minutes=2)
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
        self._private_client = private_client
        self._posting = posting
        self._contact = contact
        self._failed_replies: dict[str, datetime] = {}  # by call id
        self._failures: dict[str, int] = {}  # consecutive, by person

    def notify(self, notification: Notification, lease: datetime) -> datetime | None:
        """Tell the caller if they need to know; when to try again if that failed."""
        if not self._is_needed(notification):
            return None
        if is_expiring(lease, self._now()):
            return self._now()
        if self._reply_in_place(notification):
            self._mark_told(notification)
            return None
        user_id = notification.call.request.user_id
        if wait_s := self._posting.acquire_s(user_id):
            return self._now() + timedelta(seconds=wait_s)
        others = self._others(notification, lease)
        problem, again_at = self._send(user_id, [notification, *others])
        for each in (notification, *others):
            if again_at is None or self._is_too_old(each):
                if problem:
                    log.error("call %s: gave up telling the caller: %s", each.call.id, problem)
                self._mark_told(each)
        for each in others:
            self._release(each, lease, again_at)
        if not self._is_too_old(notification):
            return again_at
        self._failures.pop(user_id, None)
        return None

    def _is_needed(self, notification: Notification) -> bool:
        """Whether the caller needs a private message. Records it if they need none for this revision."""
        call = notification.call
        if notification.told_revision >= notification.revision or call.is_open:
            return False
        what = _summary(notification)
        if what == notification.told_what:  # ringing and answered show on the card alone
            bad_news = notification.told_bad_news
            self._ledger.mark_told(call.id, notification.revision, bad_news=bad_news, what=what)
            return False
        if call.state is not State.PLACED or notification.told_bad_news or notification.card_problem:
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
        """What else this caller needs to know now and fits into the same message."""
        request, found, paragraphs = notification.call.request, [], [self._paragraph(notification)]
        for other in self._ledger.claim_others(
            request.user_id, request.team_id, at=self._now(), until=lease, limit=MAX_TOGETHER
        ):
            paragraph = self._paragraph(other)
            if (
                direct_message.fits(paragraphs, paragraph)
                and self._is_needed(other)
                and not self._can_reply_in_place(other)
            ):
                found.append(other)
                paragraphs.append(paragraph)
            else:
                self._release(other, lease, self._now())
        return found

    def _send(self, user_id: str, notifications: list[Notification]) -> tuple[str, datetime | None]:
        """Send one direct message about all of them; the problem and when to try again, if it failed."""
        try:
            direct_message.send(self._client, user_id, map(self._paragraph, notifications))
        except SLACK_ERRORS as error:
            asked_s = pause_of(error)
            if asked_s is None:  # a rate limit is no failure
                self._failures[user_id] = self._failures.get(user_id, 0) + 1
            pause_s = RETRY.pause_s(self._failures.get(user_id, 0), asked_s)
            self._posting.back_off_s(user_id, pause_s)
            return problem_of(error), self._now() + timedelta(seconds=pause_s)
        self._failures.pop(user_id, None)
        return "", None

    def _paragraph(self, notification: Notification) -> str:
        words = messages.private_message(
            notification.call,
            self._region,
            channel_id=self._channel_id,
            card_problem=notification.card_problem,
        )
        return self._contact.named_in(words)

    def _can_reply_in_place(self, notification: Notification) -> bool:
        call = notification.call
        is_recent = self._now() - call.accepted_at <= REPLY_WITHIN
        return bool(call.request.response_url) and is_recent and call.id not in self._failed_replies

    def _reply_in_place(self, notification: Notification) -> bool:
        """Reply where /call was typed; Slack accepts that for half an hour (slack-facts 1)."""
        if not self._can_reply_in_place(notification):
            return False
        try:
            answer = self._private_client(notification.call.request.response_url).send(
                text=self._paragraph(notification), response_type="ephemeral"
            )
            problem = "" if answer.status_code == 200 else f"status {answer.status_code}"
        except SLACK_ERRORS as error:
            problem = problem_of(error)
        if problem:
            log.info(
                "call %s: no reply in place: %s; sending a direct message", notification.call.id, problem
            )
            oldest = self._now() - REPLY_WITHIN
            recent = {call_id: at for call_id, at in self._failed_replies.copy().items() if at > oldest}
            self._failed_replies = recent | {notification.call.id: self._now()}
        return not problem

    def _mark_told(self, notification: Notification) -> None:
        call = notification.call
        self._ledger.mark_told(
            call.id,
            notification.revision,
            bad_news=call.state is not State.PLACED,
            what=_summary(notification),
        )

    def _release(self, other: Notification, lease: datetime, again_at: datetime | None) -> None:
        """Release a call that was claimed along with another; its own card may still be due."""
        now = self._now()
        if other.card_revision < other.revision:
            again_at = min(filter(None, (again_at, other.card_due_at or now)))
        self._ledger.release(other.call.id, lease=lease, again_at=again_at)

    def _is_too_old(self, notification: Notification) -> bool:
        return is_too_old(notification.call.accepted_at, self._now())


def _summary(notification: Notification) -> str:
    """What a caller needs to know, in short: how it was placed, that it is over, that there is no card."""
    call = notification.call
    is_over = call.progress in FINAL
    parts = [call.state.value, "over" if is_over else "", "no_card" if notification.card_problem else ""]
    return " ".join(part for part in parts if part)
