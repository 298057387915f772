"""Logs a lasting trouble once when it begins, with its traceback, and once in a line when it is over.

While a database is away, every thread fails every two seconds, and the same traceback ten thousand times
hides everything else in a log. One thread's success says little about the others, so a trouble is over when
nobody has met it for a while.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

OVER_AFTER_S = 60.0  # without meeting it; rows that failed are tried again within that
MOST_KINDS = 50  # remembered at once; messages are not ours, and may differ without end
_LONGEST_MESSAGE = 500  # characters of a message that tell one kind from another
_VARYING = re.compile(r"0x[0-9a-fA-F]+|[0-9]+")  # addresses, ports, times


@dataclass(slots=True)
class _Trouble:
    name: str
    last_s: float
    times: int = 1


class TroubleLog:
    """The troubles of one part of the program; threads share it.

    `what` begins each line. `clock_s` is a monotonic clock, in seconds.
    """

    def __init__(
        self,
        log: logging.Logger,
        what: str,
        *,
        over_after_s: float = OVER_AFTER_S,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._what = what
        self._over_after_s = over_after_s
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._troubles: dict[str, _Trouble] = {}  # by kind, the one met last at the end

    def broke(self, error: Exception) -> None:
        """Something went wrong; logged unless this kind of trouble is going on already."""
        kind = _kind_of(error)
        with self._lock:
            known = self._troubles.pop(kind, None)
            trouble = known or _Trouble(type(error).__name__, 0.0, 0)
            trouble.last_s = self._clock_s()
            trouble.times += 1
            self._troubles[kind] = trouble
            if len(self._troubles) > MOST_KINDS:
                del self._troubles[next(iter(self._troubles))]
        if known is None:
            self._log.error("%s broke; not logged again until it is over", self._what, exc_info=error)

    def went_well(self) -> None:
        """Something went right: a trouble that nobody met for a while is over."""
        if not self._troubles:  # nearly always; whoever looks a moment too early looks again
            return
        with self._lock:
            quiet_since_s = self._clock_s() - self._over_after_s
            over = [kind for kind, trouble in self._troubles.items() if trouble.last_s <= quiet_since_s]
            ended = [self._troubles.pop(kind) for kind in over]
        for trouble in ended:
            self._log.warning(
                "%s works again: no %s for %.0f s (it happened %d times)",
                self._what,
                trouble.name,
                self._over_after_s,
                trouble.times,
            )


def _kind_of(error: Exception) -> str:
    return f"{type(error).__qualname__}: {_VARYING.sub('#', str(error)[:_LONGEST_MESSAGE])}"
