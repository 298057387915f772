"""A crew brings work one step further for as long as there is any, and survives whatever a step does."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from evoslack.runtime.worker_pool import WorkerPool

SOON_S = 5.0  # for what happens at once
QUIET_S = 0.3  # in which nothing more happens
NEVER_S = 3600.0  # between looks, where only waking counts


class Work:
    """Jobs to be done one at a time, and what the crew did with them."""

    def __init__(self, *jobs: Callable[[], None]) -> None:
        self.jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        for job in jobs:
            self.jobs.put(job)
        self.changed = threading.Condition()
        self.looks = self.done = 0

    def step(self) -> bool:
        try:
            job = self.jobs.get_nowait()
        except queue.Empty:
            self._count("looks")
            return False
        self._count("looks")
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
        assert reached, f"waited for {least}, got {self.looks} looks and {self.done} done"


class Gate:
    """A job that holds whoever does it until it is opened; `inside` says how many are held."""

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
    """A monotonic clock that goes on only when somebody says so."""

    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


def nothing() -> None:
    """A job that is done at once."""


def broken() -> None:
    raise RuntimeError("a defect")


@pytest.fixture
def crews() -> Iterator[Callable[..., WorkerPool]]:
    made: list[WorkerPool] = []

    def make(size: int = 1, look_every_s: float = NEVER_S, **more: Any) -> WorkerPool:
        made.append(WorkerPool("testing", size=size, look_every_s=look_every_s, **more))
        return made[-1]

    yield make
    for crew in made:
        crew.stop(within_s=SOON_S)


def test_work_that_waits_at_the_start_is_done_without_being_woken(crews: Callable[..., WorkerPool]) -> None:
    """What a crash left behind is not forgotten."""
    work = Work(*[nothing] * 100)

    crews().start(work.step)

    work.wait_for(done=100)


def test_whoever_is_woken_looks_again(crews: Callable[..., WorkerPool]) -> None:
    work, crew = Work(), crews()
    crew.start(work.step)
    work.wait_for(looks=1)

    work.jobs.put(nothing)
    crew.wake()

    work.wait_for(done=1)


def test_a_wake_that_comes_before_the_crew_rests_is_not_lost(crews: Callable[..., WorkerPool]) -> None:
    """The row appears after the look and the wake comes before the rest: the usual way to lose work."""
    crew = crews()
    work = Work()
    appeared: list[bool] = []

    def step() -> bool:
        found = work.step()
        if not found and not appeared:
            appeared.append(True)
            work.jobs.put(nothing)
            crew.wake()
        return found

    crew.start(step)

    work.wait_for(done=1)


def test_work_that_nobody_announced_is_found_at_the_next_look(crews: Callable[..., WorkerPool]) -> None:
    work = Work()
    crews(look_every_s=0.01).start(work.step)
    work.wait_for(looks=1)

    work.jobs.put(nothing)

    work.wait_for(done=1)


def test_a_step_that_breaks_is_logged_and_the_next_look_goes_on(
    crews: Callable[..., WorkerPool], caplog: pytest.LogCaptureFixture
) -> None:
    work = Work(broken, nothing)
    crew = crews()
    crew.start(work.step)
    work.wait_for(looks=1)

    crew.wake()

    work.wait_for(done=1)
    assert crew.is_working
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert "testing" in record.getMessage()
    assert record.exc_info


def test_steps_run_side_by_side_up_to_the_size_of_the_crew(crews: Callable[..., WorkerPool]) -> None:
    together = threading.Barrier(8)

    def meet() -> None:
        together.wait(SOON_S)

    work = Work(*[meet] * 8)
    crews(size=8).start(work.step)

    work.wait_for(done=8)


def test_stopping_lets_running_steps_finish_and_begins_no_new_ones(crews: Callable[..., WorkerPool]) -> None:
    entered, leave = threading.Event(), threading.Event()

    def long() -> None:
        entered.set()
        leave.wait(SOON_S)

    work = Work(long, nothing)
    crew = crews()
    crew.start(work.step)
    assert entered.wait(SOON_S)

    assert crew.stop(within_s=0) is False, "it is still at it"
    leave.set()
    assert crew.stop(within_s=SOON_S) is True
    assert (work.done, work.jobs.qsize()) == (1, 1)
    assert not crew.is_working


def test_a_crew_that_leaves_nothing_does_all_there_is_before_it_stops(
    crews: Callable[..., WorkerPool],
) -> None:
    """Whoever tells the last news looks once more after everybody else has ended."""
    work = Work()
    crew = crews()
    crew.start(work.step)
    work.wait_for(looks=1)
    for _ in range(100):
        work.jobs.put(nothing)

    assert crew.stop(within_s=SOON_S, leave_nothing=True)
    assert (work.done, work.jobs.qsize()) == (100, 0)


@pytest.mark.parametrize("job", [broken, nothing])
def test_a_crew_that_leaves_nothing_stops_also_when_a_step_breaks(
    crews: Callable[..., WorkerPool], job: Callable[[], None]
) -> None:
    work = Work()
    crew = crews()
    crew.start(work.step)
    work.wait_for(looks=1)
    work.jobs.put(job)

    assert crew.stop(within_s=SOON_S, leave_nothing=True)
    assert work.jobs.qsize() == 0


@pytest.mark.parametrize("size", [1, 8])
def test_a_resting_crew_stops_at_once(crews: Callable[..., WorkerPool], size: int) -> None:
    work, crew = Work(), crews(size=size)
    crew.start(work.step)
    work.wait_for(looks=size)

    assert crew.stop(within_s=SOON_S)


def test_a_crew_that_never_started_can_be_stopped_and_woken(crews: Callable[..., WorkerPool]) -> None:
    crew = crews()
    crew.wake()

    assert not crew.is_working
    assert crew.stop(within_s=0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_crew_whose_thread_died_is_not_well(crews: Callable[..., WorkerPool]) -> None:
    """Only what no program should catch ends a thread, and then the health check must say so."""
    threads: queue.SimpleQueue[threading.Thread] = queue.SimpleQueue()

    def step() -> bool:
        threads.put(threading.current_thread())
        raise SystemExit

    crew = crews(size=1)
    crew.start(step)
    threads.get(timeout=SOON_S).join(SOON_S)

    assert not crew.is_working


def test_a_step_that_knows_when_there_will_be_work_is_looked_at_then(
    crews: Callable[..., WorkerPool],
) -> None:
    crew = crews()
    work = Work()

    def step() -> bool:
        found = work.step()
        if work.looks == 1:
            crew.wake_in(0.01)
        return found

    crew.start(step)

    work.wait_for(looks=2)


def test_an_alarm_rings_once(crews: Callable[..., WorkerPool]) -> None:
    crew, work = crews(), Work()
    crew.wake_in(0)
    crew.start(work.step)
    work.wait_for(looks=2)

    work.jobs.put(nothing)
    crew.wake()
    work.wait_for(done=1)

    assert work.looks <= 4, "it does not go on looking"


@pytest.mark.parametrize("size", [1, 8])
def test_wakes_while_everybody_works_are_not_counted_one_by_one(
    crews: Callable[..., WorkerPool], size: int
) -> None:
    """500 items and 500 wakes are 500 steps, and one more of each thread that finds nothing left."""
    gate = Gate()
    work, crew = Work(*[gate] * size), crews(size=size)
    crew.start(work.step)
    gate.wait_until_inside(size)

    for _ in range(500):
        work.jobs.put(nothing)
        crew.wake()
    gate.open()

    enough = size + 500 + size
    work.wait_for(done=size + 500, looks=enough)
    with work.changed:
        assert not work.changed.wait_for(lambda: work.looks > enough, QUIET_S)


def test_whoever_looked_too_early_looks_again_as_often_as_they_were_woken(
    crews: Callable[..., WorkerPool],
) -> None:
    """All eight looked and saw nothing; before they rest, eight jobs appear that need eight hands."""
    size, gate, together = 8, Gate(), threading.Barrier(8)
    work, crew = Work(), crews(size=size)

    def step() -> bool:
        found = work.step()
        if not gate.is_open:
            gate()
        return found

    crew.start(step)
    gate.wait_until_inside(size)
    for _ in range(size):
        work.jobs.put(lambda: together.wait(SOON_S) and None)
        crew.wake()
    gate.open()

    work.wait_for(done=size)


def test_those_who_rest_are_woken_although_others_are_busy(crews: Callable[..., WorkerPool]) -> None:
    """A wake for somebody who rests is not spent on the next look of somebody who works."""
    gate = Gate()
    work, crew = Work(gate), crews(size=4)
    crew.start(work.step)
    work.wait_for(looks=4)
    gate.wait_until_inside(1)
    together = threading.Barrier(3)

    for _ in range(3):
        work.jobs.put(lambda: together.wait(SOON_S) and None)
        crew.wake()

    work.wait_for(done=3)
    gate.open()


# --- progress ---------------------------------------------------------------------------------------------


def test_a_step_that_runs_too_long_is_no_work(crews: Callable[..., WorkerPool]) -> None:
    gate, watch = Gate(), Watch()
    work, crew = Work(gate), crews(size=2, longest_step_s=60, clock_s=watch)
    crew.start(work.step)
    gate.wait_until_inside(1)
    work.wait_for(looks=2)

    watch.s += 60
    assert (crew.is_working, crew.step_s) == (True, 60)
    watch.s += 1
    assert not crew.is_working, "though its other thread is fine"

    gate.open()
    work.wait_for(done=1, looks=3)
    assert crew.is_working, "it gets on again"


def test_a_crew_without_work_is_well_however_long_that_lasts(crews: Callable[..., WorkerPool]) -> None:
    watch = Watch()
    work, crew = Work(), crews(size=2, longest_step_s=60, clock_s=watch)
    crew.start(work.step)
    work.wait_for(looks=2)

    watch.s += 86_400
    assert crew.is_working


# --- what is logged ---------------------------------------------------------------------------------------


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]


def test_a_trouble_of_one_thread_is_logged_once_although_others_have_success(
    crews: Callable[..., WorkerPool], caplog: pytest.LogCaptureFixture
) -> None:
    work, crew = Work(*[broken, nothing] * 50), crews(size=4, look_every_s=0.001)
    crew.start(work.step)

    work.wait_for(done=50)

    (line,) = errors(caplog)
    assert "testing" in line


def test_another_trouble_is_logged_too(
    crews: Callable[..., WorkerPool], caplog: pytest.LogCaptureFixture
) -> None:
    def worse() -> None:
        raise ValueError("another defect")

    work, crew = Work(broken, worse, broken, worse, nothing), crews(look_every_s=0.001)
    crew.start(work.step)

    work.wait_for(done=1)

    assert len(errors(caplog)) == 2
