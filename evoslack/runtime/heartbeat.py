"""Notices when the whole process stood still: stopped, suspended, or starved of the processor.

While it does, requests wait unread. So whoever reads one asks here for how long it may have waited.
"""

from __future__ import annotations

import logging
import threading

from evoslack.runtime.clock import Clock, Moment

log = logging.getLogger(__name__)

BEAT_EVERY_S = 0.1
# Without a beat for so long, the process did not run. With the time for an answer it must stay below Slack's
# three seconds (see `slack.arrival`), as what is shorter is not noticed.
STOOD_STILL_S = 0.3
WORTH_SAYING_S = 1.0  # shorter ones are usual on a busy machine
WAITED_S = 0.5  # what is read so soon after a standstill may have waited through it


class Heartbeat:
    """Beats in a thread of its own, by the machine's two clocks: a suspended machine may stop one."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._last = self._clock.moment()
        self._still: tuple[Moment, Moment] | None = None  # the last standstill, from and until
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._last = self._clock.moment()
        self._thread.start()

    def stop(self) -> None:
        """Beat no more."""
        self._stopping.set()

    def beat(self) -> None:
        """The process runs."""
        with self._lock:
            last, self._last = self._last, self._clock.moment()
            gap_s = _between_s(last, self._last)
            if gap_s > STOOD_STILL_S:
                began = last
                if self._still is not None and _between_s(self._still[1], last) < WAITED_S:
                    began = self._still[0]  # what waited through the one before may still be unread
                self._still = began, self._last
        if gap_s > WORTH_SAYING_S:
            log.warning("EvoSlack stood still for %.1f s; what waited meanwhile counts as late", gap_s)

    def waited_s(self) -> float:
        """For how many seconds what is read just now may have waited because the process stood still."""
        now = self._clock.moment()
        with self._lock:
            is_still = _between_s(self._last, now) > STOOD_STILL_S  # it goes on only just now
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
