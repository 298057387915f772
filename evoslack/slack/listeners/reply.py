"""Tells one person something after the ack: where they typed the command, or else by direct message."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from slack_sdk.webhook import WebhookClient

from evoslack.slack.workspace import SLACK_ERRORS, problem_of

log = logging.getLogger(__name__)

NotifyPrivately = Callable[[str, str], None]  # (user_id, text): a direct message, sent soon (mrkdwn)


class PrivateReply:
    """Replies where the command was typed, or else by direct message. Call it in the background."""

    def __init__(
        self,
        private_client: Callable[[str], WebhookClient],
        notify_privately: NotifyPrivately,
        safe_url: Callable[[str], str],
    ) -> None:
        """`safe_url` is the address if something may be posted to it, else nothing."""
        self._private_client = private_client
        self._notify_privately = notify_privately
        self._safe_url = safe_url

    def to(self, user_id: str, response_url: str) -> Callable[[str], None]:
        """Tells this person (mrkdwn). A failure is only logged."""
        return lambda words: self.send(user_id, response_url, words)

    def send(
        self, user_id: str, response_url: str, words: str, blocks: list[dict[str, Any]] | None = None
    ) -> None:
        """The same, with blocks where they can be shown."""
        if not self._in_place(response_url, words, blocks):
            self._notify_privately(user_id, words)

    def _in_place(self, response_url: str, words: str, blocks: list[dict[str, Any]] | None) -> bool:
        url = self._safe_url(response_url)
        if not url:
            return False
        try:
            answer = self._private_client(url).send(
                text=words, blocks=blocks or None, response_type="ephemeral", replace_original=False
            )
        except SLACK_ERRORS as error:
            log.info(
                "could not reply where it was asked for, sending a direct message: %s", problem_of(error)
            )
            return False
        return answer.status_code == 200
