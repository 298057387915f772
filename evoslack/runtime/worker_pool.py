"""The threads that bring rows one step further: dialing, telling, sweeping.

A crew repeats one step as long as the step finds work, then waits to be woken or for the next look.
The rows are the queue, so nothing is lost when nobody looks.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable

from evoslack.runtime.trouble_log import OVER_AFTER_S, TroubleLog

log = logging.getLogger(__name__)

LONGEST_STEP_S = 60.0  # a call may be dialed for 30 s, and Slack is waited for in several requests


class WorkerPool:
    """`size` threads around one step.

    `longest_step_s`: a step that runs longer than this hangs, by `clock_s`, a monotonic clock.
    """

    def __init__(
        self,
        name: str,
        *,
        size: int,
        look_every_s: float,
        longest_step_s: float = LONGEST_STEP_S,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._step: Callable[[], bool] = lambda: False
        self._look_every_s = look_every_s
        self._longest_step_s = longest_step_s
        self._clock_s = clock_s
        self._troubles = TroubleLog(log, f"{name}: a step", over_after_s=OVER_AFTER_S, clock_s=clock_s)
        self._changed = threading.Condition()  # guards everything below
        self._is_stopping = self._leave_nothing = False
        self._wakes = 0  # looks that somebody wants and nobody has begun
        self._idle = 0  # threads that wait for a wake
        self._alarm_s = math.inf  # when somebody wants a look, by the monotonic clock
        self._running: dict[int, float] = {}  # since when each thread is in its step, by thread
        self._threads = [
            threading.Thread(target=self._work, args=[number], name=f"{name}-{number}", daemon=True)
            for number in range(1, size + 1)
        ]

    @property
    def name(self) -> str:
        """What this crew does, for logs."""
        return self._name

    @property
    def is_working(self) -> bool:
        """Whether every thread is still at it, and none hangs in its step."""
        return all(thread.is_alive() for thread in self._threads) and self.step_s <= self._longest_step_s

    @property
    def step_s(self) -> float:
        """For how many seconds the oldest of the running steps has been running; 0 if there is none."""
        with self._changed:
            began_s = min(self._running.values(), default=math.inf)
        return max(self._clock_s() - began_s, 0.0)

    def start(self, step: Callable[[], bool]) -> None:
        """Begin with a first look at once. `step` returns whether it found something to do."""
        self._step = step
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """There may be work: somebody begins a look after this. Never raises, never waits for a step."""
        with self._changed:
            # More wakes than threads ask for nothing new: each thread that looks goes on while it finds work.
            self._wakes = min(self._wakes + 1, len(self._threads))
            self._changed.notify()

    def wake_in(self, seconds: float) -> None:
        """There will be work then, for the step that calls this or for anybody who looks before."""
        with self._changed:
            self._alarm_s = min(self._alarm_s, time.monotonic() + seconds)

    def stop(self, within_s: float, *, leave_nothing: bool = False) -> bool:
        """Let running steps finish and take no new one; whether all threads ended in time.

        `leave_nothing`: go on until a step finds nothing to do.
        """
        with self._changed:
            self._leave_nothing = leave_nothing
            self._is_stopping = True
            self._changed.notify_all()
        ends = time.monotonic() + within_s
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(ends - time.monotonic(), 0))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self, number: int) -> None:
        found = False
        while True:
            with self._changed:
                is_last_round = self._is_stopping
                if is_last_round and not self._leave_nothing:
                    return
                if found and self._wakes > self._idle:  # this look is what a wake wants that nobody waits for
                    self._wakes -= 1
                self._running[number] = self._clock_s()
            found = self._one_step()
            with self._changed:
                del self._running[number]
            if is_last_round and not found:
                return
            if not found:
                self._rest()

    def _one_step(self) -> bool:
        try:
            found = self._step()
        except Exception as error:  # noqa: BLE001 - logged; the next look, or the sweep, repairs the row
            self._troubles.broke(error)
            return False
        self._troubles.worked()
        return found

    def _rest(self) -> None:
        """Wait for a wake, the alarm, the time of the next look, or the end."""
        with self._changed:
            alarm_s = self._alarm_s
            pause_s = min(self._look_every_s, max(alarm_s - time.monotonic(), 0.0))
            self._idle += 1
            self._changed.wait_for(lambda: self._wakes or self._is_stopping, pause_s)
            self._idle -= 1
            if self._wakes:
                self._wakes -= 1
            if self._alarm_s == alarm_s <= time.monotonic():
                self._alarm_s = math.inf
