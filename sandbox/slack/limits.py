"""Slack's rate limits (slack-facts 8). Call it with the team's lock held."""

from __future__ import annotations

import math
import time
from collections import deque


class RateLimited(Exception):
    """HTTP 429 with Retry-After, in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"retry after {retry_after} s")
        self.retry_after = max(1, math.ceil(retry_after))


class Limits:
    """Rate limits for messages; None: no limit."""

    def __init__(self) -> None:
        self.posts_per_s: float | None = None  # in one channel
        self.updates_per_min: float | None = None  # in the whole workspace
        self.rejections = 0  # how many requests got a 429
        self._last_post: dict[str, float] = {}
        self._updates: deque[float] = deque()  # of the last minute

    def post(self, channel_id: str) -> None:
        """Count a new message. Raises RateLimited."""
        if self.posts_per_s is None:
            return
        now = time.monotonic()
        if now - self._last_post.get(channel_id, float("-inf")) < 1 / self.posts_per_s:
            self.rejections += 1
            raise RateLimited(1 / self.posts_per_s)
        self._last_post[channel_id] = now

    def update(self) -> None:
        """Count an edit. Raises RateLimited."""
        if self.updates_per_min is None:
            return
        now = time.monotonic()
        while self._updates and self._updates[0] <= now - 60:
            self._updates.popleft()
        if len(self._updates) >= self.updates_per_min:
            self.rejections += 1
            raise RateLimited(self._updates[0] + 60 - now)
        self._updates.append(now)
