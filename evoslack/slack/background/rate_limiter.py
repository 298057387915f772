"""Keeps writes to a target within Slack's rate limit (slack-facts 8).

A target is a channel, a person, or all messages together. Cards go out as fast as they come until Slack
answers 429. From then on they queue: the rate-limited one waits as long as Slack asked, and each card that
comes meanwhile reserves a later slot. Direct messages are spaced from the start and reserve nothing: the
next one to a person also carries whatever else is waiting for them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

POST_INTERVAL_S = 1.1  # per channel or person; slightly slower than the rate Slack guarantees (slack-facts 8)


class RateLimiter:
    """The queues for one Web API method; `interval_s` is the time between two writes to the same target.

    A target is dropped once it is free and nothing waits for it.
    """

    def __init__(self, interval_s: float, now: Callable[[], datetime]) -> None:
        self._interval = timedelta(seconds=interval_s)
        self._now = now
        self._targets: dict[str, _Target] = {}
        self._lock = threading.Lock()

    @property
    def target_count(self) -> int:
        """How many targets are held in memory."""
        return len(self._targets)

    def reserve_s(self, name: str) -> float:
        """Seconds until the caller's slot; 0.0 means write now. A slot in the future stays reserved."""
        with self._lock:
            now = self._now()
            target = self._target(name, now)
            if target.next_slot is None or target.next_slot <= now:
                target.next_slot, target.last_write = None, now
                return 0.0
            return self._reserve(target, now)

    def spacing_s(self, name: str) -> float:
        """For a caller whose slot has come: seconds until the last write is far enough back; 0.0 means now.

        A caller that arrives late for its slot would otherwise collide with the next one.
        """
        with self._lock:
            now = self._now()
            target = self._target(name, now)
            free_at = target.last_write + self._interval
            if now < free_at <= now + self._interval:
                return (free_at - now).total_seconds()
            target.last_write = now
            return 0.0

    def acquire_s(self, name: str) -> float:
        """Seconds until the target is free; 0.0 means the caller has it now. Reserves nothing."""
        with self._lock:
            now = self._now()
            target = self._target(name, now)
            free_at = max(target.last_write + self._interval, target.paused_until)
            if now < free_at:
                return (free_at - now).total_seconds()
            target.last_write = now
            return 0.0

    def back_off_s(self, name: str, seconds: float) -> float:
        """Pause the target, as Slack asked; seconds until the caller's new slot, behind all who wait."""
        with self._lock:
            now = self._now()
            target = self._target(name, now)
            resumes_at = now + timedelta(seconds=seconds)
            target.paused_until = max(resumes_at, target.paused_until)
            target.next_slot = max(resumes_at, target.next_slot or resumes_at)
            return self._reserve(target, now)

    def _reserve(self, target: _Target, now: datetime) -> float:
        slot = target.next_slot or now
        target.next_slot = slot + self._interval
        return (slot - now).total_seconds()

    def _target(self, name: str, now: datetime) -> _Target:
        found = self._targets.get(name)
        if found is None:
            busy = {
                key: target for key, target in self._targets.items() if target.is_busy(now, self._interval)
            }
            found = busy[name] = _Target(now - self._interval)
            self._targets = busy
        return found


class _Target:
    """When one target was written to last, and when it may be written to again."""

    def __init__(self, long_ago: datetime) -> None:
        self.last_write = self.paused_until = long_ago
        self.next_slot: datetime | None = None

    def is_busy(self, now: datetime, interval: timedelta) -> bool:
        return max(self.last_write + interval, self.paused_until, self.next_slot or self.last_write) > now
