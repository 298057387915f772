"""Knows who can read the channel of the cards.

People who cannot read it are told privately, about placed calls too. While other companies can read it, the
cards hide the numbers.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from slack_sdk import WebClient

from evoslack.runtime.trouble_log import TroubleLog
from evoslack.slack.workspace import SLACK_ERRORS, items_in, object_in, problem_of

log = logging.getLogger(__name__)

REFRESH_AFTER_S = 300.0  # so it takes this long to notice that someone joined or left
RETRY_AFTER_S = 15.0  # when Slack did not answer
PAGE_SIZE = 1000

T = TypeVar("T")


class ChannelMembers:
    """Who can read one channel: everybody if it is public, else its members."""

    def __init__(
        self, client: WebClient, channel_id: str, *, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._channel_id = channel_id
        self._channel = _Cached(self._read_channel, f"checking who can read {channel_id}", clock_s)
        self._members = _Cached(self._read_members, f"reading the members of {channel_id}", clock_s)
        self._logged_as_shared = False
        self._logging = threading.Lock()

    def includes(self, user_id: str) -> bool:
        """Whether this person can read the cards. No if Slack does not say: then they are told privately."""
        channel = self._channel.current()
        if channel is None:
            return False
        if not channel.get("is_private"):
            return True
        members = self._members.current()
        return members is not None and user_id in members

    def is_known(self) -> bool:
        """Whether Slack ever said who can read the cards."""
        return self._channel.latest() is not None

    def is_shared_externally(self) -> bool:
        """Whether other companies can read the cards, or are invited to. Yes until Slack says no."""
        channel = self._channel.latest()
        if channel is None:
            return True
        is_shared = is_shared_externally(channel)
        with self._logging:
            has_changed, self._logged_as_shared = is_shared != self._logged_as_shared, is_shared
        if has_changed:
            _log_sharing(self._channel_id, is_shared=is_shared)
        return is_shared

    def _read_channel(self) -> dict[str, Any]:
        return object_in(self._client.conversations_info(channel=self._channel_id), "channel")

    def _read_members(self) -> frozenset[str]:
        pages = self._client.conversations_members(channel=self._channel_id, limit=PAGE_SIZE)
        return frozenset(items_in(pages, "members"))


class _Cached(Generic[T]):
    """An answer from Slack, read again when it is old."""

    def __init__(self, read: Callable[[], T], what: str, clock_s: Callable[[], float]) -> None:
        self._read = read
        self._clock_s = clock_s
        self._found: T | None = None
        self._is_current = False
        self._good_until_s = float("-inf")
        self._trouble = TroubleLog(log, what)

    def current(self) -> T | None:
        """What Slack says, or None while it does not answer."""
        self.latest()
        return self._found if self._is_current else None

    def latest(self) -> T | None:
        """What Slack said last, or None if it never answered."""
        if self._clock_s() >= self._good_until_s:
            try:
                self._found = self._read()
            except SLACK_ERRORS as error:
                self._trouble.failed(problem_of(error))
                self._is_current, self._good_until_s = False, self._clock_s() + RETRY_AFTER_S
            else:
                self._trouble.worked()
                self._is_current, self._good_until_s = True, self._clock_s() + REFRESH_AFTER_S
        return self._found


def is_shared_externally(channel: dict[str, Any]) -> bool:
    """Whether another company is in this channel, or invited to it (slack-facts 9)."""
    return bool(channel.get("is_ext_shared") or channel.get("is_pending_ext_shared"))


def _log_sharing(channel_id: str, *, is_shared: bool) -> None:
    if is_shared:
        log.warning(
            "CALLS_CHANNEL %s is shared with other companies: its cards show only the last four digits of "
            "the numbers. Older cards are being edited, newest first. Stop sharing the channel, or choose "
            "another CALLS_CHANNEL, to show whole numbers.",
            channel_id,
        )
    else:
        log.warning(
            "CALLS_CHANNEL %s is no longer shared: new cards show whole numbers again, and older ones as "
            "soon as their call changes.",
            channel_id,
        )
