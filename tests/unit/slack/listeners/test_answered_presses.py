"""A press that was answered no stays answered no, however often and whenever it is delivered again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evoslack.calling.arrival import Arrival
from evoslack.calling.refusals import TooLate
from evoslack.runtime.clock import Clock
from evoslack.slack.listeners.answered_presses import (
    KEPT,
    MOST_PRESSES,
    Answer,
    AnsweredPresses,
    PressFailed,
)

YES, NO = Answer({"view": "calling"}, is_no=False), Answer({"errors": "no"}, is_no=True)


class World:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 20, 48, tzinfo=UTC)
        self.presses = AnsweredPresses(lambda: self.now)
        self.judged = 0

    def press(
        self, trigger: str = "1.2", answer: Answer | Exception = YES, age_s: float = 0, **view: Any
    ) -> Answer:
        def judge() -> Answer:
            self.judged += 1
            if isinstance(answer, Exception):
                raise answer
            return answer

        return self.deliver(judge, trigger, age_s, **view)

    def deliver(
        self, judge: Callable[[], Answer], trigger: str = "1.2", age_s: float = 0, **v: Any
    ) -> Answer:
        clock = Clock()
        body = {"trigger_id": trigger, "view": {"id": "V1", "hash": "h"} | v}
        return self.presses.answer(body, Arrival(clock, clock.moment(), age_s=age_s), judge)


@pytest.fixture
def world() -> World:
    return World()


def test_the_same_press_gets_the_same_no_again(world: World) -> None:
    assert world.press(answer=NO) is NO
    world.now += KEPT - timedelta(seconds=1)

    assert world.press(answer=YES) is NO
    assert world.judged == 1


def test_a_new_press_is_judged_anew(world: World) -> None:
    world.press("1.2", NO)

    assert world.press("1.3", YES) is YES


def test_a_yes_is_not_remembered_here_because_the_ledger_knows_it(world: World) -> None:
    world.press(answer=YES)

    assert world.press(answer=NO) is NO


def test_without_a_trigger_the_form_as_it_was_sent_is_the_press(world: World) -> None:
    world.press("", NO, values="814")

    assert world.press("", YES, values="814") is NO
    assert world.press("", YES, values="415") is YES
    assert world.press("", YES, values="415", hash="h2") is YES


def test_a_press_that_failed_fails_again(world: World) -> None:
    with pytest.raises(OSError, match="the database is away"):
        world.press(answer=OSError("the database is away"))

    with pytest.raises(PressFailed):
        world.press(answer=YES)
    assert world.judged == 1


@pytest.mark.parametrize("answer", [NO, YES])
def test_a_second_delivery_waits_for_the_answer_to_the_first(world: World, answer: Answer) -> None:
    begun, go_on = threading.Event(), threading.Event()
    found: list[Answer] = []

    def slow() -> Answer:
        begun.set()
        go_on.wait(5)
        return answer

    first = threading.Thread(target=world.deliver, args=(slow,))
    first.start()
    begun.wait(5)
    others = [threading.Thread(target=lambda: found.append(world.press(answer=YES))) for _ in range(20)]
    for each in others:
        each.start()
    assert found == []
    go_on.set()
    for each in (first, *others):
        each.join()
    assert found == [answer] * 20


def test_a_second_delivery_that_cannot_wait_any_longer_is_not_judged(world: World) -> None:
    def slow() -> Answer:
        with pytest.raises(TooLate):
            world.press(answer=YES, age_s=2.49)
        return NO

    world.deliver(slow)

    assert world.judged == 0


def test_memory_is_bounded_in_number_and_in_time(world: World) -> None:
    for index in range(MOST_PRESSES + 50):
        world.press(f"1.{index}", NO)
    assert len(world.presses._presses) == MOST_PRESSES

    world.now += KEPT
    world.press("2.1", NO)
    assert len(world.presses._presses) == 1
