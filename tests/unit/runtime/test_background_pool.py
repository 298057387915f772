"""Tasks in the background: an error is logged and told, and the stop leaves nobody without a word."""

from __future__ import annotations

import logging
import queue
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from evoslack.runtime.background_pool import BackgroundPool

SOON_S = 5.0
SIZE = 2
STOPPED = "it was stopped"


class Person:
    """A person who waits for a task, and what they were told."""

    def __init__(self) -> None:
        self.heard: queue.SimpleQueue[str] = queue.SimpleQueue()

    def __call__(self, words: str) -> None:
        self.heard.put(words)

    def hears(self) -> str:
        return self.heard.get(timeout=SOON_S)


@contextmanager
def held_up(background: BackgroundPool) -> Iterator[list[Person]]:
    """Every thread runs a task that does not end; yields the people who wait for them."""
    inside, leave = threading.Semaphore(0), threading.Event()

    def long() -> None:
        inside.release()
        leave.wait(SOON_S)

    people = [Person() for _ in range(SIZE)]
    for person in people:
        background.run(long, person)
    assert all(inside.acquire(timeout=SOON_S) for _ in people)
    yield people
    leave.set()


def broken() -> None:
    raise RuntimeError("a defect")


def broke(reference: str) -> str:
    return f"it broke (reference {reference})"


def a_pool(size: int = SIZE) -> BackgroundPool:
    return BackgroundPool("testing", size=size, broken=broke, stopped=STOPPED)


@pytest.fixture
def background() -> Iterator[BackgroundPool]:
    background = a_pool()
    yield background
    background.stop(within_s=SOON_S)


@pytest.fixture
def person() -> Person:
    return Person()


def errors(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [each for each in caplog.records if each.levelno == logging.ERROR]


def test_an_error_is_logged_once_and_told_under_the_same_reference(
    background: BackgroundPool, person: Person, caplog: pytest.LogCaptureFixture
) -> None:
    background.run(broken, person)

    words = person.hears()
    found = re.search(r"reference (\w+)", words)
    assert found
    assert words == broke(found[1])
    (record,) = errors(caplog)
    assert record.getMessage() == f"testing: task failed (reference {found[1]})"
    assert record.exc_info


def test_an_error_is_logged_even_if_the_person_hears_nothing(caplog: pytest.LogCaptureFixture) -> None:
    background = a_pool()
    background.run(broken, lambda _words: None)
    background.stop(within_s=SOON_S)

    (record,) = errors(caplog)
    assert "reference" in record.getMessage()


def test_the_next_task_runs_although_a_person_could_not_be_told(
    background: BackgroundPool, person: Person, caplog: pytest.LogCaptureFixture
) -> None:
    def deaf(_words: str) -> None:
        raise OSError("Slack is away")

    for _ in range(2 * SIZE):
        background.run(broken, deaf)
    background.run(lambda: person("done"), person)

    assert person.hears() == "done"
    background.stop(within_s=SOON_S)
    assert len(errors(caplog)) == 4 * SIZE


def test_no_more_is_done_at_once_than_there_are_threads(background: BackgroundPool, person: Person) -> None:
    with held_up(background):
        background.run(lambda: person("done"), person)
        with pytest.raises(queue.Empty):
            person.heard.get(timeout=0.2)

    assert person.hears() == "done"


def test_the_stop_waits_for_what_was_handed_over(background: BackgroundPool, person: Person) -> None:
    for _ in range(50):
        background.run(lambda: person("done"), person)

    background.stop(within_s=SOON_S)

    assert person.heard.qsize() == 50


def test_everyone_whose_task_is_not_done_when_the_bot_stops_is_told_so_once(person: Person) -> None:
    """Both those whose task is running, and those whose task never began."""
    background = a_pool()
    with held_up(background) as others:
        background.run(lambda: person("done"), person)

        background.stop(within_s=0)

        assert [each.hears() for each in (*others, person)] == [STOPPED] * (SIZE + 1)
    assert person.heard.empty(), "what was dropped is not done later"


def test_a_task_that_breaks_after_the_stop_is_not_told_twice(person: Person) -> None:
    background = a_pool(size=1)
    began, leave, ended = threading.Event(), threading.Event(), threading.Event()

    def breaks_late() -> None:
        began.set()
        leave.wait(SOON_S)
        ended.set()
        broken()

    background.run(breaks_late, person)
    assert began.wait(SOON_S)
    background.stop(within_s=0)
    leave.set()
    assert ended.wait(SOON_S)
    background.stop(within_s=SOON_S)  # until it is really over

    assert person.hears() == STOPPED
    assert person.heard.empty()


def test_a_task_that_comes_after_the_stop_is_not_done_and_that_is_told(
    background: BackgroundPool, person: Person
) -> None:
    background.stop(within_s=SOON_S)

    background.run(lambda: person("done"), person)
    assert person.hears() == STOPPED

    assert person.heard.empty(), "what is handed over too late is not done"
