"""Threads that repeat one step, such as working on rows that are due.

A pool repeats its step as long as the step finds work, then sleeps until it is woken or polls again. The
rows are the queue, so a missed wake-up delays work and loses none.
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
    """`size` threads that repeat one step.

    They run it when woken, and one of them every `poll_every_s` seconds at least. A step that runs longer
    than `longest_step_s` counts as hanging. `clock_s` is a monotonic clock. `is_outage` notes an error that
    other pools meet as well, such as a database that is away, and says so; it is not logged here then.
    """

    def __init__(
        self,
        name: str,
        *,
        size: int,
        poll_every_s: float,
        longest_step_s: float = LONGEST_STEP_S,
        clock_s: Callable[[], float] = time.monotonic,
        is_outage: Callable[[Exception], bool] = lambda _error: False,
    ) -> None:
        self._name = name
        self._is_outage = is_outage
        self._step: Callable[[], bool] = lambda: False
        self._poll_every_s = poll_every_s
        self._longest_step_s = longest_step_s
        self._clock_s = clock_s
        self._troubles = TroubleLog(log, f"{name}: a step", over_after_s=OVER_AFTER_S, clock_s=clock_s)
        self._changed = threading.Condition()  # guards everything below
        self._is_stopping = self._finish_all = False
        self._wakes = 0  # wake-ups that no thread has answered with a step yet
        self._idle = 0  # threads that wait for a wake-up
        self._alarm_s = math.inf  # when a step is wanted, by `time.monotonic`
        self._poll_s = 0.0  # when the next step is wanted at the latest
        self._timer_s = math.inf  # when the timer of an idle thread ends; the others have none
        self._running: dict[int, float] = {}  # by thread number: when its current step began
        self._threads = [
            threading.Thread(target=self._work, args=[number], name=f"{name}-{number}", daemon=True)
            for number in range(1, size + 1)
        ]

    @property
    def name(self) -> str:
        """What this pool does, for the log and `/healthz`."""
        return self._name

    @property
    def is_working(self) -> bool:
        """Whether every thread is alive and none hangs in its step."""
        return self.has_all_threads and self.step_s <= self._longest_step_s

    @property
    def has_all_threads(self) -> bool:
        """Whether every thread is alive, whatever it does."""
        return all(thread.is_alive() for thread in self._threads)

    @property
    def step_s(self) -> float:
        """How many seconds the oldest running step has taken so far; 0 if none runs."""
        with self._changed:
            began_s = min(self._running.values(), default=math.inf)
        return max(self._clock_s() - began_s, 0.0)

    def start(self, step: Callable[[], bool]) -> None:
        """Start the threads; the first step runs at once. `step` returns whether it found work."""
        self._step = step
        self._poll_s = time.monotonic() + self._poll_every_s
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """There may be work: a step begins after this call. Never raises, never waits for a step."""
        with self._changed:
            # More wake-ups than threads add nothing: each thread repeats its step while it finds work.
            self._wakes = min(self._wakes + 1, len(self._threads))
            self._changed.notify()

    def wake_in(self, seconds: float) -> None:
        """There will be work in that many seconds, unless an earlier step does it."""
        with self._changed:
            self._alarm_s = min(self._alarm_s, time.monotonic() + seconds)
            if self._alarm_s < self._timer_s:
                self._changed.notify()  # that thread sets its timer

    def stop(self, within_s: float, *, finish_all: bool = False) -> bool:
        """Let running steps finish and begin no new one. Returns whether all threads ended in time.

        `finish_all`: repeat the step until it finds no work.
        """
        with self._changed:
            self._finish_all = finish_all
            self._is_stopping = True
            self._changed.notify_all()
        ends = time.monotonic() + within_s
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(ends - time.monotonic(), 0))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self, number: int) -> None:
        found = is_poll = False
        while True:
            with self._changed:
                is_last_round = self._is_stopping
                if is_last_round and not self._finish_all:
                    return
                if (
                    found and self._wakes > self._idle
                ):  # no thread waits for that wake-up; this step answers it
                    self._wakes -= 1
                self._running[number] = self._clock_s()
            found = self._one_step()
            with self._changed:
                del self._running[number]
            if is_last_round and not found:
                return
            if not found:
                is_poll = self._rest()
            elif is_poll:
                self.wake()  # nobody announced this work, so there may be more

    def _one_step(self) -> bool:
        try:
            found = self._step()
        except Exception as error:  # noqa: BLE001 - logged; the next step, or the sweep, repairs the row
            if not self._is_outage(error):
                self._troubles.broke(error)
            return False
        self._troubles.worked()
        return found

    def _rest(self) -> bool:
        """Wait for a wake-up, the alarm, the next poll, or the stop. Returns whether it was the time."""
        with self._changed:
            self._idle += 1
            while not self._wakes and not self._is_stopping and self._due_s() > time.monotonic():
                self._sleep()
            self._idle -= 1
            is_time = not self._wakes
            if self._wakes:
                self._wakes -= 1
            now_s = time.monotonic()
            if self._alarm_s <= now_s:
                self._alarm_s = math.inf
            self._poll_s = now_s + self._poll_every_s  # the step that begins now is this one's
            if self._timer_s == math.inf:
                self._changed.notify()  # another idle thread keeps the time from here on
            return is_time

    def _due_s(self) -> float:
        return min(self._alarm_s, self._poll_s)

    def _sleep(self) -> None:
        """One idle thread keeps the time for all: a poll wakes one thread and not the whole pool."""
        due_s = self._due_s()
        if due_s >= self._timer_s:
            self._changed.wait()
            return
        self._timer_s = due_s
        self._changed.wait(max(due_s - time.monotonic(), 0.0))
        if self._timer_s == due_s:
            self._timer_s = math.inf
