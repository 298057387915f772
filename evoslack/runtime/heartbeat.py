"""Notices when the whole process was paused: stopped, suspended, or starved of CPU.

Requests wait unread during a pause. A receiver that reads one asks here how long it may have waited.
"""

from __future__ import annotations

import logging
import threading

from evoslack.runtime.clock import Clock, Moment

log = logging.getLogger(__name__)

BEAT_EVERY_S = 0.1
# A longer time without a beat is a pause. Shorter ones go unnoticed, so this and the time for an answer must
# stay below Slack's three seconds together (see `calling.arrival`).
PAUSED_S = 0.3
LOGGED_S = 1.0  # shorter pauses are normal on a busy machine
WAITED_S = 0.5  # what is read this soon after a pause may have waited through it


class Heartbeat:
    """Beats in its own thread, by both clocks of the machine: suspending it may stop one."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._last = self._clock.moment()
        self._still: tuple[Moment, Moment] | None = None  # the last pause, from and until
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Start beating."""
        self._last = self._clock.moment()
        self._thread.start()

    def stop(self) -> None:
        """Stop beating."""
        self._stopping.set()

    def beat(self) -> None:
        """Note that the process runs."""
        with self._lock:
            last, self._last = self._last, self._clock.moment()
            gap_s = _between_s(last, self._last)
            if gap_s > PAUSED_S:
                began = last
                if self._still is not None and _between_s(self._still[1], last) < WAITED_S:
                    began = self._still[0]  # what waited through the previous pause may still be unread
                self._still = began, self._last
        if gap_s > LOGGED_S:
            log.warning(
                "EvoSlack was paused for %.1f s; requests that arrived meanwhile count as late", gap_s
            )

    @property
    def silent_s(self) -> float:
        """Seconds since the last beat."""
        return self._clock.moment().monotonic_s - self._last.monotonic_s

    def waited_s(self) -> float:
        """How many seconds a request that is read now may have waited because the process was paused."""
        now = self._clock.moment()
        with self._lock:
            is_still = _between_s(self._last, now) > PAUSED_S  # it is only just resuming
            if self._still is not None:
                began, ended = self._still
                if _between_s(ended, self._last if is_still else now) < WAITED_S:
                    return _between_s(began, now)
            return _between_s(self._last, now) if is_still else 0.0

    def _run(self) -> None:
        while not self._stopping.wait(BEAT_EVERY_S):
            self.beat()


def _between_s(one: Moment, other: Moment) -> float:
    return max(other.monotonic_s - one.monotonic_s, other.wall_s - one.wall_s)
