"""Tells one person something, for ways in that have no answer of their own."""

from __future__ import annotations

import logging
from collections.abc import Callable

from slack_sdk import WebClient

from evoslack.slack.workspace import NO_ANSWER, problem_of

log = logging.getLogger(__name__)


class Whisper:
    """A direct message, sent by `later` so that no listener waits for it."""

    def __init__(self, client: WebClient, later: Callable[[Callable[[], None]], object]) -> None:
        self._client = client
        self._later = later

    def __call__(self, user_id: str, words: str) -> None:
        """Say it (mrkdwn); whether it arrived is only logged."""
        self._later(lambda: self.now(user_id, words))

    def now(self, user_id: str, words: str) -> None:
        """The same, by whoever has time to wait for Slack."""
        try:
            self._client.chat_postMessage(channel=user_id, text=words, unfurl_links=False, unfurl_media=False)
        except NO_ANSWER as error:
            log.warning("%s could not be told: %s", user_id, problem_of(error))
