"""The threads that bring rows one step further: dialling, telling, sweeping.

A crew repeats one step as long as the step finds work, then waits to be woken or for the next look.
The rows are the queue, so nothing is lost when nobody looks.
"""

from __future__ import annotations

import contextlib
import logging
import math
import queue
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)


class Crew:
    """`size` threads around one step."""

    def __init__(self, name: str, *, size: int, look_every_s: float) -> None:
        self._name = name
        self._step: Callable[[], bool] = lambda: False
        self._look_every_s = look_every_s
        self._stopping = threading.Event()
        self._leave_nothing = False
        self._trouble = ""  # the last one that was logged
        self._nudges: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._alarm_s = math.inf  # when somebody wants a look, by the monotonic clock
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True)
            for number in range(1, size + 1)
        ]

    @property
    def name(self) -> str:
        """What this crew does, for logs."""
        return self._name

    @property
    def is_alive(self) -> bool:
        """Whether every thread is still at it."""
        return all(thread.is_alive() for thread in self._threads)

    def start(self, step: Callable[[], bool]) -> None:
        """Begin with a first look at once. `step` returns whether it found something to do."""
        self._step = step
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """There may be work. Never blocks, never raises."""
        self._nudges.put(None)

    def wake_in(self, seconds: float) -> None:
        """There will be work then, for the step that calls this or for anybody who looks before."""
        self._alarm_s = min(self._alarm_s, time.monotonic() + seconds)

    def stop(self, within_s: float, *, leave_nothing: bool = False) -> bool:
        """Let running steps finish and take no new one; whether all threads ended in time.

        `leave_nothing`: go on until a step finds nothing to do.
        """
        self._leave_nothing = leave_nothing
        self._stopping.set()
        for _thread in self._threads:
            self._nudges.put(None)
        ends = time.monotonic() + within_s
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(ends - time.monotonic(), 0))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        while True:
            is_last_round = self._stopping.is_set()
            if is_last_round and not self._leave_nothing:
                return
            try:
                found = self._step()
            except Exception as error:  # noqa: BLE001 - logged by `_note`
                # The row stays where it is; the next look, or the sweep, repairs it.
                self._note(error)
                found = False
            else:
                self._trouble = ""
            if is_last_round and not found:
                return
            if not found and not self._stopping.is_set():
                self._rest()

    def _note(self, error: Exception) -> None:
        """Each trouble once, whole; while the database is away, everybody meets it every two seconds."""
        trouble = f"{type(error).__name__}: {error}"
        if trouble != self._trouble:
            log.error("%s: a step broke", self._name, exc_info=error)
        self._trouble = trouble

    def _rest(self) -> None:
        alarm_s = self._alarm_s
        pause_s = min(self._look_every_s, max(alarm_s - time.monotonic(), 0.0))
        with contextlib.suppress(queue.Empty):
            self._nudges.get(timeout=pause_s)
        if self._alarm_s == alarm_s <= time.monotonic():
            self._alarm_s = math.inf
