"""How much Slack takes before it answers 429 (slack-facts 8). Call it with the team's lock held."""

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
    """What may be set to be as strict as Slack; None: any number."""

    def __init__(self) -> None:
        self.posts_per_s: float | None = None  # in one channel
        self.updates_per_min: float | None = None  # of all messages together
        self.refused = 0  # how often that was too much
        self._last_post: dict[str, float] = {}
        self._updates: deque[float] = deque()  # of the last minute

    def post(self, channel_id: str) -> None:
        """Count a message that is about to be posted; raises RateLimited."""
        if self.posts_per_s is None:
            return
        now = time.monotonic()
        if now - self._last_post.get(channel_id, float("-inf")) < 1 / self.posts_per_s:
            self.refused += 1
            raise RateLimited(1 / self.posts_per_s)
        self._last_post[channel_id] = now

    def update(self) -> None:
        """Count a message that is about to be changed; raises RateLimited."""
        if self.updates_per_min is None:
            return
        now = time.monotonic()
        while self._updates and self._updates[0] <= now - 60:
            self._updates.popleft()
        if len(self._updates) >= self.updates_per_min:
            self.refused += 1
            raise RateLimited(self._updates[0] + 60 - now)
        self._updates.append(now)
