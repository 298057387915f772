"""How far Slack's clock is from ours, so that the age of an HTTP request can be computed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from email.utils import parsedate_to_datetime

ROUNDING_S = 0.5  # Slack's times are whole seconds


class SlackTime:
    """Learns Slack's time from the Date header of its answers, and tells the age of its requests."""

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._began: float | None = None  # Slack's time when our monotonic clock read zero
        self._odd: float | None = None  # the same, by one answer that disagreed

    def note(self, date: str) -> None:
        """An answer with this Date header came just now. One that disagrees only counts when repeated."""
        try:
            began = parsedate_to_datetime(date).timestamp() - self._monotonic_s()
        except ValueError:
            return
        with self._lock:
            if self._began is None or any(
                known is not None and abs(began - known) < 2 for known in (self._began, self._odd)
            ):
                self._began, self._odd = began, None
            else:
                self._odd = began

    def ahead_s(self, wall_s: float) -> float | None:
        """How many seconds a clock that shows `wall_s` is ahead of Slack's; None if that is unknown."""
        if self._began is None:
            return None
        ahead_s = wall_s - (self._began + self._monotonic_s())
        return 0.0 if abs(ahead_s) <= 2 * ROUNDING_S else ahead_s

    def age_s(self, timestamp: str) -> float:
        """The least number of seconds since a request with this timestamp was sent; 0.0 if unknown."""
        if self._began is None:
            return 0.0
        return max(self._began + self._monotonic_s() - float(timestamp) - ROUNDING_S, 0.0)
