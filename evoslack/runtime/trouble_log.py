"""Logs a lasting trouble once when it begins and once when it is over.

While a database is down, every thread fails every two seconds, and ten thousand copies of one traceback hide
everything else in the log.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

OVER_AFTER_S = 60.0  # for worker pools, which retry a failed row within that time
MOST_PROBLEMS = 50  # remembered at once; other people's messages may vary without end
_LONGEST_MESSAGE = 500  # characters of an exception's message that tell one problem from another
_VARYING = re.compile(r"0x[0-9a-fA-F]+|[0-9]+")  # addresses, ports, times


@dataclass(slots=True)
class _Trouble:
    problem: str
    keys: set[str] = field(default_factory=set)  # what has this problem right now
    last_s: float = 0.0
    times: int = 0


class TroubleLog:
    """The troubles of one activity. Safe from several threads.

    `what` names the activity and begins each line: "polling calls failed: timed out". A `key` stands for one
    of several things that can fail on their own, such as an account; each has at most one problem at a time,
    and a problem that several share is logged once. A trouble is over when the last of its keys worked, but
    not before it has been quiet for `over_after_s` seconds of the monotonic `clock_s`.
    """

    def __init__(
        self,
        log: logging.Logger,
        what: str,
        *,
        over_after_s: float = 0.0,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._what = what
        self._over_after_s = over_after_s
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._troubles: dict[str, _Trouble] = {}  # by kind, the latest at the end

    def failed(self, problem: str, *, key: str = "", level: int = logging.WARNING, words: str = "") -> None:
        """It failed for a known reason; logged unless this problem is known already.

        `words` are logged in place of the problem, for what varies each time.
        """
        with self._lock:
            for kind, trouble in list(self._troubles.items()):
                if kind != problem and key in trouble.keys:
                    self._remove(kind, key)  # it has another problem now
            is_new = self._add(problem, problem, key)
        if is_new:
            self._log.log(level, "%s failed: %s", self._what, words or problem)

    def broke(self, error: Exception) -> None:
        """It raised what nobody expected; logged with its traceback unless this kind is known already."""
        kind = f"{type(error).__qualname__}: {_VARYING.sub('#', str(error)[:_LONGEST_MESSAGE])}"
        with self._lock:
            is_new = self._add(kind, type(error).__name__, kind)
        if is_new:
            self._log.error(
                "%s failed unexpectedly; not logged again until it works", self._what, exc_info=error
            )

    def worked(self, key: str | None = None) -> None:
        """It worked, for `key` or (without one) for everything; what is over by that is logged."""
        if not self._troubles:  # nearly always; a trouble that begins right now is seen by the next success
            return
        with self._lock:
            quiet_since_s = self._clock_s() - self._over_after_s
            ended = [
                trouble
                for kind, trouble in list(self._troubles.items())
                if trouble.last_s <= quiet_since_s and self._remove(kind, key)
            ]
        for trouble in ended:
            self._log.warning("%s works again; failures: %d (%s)", self._what, trouble.times, trouble.problem)

    def _add(self, kind: str, problem: str, key: str) -> bool:
        """Remember this problem of that key. Returns whether the problem is new."""
        known = self._troubles.pop(kind, None)
        trouble = known or _Trouble(problem)
        trouble.keys.add(key)
        trouble.last_s = self._clock_s()
        trouble.times += 1
        self._troubles[kind] = trouble
        if len(self._troubles) > MOST_PROBLEMS:
            del self._troubles[next(iter(self._troubles))]
        return known is None

    def _remove(self, kind: str, key: str | None) -> bool:
        """Take that key, or every key, from this trouble. Returns whether that was the end of it."""
        keys = self._troubles[kind].keys
        if key is None:
            keys.clear()
        elif key in keys:
            keys.remove(key)
        else:
            return False
        if not keys:
            del self._troubles[kind]
        return not keys
