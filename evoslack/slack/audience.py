"""Who can read the channel of the cards. Whoever cannot is told privately, also of a good call."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from slack_sdk import WebClient

from evoslack.slack.workspace import NO_ANSWER, problem_of

log = logging.getLogger(__name__)

REMEMBERED_S = 300.0  # somebody who joins or leaves is noticed after that
PAGE = 1000


class Audience:
    """The readers of one channel: everybody if it is public, else its members."""

    def __init__(
        self, client: WebClient, channel_id: str, *, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._channel_id = channel_id
        self._clock_s = clock_s
        self._members: frozenset[str] | None = None  # None: everybody
        self._known_until = 0.0

    def includes(self, user_id: str) -> bool:
        """Whether this person can read the cards; no when Slack does not say, so that they are told."""
        if self._clock_s() >= self._known_until:
            try:
                self._members = self._read()
            except NO_ANSWER as error:
                log.warning("who can read the cards is unknown: %s", problem_of(error))
                return False
            self._known_until = self._clock_s() + REMEMBERED_S
        return self._members is None or user_id in self._members

    def _read(self) -> frozenset[str] | None:
        channel = self._client.conversations_info(channel=self._channel_id)["channel"]
        if not channel.get("is_private"):
            return None
        members: set[str] = set()
        cursor: str | None = None
        while True:
            page = self._client.conversations_members(channel=self._channel_id, limit=PAGE, cursor=cursor)
            members.update(page["members"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return frozenset(members)
