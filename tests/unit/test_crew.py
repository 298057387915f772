"""A crew brings work one step further for as long as there is any, and survives whatever a step does."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator

import pytest

from evoslack.crew import Crew

SOON_S = 5.0  # for what happens at once
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


def nothing() -> None:
    """A job that is done at once."""


def broken() -> None:
    raise RuntimeError("a defect")


@pytest.fixture
def crews() -> Iterator[Callable[..., Crew]]:
    made: list[Crew] = []

    def make(size: int = 1, look_every_s: float = NEVER_S) -> Crew:
        made.append(Crew("testing", size=size, look_every_s=look_every_s))
        return made[-1]

    yield make
    for crew in made:
        crew.stop(within_s=SOON_S)


def test_work_that_waits_at_the_start_is_done_without_being_woken(crews: Callable[..., Crew]) -> None:
    """What a crash left behind is not forgotten."""
    work = Work(*[nothing] * 100)

    crews().start(work.step)

    work.wait_for(done=100)


def test_whoever_is_woken_looks_again(crews: Callable[..., Crew]) -> None:
    work, crew = Work(), crews()
    crew.start(work.step)
    work.wait_for(looks=1)

    work.jobs.put(nothing)
    crew.wake()

    work.wait_for(done=1)


def test_a_wake_that_comes_before_the_crew_rests_is_not_lost(crews: Callable[..., Crew]) -> None:
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


def test_work_that_nobody_announced_is_found_at_the_next_look(crews: Callable[..., Crew]) -> None:
    work = Work()
    crews(look_every_s=0.01).start(work.step)
    work.wait_for(looks=1)

    work.jobs.put(nothing)

    work.wait_for(done=1)


def test_a_step_that_breaks_is_logged_and_the_next_look_goes_on(
    crews: Callable[..., Crew], caplog: pytest.LogCaptureFixture
) -> None:
    work = Work(broken, nothing)
    crew = crews()
    crew.start(work.step)
    work.wait_for(looks=1)

    crew.wake()

    work.wait_for(done=1)
    assert crew.is_alive
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert "testing" in record.getMessage()
    assert record.exc_info


def test_steps_run_side_by_side_up_to_the_size_of_the_crew(crews: Callable[..., Crew]) -> None:
    together = threading.Barrier(8)

    def meet() -> None:
        together.wait(SOON_S)

    work = Work(*[meet] * 8)
    crews(size=8).start(work.step)

    work.wait_for(done=8)


def test_stopping_lets_running_steps_finish_and_begins_no_new_ones(crews: Callable[..., Crew]) -> None:
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
    assert not crew.is_alive


def test_a_crew_that_leaves_nothing_does_all_there_is_before_it_stops(crews: Callable[..., Crew]) -> None:
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
    crews: Callable[..., Crew], job: Callable[[], None]
) -> None:
    work = Work()
    crew = crews()
    crew.start(work.step)
    work.wait_for(looks=1)
    work.jobs.put(job)

    assert crew.stop(within_s=SOON_S, leave_nothing=True)
    assert work.jobs.qsize() == 0


@pytest.mark.parametrize("size", [1, 8])
def test_a_resting_crew_stops_at_once(crews: Callable[..., Crew], size: int) -> None:
    work, crew = Work(), crews(size=size)
    crew.start(work.step)
    work.wait_for(looks=size)

    assert crew.stop(within_s=SOON_S)


def test_a_crew_that_never_started_can_be_stopped_and_woken(crews: Callable[..., Crew]) -> None:
    crew = crews()
    crew.wake()

    assert not crew.is_alive
    assert crew.stop(within_s=0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_crew_whose_thread_died_is_not_well(crews: Callable[..., Crew]) -> None:
    """Only what no program should catch ends a thread, and then the health check must say so."""
    threads: queue.SimpleQueue[threading.Thread] = queue.SimpleQueue()

    def step() -> bool:
        threads.put(threading.current_thread())
        raise SystemExit

    crew = crews(size=1)
    crew.start(step)
    threads.get(timeout=SOON_S).join(SOON_S)

    assert not crew.is_alive


def test_a_step_that_knows_when_there_will_be_work_is_looked_at_then(crews: Callable[..., Crew]) -> None:
    crew = crews()
    work = Work()

    def step() -> bool:
        found = work.step()
        if work.looks == 1:
            crew.wake_in(0.01)
        return found

    crew.start(step)

    work.wait_for(looks=2)


def test_an_alarm_rings_once(crews: Callable[..., Crew]) -> None:
    crew, work = crews(), Work()
    crew.wake_in(0)
    crew.start(work.step)
    work.wait_for(looks=2)

    work.jobs.put(nothing)
    crew.wake()
    work.wait_for(done=1)

    assert work.looks <= 4, "it does not go on looking"
