"""What happens to a call from the press to its end, with the real ledger and a phone made by hand."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evoslack.calling.calls import (
    Call,
    CallRequest,
    InDoubt,
    NotSent,
    Outcome,
    Placed,
    Reason,
    Rejected,
    State,
)
from evoslack.calling.intake import Intake
from evoslack.calling.switchboard import LATEST_DIALING, PLACING_LIMIT, Switchboard
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.store import Store
from evoslack.ledger.tracked_calls import TrackedCallLedger

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
TICK = timedelta(milliseconds=1)
MAX_WAIT = timedelta(minutes=2)
SOON_S = 5.0


class Answered:
    """An answer that leaves at once."""

    def require_time(self) -> None:
        pass

    def when_answered(self, answered: Callable[[], None], unanswered: Callable[[], None]) -> None:
        answered()


class Phone:
    """Every request it got; ends as it is told to, or as `happens` says."""

    def __init__(self) -> None:
        self.dialed: list[dict[str, str]] = []
        self.outcome: Outcome = Placed()
        self.happens: Callable[[], object] = lambda: None

    def dial(self, *, may_leave: Callable[[], bool], **call: str) -> Outcome:
        assert may_leave()
        self.dialed.append(call)
        self.happens()
        return self.outcome


class Before:
    """What Evo Voice showed before a call went out: something for that number."""

    skew = timedelta(seconds=-7.5)

    def ids(self, number: str, caller_id: str) -> Collection[str]:
        return [f"{caller_id} {number}", "older"]


class Poller:
    """Gives what Evo Voice showed before a call, or nothing."""

    def __init__(self) -> None:
        self.snapshot: Before | None = None
        self.asked: list[str] = []
        self.happens: Callable[[], object] = lambda: None

    def __call__(self, account_id: str) -> Before | None:
        self.asked.append(account_id)
        self.happens()
        return self.snapshot


class House:
    """A switchboard with everything around it; `woken` says who was, in order."""

    def __init__(self, url: str) -> None:
        self.store = Store(url)
        self.store.open()
        self.ledger = CallLedger(self.store)
        self.phone = Phone()
        self.poller = Poller()
        self.now = T0
        self.wall_is_ahead = timedelta(0)
        self.woken: list[str] = []
        self.board = self.switchboard(self.ledger)
        self.intake = Intake(
            self.ledger,
            now=lambda: self.now,
            on_answer=lambda: None,
            on_work=lambda: self.woken.append("work"),
            on_change=lambda: self.woken.append("news"),
        )

    def switchboard(self, ledger: Any) -> Switchboard:
        return Switchboard(
            ledger,
            self.phone,
            self.poller,
            max_wait=MAX_WAIT,
            now=lambda: self.now,
            wall=lambda: self.now + self.wall_is_ahead,
            on_change=lambda: self.woken.append("news"),
        )

    def accept(self, request: CallRequest) -> Call:
        """A press that is answered at once."""
        call = self.intake.receive(request, Answered())
        self.intake.settle_answers()
        return self.call(call.request.key)

    def state(self, key: str = "key") -> State:
        return self.call(key).state

    def call(self, key: str = "key") -> Call:
        call = self.ledger.find(key)
        assert call is not None
        return call

    def begin(self) -> Call | None:
        return self.ledger.begin(at=self.now, accepted_after=self.now - MAX_WAIT)


@pytest.fixture
def house(sqlite_url: str) -> Iterator[House]:
    house = House(sqlite_url)
    yield house
    house.store.close()


def ask(key: str = "key", number: str = "+12025550143") -> CallRequest:
    return CallRequest(key, "T1", "U_SARA", "acc1", "flow1", "Reminder", number, "+12025550100")


def test_one_press_is_one_dialing_however_often_it_is_pressed_and_connected(house: House) -> None:
    for _ in range(3):
        house.accept(ask())
        while house.board.dial_next():
            pass

    assert house.phone.dialed == [{"flow_id": "flow1", "number": "+12025550143", "caller_id": "+12025550100"}]
    assert house.state() is State.PLACED


def test_the_row_says_placing_before_the_phone_can_ring(house: House) -> None:
    seen: list[State] = []
    house.phone.happens = lambda: seen.append(house.state())
    house.accept(ask())

    assert house.board.dial_next()
    assert seen == [State.PLACING]


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Placed("session"), State.PLACED),
        (Rejected(Reason.NOT_FOUND, "Flow not found"), State.REJECTED),
        (NotSent(Reason.UNREACHABLE), State.NOT_SENT),
        (InDoubt(Reason.NO_ANSWER), State.IN_DOUBT),
    ],
)
def test_how_dialing_ended_is_written_down_and_told(house: House, outcome: Outcome, state: State) -> None:
    house.phone.outcome = outcome
    house.accept(ask())
    house.woken.clear()

    assert house.board.dial_next()

    call = house.call()
    assert (call.state, call.reason) == (state, getattr(outcome, "reason", None))
    assert house.woken == ["news"]


def test_without_a_waiting_call_nothing_is_dialed(house: House) -> None:
    assert not house.board.dial_next()
    assert house.phone.dialed == []


def test_a_defect_while_dialing_is_doubt_and_no_second_try(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks() -> None:
        raise RuntimeError("a defect")

    house.phone.happens = breaks
    house.accept(ask())

    assert house.board.dial_next()
    assert not house.board.dial_next()
    assert (house.state(), house.call().reason) == (State.IN_DOUBT, Reason.BOT_BROKE)
    assert len(house.phone.dialed) == 1
    assert any(record.exc_info for record in caplog.records)


def test_calls_are_dialed_in_the_order_of_their_presses(house: House) -> None:
    for index in range(5):
        house.now = T0 + index * TICK
        house.accept(ask(f"key{index}", f"+1202555014{index}"))

    while house.board.dial_next():
        pass

    assert [call["number"][-1] for call in house.phone.dialed] == list("01234")


def test_sixteen_dialers_and_forty_calls_are_forty_rings(house: House) -> None:
    numbers = [f"+12025550{index:03}" for index in range(40)]
    for number in numbers:
        house.accept(ask(number, number))
    gate = threading.Barrier(16)

    def work() -> None:
        gate.wait(SOON_S)
        while house.ledger.count_open()[State.ACCEPTED]:
            house.board.dial_next()

    with ThreadPoolExecutor(16) as pool:
        for done in [pool.submit(work) for _ in range(16)]:
            done.result(30)

    assert sorted(call["number"] for call in house.phone.dialed) == numbers
    assert {call.state for call in house.ledger.newest(100)} == {State.PLACED}


# --- what is too late, and what a crash leaves -------------------------------------------------------


def test_a_call_that_waited_too_long_is_never_dialed_and_its_caller_hears_of_it(house: House) -> None:
    house.accept(ask())
    house.woken.clear()
    house.now = T0 + MAX_WAIT

    assert not house.board.dial_next()
    house.board.sweep()

    assert (house.state(), house.call().reason) == (State.EXPIRED, Reason.WAITED)
    assert house.woken == ["news"]
    assert not house.board.dial_next()
    assert house.phone.dialed == []


def test_a_call_that_is_just_young_enough_is_dialed_and_not_swept(house: House) -> None:
    house.accept(ask())
    house.now = T0 + MAX_WAIT - TICK

    house.board.sweep()
    assert house.board.dial_next()
    assert house.state() is State.PLACED


@pytest.mark.parametrize(
    ("later", "expected"),
    [(timedelta(0), State.PLACING), (PLACING_LIMIT - TICK, State.PLACING), (PLACING_LIMIT, State.IN_DOUBT)],
)
def test_a_call_that_is_being_dialed_is_doubted_only_past_the_limit(
    house: House, later: timedelta, expected: State
) -> None:
    house.accept(ask())
    house.begin()
    house.now = T0 + later

    house.board.sweep()

    assert house.state() is expected


def test_a_bot_that_knows_it_is_alone_doubts_every_orphan_at_its_start(house: House) -> None:
    house.accept(ask())
    house.begin()
    house.woken.clear()

    house.board.sweep(everything_is_orphaned=True)

    assert (house.state(), house.call().reason) == (State.IN_DOUBT, Reason.BOT_STOPPED)
    assert house.woken == ["news"]
    assert not house.board.dial_next()
    assert house.phone.dialed == []


def test_a_bot_that_knows_it_is_alone_doubts_orphans_also_when_the_clock_was_put_back(house: House) -> None:
    """A crash and a corrected clock must not leave a call being placed, and its number busy."""
    house.accept(ask())
    house.begin()
    house.now = T0 - timedelta(hours=1)

    house.board.sweep(everything_is_orphaned=True)

    assert house.state() is State.IN_DOUBT


def test_waiting_calls_survive_a_restart_and_are_dialed_once(house: House) -> None:
    house.accept(ask())
    house.now = T0 + timedelta(seconds=30)

    house.board.sweep(everything_is_orphaned=True)
    assert house.board.dial_next()
    assert not house.board.dial_next()

    assert (house.state(), len(house.phone.dialed)) == (State.PLACED, 1)


def test_a_sweep_with_nothing_to_close_wakes_nobody(house: House) -> None:
    house.accept(ask())
    house.woken.clear()

    house.board.sweep()

    assert (house.state(), house.woken) == (State.ACCEPTED, [])


def test_a_late_outcome_settles_what_the_sweep_doubted(house: House) -> None:
    def long_silence() -> None:
        house.now = T0 + PLACING_LIMIT
        house.board.sweep()
        assert house.state() is State.IN_DOUBT

    house.phone.happens = long_silence
    house.accept(ask())
    house.board.dial_next()

    assert house.state() is State.PLACED


class Sleepy:
    """The real ledger, but the machine stands still for a while right after a call was begun."""

    def __init__(self, house: House, pause: timedelta) -> None:
        self._house = house
        self._pause = pause

    def __getattr__(self, name: str) -> Any:
        return getattr(self._house.ledger, name)

    def begin(self, **when: datetime) -> Call | None:
        call = self._house.ledger.begin(**when)
        self._house.now += self._pause
        return call


@pytest.mark.parametrize(
    ("pause", "state", "dialed"),
    [(LATEST_DIALING, State.PLACED, 1), (LATEST_DIALING + TICK, State.NOT_SENT, 0)],
)
def test_a_machine_that_stood_still_after_beginning_does_not_dial_any_more(
    house: House, pause: timedelta, state: State, dialed: int
) -> None:
    """By then others may have told people that the call is in doubt and never dialed again."""
    board = house.switchboard(Sleepy(house, pause))
    house.accept(ask())

    assert board.dial_next()
    assert (house.state(), len(house.phone.dialed)) == (state, dialed)


# --- a ledger that fails --------------------------------------------------------------------------------


class Forgetful:
    """The real ledger, but writing an outcome down fails a number of times."""

    def __init__(self, ledger: CallLedger, failures: float) -> None:
        self._ledger = ledger
        self.failures = failures
        self.tried = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def finish(
        self,
        call_id: str,
        outcome: Outcome,
        *,
        at: datetime,
        known_ids: Collection[str] | None,
        skew: timedelta | None,
    ) -> Call | None:
        self.tried.set()
        if self.failures > 0:
            self.failures -= 1
            raise OSError("the disk is full")
        return self._ledger.finish(call_id, outcome, at=at, known_ids=known_ids, skew=skew)


def test_an_outcome_that_could_not_be_written_is_written_later_and_not_dialed_again(house: House) -> None:
    board = house.switchboard(Forgetful(house.ledger, failures=1))
    house.accept(ask())

    assert board.dial_next()
    assert (house.state(), len(house.phone.dialed)) == (State.PLACED, 1)


def test_a_stopping_bot_does_not_insist_and_the_next_start_is_honest(house: House) -> None:
    ledger = Forgetful(house.ledger, failures=float("inf"))
    board = house.switchboard(ledger)
    house.accept(ask())
    dialing = threading.Thread(target=board.dial_next)
    dialing.start()
    assert ledger.tried.wait(SOON_S)

    board.stop()
    dialing.join(SOON_S)

    assert not dialing.is_alive()
    assert house.state() is State.PLACING
    house.board.sweep(everything_is_orphaned=True)
    assert (house.state(), len(house.phone.dialed)) == (State.IN_DOUBT, 1)


def test_a_ledger_that_cannot_begin_lets_nothing_be_dialed(house: House) -> None:
    house.accept(ask())
    with house.store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE calls RENAME TO gone")

    with pytest.raises(Exception, match="no such table"):
        house.board.dial_next()
    assert house.phone.dialed == []


# --- logs ------------------------------------------------------------------------------------------------


def test_each_change_is_one_log_line_with_the_calls_id_and_no_whole_number(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "evoslack.calling.switchboard")
    call = house.accept(ask())
    house.board.dial_next()

    assert [(record.state, record.levelname) for record in caplog.records] == [
        ("accepted", "INFO"),
        ("placing", "INFO"),
        ("placed", "INFO"),
    ]
    assert all(call.id in record.getMessage() for record in caplog.records)
    assert "5550143" not in caplog.text


def test_doubt_is_logged_as_a_warning(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.phone.outcome = InDoubt(Reason.NO_ANSWER)
    house.accept(ask())
    house.board.dial_next()

    (record,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert "no_answer" in record.getMessage()


def test_every_ending_is_there_to_be_told(house: House) -> None:
    book = NotificationLedger(house.store)
    house.accept(ask())
    house.board.dial_next()

    notifications = book.claim(at=T0, until=T0 + TICK)
    assert notifications is not None
    assert (notifications.call, notifications.revision) == (house.call(), 2)


def test_what_was_there_before_is_noted_with_the_outcome(house: House) -> None:
    house.poller.snapshot = Before()
    call = house.accept(ask())

    house.board.dial_next()

    (trail,) = TrackedCallLedger(house.store).in_progress()
    assert trail.known_ids == {"older", f"{call.request.caller_id} {call.request.number}"}
    assert trail.skew == timedelta(seconds=-7.5)
    assert house.poller.asked == [call.request.account_id]


def test_a_look_that_does_not_work_holds_no_call_up(house: House) -> None:
    house.accept(ask())

    house.board.dial_next()

    assert house.state() is State.PLACED
    (trail,) = TrackedCallLedger(house.store).in_progress()
    assert trail.known_ids is None, "nobody knows what was there before"


def test_nobody_looks_while_nothing_waits(house: House) -> None:
    assert not house.board.dial_next()
    assert house.poller.asked == []


def test_the_look_comes_before_the_row_says_placing(house: House) -> None:
    """A crash during the look leaves a call that is dialed later, and no doubt."""
    seen: list[State] = []
    house.poller.happens = lambda: seen.append(house.state())
    house.accept(ask())

    house.board.dial_next()

    assert seen == [State.ACCEPTED]


def test_a_call_that_another_bot_took_during_the_look_is_not_dialed_here(house: House) -> None:
    house.poller.happens = house.begin
    house.accept(ask())

    assert not house.board.dial_next()
    assert house.phone.dialed == []


def test_a_call_that_waited_through_a_pause_of_the_machine_is_not_dialed(house: House) -> None:
    """Both clocks stood still meanwhile; then the wall clock was put right."""
    house.accept(ask())
    house.wall_is_ahead = timedelta(hours=1)
    assert house.board.dial_next() is False

    house.now += timedelta(seconds=1)
    assert house.board.dial_next() is False
    house.board.sweep()

    assert (house.state(), house.call().reason) == (State.EXPIRED, Reason.WAITED)
    assert house.phone.dialed == []


def test_a_call_that_comes_after_the_clock_was_put_right_is_dialed(house: House) -> None:
    house.wall_is_ahead = timedelta(hours=1)
    house.board.dial_next()
    house.now += TICK

    house.accept(ask())

    assert house.board.dial_next() is True
    assert house.state() is State.PLACED


@pytest.mark.parametrize("off", [timedelta(seconds=4), timedelta(hours=-1)], ids=["a little", "back"])
def test_other_changes_of_the_wall_clock_cost_no_call(house: House, off: timedelta) -> None:
    house.accept(ask())
    house.wall_is_ahead = off

    assert house.board.dial_next() is True
