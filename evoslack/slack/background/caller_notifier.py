"""Tells callers privately what became of their calls, when the card does not: in place or by direct message.

What waits for the same person goes out in one message, and is marked as told when that message went out.
Whoever tells holds the leases of all its calls, so that nobody else tells the same meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from evoslack.calling.calls import FINAL, State
from evoslack.calling.notification import Notification
from evoslack.slack.background.card_publisher import LEAST_LEASE
from evoslack.slack.background.channel_members import ChannelMembers
from evoslack.slack.background.rate_limiter import RateLimiter
from evoslack.slack.rendering import messages
from evoslack.slack.workspace import NO_ANSWER, pause_of, problem_of

log = logging.getLogger(__name__)

LONGEST_PAUSE_S = 300
GIVE_UP_AFTER = timedelta(hours=24)
# A line where /call was typed is lost if nobody looks; after this time a direct message is surer.
STILL_LOOKING = timedelta(minutes=2)
LONGEST_TEXT = 4000  # characters of one message (slack-facts 4)
MOST_AT_ONCE = 30  # calls in one message; more would rarely fit
BETWEEN = "\n\n"


class Book(Protocol):
    """Who has been told what; see `ledger.news.NewsLedger`."""

    def claim_others(
        self, user_id: str, team_id: str, *, at: datetime, until: datetime, limit: int
    ) -> list[Notification]: ...
    def told(self, call_id: str, revision: int, *, bad_news: bool, what: str) -> None: ...
    def done(
        self, call_id: str, revision: int, *, at: datetime, lease: datetime, again_at: datetime | None
    ) -> None: ...


class CallerNotifier:
    """Whoever asked for a call."""

    def __init__(
        self,
        client: WebClient,
        book: Book,
        audience: ChannelMembers,
        *,
        channel_id: str,
        region: str,
        now: Callable[[], datetime],
        private_client: Callable[[str], WebhookClient],
        posting: RateLimiter,  # by person
    ) -> None:
        self._client = client
        self._book = book
        self._audience = audience
        self._channel_id = channel_id
        self._region = region
        self._now = now
        self._private_client = private_client
        self._posting = posting
        self._not_in_place: dict[str, datetime] = {}  # calls whose line was lost where /call was typed
        self._troubles: dict[str, int] = {}  # how often in a row a person could not be told

    def tell(self, notification: Notification, lease: datetime) -> datetime | None:
        """Tell the caller, if there is need to; when to try again if that did not work."""
        if not self._is_needed(notification):
            return None
        if lease - self._now() < LEAST_LEASE:  # somebody else may be telling it by the time this is through
            return self._now()
        if self._in_place(notification):
            self._told(notification)
            return None
        user_id = notification.call.request.user_id
        if wait_s := self._posting.free_s(user_id):
            return self._now() + timedelta(seconds=wait_s)
        others = self._others(notification, lease)
        problem, again_at = self._post(user_id, [notification, *others])
        for each in (notification, *others):
            if again_at is None or is_too_old(each, self._now()):
                if problem:
                    log.error("call %s: the caller could not be told: %s", each.call.id, problem)
                self._told(each)
        for each in others:
            self._put_back(each, lease, again_at)
        if not is_too_old(notification, self._now()):
            return again_at
        self._troubles.pop(user_id, None)
        return None

    def _is_needed(self, notification: Notification) -> bool:
        """Whether this calls for a private line; what does not is noted as told."""
        call = notification.call
        if notification.told_revision >= notification.revision or call.is_open:
            return False
        what = _what(notification)
        if what == notification.told_what:  # how far it has come is for the card alone
            self._book.told(call.id, notification.revision, bad_news=notification.told_bad_news, what=what)
            return False
        if call.state is not State.PLACED or notification.told_bad_news or notification.card_problem:
            return True
        # The card says it; but only once it is there, for it may still go wrong, and only to those who can
        # read the channel.
        if notification.card_revision < notification.revision:
            return False
        if self._audience.includes(call.request.user_id):
            self._book.told(call.id, notification.revision, bad_news=False, what=what)
            return False
        return True

    def _others(self, notification: Notification, lease: datetime) -> list[Notification]:
        """What else this person is to be told now and fits into the same message."""
        request, left = notification.call.request, LONGEST_TEXT - len(self._line(notification))
        found: list[Notification] = []
        for other in self._book.claim_others(
            request.user_id, request.team_id, at=self._now(), until=lease, limit=MOST_AT_ONCE
        ):
            line = len(BETWEEN) + len(self._line(other))
            if line <= left and self._is_needed(other) and not self._may_go_in_place(other):
                found.append(other)
                left -= line
            else:
                self._put_back(other, lease, self._now())
        return found

    def _post(self, user_id: str, several: list[Notification]) -> tuple[str, datetime | None]:
        """Send one direct message about all of them; what went wrong and when to try again."""
        words = BETWEEN.join(self._line(notification) for notification in several)
        try:
            self._client.chat_postMessage(channel=user_id, text=words, unfurl_links=False, unfurl_media=False)
        except NO_ANSWER as error:
            pause_s = pause_of(error) if isinstance(error, SlackApiError) else None
            if pause_s is None:
                troubles = self._troubles[user_id] = self._troubles.get(user_id, 0) + 1
                pause_s = retry_pause_s(troubles)
            self._posting.refused_s(user_id, pause_s)
            return problem_of(error), self._now() + timedelta(seconds=pause_s)
        self._troubles.pop(user_id, None)
        return "", None

    def _line(self, notification: Notification) -> str:
        return messages.private_message(
            notification.call,
            self._region,
            channel_id=self._channel_id,
            card_problem=notification.card_problem,
        )

    def _may_go_in_place(self, notification: Notification) -> bool:
        call = notification.call
        is_fresh = self._now() - call.accepted_at <= STILL_LOOKING
        return bool(call.request.response_url) and is_fresh and call.id not in self._not_in_place

    def _in_place(self, notification: Notification) -> bool:
        """Say it where /call was typed; Slack takes that for half an hour (slack-facts 1)."""
        if not self._may_go_in_place(notification):
            return False
        try:
            answer = self._private_client(notification.call.request.response_url).send(
                text=self._line(notification), response_type="ephemeral"
            )
            problem = "" if answer.status_code == 200 else f"status {answer.status_code}"
        except NO_ANSWER as error:
            problem = problem_of(error)
        if problem:
            log.info("a private line did not go through: %s", problem)
            oldest = self._now() - STILL_LOOKING
            lost = {call_id: at for call_id, at in self._not_in_place.copy().items() if at > oldest}
            self._not_in_place = lost | {notification.call.id: self._now()}
        return not problem

    def _told(self, notification: Notification) -> None:
        call = notification.call
        self._book.told(
            call.id, notification.revision, bad_news=call.state is not State.PLACED, what=_what(notification)
        )

    def _put_back(self, other: Notification, lease: datetime, again_at: datetime | None) -> None:
        """Give the lease of a call back that was claimed beside another; its card may wait for its turn."""
        now = self._now()
        if other.card_revision < other.revision:
            again_at = min(filter(None, (again_at, other.card_due_at or now)))
        self._book.done(other.call.id, other.revision, at=now, lease=lease, again_at=again_at)


def is_too_old(notification: Notification, now: datetime) -> bool:
    """Whether trying any longer is of no use to anybody."""
    return now - notification.call.accepted_at > GIVE_UP_AFTER


def retry_pause_s(attempts: int) -> float:
    """Seconds until the next try, longer and longer."""
    return float(min(2 ** min(attempts, 10), LONGEST_PAUSE_S))


def _what(notification: Notification) -> str:
    """What there is to be told, in short: how it was placed, how it ended, and whether the card fails."""
    call = notification.call
    is_over = call.progress in FINAL
    parts = [call.state.value, "over" if is_over else "", "no_card" if notification.card_problem else ""]
    return " ".join(part for part in parts if part)
