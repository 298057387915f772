"""Presses become calls once answered, in batches, whatever the database does in the meantime."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evoslack.calling.calls import Call, CallRequest, State
from evoslack.calling.intake import Intake
from evoslack.calling.refusals import TooLate
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.store import Store
from tests.calls import NUMBER, call_request

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


class Answer:
    """One delivery of a press; the test decides how its answer ends."""

    def __init__(self, *, late: bool = False) -> None:
        self.late = late
        self.answered: Callable[[], None] = lambda: None
        self.unanswered: Callable[[], None] = lambda: None

    def require_time(self) -> None:
        if self.late:
            raise TooLate

    def when_answered(self, answered: Callable[[], None], unanswered: Callable[[], None]) -> None:
        self.answered, self.unanswered = answered, unanswered


class Away(Exception):
    """The database does not answer."""


class Ledger:
    """The real ledger, which can be taken down; `trips` lists the operations in order."""

    def __init__(self, real: CallLedger) -> None:
        self._real = real
        self.is_away = False
        self.trips: list[tuple[str, int]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def confirm(self, call_ids: Collection[str], *, at: datetime) -> list[Call]:
        self._go("confirm", call_ids)
        return self._real.confirm(call_ids, at=at)

    def withdraw(self, call_ids: Collection[str]) -> None:
        self._go("withdraw", call_ids)
        self._real.withdraw(call_ids)

    def _go(self, operation: str, call_ids: Collection[str]) -> None:
        if self.is_away:
            raise Away
        self.trips.append((operation, len(call_ids)))


class Harness:
    """An intake with a real ledger; `woken` lists what was woken, in order."""

    def __init__(self, store: Store) -> None:
        self.ledger = Ledger(CallLedger(store))
        self.now = T0
        self.woken: list[str] = []
        self.intake = Intake(
            self.ledger,
            now=lambda: self.now,
            on_answer=lambda: self.woken.append("answer"),
            on_work=lambda: self.woken.append("work"),
            on_change=lambda: self.woken.append("change"),
        )

    def press(self, request: CallRequest, *, late: bool = False) -> Answer:
        """Deliver a press that is not answered yet."""
        answer = Answer(late=late)
        self.intake.receive(request, answer)
        return answer

    def again(self, request: CallRequest) -> tuple[Answer, Call | None]:
        """Deliver a known press again."""
        answer, first = Answer(), self.ledger.find(request.key)
        assert first is not None
        return answer, self.intake.receive_again(first, answer)

    def state(self, key: str = "key") -> State | None:
        call = self.ledger.find(key)
        return None if call is None else call.state


@pytest.fixture
def harness(sqlite_url: str) -> Iterator[Harness]:
    store = Store(sqlite_url)
    store.open()
    yield Harness(store)
    store.close()


def several(count: int) -> list[CallRequest]:
    return [call_request(f"key{index}", f"+120255501{index:02}") for index in range(count)]


def test_a_press_for_later_waits_once_its_answer_has_left_and_its_caller_is_told(harness: Harness) -> None:
    due_at = T0 + timedelta(hours=5)
    answer = harness.press(replace(call_request(), due_at=due_at))
    answer.answered()

    assert harness.intake.settle_answers()

    assert harness.state() is State.SCHEDULED
    assert "change" in harness.woken
    assert harness.ledger.begin(at=due_at, accepted_after=T0 - timedelta(days=1)) is None


def test_a_press_for_later_that_could_not_be_answered_never_was(harness: Harness) -> None:
    harness.press(replace(call_request(), due_at=T0 + timedelta(hours=5))).unanswered()

    harness.intake.settle_answers()

    assert harness.state() is None


def test_a_press_is_only_received_until_its_answer_has_left(harness: Harness) -> None:
    answer = harness.press(call_request())
    assert (harness.state(), harness.woken) == (State.RECEIVED, [])

    assert not harness.intake.settle_answers()
    assert harness.state() is State.RECEIVED
    answer.answered()
    assert harness.woken == ["answer"]

    assert harness.intake.settle_answers()
    assert harness.state() is State.ACCEPTED
    assert harness.woken == ["answer", "work", "change"]


def test_pending_answers_become_calls_in_one_transaction(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    answers = [harness.press(request) for request in several(12)]
    for answer in answers[:7]:
        answer.answered()
    for answer in answers[7:]:
        answer.unanswered()

    harness.intake.settle_answers()

    assert harness.ledger.trips == [("confirm", 7), ("withdraw", 5)]
    states = [harness.state(f"key{index}") for index in range(12)]
    assert states == [State.ACCEPTED] * 7 + [None] * 5
    assert harness.woken.count("work") == 1
    said = [record.getMessage() for record in caplog.records]
    assert sum(line.endswith(": accepted") for line in said) == 7
    assert "5 submission(s) could not be answered in time; nothing was dialed" in said
    assert NUMBER[:-4] not in caplog.text, "numbers are masked"


def test_with_nothing_to_settle_the_database_is_not_asked(harness: Harness) -> None:
    harness.ledger.is_away = True

    assert not harness.intake.settle_answers()


def test_a_press_that_timed_out_in_slack_is_forgotten_and_can_be_repeated(harness: Harness) -> None:
    harness.press(call_request()).unanswered()
    harness.intake.settle_answers()
    assert harness.state() is None

    harness.press(call_request()).answered()
    harness.intake.settle_answers()

    assert harness.state() is State.ACCEPTED


def test_a_press_that_comes_too_late_is_not_recorded(harness: Harness) -> None:
    with pytest.raises(TooLate):
        harness.press(call_request(), late=True)

    assert harness.state() is None
    harness.press(call_request()).answered()
    harness.intake.settle_answers()
    assert harness.state() is State.ACCEPTED


def test_no_answer_is_lost_while_the_database_is_down(harness: Harness) -> None:
    answered, unanswered, later = (harness.press(request) for request in several(3))
    answered.answered()
    unanswered.unanswered()
    harness.ledger.is_away = True
    for _ in range(3):
        with pytest.raises(Away):
            harness.intake.settle_answers()
    later.answered()
    with pytest.raises(Away):
        harness.intake.settle_answers()
    assert (harness.state("key0"), harness.state("key1")) == (State.RECEIVED, State.RECEIVED)

    harness.ledger.is_away = False
    harness.intake.settle_answers()

    assert [harness.state(f"key{index}") for index in range(3)] == [
        State.ACCEPTED,
        State.RECEIVED,
        State.ACCEPTED,
    ]
    # Withdrawing counts deliveries, so it is not retried: the caller is told that nothing was dialed.
    (swept,) = harness.ledger.abandon(at=T0 + timedelta(minutes=1), received_before=T0)
    assert swept.request.key == "key1"


def test_a_press_that_was_swept_in_the_meantime_does_not_become_a_call(harness: Harness) -> None:
    """The database was down for so long that the caller was told that nothing was dialed."""
    answer = harness.press(call_request())
    answer.answered()
    harness.ledger.abandon(at=T0 + timedelta(minutes=1), received_before=T0)

    assert not harness.intake.settle_answers()
    assert harness.state() is State.EXPIRED
    assert harness.woken == ["answer"], "there is nothing to dial"


@pytest.mark.parametrize("first_ends", ["in time", "late"])
def test_a_press_delivered_once_in_time_and_once_late_is_a_call(harness: Harness, first_ends: str) -> None:
    answers = [harness.press(call_request()), harness.again(call_request())[0]]
    in_time, late = answers if first_ends == "in time" else reversed(answers)

    late.unanswered()
    harness.intake.settle_answers()
    assert harness.state() is State.RECEIVED, "the other one is still being answered"
    in_time.answered()
    harness.intake.settle_answers()
    assert harness.state() is State.ACCEPTED


@pytest.mark.parametrize("which_late", [0, 1])
def test_a_late_delivery_does_not_undo_a_call(harness: Harness, which_late: int) -> None:
    answers = [harness.press(call_request()), harness.again(call_request())[0]]
    answers[1 - which_late].answered()
    harness.intake.settle_answers()
    answers[which_late].unanswered()
    harness.intake.settle_answers()

    assert harness.state() is State.ACCEPTED


def test_one_late_and_one_timely_delivery_can_settle_together(harness: Harness) -> None:
    first, second = harness.press(call_request()), harness.again(call_request())[0]
    second.answered()
    first.unanswered()
    harness.intake.settle_answers()

    assert harness.state() is State.ACCEPTED


def test_two_late_deliveries_leave_nothing(harness: Harness) -> None:
    for answer in (harness.press(call_request()), harness.again(call_request())[0]):
        answer.unanswered()
    harness.intake.settle_answers()

    assert harness.state() is None


def test_a_withdrawn_press_that_comes_again_is_new(harness: Harness) -> None:
    received = harness.press(call_request())
    first = harness.ledger.find("key")
    received.unanswered()
    harness.intake.settle_answers()

    assert harness.intake.receive_again(first, Answer()) is None


def test_a_press_that_is_a_call_already_needs_no_answer(harness: Harness) -> None:
    harness.press(call_request()).answered()
    harness.intake.settle_answers()
    answer, call = harness.again(call_request())
    answer.unanswered()
    harness.intake.settle_answers()

    assert call is not None
    assert harness.state() is State.ACCEPTED


def test_the_same_press_many_times_concurrently_is_one_call(harness: Harness) -> None:
    gate = threading.Barrier(8)

    def deliver(_index: int) -> Answer:
        gate.wait(10)
        return harness.press(call_request())

    with ThreadPoolExecutor(8) as slacks:
        answers = list(slacks.map(deliver, range(8)))
    assert len(harness.ledger.newest(9)) == 1
    for answer in answers[:-1]:
        answer.unanswered()
    harness.intake.settle_answers()
    assert harness.state() is State.RECEIVED

    answers[-1].answered()
    harness.intake.settle_answers()

    assert harness.state() is State.ACCEPTED
    assert harness.woken.count("work") == 1


def test_concurrent_presses_and_settling_lose_nothing(harness: Harness) -> None:
    over = threading.Event()

    def settle() -> None:
        while not over.is_set():
            harness.intake.settle_answers()

    settler = threading.Thread(target=settle)
    settler.start()
    try:
        with ThreadPoolExecutor(4) as slacks:
            list(slacks.map(lambda request: harness.press(request).answered(), several(40)))
    finally:
        over.set()
        settler.join()
    harness.intake.settle_answers()

    assert {harness.state(f"key{index}") for index in range(40)} == {State.ACCEPTED}
