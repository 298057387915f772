"""One connection for all threads, handed on in the order in which they asked for it.

SQLAlchemy's own pool lets a thread that has just given the connection back take it again before one that has
been waiting. A thread with a lot to read could so keep a press waiting until it fails.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import Any

import sqlalchemy as sa

# SQLAlchemy logs how pools come and go; as this one is ours, it would do so among our own lines.
logging.getLogger(f"{__name__}.FairPool").setLevel(logging.WARNING)


class FairLock:
    """A lock that threads get in the order in which they asked."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._is_taken = False
        self._waiting: deque[threading.Event] = deque()

    def acquire(self, timeout_s: float) -> bool:
        """Whether the lock was taken within that time."""
        with self._guard:
            if not self._is_taken:
                self._is_taken = True
                return True
            mine = threading.Event()
            self._waiting.append(mine)
        if mine.wait(timeout_s):
            return True
        with self._guard:
            if mine.is_set():  # handed over right now
                return True
            self._waiting.remove(mine)
        return False

    def release(self) -> None:
        """Hand the lock to the thread that has waited the longest."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._is_taken = False


class FairPool(sa.QueuePool):
    """A `QueuePool` of one connection whose threads take turns."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._turns = FairLock()

    def _do_get(self) -> Any:
        if not self._turns.acquire(self._timeout):
            raise sa.exc.TimeoutError(f"the connection was not free within {self._timeout} seconds")
        try:
            return super()._do_get()
        except BaseException:
            self._turns.release()
            raise

    def _do_return_conn(self, record: Any) -> None:
        try:
            super()._do_return_conn(record)
        finally:
            self._turns.release()
