"""How fast Slack lets us write: as fast as we like until it says 429, then everybody queues.

The one that was refused waits as long as Slack asked; whoever comes meanwhile gets a later turn, one after
the other, so that the queue moves at the speed that Slack promises and nobody knocks in vain.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta


class Pace:
    """The queue for one method of the Web API; `every_s` is the speed that Slack promises (slack-facts 8)."""

    def __init__(self, every_s: float, now: Callable[[], datetime]) -> None:
        self._every = timedelta(seconds=every_s)
        self._now = now
        self._next_turn: datetime | None = None
        self._last_write: datetime | None = None
        self._lock = threading.Lock()

    def turn_s(self) -> float:
        """Seconds until one's turn; 0.0: now. Whoever is told to wait has that turn, without asking again."""
        with self._lock:
            now = self._now()
            if self._next_turn is None or self._next_turn <= now:
                self._next_turn, self._last_write = None, now
                return 0.0
            return self._take(now)

    def slot_s(self) -> float:
        """For whoever's turn has come: seconds until the one before is far enough away; 0.0: now.

        Turns are a little apart on paper; those that come late would else meet the next ones.
        """
        with self._lock:
            now = self._now()
            free_at = now if self._last_write is None else self._last_write + self._every
            if now < free_at <= now + self._every:
                return (free_at - now).total_seconds()
            self._last_write = now
            return 0.0

    def refused_s(self, pause_s: float) -> float:
        """Slack refused and asked for a pause: seconds until another turn, behind everybody who waits."""
        with self._lock:
            now = self._now()
            after = now + timedelta(seconds=pause_s)
            self._next_turn = max(after, self._next_turn or after)
            return self._take(now)

    def _take(self, now: datetime) -> float:
        turn = self._next_turn or now
        self._next_turn = turn + self._every
        return (turn - now).total_seconds()
