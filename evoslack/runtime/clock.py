"""The bot's sense of time: what time it is, and how long something took.

Two clocks are read. The wall clock says what time it is, and an administrator, NTP or a suspended machine
can make it jump. The monotonic clock only counts on. Everything that is written down or waited for uses
`now`: the wall clock of the start (or the database's), counted on by the monotonic clock. So a step of the
wall clock moves no lease, no pause and no deadline; `now` follows it slowly, and a line in the log says so.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

log = logging.getLogger(__name__)

STEP_S = 5.0  # by which a reference may differ from `now` before it is called a step
FOLLOWS_S = 1.0  # that `now` moves at most in one adjustment
TRUSTED_AFTER_S = 3600.0  # the clocks must have agreed for so long before anything old is deleted


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
        self._base = self.moment()  # `now` counts on from here
        self._trusted_from_s = self._base.monotonic_s
        self._off_s = 0.0  # how far the reference was from `now` when it was looked at last

    def now(self) -> datetime:
        """The time as it is written down: aware UTC, and without jumps."""
        base = self._base
        return datetime.fromtimestamp(base.wall_s + self._monotonic_s() - base.monotonic_s, UTC)

    def wall(self) -> datetime:
        """What the wall clock says, jumps and all."""
        return self._wall()

    def moment(self) -> Moment:
        """This moment on both clocks."""
        return Moment(self._monotonic_s(), self._wall().timestamp())

    def elapsed_s(self, since: Moment) -> float:
        """Seconds since that moment, by whichever clock says more: a suspended machine may stop one."""
        now = self.moment()
        return max(now.monotonic_s - since.monotonic_s, now.wall_s - since.wall_s)

    def set(self, reference: datetime) -> None:
        """Count on from that time, as of now. For the start."""
        self._base = Moment(self._monotonic_s(), reference.timestamp())

    def follow(self, reference: datetime | None = None) -> None:
        """Move `now` a little towards a reference: the database's time, or this machine's wall clock.

        To be called every ten seconds or so. A step of the reference is logged, once.
        """
        wanted = self._wall() if reference is None else reference
        off_s = (wanted - self.now()).total_seconds()
        if abs(off_s) > STEP_S:
            self._trusted_from_s = self._monotonic_s()
        if abs(off_s - self._off_s) > STEP_S:
            log.warning(
                "the %s clock was moved %s by %.0f s. EvoSlack counts on and follows it slowly, one second "
                "in ten; restart EvoSlack to take the new time at once",
                "system" if reference is None else "database's",
                "forward" if off_s > self._off_s else "back",
                abs(off_s - self._off_s),
            )
        moved_s = max(-FOLLOWS_S, min(off_s, FOLLOWS_S))
        self._off_s = off_s - moved_s
        self._base = Moment(self._base.monotonic_s, self._base.wall_s + moved_s)

    def is_trusted(self) -> bool:
        """Whether the clocks have agreed for an hour, so that what is old by them is old."""
        return self._monotonic_s() - self._trusted_from_s >= TRUSTED_AFTER_S
