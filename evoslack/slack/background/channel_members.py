"""Who can read the channel of the cards.

Whoever cannot is told privately, also of a good call. When people of other companies can, the cards do not
show whom somebody called.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from slack_sdk import WebClient

from evoslack.slack.web_api import SlackUnanswered
from evoslack.slack.workspace import NO_ANSWER, object_in, problem_of

log = logging.getLogger(__name__)

REMEMBERED_S = 300.0  # somebody who joins or leaves is noticed after that
ASKED_AGAIN_S = 15.0  # while Slack does not say
PAGE = 1000

T = TypeVar("T")


class ChannelMembers:
    """The readers of one channel: everybody if it is public, else its members."""

    def __init__(
        self, client: WebClient, channel_id: str, *, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._channel_id = channel_id
        self._channel = _Remembered(self._read_channel, clock_s)
        self._members = _Remembered(self._read_members, clock_s)
        self._is_shared = False  # as it was said in the log
        self._saying = threading.Lock()

    def includes(self, user_id: str) -> bool:
        """Whether this person can read the cards; no when Slack does not say, so that they are told."""
        channel = self._channel.current()
        if channel is None:
            return False
        if not channel.get("is_private"):
            return True
        members = self._members.current()
        return members is not None and user_id in members

    def has_strangers(self) -> bool:
        """Whether other companies read along, or will as soon as they accept; yes until Slack says no."""
        channel = self._channel.latest()
        if channel is None:
            return True
        is_shared = is_shared_with_others(channel)
        with self._saying:
            is_news, self._is_shared = is_shared != self._is_shared, is_shared
        if is_news:
            _say(self._channel_id, is_shared=is_shared)
        return is_shared

    def _read_channel(self) -> dict[str, Any]:
        return object_in(self._client.conversations_info(channel=self._channel_id), "channel")

    def _read_members(self) -> frozenset[str]:
        members: set[str] = set()
        cursor: str | None = None
        while True:
            page = self._client.conversations_members(channel=self._channel_id, limit=PAGE, cursor=cursor)
            found = page.get("members")
            if not isinstance(found, list):
                raise SlackUnanswered("an answer without members")
            members.update(found)
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return frozenset(members)


class _Remembered(Generic[T]):
    """An answer of Slack's that is asked for again when it is old."""

    def __init__(self, read: Callable[[], T], clock_s: Callable[[], float]) -> None:
        self._read = read
        self._clock_s = clock_s
        self._found: T | None = None
        self._is_current = False
        self._good_until = float("-inf")
        self._trouble = ""  # the last one that was logged

    def current(self) -> T | None:
        """What Slack says, or None when it does not."""
        self.latest()
        return self._found if self._is_current else None

    def latest(self) -> T | None:
        """What Slack said last, or None when it never did."""
        if self._clock_s() >= self._good_until:
            try:
                self._found = self._read()
            except NO_ANSWER as error:
                if (problem := problem_of(error)) != self._trouble:
                    log.warning("who can read the cards is unknown: %s", problem)
                self._trouble = problem
                self._is_current, self._good_until = False, self._clock_s() + ASKED_AGAIN_S
            else:
                self._trouble = ""
                self._is_current, self._good_until = True, self._clock_s() + REMEMBERED_S
        return self._found


def is_shared_with_others(channel: dict[str, Any]) -> bool:
    """Whether another company is in this channel, or invited to it (slack-facts 9)."""
    return bool(channel.get("is_ext_shared") or channel.get("is_pending_ext_shared"))


def _say(channel_id: str, *, is_shared: bool) -> None:
    if is_shared:
        log.warning(
            "CALLS_CHANNEL %s is shared with other companies: cards hide the numbers called from now on; "
            "those of older cards stay. End the sharing, or choose another CALLS_CHANNEL.",
            channel_id,
        )
    else:
        log.warning("CALLS_CHANNEL %s is not shared any more: cards show the numbers again.", channel_id)
