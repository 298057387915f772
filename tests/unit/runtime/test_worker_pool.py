"""A pool repeats its step for as long as there is work, and survives whatever a step does."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from evoslack.runtime.worker_pool import WorkerPool

SOON_S = 5.0  # for what happens at once
QUIET_S = 0.3  # in which nothing more happens
NEVER_S = 3600.0  # between polls, where only waking counts


class Work:
    """Jobs to be done one at a time, and what the pool did with them."""

    def __init__(self, *jobs: Callable[[], None]) -> None:
        self.jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        for job in jobs:
            self.jobs.put(job)
        self.changed = threading.Condition()
        self.steps = self.done = 0

    def step(self) -> bool:
        try:
            job = self.jobs.get_nowait()
        except queue.Empty:
            self._count("steps")
            return False
        self._count("steps")
        job()
        self._count("done")
        return True

    def _count(self, what: str) -> None:
        with self.changed:
            setattr(self, what, getattr(self, what) + 1)
            self.changed.notify_all()

    def wait_for(self, **least: int) -> None:
        with self.changed:
            reached = self.changed.wait_for(
                lambda: all(getattr(self, name) >= count for name, count in least.items()), SOON_S
            )
        assert reached, f"waited for {least}, got {self.steps} steps and {self.done} done"


class Gate:
    """A job that holds its thread until it is opened; `inside` says how many are held."""

    def __init__(self) -> None:
        self.is_open = False
        self.inside = 0
        self.changed = threading.Condition()

    def __call__(self) -> None:
        with self.changed:
            self.inside += 1
            self.changed.notify_all()
            assert self.changed.wait_for(lambda: self.is_open, SOON_S)

    def wait_until_inside(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.inside >= count, SOON_S)

    def open(self) -> None:
        with self.changed:
            self.is_open = True
            self.changed.notify_all()


class Watch:
    """A monotonic clock that only the test moves."""

    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


def nothing() -> None:
    """A job that is done at once."""


def broken() -> None:
    raise RuntimeError("a defect")


@pytest.fixture
def pools() -> Iterator[Callable[..., WorkerPool]]:
    made: list[WorkerPool] = []

    def make(size: int = 1, poll_every_s: float = NEVER_S, **more: Any) -> WorkerPool:
        made.append(WorkerPool("testing", size=size, poll_every_s=poll_every_s, **more))
        return made[-1]

    yield make
    for pool in made:
        pool.stop(within_s=SOON_S)


def test_work_that_waits_at_the_start_is_done_without_being_woken(pools: Callable[..., WorkerPool]) -> None:
    """What a crash left behind is not forgotten."""
    work = Work(*[nothing] * 100)

    pools().start(work.step)

    work.wait_for(done=100)


def test_a_pool_that_is_woken_runs_its_step_again(pools: Callable[..., WorkerPool]) -> None:
    work, pool = Work(), pools()
    pool.start(work.step)
    work.wait_for(steps=1)

    work.jobs.put(nothing)
    pool.wake()

    work.wait_for(done=1)


def test_a_wake_up_that_comes_before_the_pool_sleeps_is_not_lost(pools: Callable[..., WorkerPool]) -> None:
    """The row appears after the step and the wake-up comes before the sleep: the usual way to lose work."""
    pool = pools()
    work = Work()
    appeared: list[bool] = []

    def step() -> bool:
        found = work.step()
        if not found and not appeared:
            appeared.append(True)
            work.jobs.put(nothing)
            pool.wake()
        return found

    pool.start(step)

    work.wait_for(done=1)


def test_work_that_nobody_announced_is_found_by_the_next_poll(pools: Callable[..., WorkerPool]) -> None:
    work = Work()
    pools(poll_every_s=0.01).start(work.step)
    work.wait_for(steps=1)

    work.jobs.put(nothing)

    work.wait_for(done=1)


def test_a_step_that_breaks_is_logged_and_the_next_step_goes_on(
    pools: Callable[..., WorkerPool], caplog: pytest.LogCaptureFixture
) -> None:
    work = Work(broken, nothing)
    pool = pools()
    pool.start(work.step)
    work.wait_for(steps=1)

    pool.wake()

    work.wait_for(done=1)
    assert pool.is_working
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert "testing" in record.getMessage()
    assert record.exc_info


def test_steps_run_side_by_side_up_to_the_size_of_the_pool(pools: Callable[..., WorkerPool]) -> None:
    together = threading.Barrier(8)

    def meet() -> None:
        together.wait(SOON_S)

    work = Work(*[meet] * 8)
    pools(size=8).start(work.step)

    work.wait_for(done=8)


def test_stopping_lets_running_steps_finish_and_begins_no_new_ones(pools: Callable[..., WorkerPool]) -> None:
    entered, leave = threading.Event(), threading.Event()

    def long() -> None:
        entered.set()
        leave.wait(SOON_S)

    work = Work(long, nothing)
    pool = pools()
    pool.start(work.step)
    assert entered.wait(SOON_S)

    assert pool.stop(within_s=0) is False, "it is still at it"
    leave.set()
    assert pool.stop(within_s=SOON_S) is True
    assert (work.done, work.jobs.qsize()) == (1, 1)
    assert not pool.is_working


def test_a_pool_that_finishes_all_does_all_there_is_before_it_stops(
    pools: Callable[..., WorkerPool],
) -> None:
    """The last notifications are sent after everything else has ended."""
    work = Work()
    pool = pools()
    pool.start(work.step)
    work.wait_for(steps=1)
    for _ in range(100):
        work.jobs.put(nothing)

    assert pool.stop(within_s=SOON_S, finish_all=True)
    assert (work.done, work.jobs.qsize()) == (100, 0)


@pytest.mark.parametrize("job", [broken, nothing])
def test_a_pool_that_finishes_all_stops_also_when_a_step_breaks(
    pools: Callable[..., WorkerPool], job: Callable[[], None]
) -> None:
    work = Work()
    pool = pools()
    pool.start(work.step)
    work.wait_for(steps=1)
    work.jobs.put(job)

    assert pool.stop(within_s=SOON_S, finish_all=True)
    assert work.jobs.qsize() == 0


@pytest.mark.parametrize("size", [1, 8])
def test_a_sleeping_pool_stops_at_once(pools: Callable[..., WorkerPool], size: int) -> None:
    work, pool = Work(), pools(size=size)
    pool.start(work.step)
    work.wait_for(steps=size)

    assert pool.stop(within_s=SOON_S)


def test_a_pool_that_never_started_can_be_stopped_and_woken(pools: Callable[..., WorkerPool]) -> None:
    pool = pools()
    pool.wake()

    assert not pool.is_working
    assert pool.stop(within_s=0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_pool_whose_thread_died_is_not_working(pools: Callable[..., WorkerPool]) -> None:
    """Only what no program should catch ends a thread, and then the health check must say so."""
    threads: queue.SimpleQueue[threading.Thread] = queue.SimpleQueue()

    def step() -> bool:
        threads.put(threading.current_thread())
        raise SystemExit

    pool = pools(size=1)
    pool.start(step)
    threads.get(timeout=SOON_S).join(SOON_S)

    assert not pool.is_working


def test_a_step_that_knows_when_there_will_be_work_runs_again_then(
    pools: Callable[..., WorkerPool],
) -> None:
    pool = pools()
    work = Work()

    def step() -> bool:
        found = work.step()
        if work.steps == 1:
            pool.wake_in(0.01)
        return found

    pool.start(step)

    work.wait_for(steps=2)


def test_an_alarm_rings_once(pools: Callable[..., WorkerPool]) -> None:
    pool, work = pools(), Work()
    pool.wake_in(0)
    pool.start(work.step)
    work.wait_for(steps=2)

    work.jobs.put(nothing)
    pool.wake()
    work.wait_for(done=1)

    assert work.steps <= 4, "it does not keep running"


@pytest.mark.parametrize("size", [1, 8])
def test_wake_ups_while_every_thread_works_are_not_counted_one_by_one(
    pools: Callable[..., WorkerPool], size: int
) -> None:
    """500 jobs and 500 wake-ups are 500 steps, and one more of each thread that finds nothing left."""
    gate = Gate()
    work, pool = Work(*[gate] * size), pools(size=size)
    pool.start(work.step)
    gate.wait_until_inside(size)

    for _ in range(500):
        work.jobs.put(nothing)
        pool.wake()
    gate.open()

    enough = size + 500 + size
    work.wait_for(done=size + 500, steps=enough)
    with work.changed:
        assert not work.changed.wait_for(lambda: work.steps > enough, QUIET_S)


def test_threads_that_checked_too_early_check_again_as_often_as_they_are_woken(
    pools: Callable[..., WorkerPool],
) -> None:
    """All eight found nothing; before they sleep, eight jobs appear that need eight threads."""
    size, gate, together = 8, Gate(), threading.Barrier(8)
    work, pool = Work(), pools(size=size)

    def step() -> bool:
        found = work.step()
        if not gate.is_open:
            gate()
        return found

    pool.start(step)
    gate.wait_until_inside(size)
    for _ in range(size):
        work.jobs.put(lambda: together.wait(SOON_S) and None)
        pool.wake()
    gate.open()

    work.wait_for(done=size)


def test_sleeping_threads_are_woken_although_others_are_busy(pools: Callable[..., WorkerPool]) -> None:
    """A wake-up for a sleeping thread is not spent on the next step of a busy one."""
    gate = Gate()
    work, pool = Work(gate), pools(size=4)
    pool.start(work.step)
    work.wait_for(steps=4)
    gate.wait_until_inside(1)
    together = threading.Barrier(3)

    for _ in range(3):
        work.jobs.put(lambda: together.wait(SOON_S) and None)
        pool.wake()

    work.wait_for(done=3)
    gate.open()


def test_a_poll_is_one_step_however_many_threads_sleep(pools: Callable[..., WorkerPool]) -> None:
    """Eight threads that each looked at the database would be eight times the load of an idle bot."""
    work, began_s = Work(), time.monotonic()
    pools(size=8, poll_every_s=0.05).start(work.step)

    work.wait_for(steps=8 + 6)

    assert time.monotonic() - began_s >= 6 * 0.05


def test_work_that_a_poll_finds_is_done_side_by_side(pools: Callable[..., WorkerPool]) -> None:
    """Each job that nobody announced calls another thread."""
    work, together = Work(), threading.Barrier(2)
    pool = pools(size=2, poll_every_s=0.2)
    pool.start(work.step)
    work.wait_for(steps=2)

    work.jobs.put(nothing)
    for _ in range(2):
        work.jobs.put(lambda: together.wait(SOON_S) and None)

    work.wait_for(done=3)


def test_the_pool_goes_on_polling_while_a_thread_is_busy(pools: Callable[..., WorkerPool]) -> None:
    gate = Gate()
    work = Work(gate)
    pools(size=2, poll_every_s=0.01).start(work.step)
    gate.wait_until_inside(1)

    work.wait_for(steps=10)
    gate.open()


def test_an_alarm_that_is_set_while_all_threads_sleep_is_kept(pools: Callable[..., WorkerPool]) -> None:
    work, pool = Work(), pools(size=4)
    pool.start(work.step)
    work.wait_for(steps=4)

    pool.wake_in(0.01)

    work.wait_for(steps=5)


# --- progress ---------------------------------------------------------------------------------------------


def test_a_step_that_runs_too_long_counts_as_hanging(pools: Callable[..., WorkerPool]) -> None:
    gate, watch = Gate(), Watch()
    work, pool = Work(gate), pools(size=2, longest_step_s=60, clock_s=watch)
    pool.start(work.step)
    gate.wait_until_inside(1)
    work.wait_for(steps=2)

    watch.s += 60
    assert (pool.is_working, pool.step_s) == (True, 60)
    watch.s += 1
    assert not pool.is_working, "though its other thread is fine"

    gate.open()
    work.wait_for(done=1, steps=3)
    assert pool.is_working, "it gets on again"


def test_a_pool_without_work_is_working_however_long_that_lasts(pools: Callable[..., WorkerPool]) -> None:
    watch = Watch()
    work, pool = Work(), pools(size=2, longest_step_s=60, clock_s=watch)
    pool.start(work.step)
    work.wait_for(steps=2)

    watch.s += 86_400
    assert pool.is_working


# --- what is logged ---------------------------------------------------------------------------------------


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]


def test_the_trouble_of_one_thread_is_logged_once_although_others_succeed(
    pools: Callable[..., WorkerPool], caplog: pytest.LogCaptureFixture
) -> None:
    work, pool = Work(*[broken, nothing] * 50), pools(size=4, poll_every_s=0.001)
    pool.start(work.step)

    work.wait_for(done=50)

    (line,) = errors(caplog)
    assert "testing" in line


def test_another_trouble_is_logged_too(
    pools: Callable[..., WorkerPool], caplog: pytest.LogCaptureFixture
) -> None:
    def worse() -> None:
        raise ValueError("another defect")

    work, pool = Work(broken, worse, broken, worse, nothing), pools(poll_every_s=0.001)
    pool.start(work.step)

    work.wait_for(done=1)

    assert len(errors(caplog)) == 2
