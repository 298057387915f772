"""Slack's clock, seen from ours, so that a request over HTTP can be told its age."""

from __future__ import annotations

import threading
from collections.abc import Callable
from email.utils import parsedate_to_datetime

ROUNDING_S = 0.5  # Slack's times are whole seconds


class SlackTime:
    """Slack's clock, seen from ours: from the Date of its answers to the age of its requests."""

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._began: float | None = None  # Slack's time at the zero of our monotonic clock
        self._odd: float | None = None  # what one answer said that did not agree

    def note(self, date: str) -> None:
        """An answer of Slack's came just now with this Date header; one that disagrees must come twice."""
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

    def age_s(self, timestamp: str) -> float:
        """How old a request with this timestamp is now, at least; 0.0 while nothing is known."""
        if self._began is None:
            return 0.0
        return max(self._began + self._monotonic_s() - float(timestamp) - ROUNDING_S, 0.0)
