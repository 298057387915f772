"""Publishes the channel's cards: one per call, posted at most once, then updated in place.

The attempt to post is recorded first. If its answer was lost, the channel's history is searched for a card
with the call's id in its metadata before anything is posted again (docs/decisions/0003).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from evoslack.calling.call_log import fields_of
from evoslack.calling.calls import Call
from evoslack.calling.notification import Notification
from evoslack.calling.ports import NotificationLedger
from evoslack.slack.background.delivery_rules import is_expiring
from evoslack.slack.background.rate_limiter import RateLimiter
from evoslack.slack.rendering import cards
from evoslack.slack.rendering.help_contact import NO_CONTACT, HelpContact
from evoslack.slack.web_api import SlackUnanswered
from evoslack.slack.workspace import SLACK_ERRORS, is_denial, items_in, pause_of, problem_of

log = logging.getLogger(__name__)

SETTLING = timedelta(seconds=15)  # by then a post whose answer was lost is in the channel, or never will be
UPDATE_INTERVAL_S = 1.25  # slightly slower than the rate Slack guarantees (slack-facts 8)
MAX_CLOCK_SKEW = timedelta(minutes=5)  # between Slack and us

_ALL = ""  # the one target of chat.update, whose limit is for all messages together

# The message can no longer be changed by us, or was deleted: posting again would make a second card.
OUT_OF_REACH = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "is_inactive", "channel_not_found"}
)
_ADVICE = {
    "not_in_channel": "; invite the bot to CALLS_CHANNEL",
    "channel_not_found": "; invite the bot to CALLS_CHANNEL",
    "is_archived": "; choose another CALLS_CHANNEL",
    "missing_scope": "; update the app from manifest.yml and reinstall it",
}


class Postponed(Exception):
    """The card could not be published now.

    `pause_s`: seconds until it makes sense to try again, if known. `needs_fix`: Slack keeps saying no until
    someone changes something.
    """

    def __init__(self, problem: str, pause_s: float | None = None, *, needs_fix: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.pause_s = pause_s
        self.needs_fix = needs_fix


class CardPublisher:
    """The cards in one channel."""

    def __init__(
        self,
        client: WebClient,
        ledger: NotificationLedger,
        *,
        channel_id: str,
        region: str,
        now: Callable[[], datetime],
        can_end: Callable[[], bool],
        posting: RateLimiter,  # per channel
        hides_numbers: Callable[[], bool],
        contact: HelpContact = NO_CONTACT,
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._channel_id = channel_id
        self._region = region
        self._now = now
        self._can_end = can_end
        self._hides_numbers = hides_numbers
        self._contact = contact
        self._posting, self._updating = posting, RateLimiter(UPDATE_INTERVAL_S, now)

    def publish(self, notification: Notification, *, lease: datetime) -> None:
        """Bring the card of a call up to date, or raise `Postponed`. `lease` is when our lease ends."""
        self._check_lease(lease)
        if notification.card_ts:
            self._update(notification, notification.card_channel, notification.card_ts, lease)
        elif notification.card_tried_at is None:
            self._post(notification, lease)
        else:
            self._recover(notification, notification.card_tried_at, lease)

    def _check_lease(self, lease: datetime) -> None:
        if is_expiring(lease, self._now()):
            raise _lease_lost()

    def _post(self, notification: Notification, lease: datetime) -> None:
        call, channel, hides = notification.call, self._channel_id, self._hides_numbers()
        card = self._card(call, hides_number=hides)
        _wait_for_slot(self._posting, channel, notification)
        self._check_lease(lease)  # again: searching the history may have taken a while
        if not self._ledger.mark_card_tried(call.id, channel, at=self._now(), lease=lease):
            raise _lease_lost()
        try:
            posted = self._client.chat_postMessage(
                channel=channel, **card, unfurl_links=False, unfurl_media=False
            )
            ts, posted_in = _place_of(posted)
        except SlackApiError as error:
            if not is_denial(error):
                raise Postponed(problem_of(error), SETTLING.total_seconds()) from error
            # A clear no proves that there is no card, so another attempt is safe.
            self._ledger.clear_card_tried(call.id, lease=lease)
            raise self._postponed(call, error, self._posting, channel) from error
        except SLACK_ERRORS as error:
            raise Postponed(problem_of(error), SETTLING.total_seconds()) from error
        self._ledger.mark_card_shown(call.id, notification.revision, posted_in, ts, is_masked=hides)

    def _update(self, notification: Notification, channel: str, ts: str, lease: datetime) -> None:
        call = notification.call
        _wait_for_slot(self._updating, _ALL, notification)
        self._check_lease(lease)  # again: searching the history may have taken a while
        try:
            self._edit(notification, channel, ts)
        except SlackApiError as error:
            if problem_of(error) in OUT_OF_REACH:
                self._give_up(notification, problem_of(error))
                return
            raise self._postponed(call, error, self._updating, _ALL) from error
        except SLACK_ERRORS as error:
            raise Postponed(problem_of(error)) from error

    def edit(self, notification: Notification) -> None:
        """Show a card as it is to be shown now, in a slot of its own. Raises what the client raises."""
        self._edit(notification, notification.card_channel, notification.card_ts)

    def spare_slot_s(self) -> float:
        """Seconds until there is a slot for an edit that can wait; 0.0 takes it."""
        return self._updating.acquire_s(_ALL)

    def back_off_s(self, seconds: float) -> float:
        """Slack asked for this pause between edits; seconds until the next slot."""
        return self._updating.back_off_s(_ALL, seconds)

    def _edit(self, notification: Notification, channel: str, ts: str) -> None:
        call, hides = notification.call, self._hides_numbers()
        self._client.chat_update(channel=channel, ts=ts, **self._card(call, hides_number=hides))
        self._ledger.mark_card_shown(call.id, notification.revision, channel, ts, is_masked=hides)

    def _recover(self, notification: Notification, tried_at: datetime, lease: datetime) -> None:
        """After a post whose answer was lost: update the card if it is in the channel, else post it."""
        left = SETTLING - (self._now() - tried_at)
        if left > timedelta(0):
            raise Postponed("waiting for the first attempt to settle", left.total_seconds())
        channel = notification.card_channel or self._channel_id
        try:
            ts = self._ts_in_history(channel, notification.call.id, since=tried_at - MAX_CLOCK_SKEW)
        except SlackApiError as error:
            if pause_of(error) is not None or not is_denial(error):
                raise self._postponed(notification.call, error) from error
            self._give_up(notification, problem_of(error))
        except SLACK_ERRORS as error:
            raise Postponed(problem_of(error)) from error
        else:
            if ts is None:
                self._post(notification, lease)
            else:
                self._update(notification, channel, ts, lease)

    def _ts_in_history(self, channel: str, call_id: str, *, since: datetime) -> str | None:
        pages = self._client.conversations_history(
            channel=channel, oldest=str(since.timestamp()), include_all_metadata=True, limit=200
        )
        for message in items_in(pages, "messages"):
            payload: dict[str, Any] = (message.get("metadata") or {}).get("event_payload") or {}
            if payload.get("call_id") == call_id:
                return str(message["ts"])
        return None

    def _card(self, call: Call, *, hides_number: bool) -> dict[str, Any]:
        blocks = cards.blocks(call, self._region, can_end=self._can_end(), hides_number=hides_number)
        return {
            "text": self._contact.named_in(cards.text(call, self._region, hides_number=hides_number)),
            "blocks": self._contact.named_in_blocks(blocks),
            "metadata": cards.metadata(call),
        }

    def _give_up(self, notification: Notification, problem: str) -> None:
        _log(notification.call, problem)
        self._ledger.give_up_card(notification.call.id, notification.revision, problem)

    def _postponed(
        self, call: Call, error: SlackApiError, limiter: RateLimiter | None = None, target: str = ""
    ) -> Postponed:
        problem, pause_s = problem_of(error), pause_of(error)
        needs_fix = is_denial(error) and pause_s is None
        if needs_fix:
            _log(call, problem)
        if limiter is not None and pause_s is not None:
            pause_s = limiter.back_off_s(target, pause_s)
        return Postponed(problem, pause_s, needs_fix=needs_fix)


def _lease_lost() -> Postponed:
    return Postponed("took too long", 0.0)


def _wait_for_slot(limiter: RateLimiter, target: str, notification: Notification) -> None:
    """Raise `Postponed` until this card's slot has come; a card that was postponed has one already."""
    seconds = limiter.reserve_s if notification.card_due_at is None else limiter.spacing_s
    if wait_s := seconds(target):
        raise Postponed("ratelimited", wait_s)


def _place_of(posted: SlackResponse) -> tuple[str, str]:
    """The ts and channel of a posted message. Raises `SlackUnanswered`: it may be there anyway."""
    ts, channel = posted.get("ts"), posted.get("channel")
    if not isinstance(ts, str) or not isinstance(channel, str):
        raise SlackUnanswered("an answer without ts and channel")
    return ts, channel


def _log(call: Call, problem: str) -> None:
    words = "call %s: the card was not published: %s%s"
    log.error(words, call.id, problem, _ADVICE.get(problem, ""), extra=fields_of(call))
