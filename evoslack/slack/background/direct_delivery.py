"""Sends and edits direct messages as fast as Slack takes them, and says when to try again if it does not."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from slack_sdk.errors import SlackApiError

from evoslack.calling.call_log import fields_of
from evoslack.calling.notification import Notification
from evoslack.slack.background.delivery_rules import RETRY, is_too_old
from evoslack.slack.background.rate_limiter import RateLimiter
from evoslack.slack.workspace import SLACK_ERRORS, is_denial, pause_of, problem_of

log = logging.getLogger(__name__)


class DirectDelivery:
    """The pauses between direct messages, and after one that failed. `posting` is the limit per person."""

    def __init__(self, posting: RateLimiter, now: Callable[[], datetime]) -> None:
        self._posting = posting
        self._now = now
        self._failures: dict[str, int] = {}  # consecutive, by person

    def wait_s(self, user_id: str) -> float:
        """Seconds until this person may be sent another message; 0: now."""
        return self._posting.acquire_s(user_id)

    def forget(self, user_id: str) -> None:
        """Nothing is tried again for this person."""
        self._failures.pop(user_id, None)

    def deliver(self, together: Sequence[Notification], deliver: Callable[[], None]) -> datetime | None:
        """Send or edit one direct message about all of them; when to try again if that failed.

        Raises `SlackApiError` if Slack says no to an edit: trying again would not help.
        """
        user_id = together[0].call.request.user_id
        try:
            deliver()
        except SLACK_ERRORS as error:
            asked_s = pause_of(error)
            if _is_final(error, together[0]):
                raise
            if asked_s is None:  # a rate limit is no failure
                self._failures[user_id] = self._failures.get(user_id, 0) + 1
            pause_s = RETRY.pause_s(self._failures.get(user_id, 0), asked_s)
            self._posting.back_off_s(user_id, pause_s)
            for each in together:
                if is_too_old(each.call.changed_at, self._now()):
                    words, fields = "call %s: gave up telling the caller: %s", fields_of(each.call)
                    log.error(words, each.call.id, problem_of(error), extra=fields)
            return self._now() + timedelta(seconds=pause_s)
        self.forget(user_id)
        return None


def _is_final(error: Exception, first: Notification) -> bool:
    """Whether a message cannot be edited: it was deleted, or Slack does not allow it any longer."""
    return (
        bool(first.told_ts)
        and isinstance(error, SlackApiError)
        and is_denial(error)
        and pause_of(error) is None
    )
