"""Runs what no listener can wait for, and never lets an error go silent.

Each kind of work has a pool of its own, so that exports that hang hold up exports and nothing else. Whoever
waits for work that breaks, or that the stop of the bot leaves undone, is told so.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from evoslack.slack.rendering import messages

log = logging.getLogger(__name__)

LAST_WORDS_S = 3.0  # for telling everybody whose work the stop left undone

Tell = Callable[[str], None]  # tells whoever waits (mrkdwn); may take a moment, and may fail


class Run(Protocol):
    """How work is handed over; see `Background.run`."""

    def __call__(self, work: Callable[[], None], tell: Tell | None = None) -> None: ...


@dataclass(eq=False, slots=True)
class _Job:
    work: Callable[[], None]
    tell: Tell | None
    is_told: bool = False


class BackgroundPool:
    """At most `size` threads that do one kind of work; `name` is for the log."""

    def __init__(self, name: str, *, size: int) -> None:
        self._name = name
        self._pool = ThreadPoolExecutor(size, thread_name_prefix=name)
        self._changed = threading.Condition()  # guards what follows
        self._jobs: set[_Job] = set()  # not finished yet
        self._is_stopped = False

    def run(self, work: Callable[[], None], tell: Tell | None = None) -> None:
        """Do it as soon as a thread is free. Never raises.

        If it raises, that is logged under a reference, and `tell` passes the reference on to whoever waits.
        After the stop only what nobody waits for is begun, because it is itself about to tell somebody.
        """
        job = _Job(work, tell)
        with self._changed:
            if not self._is_stopped:
                self._jobs.add(job)
                self._pool.submit(self._do, job)
                return
        last = (lambda: self._do(job)) if tell is None else (lambda: self._say(job, messages.STOPPED))
        threading.Thread(target=last, name=f"{self._name}-last", daemon=True).start()

    def stop(self, within_s: float) -> None:
        """Finish what was handed over, then tell those whose work is not done."""
        with self._changed:
            self._is_stopped = True
            self._changed.wait_for(lambda: not self._jobs, within_s)
            left = list(self._jobs)
        self._pool.shutdown(wait=False, cancel_futures=True)
        if not left:
            return
        log.warning("%s: the stop leaves %d undone", self._name, len(left))
        ends = time.monotonic() + LAST_WORDS_S
        last_words = [
            threading.Thread(target=self._say, args=[job, messages.STOPPED], daemon=True) for job in left
        ]
        for each in last_words:
            each.start()
        for each in last_words:
            each.join(max(ends - time.monotonic(), 0))

    def _do(self, job: _Job) -> None:
        try:
            job.work()
        except Exception:
            reference = messages.new_reference()
            log.exception("%s: it broke (reference %s)", self._name, reference)
            self._say(job, messages.broken(reference))
        finally:
            with self._changed:
                self._jobs.discard(job)
                self._changed.notify_all()

    def _say(self, job: _Job, words: str) -> None:
        """Tell whoever waits, once."""
        with self._changed:
            if job.tell is None or job.is_told:
                return
            job.is_told = True
        try:
            job.tell(words)
        except Exception:
            log.exception("%s: whoever waited for it could not be told", self._name)
