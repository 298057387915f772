"""Whether the ledger works, and what waits in it: asked at most every five seconds, never waited for long."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from evoslack.health.latest_answer import LatestAnswer
from evoslack.ledger.database_words import database_problem
from evoslack.ledger.health import LedgerCounts

FRESH_S = 5.0
REMEMBERED_S = 30.0  # a longer time without an answer interrupts a time in which it worked


@dataclass(frozen=True, slots=True)
class LedgerReading:
    """What the ledger said: counts, or else a problem in words."""

    counts: LedgerCounts | None
    problem: str = ""


class LedgerProbe:
    """`read` writes to the ledger and counts (see `LedgerHealth.read`); `now` is the time it is given."""

    def __init__(
        self,
        read: Callable[[datetime], LedgerCounts],
        now: Callable[[], datetime],
        *,
        fresh_s: float = FRESH_S,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._now = now
        self._clock_s = clock_s
        self._latest = LatestAnswer("ledger-health", self._ask, fresh_s=fresh_s, clock_s=clock_s)
        self._worked: tuple[float, float] | None = None  # since when and until when it was seen working

    def reading(self, within_s: float) -> LedgerReading:
        """What the ledger says now. A ledger that does not answer in time has a problem."""
        found = self._latest.get(within_s)
        if found is not None:
            return found
        hangs_s = max(self._latest.asking_s, within_s)
        return LedgerReading(None, f"The ledger has not answered for {hangs_s:.0f} s.")

    def worked_for_s(self) -> float:
        """For how many seconds the ledger has been seen working without a break; asks, and does not wait."""
        self._latest.get(0)
        worked = self._worked
        if worked is None or self._latest.asking_s > FRESH_S:
            return 0.0
        return worked[1] - worked[0]

    def _ask(self) -> LedgerReading:
        try:
            counts = self._read(self._now())
        except Exception as error:  # noqa: BLE001 - said in the answer
            self._worked = None
            return LedgerReading(None, f"The ledger cannot be written: {database_problem(error)}.")
        at_s, before = self._clock_s(), self._worked
        goes_on = before is not None and at_s - before[1] < REMEMBERED_S
        self._worked = (before[0] if goes_on and before is not None else at_s), at_s
        return LedgerReading(counts)
