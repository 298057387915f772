"""Sends direct messages about button presses and shortcuts, which have no reply of their own.

Messages to the same person are spaced as Slack's rate limit asks; what queues up meanwhile goes out as one
message, with repeated texts only once. The queue is in memory: whatever waits when the bot stops is lost.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from slack_sdk import WebClient

from evoslack.slack.background import direct_message
from evoslack.slack.background.rate_limiter import RateLimiter
from evoslack.slack.workspace import SLACK_ERRORS, pause_of, problem_of

log = logging.getLogger(__name__)

MAX_WAITING = 20  # texts queued for one person; repeated presses beyond that add nothing


class PrivateMessages:
    """A queue of texts per person: listeners add to it without waiting for Slack, a worker empties it."""

    def __init__(
        self,
        client: WebClient,
        posting: RateLimiter,  # per person
        wake: Callable[[], None],
        wake_in: Callable[[float], None],
    ) -> None:
        self._client = client
        self._posting = posting
        self._wake = wake
        self._wake_in = wake_in
        self._waiting: dict[str, list[str]] = {}
        self._lock = threading.Lock()

    def notify_privately(self, user_id: str, text: str) -> None:
        """Queue a text (mrkdwn) for this person. A failure to deliver it is only logged."""
        with self._lock:
            texts = self._waiting.setdefault(user_id, [])
            if text in texts or len(texts) >= MAX_WAITING:
                return
            texts.append(text)
        self._wake()

    def send_next(self) -> bool:
        """Send one message to a person whom Slack's rate limit allows. Returns whether there was one."""
        user_id, texts = self._take()
        if not texts:
            return False
        try:
            direct_message.send(self._client, user_id, texts)
        except SLACK_ERRORS as error:
            pause_s = pause_of(error)
            if pause_s is None:  # without an answer it may have arrived, so it is not sent again
                log.warning("no direct message to %s: %s", user_id, problem_of(error))
            else:
                self._posting.back_off_s(user_id, pause_s)
                self._put_back(user_id, texts)
        return True

    def _take(self) -> tuple[str, list[str]]:
        """Whom to write to now, and the texts that fit into one message; none if everyone must wait."""
        with self._lock:
            waits_s: list[float] = []
            for user_id, texts in self._waiting.items():
                if wait_s := self._posting.acquire_s(user_id):
                    waits_s.append(wait_s)
                    continue
                taken = _first_that_fit(texts)
                self._waiting[user_id] = texts[len(taken) :]
                if not self._waiting[user_id]:
                    del self._waiting[user_id]
                return user_id, taken
        if waits_s:
            self._wake_in(min(waits_s))
        return "", []

    def _put_back(self, user_id: str, texts: list[str]) -> None:
        with self._lock:
            newer = self._waiting.get(user_id, [])
            self._waiting[user_id] = texts + [text for text in newer if text not in texts]


def _first_that_fit(texts: list[str]) -> list[str]:
    """As many of the first texts as fit into one message; at least one."""
    taken = texts[:1]
    for text in texts[1:]:
        if not direct_message.fits(taken, text):
            break
        taken.append(text)
    return taken
