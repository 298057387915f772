"""Asks a question that may hang, in the background, and remembers the answer for a few seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class LatestAnswer(Generic[T]):
    """Asks at most one question at a time, however many want to know, and at most every `fresh_s` seconds.

    `ask` must not raise. `clock_s` is a monotonic clock.
    """

    def __init__(
        self,
        name: str,
        ask: Callable[[], T],
        *,
        fresh_s: float,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._ask = ask
        self._fresh_s = fresh_s
        self._clock_s = clock_s
        self._changed = threading.Condition()  # guards what follows
        self._answers: list[T] = []  # the latest one, if there is one
        self._answered_s = 0.0  # when the latest answer came
        self._asking_since_s: float | None = None

    def get(self, within_s: float) -> T | None:
        """A fresh answer; None if it takes longer than `within_s` seconds. Safe from several threads."""
        with self._changed:
            if not self._is_fresh() and self._asking_since_s is None:
                self._asking_since_s = self._clock_s()
                threading.Thread(target=self._run, name=self._name, daemon=True).start()
            self._changed.wait_for(self._is_fresh, within_s)
            return self._answers[0] if self._is_fresh() else None

    @property
    def asking_s(self) -> float:
        """Seconds since the question was asked that is not answered yet; 0 if there is none."""
        with self._changed:
            return 0.0 if self._asking_since_s is None else self._clock_s() - self._asking_since_s

    def _is_fresh(self) -> bool:
        return bool(self._answers) and self._clock_s() - self._answered_s < self._fresh_s

    def _run(self) -> None:
        answers: list[T] = []
        try:
            answers = [self._ask()]
        finally:
            with self._changed:
                if answers:
                    # An answer that took longer than it stays fresh still counts for those who wait for it.
                    self._answers, self._answered_s = answers, self._clock_s()
                self._asking_since_s = None
                self._changed.notify_all()
