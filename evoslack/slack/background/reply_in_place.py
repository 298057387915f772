"""Replies where /call was typed, while the caller is likely to be there still."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from slack_sdk.webhook import WebhookClient

from evoslack.calling.call_log import fields_of
from evoslack.calling.calls import Call
from evoslack.slack.rendering.blocks import Block
from evoslack.slack.workspace import SLACK_ERRORS, problem_of

log = logging.getLogger(__name__)

# A reply where /call was typed is easily missed once the caller has moved on.
REPLY_WITHIN = timedelta(minutes=2)


class RepliesInPlace:
    """Sends them; a call whose reply failed gets no other."""

    def __init__(self, private_client: Callable[[str], WebhookClient], now: Callable[[], datetime]) -> None:
        self._private_client = private_client
        self._now = now
        self._failed: dict[str, datetime] = {}  # by call id

    def can_send(self, call: Call) -> bool:
        """Whether it makes sense to try."""
        is_recent = self._now() - call.accepted_at <= REPLY_WITHIN
        return bool(call.request.response_url) and is_recent and call.id not in self._failed

    def send(self, call: Call, text: str, blocks: list[Block]) -> bool:
        """Whether it went out; Slack accepts that for half an hour (slack-facts 1)."""
        try:
            client = self._private_client(call.request.response_url)
            answer = client.send(text=text, blocks=blocks, response_type="ephemeral")
            problem = "" if answer.status_code == 200 else f"status {answer.status_code}"
        except SLACK_ERRORS as error:
            problem = problem_of(error)
        if problem:
            words = "call %s: no reply in place: %s; sending a direct message"
            log.info(words, call.id, problem, extra=fields_of(call))
            oldest = self._now() - REPLY_WITHIN
            recent = {call_id: at for call_id, at in self._failed.copy().items() if at > oldest}
            self._failed = recent | {call.id: self._now()}
        return not problem
