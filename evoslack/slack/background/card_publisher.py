"""The channel's cards: one per call, posted at most once, found again when in doubt, brought up to date.

The attempt to post is written down first. When its answer was lost, the card is looked for before anything
else, by the call's id in its metadata (docs/decisions/0003).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from evoslack.calling.calls import Call
from evoslack.calling.notification import Notification
from evoslack.calling.ports import NotificationLedger
from evoslack.slack.background.rate_limiter import RateLimiter
from evoslack.slack.rendering import cards
from evoslack.slack.web_api import SlackUnanswered
from evoslack.slack.workspace import NO_ANSWER, pause_of, problem_of

log = logging.getLogger(__name__)

SETTLING = timedelta(seconds=15)  # a post whose answer was lost has arrived by then, or never will
LEAST_LEASE = timedelta(seconds=30)  # that must be left before something is posted
UPDATE_EVERY_S = 1.25  # a little slower than Slack promises to take (slack-facts 8)
CLOCKS_DIFFER = timedelta(minutes=5)  # at most, between Slack and us

_ALL = ""  # chat.update is limited for all messages together

# The message is there but can no longer be changed by us, or somebody took it away: a new one would be a
# second card.
_OUT_OF_REACH = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "is_inactive", "channel_not_found"}
)
# Words that do not prove that nothing was done (Slack: some aspect of the operation may have succeeded).
_PROVES_NOTHING = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
_ADVICE = {
    "not_in_channel": "; invite the bot to CALLS_CHANNEL",
    "channel_not_found": "; invite the bot to CALLS_CHANNEL",
    "is_archived": "; choose another CALLS_CHANNEL",
    "missing_scope": "; update the app from manifest.yml and install it again",
}


class Later(Exception):
    """Not now. `pause_s` is for how long, if that is known; `lasting` trouble does not pass by itself."""

    def __init__(self, problem: str, pause_s: float | None = None, *, lasting: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.pause_s = pause_s
        self.lasting = lasting


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
        posting: RateLimiter,  # by channel
        hides_numbers: Callable[[], bool],
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._channel_id = channel_id
        self._region = region
        self._now = now
        self._can_end = can_end
        self._hides_numbers = hides_numbers
        self._posting, self._updating = posting, RateLimiter(UPDATE_EVERY_S, now)

    def show(self, notification: Notification, *, lease: datetime) -> None:
        """Bring the card of a call up to date, or raise `Later`. `lease` is until when this is ours."""
        self._require(lease)
        if notification.card_ts:
            self._update(notification, notification.card_channel, notification.card_ts, lease)
        elif notification.card_tried_at is None:
            self._post(notification, lease)
        else:
            self._find(notification, notification.card_tried_at, lease)

    def _require(self, lease: datetime) -> None:
        """Whoever lost the lease, or nearly so, must not write: somebody else may have newer news."""
        if lease - self._now() < LEAST_LEASE:
            raise Later("this took too long", 0.0)

    def _post(self, notification: Notification, lease: datetime) -> None:
        call, channel = notification.call, self._channel_id
        card = self._card(call)
        _queue(self._posting, channel, notification)
        self._require(lease)  # once more: looking for the card may have taken its time
        if not self._ledger.mark_card_tried(call.id, channel, at=self._now(), lease=lease):
            raise Later("this took too long", 0.0)
        try:
            posted = self._client.chat_postMessage(
                channel=channel, **card, unfurl_links=False, unfurl_media=False
            )
            ts, posted_in = _place_of(posted)
        except SlackApiError as error:
            if not _is_a_no(error):
                raise Later(problem_of(error), SETTLING.total_seconds()) from error
            # An answer that says no proves that there is no card, so another attempt is safe.
            self._ledger.clear_card_tried(call.id, lease=lease)
            raise self._later(call, error, self._posting, channel) from error
        except NO_ANSWER as error:
            raise Later(problem_of(error), SETTLING.total_seconds()) from error
        self._ledger.mark_card_shown(call.id, notification.revision, posted_in, ts)

    def _update(self, notification: Notification, channel: str, ts: str, lease: datetime) -> None:
        call = notification.call
        card = self._card(call)
        _queue(self._updating, _ALL, notification)
        self._require(lease)  # once more: looking for the card may have taken its time
        try:
            self._client.chat_update(channel=channel, ts=ts, **card)
        except SlackApiError as error:
            if problem_of(error) in _OUT_OF_REACH:
                _log(call, problem_of(error))
                self._ledger.give_up_card(call.id, notification.revision, problem_of(error))
                return
            raise self._later(call, error, self._updating, _ALL) from error
        except NO_ANSWER as error:
            raise Later(problem_of(error)) from error
        self._ledger.mark_card_shown(call.id, notification.revision, channel, ts)

    def _find(self, notification: Notification, tried_at: datetime, lease: datetime) -> None:
        """A post whose answer was lost: take the card over if it is there, else post it."""
        left = SETTLING - (self._now() - tried_at)
        if left > timedelta(0):
            raise Later("waiting for the first attempt to settle", left.total_seconds())
        channel = notification.card_channel or self._channel_id
        try:
            ts = self._ts_in_history(channel, notification.call.id, since=tried_at - CLOCKS_DIFFER)
        except SlackApiError as error:
            if pause_of(error) is not None or not _is_a_no(error):
                raise self._later(notification.call, error) from error
            _log(notification.call, problem_of(error))
            self._ledger.give_up_card(notification.call.id, notification.revision, problem_of(error))
        except NO_ANSWER as error:
            raise Later(problem_of(error)) from error
        else:
            if ts is None:
                self._post(notification, lease)
            else:
                self._update(notification, channel, ts, lease)

    def _ts_in_history(self, channel: str, call_id: str, *, since: datetime) -> str | None:
        cursor: str | None = None
        while True:
            page = self._client.conversations_history(
                channel=channel,
                oldest=str(since.timestamp()),
                include_all_metadata=True,
                limit=200,
                cursor=cursor,
            )
            found = page.get("messages")
            if not isinstance(found, list):
                raise SlackUnanswered("an answer without messages")
            for message in found:
                payload: dict[str, Any] = (message.get("metadata") or {}).get("event_payload") or {}
                if payload.get("call_id") == call_id:
                    return str(message["ts"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None

    def _card(self, call: Call) -> dict[str, Any]:
        hides = self._hides_numbers()
        return {
            "text": cards.text(call, self._region, hides_number=hides),
            "blocks": cards.blocks(call, self._region, can_end=self._can_end(), hides_number=hides),
            "metadata": cards.metadata(call),
        }

    def _later(
        self, call: Call, error: SlackApiError, limiter: RateLimiter | None = None, target: str = ""
    ) -> Later:
        problem, pause_s = problem_of(error), pause_of(error)
        lasting = _is_a_no(error) and pause_s is None
        if lasting:
            _log(call, problem)
        if limiter is not None and pause_s is not None:
            pause_s = limiter.refused_s(target, pause_s)
        return Later(problem, pause_s, lasting=lasting)


def _queue(limiter: RateLimiter, target: str, notification: Notification) -> None:
    """Wait in line, or, if this call did so already, until the one before it is through."""
    if wait_s := limiter.turn_s(target) if notification.card_due_at is None else limiter.slot_s(target):
        raise Later("ratelimited", wait_s)


def _place_of(posted: SlackResponse) -> tuple[str, str]:
    """Where a message is: its ts and channel. Raises `SlackUnanswered`: it may be there all the same."""
    ts, channel = posted.get("ts"), posted.get("channel")
    if not isinstance(ts, str) or not isinstance(channel, str):
        raise SlackUnanswered("an answer without ts and channel")
    return ts, channel


def _is_a_no(error: SlackApiError) -> bool:
    """Whether Slack itself said no, so that certainly nothing was done.

    A 5xx may come from something in between.
    """
    if error.response.status_code == 429:
        return True
    word = str(error.response.get("error") or "")
    return (
        error.response.status_code == 200
        and re.fullmatch(r"[a-z_]+", word) is not None
        and word not in _PROVES_NOTHING
    )


def _log(call: Call, problem: str) -> None:
    log.error("call %s: the card: %s%s", call.id, problem, _ADVICE.get(problem, ""))
