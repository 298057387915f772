"""The bot's sense of time: what time it is, how long something took, and whether the process stood still.

Two clocks are read. The wall clock says what time it is, and an administrator, NTP or a suspended machine
can make it jump. The monotonic clock only counts on. Everything that is written down or waited for uses
`now`: the wall clock of the start (or the database's), counted on by the monotonic clock. So a step of the
wall clock moves no lease, no pause and no deadline; `now` follows it slowly, and a line in the log says so.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

log = logging.getLogger(__name__)

BEAT_EVERY_S = 0.1
STOOD_STILL_S = 1.0  # without a beat for so long, the process did not run
WAITED_S = 0.5  # what is read so soon after a standstill may have waited through it
STEP_S = 2.0  # by which the two clocks may differ between two beats before it is called a step
FOLLOWS_S = 1.0  # that `now` moves at most in one adjustment
AGREES_S = 5.0  # a difference that is no reason to distrust the clock
TRUSTED_AFTER_S = 3600.0  # both clocks must have agreed for so long before anything old is deleted


def counting_s() -> float:
    """Seconds on a clock that nobody can set, and that goes on while the machine is suspended."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.clock_gettime(time.CLOCK_MONOTONIC)  # macOS: counts through sleep, unlike time.monotonic


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment on both clocks, in seconds."""

    monotonic_s: float
    wall_s: float


class Clock:
    """Safe from several threads. `wall` and `monotonic_s` are the clocks of the machine."""

    def __init__(
        self,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic_s: Callable[[], float] = counting_s,
    ) -> None:
        self._wall = wall
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._last_beat = self.moment()
        self._base = self._last_beat  # `now` counts on from here
        self._still_from: Moment | None = None  # the last standstill: the beat before it,
        self._still_until_s = 0.0  # and when it was noticed
        self._trusted_from_s = self._last_beat.monotonic_s
        self._stopping = threading.Event()
        self._heart = threading.Thread(target=self._beat_on, name="heartbeat", daemon=True)

    def now(self) -> datetime:
        """The time as it is written down: aware UTC, and without jumps."""
        base = self._base
        return datetime.fromtimestamp(base.wall_s + self._monotonic_s() - base.monotonic_s, UTC)

    def moment(self) -> Moment:
        """This moment on both clocks."""
        return Moment(self._monotonic_s(), self._wall().timestamp())

    def elapsed_s(self, since: Moment) -> float:
        """Seconds since that moment, by whichever clock says more: a suspended machine may stop one."""
        now = self.moment()
        return max(now.monotonic_s - since.monotonic_s, now.wall_s - since.wall_s)

    def arrived(self) -> Moment:
        """When bytes that were read just now arrived, at the earliest.

        While the process stood still they may have waited; then it is the moment in which it stopped.
        """
        now = self.moment()
        with self._lock:
            if _gap_s(self._last_beat, now) > STOOD_STILL_S:
                return self._last_beat
            if self._still_from is not None and now.monotonic_s - self._still_until_s < WAITED_S:
                return self._still_from
        return now

    def beat(self) -> None:
        """Notice a standstill of the process and a step of the wall clock."""
        now = self.moment()
        with self._lock:
            last, self._last_beat = self._last_beat, now
            gap_s = _gap_s(last, now)
            if gap_s > STOOD_STILL_S:
                self._still_from, self._still_until_s = last, now.monotonic_s
            step_s = (now.wall_s - last.wall_s) - (now.monotonic_s - last.monotonic_s)
            if abs(step_s) > STEP_S:
                self._trusted_from_s = now.monotonic_s
        if abs(step_s) > STEP_S:
            log.warning(
                "the system clock was moved %s by %.0f s; EvoSlack counts on and follows slowly "
                "(one second in ten). Restart EvoSlack to take the new time at once",
                "forward" if step_s > 0 else "back",
                abs(step_s),
            )
        elif gap_s > STOOD_STILL_S:
            log.warning("EvoSlack stood still for %.1f s; what waited meanwhile counts as late", gap_s)

    def set(self, reference: datetime) -> None:
        """Count on from that time, as of now. For the start."""
        self._base = Moment(self._monotonic_s(), reference.timestamp())

    def follow(self, reference: datetime | None = None) -> None:
        """Move `now` a little towards a reference: the database's time, or this machine's wall clock."""
        wanted = self._wall() if reference is None else reference
        off_s = (wanted - self.now()).total_seconds()
        if abs(off_s) > AGREES_S:
            self._trusted_from_s = self._monotonic_s()
        moved_s = max(-FOLLOWS_S, min(off_s, FOLLOWS_S))
        self._base = Moment(self._base.monotonic_s, self._base.wall_s + moved_s)

    def is_trusted(self) -> bool:
        """Whether the clocks have agreed for an hour, so that what is old by them is old."""
        return self._monotonic_s() - self._trusted_from_s >= TRUSTED_AFTER_S

    def start(self) -> None:
        """Begin to beat."""
        self._heart.start()

    def stop(self) -> None:
        """Beat no more."""
        self._stopping.set()

    def _beat_on(self) -> None:
        while not self._stopping.wait(BEAT_EVERY_S):
            self.beat()


def _gap_s(one: Moment, other: Moment) -> float:
    return max(other.monotonic_s - one.monotonic_s, other.wall_s - one.wall_s)
