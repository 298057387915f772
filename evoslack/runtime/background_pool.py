"""Runs tasks whose starter cannot wait. No error is silent, and nobody waits in vain.

Each kind of task has a pool of its own, so that exports that hang delay exports and nothing else.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from evoslack.runtime.reference import new_reference

log = logging.getLogger(__name__)

TELL_STOPPED_S = 3.0  # for telling everyone whose task the stop cut short

Task = Callable[[], None]
Tell = Callable[[str], None]  # tells the person who waits (mrkdwn); may take a moment, and may fail
Run = Callable[[Task, Tell], None]  # `BackgroundPool.run`
T = TypeVar("T")


def answer_within(seconds: float, run: Run, question: Callable[[], T]) -> T | None:
    """The answer, asked for in the background; None if it takes longer or fails, which is logged there."""
    answers: list[T] = []
    is_over = threading.Event()

    def ask() -> None:
        answers.append(question())
        is_over.set()

    run(ask, lambda _words: is_over.set())
    is_over.wait(seconds)
    return answers[0] if answers else None


@dataclass(eq=False, slots=True)
class _Job:
    task: Task
    tell: Tell
    is_told: bool = False


class BackgroundPool:
    """At most `size` threads for one kind of task; `name` is for the log.

    `broken` gives the words for a task that raised, with the reference under which that was logged;
    `stopped` are the words for a task that the stop cut short.
    """

    def __init__(self, name: str, *, size: int, broken: Callable[[str], str], stopped: str) -> None:
        self._name = name
        self._broken = broken
        self._stopped = stopped
        self._pool = ThreadPoolExecutor(size, thread_name_prefix=name)
        self._changed = threading.Condition()  # guards what follows
        self._jobs: set[_Job] = set()  # not finished yet
        self._is_stopped = False

    def run(self, task: Task, tell: Tell) -> None:
        """Run the task as soon as a thread is free. Never raises.

        `tell` is called, once at most, if the task raises, or if it is not finished because the bot stopped.
        """
        job = _Job(task, tell)
        with self._changed:
            if not self._is_stopped:
                self._jobs.add(job)
                self._pool.submit(self._do, job)
                return
        self._tell_stopped([job])

    def stop(self, within_s: float) -> None:
        """Finish the tasks that were handed over within that time; tell those whose tasks are not done."""
        with self._changed:
            self._is_stopped = True
            self._changed.wait_for(lambda: not self._jobs, within_s)
            left = list(self._jobs)
        self._pool.shutdown(wait=False, cancel_futures=True)
        if not left:
            return
        log.warning("%s: %d tasks not done because EvoSlack stopped", self._name, len(left))
        ends = time.monotonic() + TELL_STOPPED_S
        for thread in self._tell_stopped(left):
            thread.join(max(ends - time.monotonic(), 0))

    def _do(self, job: _Job) -> None:
        try:
            job.task()
        except Exception:
            reference = new_reference()
            log.exception("%s: task failed (reference %s)", self._name, reference)
            self._tell(job, self._broken(reference))
        finally:
            with self._changed:
                self._jobs.discard(job)
                self._changed.notify_all()

    def _tell_stopped(self, jobs: list[_Job]) -> list[threading.Thread]:
        threads = [
            threading.Thread(
                target=self._tell, args=[job, self._stopped], name=f"{self._name}-stopped", daemon=True
            )
            for job in jobs
        ]
        for thread in threads:
            thread.start()
        return threads

    def _tell(self, job: _Job, words: str) -> None:
        """Tell the person who waits, once."""
        with self._changed:
            if job.is_told:
                return
            job.is_told = True
        try:
            job.tell(words)
        except Exception:
            log.exception("%s: could not tell the person who is waiting", self._name)
