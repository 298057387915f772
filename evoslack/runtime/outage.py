"""One known trouble that many threads meet at the same time, such as a database that is away.

Every thread that meets it says so here. The log gets one line when it begins and one when it is over, and
`state` tells what has to act on it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OutageState:
    """`began_s` is when it began (None: there is none), `worked_s` when it last worked (None: not yet).

    Both are seconds of a monotonic clock.
    """

    began_s: float | None
    worked_s: float | None
    problem: str = ""


class Outage:
    """Safe from several threads. `began` and `over` begin the two lines in the log.

    It is over when something worked, but not before `quiet_s` seconds without a failure: a database that
    fails now and then is one trouble, not many.
    """

    def __init__(
        self, began: str, over: str, *, quiet_s: float = 0.0, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._began, self._over = began, over
        self._quiet_s = quiet_s
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._state = OutageState(None, None)
        self._failures, self._failed_s = 0, 0.0

    @property
    def state(self) -> OutageState:
        """As it is now."""
        return self._state

    def failed(self, problem: str, *, level: int = logging.ERROR) -> None:
        """A thread met it. Logged if it begins with that."""
        with self._lock:
            now_s, before = self._clock_s(), self._state
            self._failed_s, self._failures = now_s, self._failures + 1
            if before.began_s is None:
                self._state = OutageState(now_s, before.worked_s, problem)
        if before.began_s is None:
            log.log(level, "%s: %s", self._began, problem)

    def worked(self) -> None:
        """Something worked. Logged if it is over by that."""
        with self._lock:
            now_s, before = self._clock_s(), self._state
            if before.began_s is not None and now_s - self._failed_s < self._quiet_s:
                return
            self._state = OutageState(None, now_s)
            failures, self._failures = self._failures, 0
        if before.began_s is not None:
            lasted_s = now_s - before.began_s
            log.warning("%s after %.0f s; failures: %d (%s)", self._over, lasted_s, failures, before.problem)
