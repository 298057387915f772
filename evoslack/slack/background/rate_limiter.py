"""How fast Slack lets us write to one target: a channel, a person, or everything together (slack-facts 8).

Cards go out as fast as they come until Slack answers 429, then they queue: the one that was refused waits as
long as Slack asked, and whoever comes meanwhile gets a later turn. Private messages keep the distance from
the start, and need no turns: whoever comes when the target is free takes along what else waits for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

POST_EVERY_S = 1.1  # to one channel or person; a little slower than Slack promises to take (slack-facts 8)


class RateLimiter:
    """The queues for one method of the Web API; `every_s` is the speed that Slack promises for each target.

    A target is forgotten as soon as it is free and nothing waits for it.
    """

    def __init__(self, every_s: float, now: Callable[[], datetime]) -> None:
        self._every = timedelta(seconds=every_s)
        self._now = now
        self._queues: dict[str, _Queue] = {}
        self._lock = threading.Lock()

    @property
    def targets(self) -> int:
        """How many targets are remembered."""
        return len(self._queues)

    def turn_s(self, target: str) -> float:
        """Seconds until one's turn; 0.0: now. Whoever is told to wait has that turn, without asking again."""
        with self._lock:
            now = self._now()
            queue = self._queue(target, now)
            if queue.next_turn is None or queue.next_turn <= now:
                queue.next_turn, queue.last_write = None, now
                return 0.0
            return self._take(queue, now)

    def slot_s(self, target: str) -> float:
        """For whoever's turn has come: seconds until the one before is far enough away; 0.0: now.

        Turns are spaced slightly wider than the limit, but one that comes late would collide with the next.
        """
        with self._lock:
            now = self._now()
            queue = self._queue(target, now)
            free_at = queue.last_write + self._every
            if now < free_at <= now + self._every:
                return (free_at - now).total_seconds()
            queue.last_write = now
            return 0.0

    def free_s(self, target: str) -> float:
        """Seconds until the target takes another message; 0.0: now, and the caller has it. Takes no turn."""
        with self._lock:
            now = self._now()
            queue = self._queue(target, now)
            free_at = max(queue.last_write + self._every, queue.paused_until)
            if now < free_at:
                return (free_at - now).total_seconds()
            queue.last_write = now
            return 0.0

    def refused_s(self, target: str, pause_s: float) -> float:
        """Slack refused and asked for a pause: seconds until another turn, behind everybody who waits."""
        with self._lock:
            now = self._now()
            queue = self._queue(target, now)
            after = now + timedelta(seconds=pause_s)
            queue.paused_until = max(after, queue.paused_until)
            queue.next_turn = max(after, queue.next_turn or after)
            return self._take(queue, now)

    def _take(self, queue: _Queue, now: datetime) -> float:
        turn = queue.next_turn or now
        queue.next_turn = turn + self._every
        return (turn - now).total_seconds()

    def _queue(self, target: str, now: datetime) -> _Queue:
        found = self._queues.get(target)
        if found is None:
            busy = {name: queue for name, queue in self._queues.items() if queue.is_busy(now, self._every)}
            found = busy[target] = _Queue(now - self._every)
            self._queues = busy
        return found


class _Queue:
    """What is known of one target."""

    def __init__(self, before: datetime) -> None:
        self.last_write = self.paused_until = before
        self.next_turn: datetime | None = None

    def is_busy(self, now: datetime, every: timedelta) -> bool:
        return max(self.last_write + every, self.paused_until, self.next_turn or self.last_write) > now
