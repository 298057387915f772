"""Tells one person something after the ack: where they typed or pressed, or else by direct message."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from evoslack.calling.arrival import Arrival
from evoslack.runtime.background_pool import Run, Tell
from evoslack.slack.payloads import Payload
from evoslack.slack.rendering import refusal_pages
from evoslack.slack.rendering.blocks import Block
from evoslack.slack.workspace import SLACK_ERRORS, problem_of

log = logging.getLogger(__name__)

TRIGGER_LIVES_S = 3.0  # slack-facts 2

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


@dataclass(frozen=True, slots=True)
class Trigger:
    """Lets the bot open one page for a person who just pressed something, for three seconds."""

    user_id: str
    id: str
    arrival: Arrival
    is_in_modal: bool = False  # it was pressed in a modal, so the page goes on top of that one

    @classmethod
    def of(cls, body: Payload, arrival: Arrival) -> Trigger:
        """The trigger of a button or a shortcut."""
        view = body.get("view")
        is_in_modal = isinstance(view, dict) and view.get("type") == "modal"
        return cls(str(body["user"]["id"]), str(body.get("trigger_id") or ""), arrival, is_in_modal)


def open_page(client: WebClient, trigger: Trigger, view: Block) -> bool:
    """Open a page for the person who pressed. False: it did not open, or nobody knows. Not in a listener."""
    if not trigger.id or trigger.arrival.age_s > TRIGGER_LIVES_S:
        return False
    show = client.views_push if trigger.is_in_modal else client.views_open
    try:
        show(trigger_id=trigger.id, view=view)
    except SLACK_ERRORS as error:
        log.warning("a page did not open, or Slack gave no answer: %s", problem_of(error))
        return False
    return True


class PageReply:
    """Answers a button where it was pressed: on a small page, or else by direct message.

    Opening a page takes Slack a moment, so `run` does it in the background. Without an answer from Slack the
    page may have opened, and the direct message says the same once more.
    """

    def __init__(self, client: WebClient, notify_privately: NotifyPrivately, run: Run) -> None:
        """`client` gives up quickly: a trigger lives three seconds."""
        self._client = client
        self._notify_privately = notify_privately
        self._run = run

    def to(self, trigger: Trigger, title: str) -> Tell:
        """Tells the person who pressed (mrkdwn), on a page with this title. Returns at once."""
        return lambda words: self._send(trigger, title, words)

    def _send(self, trigger: Trigger, title: str, words: str) -> None:
        def send() -> None:
            if not open_page(self._client, trigger, refusal_pages.page(words, title)):
                self._notify_privately(trigger.user_id, words)

        # If that breaks or the bot stops, these very words are sent.
        self._run(send, lambda _: self._notify_privately(trigger.user_id, words))
