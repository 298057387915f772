"""What happens to a call from the press to its end, with the real ledger and a fake phone."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evoslack.calling.calling_hours import CallingHours
from evoslack.calling.calls import Call, CallRequest, State
from evoslack.calling.intake import Intake
from evoslack.calling.outcomes import InDoubt, NotSent, Outcome, Placed, Reason, Rejected
from evoslack.calling.rulebook import BlockedNumber, Rules
from evoslack.calling.switchboard import LATEST_DIALING, PLACING_LIMIT, Switchboard
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.scheduled_calls import ScheduledCallLedger
from evoslack.ledger.store import Store
from evoslack.ledger.tracked_calls import TrackedCallLedger
from tests.calls import NUMBER, call_request
from tests.rules import US_ONLY, KnownFacts, rule_check

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
    """Records every request; ends with `outcome`, after running `happens`."""

    def __init__(self) -> None:
        self.dialed: list[CallRequest] = []
        self.outcome: Outcome = Placed()
        self.connects: Callable[[], object] = lambda: None
        self.happens: Callable[[], object] = lambda: None

    def dial(self, request: CallRequest, may_leave: Callable[[], bool]) -> Outcome:
        self.connects()
        if not may_leave():
            return NotSent(Reason.HELD_UP)
        self.dialed.append(request)
        self.happens()
        return self.outcome


class Earlier:
    """A snapshot before dialing that has one call to that number."""

    skew = timedelta(seconds=-7.5)

    def ids(self, number: str, caller_id: str) -> Collection[str]:
        return [f"{caller_id} {number}", "older"]


class Poller:
    """Gives the snapshot before dialing, or none."""

    def __init__(self) -> None:
        self.snapshot: Earlier | None = None
        self.asked: list[str] = []
        self.happens: Callable[[], object] = lambda: None

    def __call__(self, account_id: str) -> Earlier | None:
        self.asked.append(account_id)
        self.happens()
        return self.snapshot


class Harness:
    """A switchboard and its dependencies; `woken` lists what was woken, in order."""

    def __init__(self, url: str) -> None:
        self.store = Store(url)
        self.store.open()
        self.ledger = CallLedger(self.store)
        self.phone = Phone()
        self.poller = Poller()
        self.now = T0
        self.wall_is_ahead = timedelta(0)
        self.woken: list[str] = []
        self.denial: NotSent | None = None  # what the rules say right before dialing
        self.asked_before: list[str] = []
        self.board = self.switchboard(self.ledger)
        self.intake = Intake(
            self.ledger,
            now=lambda: self.now,
            on_answer=lambda: None,
            on_work=lambda: self.woken.append("work"),
            on_change=lambda: self.woken.append("change"),
        )

    def switchboard(self, ledger: Any) -> Switchboard:
        return Switchboard(
            ledger,
            self.phone,
            self.poller,
            max_wait=MAX_WAIT,
            now=lambda: self.now,
            wall=lambda: self.now + self.wall_is_ahead,
            on_change=lambda: self.woken.append("change"),
            before_dialing=self.before_dialing,
        )

    def before_dialing(self, call: Call) -> NotSent | None:
        assert self.call(call.request.key).state is State.PLACING  # nobody else dials it meanwhile
        self.asked_before.append(call.id)
        return self.denial

    def dial_by_the_rules(self, facts: KnownFacts, rules: Rules = US_ONLY) -> bool:
        """Dial the next call after asking the real rules."""
        check = rule_check(rules, facts, self.now)
        board = Switchboard(
            self.ledger,
            self.phone,
            self.poller,
            max_wait=MAX_WAIT,
            now=lambda: self.now,
            wall=lambda: self.now,
            on_change=lambda: None,
            before_dialing=check.before_dialing,
        )
        return board.dial_next()

    def accept(self, request: CallRequest) -> Call:
        """Accept a press that is answered at once."""
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
def harness(sqlite_url: str) -> Iterator[Harness]:
    harness = Harness(sqlite_url)
    yield harness
    harness.store.close()


def test_one_press_is_one_dialing_however_often_it_is_pressed_and_connected(harness: Harness) -> None:
    for _ in range(3):
        harness.accept(call_request())
        while harness.board.dial_next():
            pass

    assert harness.phone.dialed == [call_request()]
    assert harness.state() is State.PLACED


def test_the_row_says_placing_before_the_phone_can_ring(harness: Harness) -> None:
    seen: list[State] = []
    harness.phone.happens = lambda: seen.append(harness.state())
    harness.accept(call_request())

    assert harness.board.dial_next()
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
def test_the_outcome_of_dialing_is_recorded_and_announced(
    harness: Harness, outcome: Outcome, state: State
) -> None:
    harness.phone.outcome = outcome
    harness.accept(call_request())
    harness.woken.clear()

    assert harness.board.dial_next()

    call = harness.call()
    assert (call.state, call.reason) == (state, getattr(outcome, "reason", None))
    assert harness.woken == ["change"]


def test_without_a_waiting_call_nothing_is_dialed(harness: Harness) -> None:
    assert not harness.board.dial_next()
    assert harness.phone.dialed == []


def test_a_defect_while_dialing_is_doubt_and_no_second_try(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks() -> None:
        raise RuntimeError("a defect")

    harness.phone.happens = breaks
    harness.accept(call_request())

    assert harness.board.dial_next()
    assert not harness.board.dial_next()
    assert (harness.state(), harness.call().reason) == (State.IN_DOUBT, Reason.BOT_BROKE)
    assert len(harness.phone.dialed) == 1
    assert any(record.exc_info for record in caplog.records)


def test_calls_are_dialed_in_the_order_of_their_presses(harness: Harness) -> None:
    for index in range(5):
        harness.now = T0 + index * TICK
        harness.accept(call_request(f"key{index}", f"+1202555014{index}"))

    while harness.board.dial_next():
        pass

    assert [request.number[-1] for request in harness.phone.dialed] == list("01234")


def test_sixteen_dialers_and_forty_calls_are_forty_rings(harness: Harness) -> None:
    numbers = [f"+12025550{index:03}" for index in range(40)]
    for number in numbers:
        harness.accept(call_request(number, number))
    gate = threading.Barrier(16)

    def work() -> None:
        gate.wait(SOON_S)
        while harness.ledger.count_open()[State.ACCEPTED]:
            harness.board.dial_next()

    with ThreadPoolExecutor(16) as pool:
        for done in [pool.submit(work) for _ in range(16)]:
            done.result(30)

    assert sorted(request.number for request in harness.phone.dialed) == numbers
    assert {call.state for call in harness.ledger.newest(100)} == {State.PLACED}


# --- what is too late, and what a crash leaves -------------------------------------------------------


def test_a_call_that_waited_too_long_is_never_dialed_and_its_caller_is_told(harness: Harness) -> None:
    harness.accept(call_request())
    harness.woken.clear()
    harness.now = T0 + MAX_WAIT

    assert not harness.board.dial_next()
    harness.board.sweep()

    assert (harness.state(), harness.call().reason) == (State.EXPIRED, Reason.WAITED)
    assert harness.woken == ["change"]
    assert not harness.board.dial_next()
    assert harness.phone.dialed == []


def test_a_call_that_is_just_young_enough_is_dialed_and_not_swept(harness: Harness) -> None:
    harness.accept(call_request())
    harness.now = T0 + MAX_WAIT - TICK

    harness.board.sweep()
    assert harness.board.dial_next()
    assert harness.state() is State.PLACED


@pytest.mark.parametrize(
    ("later", "expected"),
    [(timedelta(0), State.PLACING), (PLACING_LIMIT - TICK, State.PLACING), (PLACING_LIMIT, State.IN_DOUBT)],
)
def test_a_call_that_is_being_dialed_is_doubted_only_past_the_limit(
    harness: Harness, later: timedelta, expected: State
) -> None:
    harness.accept(call_request())
    harness.begin()
    harness.now = T0 + later

    harness.board.sweep()

    assert harness.state() is expected


def test_a_bot_that_knows_it_is_alone_doubts_every_orphan_at_its_start(harness: Harness) -> None:
    harness.accept(call_request())
    harness.begin()
    harness.woken.clear()

    harness.board.sweep(everything_is_orphaned=True)

    assert (harness.state(), harness.call().reason) == (State.IN_DOUBT, Reason.BOT_STOPPED)
    assert harness.woken == ["change"]
    assert not harness.board.dial_next()
    assert harness.phone.dialed == []


def test_a_bot_that_knows_it_is_alone_doubts_orphans_even_after_the_clock_was_set_back(
    harness: Harness,
) -> None:
    """A crash and a corrected clock must not leave a call being placed, and its number busy."""
    harness.accept(call_request())
    harness.begin()
    harness.now = T0 - timedelta(hours=1)

    harness.board.sweep(everything_is_orphaned=True)

    assert harness.state() is State.IN_DOUBT


def test_waiting_calls_survive_a_restart_and_are_dialed_once(harness: Harness) -> None:
    harness.accept(call_request())
    harness.now = T0 + timedelta(seconds=30)

    harness.board.sweep(everything_is_orphaned=True)
    assert harness.board.dial_next()
    assert not harness.board.dial_next()

    assert (harness.state(), len(harness.phone.dialed)) == (State.PLACED, 1)


def test_a_sweep_with_nothing_to_close_wakes_no_worker(harness: Harness) -> None:
    harness.accept(call_request())
    harness.woken.clear()

    harness.board.sweep()

    assert (harness.state(), harness.woken) == (State.ACCEPTED, [])


def test_a_late_outcome_settles_what_the_sweep_doubted(harness: Harness) -> None:
    def long_silence() -> None:
        harness.now = T0 + PLACING_LIMIT
        harness.board.sweep()
        assert harness.state() is State.IN_DOUBT

    harness.phone.happens = long_silence
    harness.accept(call_request())
    harness.board.dial_next()

    assert harness.state() is State.PLACED


class Sleepy:
    """The real ledger, but the machine is suspended right after a call was begun."""

    def __init__(self, harness: Harness, pause: timedelta) -> None:
        self._harness = harness
        self._pause = pause

    def __getattr__(self, name: str) -> Any:
        return getattr(self._harness.ledger, name)

    def begin(self, **when: datetime) -> Call | None:
        call = self._harness.ledger.begin(**when)
        self._harness.now += self._pause
        return call


@pytest.mark.parametrize(
    ("pause", "state", "dialed"),
    [(LATEST_DIALING, State.PLACED, 1), (LATEST_DIALING + TICK, State.NOT_SENT, 0)],
)
def test_a_machine_that_was_suspended_after_beginning_does_not_dial(
    harness: Harness, pause: timedelta, state: State, dialed: int
) -> None:
    """By then another bot may have reported the call as in doubt."""
    board = harness.switchboard(Sleepy(harness, pause))
    harness.accept(call_request())

    assert board.dial_next()
    assert (harness.state(), len(harness.phone.dialed)) == (state, dialed)


# --- a ledger that fails --------------------------------------------------------------------------------


class Forgetful:
    """The real ledger, but writing an outcome down fails a number of times."""

    def __init__(self, ledger: CallLedger, failures: float) -> None:
        self._ledger = ledger
        self.failures = failures
        self.tried = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def finish(self, *args: Any, **kwargs: Any) -> Call | None:
        self.tried.set()
        if self.failures > 0:
            self.failures -= 1
            raise OSError("the disk is full")
        return self._ledger.finish(*args, **kwargs)


def test_an_outcome_that_could_not_be_saved_is_saved_later_without_dialing_again(harness: Harness) -> None:
    board = harness.switchboard(Forgetful(harness.ledger, failures=1))
    harness.accept(call_request())

    assert board.dial_next()
    assert (harness.state(), len(harness.phone.dialed)) == (State.PLACED, 1)


def test_a_stopping_bot_gives_up_saving_and_the_next_start_reports_doubt(harness: Harness) -> None:
    ledger = Forgetful(harness.ledger, failures=float("inf"))
    board = harness.switchboard(ledger)
    harness.accept(call_request())
    dialing = threading.Thread(target=board.dial_next)
    dialing.start()
    assert ledger.tried.wait(SOON_S)

    board.stop()
    dialing.join(SOON_S)

    assert not dialing.is_alive()
    assert harness.state() is State.PLACING
    harness.board.sweep(everything_is_orphaned=True)
    assert (harness.state(), len(harness.phone.dialed)) == (State.IN_DOUBT, 1)


def test_a_ledger_that_cannot_begin_lets_nothing_be_dialed(harness: Harness) -> None:
    harness.accept(call_request())
    with harness.store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE calls RENAME TO gone")

    with pytest.raises(Exception, match="no such table"):
        harness.board.dial_next()
    assert harness.phone.dialed == []


# --- logs ------------------------------------------------------------------------------------------------


def test_each_change_is_one_log_line_with_the_call_id_and_a_masked_number(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "evoslack.calling.call_log")
    call = harness.accept(call_request())
    harness.board.dial_next()

    assert [(record.state, record.levelname) for record in caplog.records] == [
        ("accepted", "INFO"),
        ("placing", "INFO"),
        ("placed", "INFO"),
    ]
    assert all(call.id in record.getMessage() for record in caplog.records)
    assert "5550143" not in caplog.text


def test_doubt_is_logged_as_a_warning(harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    harness.phone.outcome = InDoubt(Reason.NO_ANSWER)
    harness.accept(call_request())
    harness.board.dial_next()

    (record,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert "no_answer" in record.getMessage()


def test_every_outcome_has_a_notification(harness: Harness) -> None:
    notifications = NotificationLedger(harness.store)
    harness.accept(call_request())
    harness.board.dial_next()

    notification = notifications.claim(at=T0, until=T0 + TICK)
    assert notification is not None
    assert (notification.call, notification.revision) == (harness.call(), 2)


def test_calls_seen_before_dialing_are_saved_with_the_outcome(harness: Harness) -> None:
    harness.poller.snapshot = Earlier()
    call = harness.accept(call_request())

    harness.board.dial_next()

    (tracked,) = TrackedCallLedger(harness.store).in_progress()
    assert tracked.known_ids == {"older", f"{call.request.caller_id} {call.request.number}"}
    assert tracked.skew == timedelta(seconds=-7.5)
    assert harness.poller.asked == [call.request.account_id]


def test_a_failed_snapshot_does_not_delay_a_call(harness: Harness) -> None:
    harness.accept(call_request())

    harness.board.dial_next()

    assert harness.state() is State.PLACED
    (tracked,) = TrackedCallLedger(harness.store).in_progress()
    assert tracked.known_ids is None, "no snapshot"


def test_no_snapshot_is_taken_while_nothing_waits(harness: Harness) -> None:
    assert not harness.board.dial_next()
    assert harness.poller.asked == []


def test_the_snapshot_comes_before_the_row_says_placing(harness: Harness) -> None:
    """A crash during the snapshot leaves a call that is dialed later, not in doubt."""
    seen: list[State] = []
    harness.poller.happens = lambda: seen.append(harness.state())
    harness.accept(call_request())

    harness.board.dial_next()

    assert seen == [State.ACCEPTED]


def test_a_call_that_another_bot_took_during_the_snapshot_is_not_dialed_here(harness: Harness) -> None:
    harness.poller.happens = harness.begin
    harness.accept(call_request())

    assert not harness.board.dial_next()
    assert harness.phone.dialed == []


def test_a_call_that_waited_while_the_machine_was_suspended_is_not_dialed(harness: Harness) -> None:
    """Both clocks stopped; then the wall clock was corrected."""
    harness.accept(call_request())
    harness.wall_is_ahead = timedelta(hours=1)
    assert harness.board.dial_next() is False

    harness.now += timedelta(seconds=1)
    assert harness.board.dial_next() is False
    harness.board.sweep()

    assert (harness.state(), harness.call().reason) == (State.EXPIRED, Reason.WAITED)
    assert harness.phone.dialed == []


def test_a_call_that_comes_after_the_clock_was_corrected_is_dialed(harness: Harness) -> None:
    harness.wall_is_ahead = timedelta(hours=1)
    harness.board.dial_next()
    harness.now += TICK

    harness.accept(call_request())

    assert harness.board.dial_next() is True
    assert harness.state() is State.PLACED


@pytest.mark.parametrize("off", [timedelta(seconds=4), timedelta(hours=-1)], ids=["a little", "back"])
def test_other_changes_of_the_wall_clock_lose_no_call(harness: Harness, off: timedelta) -> None:
    harness.accept(call_request())
    harness.wall_is_ahead = off

    assert harness.board.dial_next() is True


def test_a_no_of_the_rules_right_before_dialing_is_proven_and_told(harness: Harness) -> None:
    call = harness.accept(call_request())
    harness.denial = NotSent(Reason.BLOCKED)
    harness.woken.clear()

    assert harness.board.dial_next()

    assert (harness.state(), harness.call().reason) == (State.NOT_SENT, Reason.BLOCKED)
    assert (harness.phone.dialed, harness.asked_before) == ([], [call.id])
    assert harness.woken == ["change"]


def test_the_rules_are_asked_before_anything_is_opened_and_right_before_the_first_byte(
    harness: Harness,
) -> None:
    call = harness.accept(call_request())

    assert harness.board.dial_next()

    assert harness.state() is State.PLACED
    assert harness.asked_before == [call.id, call.id]


def test_a_no_that_comes_while_evo_voice_is_connected_counts(harness: Harness) -> None:
    harness.accept(call_request())

    def block() -> None:
        harness.denial = NotSent(Reason.BLOCKED)

    harness.phone.connects = block

    assert harness.board.dial_next()

    assert (harness.state(), harness.call().reason) == (State.NOT_SENT, Reason.BLOCKED)
    assert harness.phone.dialed == []


CALL_FROM_9_TO_5 = replace(US_ONLY, hours=(CallingHours(9 * 60, 17 * 60),))
LAST_MINUTE = datetime.fromisoformat("2026-03-02T21:59:30+00:00")  # 4:59 PM in Washington


def test_a_number_that_is_blocked_while_its_call_waits_is_not_dialed(harness: Harness) -> None:
    facts = KnownFacts()
    harness.accept(call_request())
    harness.poller.happens = lambda: facts.blocked.update({NUMBER: BlockedNumber(NUMBER, "", "U_ADA", T0)})

    assert harness.dial_by_the_rules(facts)

    assert (harness.state(), harness.call().reason) == (State.NOT_SENT, Reason.BLOCKED)
    assert harness.phone.dialed == []


@pytest.mark.parametrize(
    ("waits", "state"), [(timedelta(0), State.PLACED), (timedelta(seconds=31), State.NOT_SENT)]
)
def test_a_call_that_waited_past_its_hour_is_not_dialed(
    harness: Harness, waits: timedelta, state: State
) -> None:
    harness.now = LAST_MINUTE
    harness.accept(call_request())
    harness.now += waits

    assert harness.dial_by_the_rules(KnownFacts(), CALL_FROM_9_TO_5)

    assert harness.state() is state
    assert (harness.call().reason is Reason.OUTSIDE_HOURS) == (state is State.NOT_SENT)


def test_hours_count_at_the_moment_of_dialing_not_at_the_time_it_waited_for(harness: Harness) -> None:
    harness.now = LAST_MINUTE
    scheduled = ScheduledCallLedger(harness.store)
    call = harness.accept(replace(call_request(), due_at=LAST_MINUTE + timedelta(seconds=10)))
    harness.now += timedelta(seconds=10)
    assert scheduled.start(call, at=harness.now)
    harness.now += timedelta(seconds=30)

    assert harness.dial_by_the_rules(KnownFacts(), CALL_FROM_9_TO_5)

    assert (harness.state(), harness.call().reason) == (State.NOT_SENT, Reason.OUTSIDE_HOURS)
    assert harness.phone.dialed == []


def test_while_the_rules_cannot_be_read_nothing_is_dialed(harness: Harness) -> None:
    facts = KnownFacts()
    facts.fails = True
    harness.accept(call_request())

    assert harness.dial_by_the_rules(facts)

    assert (harness.state(), harness.call().reason) == (State.NOT_SENT, Reason.UNCHECKED)
    assert harness.phone.dialed == []
