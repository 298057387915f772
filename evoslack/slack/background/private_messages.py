"""Tells one person something by direct message, for ways in that have no answer of their own.

What is said to the same person while their last message is hardly out goes out together, as soon as Slack
takes it; the same words only once. Nothing here is written down: what waits when the bot stops is lost.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from evoslack.slack.background.rate_limiter import RateLimiter
from evoslack.slack.workspace import NO_ANSWER, pause_of, problem_of

log = logging.getLogger(__name__)

LONGEST_TEXT = 4000  # characters of one message (slack-facts 4)
MOST_WAITING = 20  # different lines for one person; whoever presses on hears no more than these
BETWEEN = "\n\n"


class PrivateMessages:
    """Direct messages, sent by whoever repeats `send_next`, so that no listener waits for Slack."""

    def __init__(
        self,
        client: WebClient,
        posting: RateLimiter,  # by person
        wake: Callable[[], None],
        wake_in: Callable[[float], None],
    ) -> None:
        self._client = client
        self._posting = posting
        self._wake = wake
        self._wake_in = wake_in
        self._waiting: dict[str, list[str]] = {}
        self._lock = threading.Lock()

    def __call__(self, user_id: str, words: str) -> None:
        """Say it (mrkdwn) soon; whether it arrived is only logged."""
        with self._lock:
            lines = self._waiting.setdefault(user_id, [])
            if words in lines or len(lines) >= MOST_WAITING:
                return
            lines.append(words)
        self._wake()

    def send_next(self) -> bool:
        """Send what waits for one person whose turn it is; whether there was anybody."""
        user_id, lines = self._take()
        if not lines:
            return False
        try:
            self._client.chat_postMessage(
                channel=user_id, text=BETWEEN.join(lines), unfurl_links=False, unfurl_media=False
            )
        except SlackApiError as error:
            pause_s = pause_of(error)
            if pause_s is None:
                log.warning("%s could not be told: %s", user_id, problem_of(error))
            else:
                self._posting.refused_s(user_id, pause_s)
                self._put_back(user_id, lines)
        except NO_ANSWER as error:  # it may have arrived
            log.warning("%s could not be told: %s", user_id, problem_of(error))
        return True

    def _take(self) -> tuple[str, list[str]]:
        """Whose turn it is, and as many lines as fit into one message; nobody's if all have to wait."""
        with self._lock:
            waits_s: list[float] = []
            for user_id, lines in self._waiting.items():
                if wait_s := self._posting.free_s(user_id):
                    waits_s.append(wait_s)
                    continue
                fits = _that_fit(lines)
                self._waiting[user_id] = lines[fits:]
                if not lines[fits:]:
                    del self._waiting[user_id]
                return user_id, lines[:fits]
        if waits_s:
            self._wake_in(min(waits_s))
        return "", []

    def _put_back(self, user_id: str, lines: list[str]) -> None:
        with self._lock:
            newer = self._waiting.get(user_id, [])
            self._waiting[user_id] = lines + [words for words in newer if words not in lines]


def _that_fit(lines: list[str]) -> int:
    """How many of the first lines fit into one message; at least one."""
    length = len(lines[0])
    for fits, words in enumerate(lines[1:], 1):
        length += len(BETWEEN) + len(words)
        if length > LONGEST_TEXT:
            return fits
    return len(lines)
