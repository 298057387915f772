"""What time it is, and how long something took.

Two clocks are read. The wall clock tells the time, and an administrator, NTP or a suspended machine can make
it jump. The monotonic clock only counts. Everything that is stored or waited for uses `now`: the wall clock
at the start (or the database's), advanced by the monotonic clock. So a step of the wall clock moves no
lease, pause or deadline; `now` follows it slowly, and the log says so.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

log = logging.getLogger(__name__)

STEP_S = 5.0  # a reference that differs from `now` by more than this was stepped
FOLLOWS_S = 1.0  # the most that `now` moves in one adjustment
TRUSTED_AFTER_S = 3600.0  # how long the clocks must agree before old rows are deleted


def counting_s() -> float:
    """Seconds on a monotonic clock that keeps counting while the machine is suspended."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.clock_gettime(time.CLOCK_MONOTONIC)  # macOS: counts through sleep, unlike time.monotonic


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time on both clocks, in seconds."""

    monotonic_s: float
    wall_s: float


class Clock:
    """Safe from several threads. `wall` and `monotonic_s` are the machine's two clocks."""

    def __init__(
        self,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic_s: Callable[[], float] = counting_s,
    ) -> None:
        self._wall = wall
        self._monotonic_s = monotonic_s
        self._base = self.moment()  # `now` counts from here
        self._trusted_from_s = self._base.monotonic_s
        self._off_s = 0.0  # how far the reference was from `now` at the last adjustment

    def now(self) -> datetime:
        """The current time for everything that is stored: aware UTC, without jumps."""
        base = self._base
        return datetime.fromtimestamp(base.wall_s + self._monotonic_s() - base.monotonic_s, UTC)

    def possible(self) -> tuple[datetime, ...]:
        """What time it may be: `now`, and the reference if `now` is still far from it."""
        now, off_s = self.now(), self._off_s
        return (now,) if abs(off_s) <= STEP_S else (now, now + timedelta(seconds=off_s))

    def wall(self) -> datetime:
        """What the wall clock says, with its jumps."""
        return self._wall()

    def moment(self) -> Moment:
        """The current moment on both clocks."""
        return Moment(self._monotonic_s(), self._wall().timestamp())

    def elapsed_s(self, since: Moment) -> float:
        """Seconds since that moment, by the clock that says more: a suspended machine may stop one."""
        now = self.moment()
        return max(now.monotonic_s - since.monotonic_s, now.wall_s - since.wall_s)

    def set(self, reference: datetime) -> None:
        """Take that time as the current one. For the start."""
        self._base = Moment(self._monotonic_s(), reference.timestamp())

    def follow(self, reference: datetime | None = None) -> None:
        """Move `now` a little toward a reference: the database's time, or this machine's wall clock.

        Call it about every ten seconds. A step of the reference is logged once.
        """
        wanted = self._wall() if reference is None else reference
        off_s = (wanted - self.now()).total_seconds()
        if abs(off_s) > STEP_S:
            self._trusted_from_s = self._monotonic_s()
        if abs(off_s - self._off_s) > STEP_S:
            log.warning(
                "the %s clock was moved %s by %.0f s. EvoSlack follows it slowly, one second in ten; restart "
                "EvoSlack to use the new time at once",
                "system" if reference is None else "database's",
                "forward" if off_s > self._off_s else "back",
                abs(off_s - self._off_s),
            )
        moved_s = max(-FOLLOWS_S, min(off_s, FOLLOWS_S))
        self._off_s = off_s - moved_s
        self._base = Moment(self._base.monotonic_s, self._base.wall_s + moved_s)

    def is_trusted(self) -> bool:
        """Whether the clocks have agreed for an hour, so that a row that looks old is old."""
        return self._monotonic_s() - self._trusted_from_s >= TRUSTED_AFTER_S
