"""Tracking polls rarely, from one bot at a time, and survives a phone system that does not answer."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evoslack.calling.calls import Call, Ending, HangUp, LostReason, Progress, State
from evoslack.calling.matching import BLIND_LIMIT, MAX_CALL, MAX_UNWATCHED, UNSEEN_LIMIT
from evoslack.calling.outcomes import InDoubt, Outcome, Placed, Reason, Rejected
from evoslack.calling.snapshot import Active, Session, Snapshot
from evoslack.calling.tracker import (
    BACKOFF,
    BEFORE_DIALING_S,
    FAST,
    FRESH,
    LEASE,
    POLL_BUDGET_S,
    SLOW,
    CallTracker,
)
from evoslack.evo.errors import EvoUnavailable
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.store import Store
from evoslack.ledger.tracked_calls import TrackedCallLedger
from tests.calls import call_request

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
CALLER_ID = "+12025550100"
PLACED = Placed()
SOON_S = 5.0


class Phone:
    """A stand-in for Evo Voice: shows the calls it was given and answers hang-ups as configured."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness
        self.shows: list[Active | Session] = []
        self.polls: list[tuple[str, datetime, float]] = []  # account, since, budget
        self.broken: dict[str, Exception] = {}  # by account
        self.happens: Callable[[], object] = lambda: None
        self.ended: list[str] = []
        self.ending: Ending | Exception = Ending.TAKEN

    def poll(self, account_id: str, since: datetime, budget_s: float) -> Snapshot:
        self.polls.append((account_id, since, budget_s))
        self.happens()
        if account_id in self.broken:
            raise self.broken[account_id]
        return Snapshot(
            self._harness.now,
            timedelta(0),
            tuple(one for one in self.shows if isinstance(one, Active)),
            tuple(one for one in self.shows if isinstance(one, Session)),
        )

    def end(self, session_id: str, budget_s: float) -> Ending:
        assert budget_s > 0
        self.ended.append(session_id)
        if isinstance(self.ending, Exception):
            raise self.ending
        return self.ending


class Harness:
    """Trackers with a real ledger, a fake phone and a manual clock."""

    def __init__(self, url: str) -> None:
        self.store = Store(url)
        self.store.open()
        self.calls, self.notifications = CallLedger(self.store), NotificationLedger(self.store)
        self.now = T0
        self.phone = Phone(self)
        self.woken = 0
        self.tracker = self.another_bot()

    def another_bot(self) -> CallTracker:
        return CallTracker(
            self.phone.poll,
            self.phone.end,
            TrackedCallLedger(self.store),
            now=lambda: self.now,
            on_change=self._wake,
        )

    def _wake(self) -> None:
        self.woken += 1

    def place(
        self, index: int = 0, outcome: Outcome = PLACED, account_id: str = "acc1", key: str = "", **more: Any
    ) -> Call:
        """Place a call now; each index has its own number."""
        key, number = key or f"key{index}", f"+1202555{index:04}"
        request = call_request(key, number, account_id=account_id)
        call = self.calls.accept(request, at=self.now)
        self.calls.begin(at=self.now, accepted_after=T0 - timedelta(days=1))
        self.calls.finish(call.id, outcome, at=self.now, **({"known_ids": []} | more))
        return call

    def show(self, call: Call, *, talking: bool = False, session: bool = False, sid: str = "") -> None:
        """Evo Voice shows this call from now on."""
        number, sid = call.request.number[1:], sid or f"CA{call.id}"
        active = Active(sid, number, CALLER_ID[1:], talking, self.now)
        both = frozenset({number, CALLER_ID[1:]})
        record = Session(f"S{call.id}", sid, both, self.now, False, talking, False)
        self.phone.shows = [one for one in self.phone.shows if getattr(one, "sid", "") != sid]
        self.phone.shows += [active, record] if session else [active]

    def known(self, call: Call) -> Call:
        found = self.calls.get(call.id)
        assert found is not None
        return found

    def progress(self, call: Call) -> Progress | None:
        return self.known(call).progress

    def pass_time(self, span: timedelta, *bots: CallTracker) -> list[datetime]:
        """Run every tracker twice a second, as its worker does; returns the times of the polls."""
        polled_at, ends = [], self.now + span
        while self.now < ends:
            for bot in bots or (self.tracker,):
                before = len(self.phone.polls)
                assert bot.poll() is False
                polled_at += [self.now] * (len(self.phone.polls) - before)
            self.now += SECOND / 2
        return polled_at


@pytest.fixture
def harness(sqlite_url: str) -> Iterator[Harness]:
    harness = Harness(sqlite_url)
    yield harness
    harness.store.close()


FIRST_RETRY = timedelta(seconds=BACKOFF.first_s)


def gaps(polled_at: list[datetime]) -> set[float]:
    return {(later - earlier).total_seconds() for earlier, later in itertools.pairwise(polled_at)}


# --- pace ------------------------------------------------------------------------------------------------


def test_nothing_is_polled_while_no_call_is_open(harness: Harness) -> None:
    assert harness.pass_time(timedelta(minutes=10)) == []


@pytest.mark.parametrize("is_ringing", [False, True])
def test_polls_are_frequent_until_a_call_is_answered(harness: Harness, is_ringing: bool) -> None:
    call = harness.place()
    if is_ringing:
        harness.show(call)

    polled_at = harness.pass_time(timedelta(minutes=1))

    assert gaps(polled_at) == {FAST.total_seconds()}
    assert len(polled_at) == timedelta(minutes=1) // FAST


def test_polls_are_rare_while_people_talk(harness: Harness) -> None:
    harness.show(harness.place(), talking=True)
    harness.pass_time(SLOW)

    polled_at = harness.pass_time(timedelta(minutes=1))

    assert gaps(polled_at) == {SLOW.total_seconds()}
    assert len(polled_at) == timedelta(minutes=1) // SLOW


def test_a_new_call_is_seen_soon_even_while_others_talk(harness: Harness) -> None:
    harness.show(harness.place(), talking=True)
    harness.pass_time(SLOW + SECOND)
    new = harness.place(1)
    harness.show(new)

    harness.pass_time(FAST + SECOND / 2)

    assert harness.progress(new) is Progress.RINGING


def test_polling_stops_when_the_last_call_is_over(harness: Harness) -> None:
    call = harness.place()
    polled_at = harness.pass_time(UNSEEN_LIMIT + timedelta(minutes=10))

    assert harness.progress(call) is Progress.LOST
    assert polled_at[-1] - T0 <= UNSEEN_LIMIT + FAST


def test_three_hundred_calls_cost_as_many_polls_as_one(harness: Harness) -> None:
    for index in range(300):
        harness.show(harness.place(index))

    assert len(harness.pass_time(timedelta(seconds=30))) == timedelta(seconds=30) // FAST
    assert {harness.progress(call) for call in harness.calls.newest(300)} == {Progress.RINGING}


def test_a_poll_covers_everything_since_the_oldest_call(harness: Harness) -> None:
    harness.place(0)
    harness.now += 5 * SECOND
    harness.place(1)

    harness.tracker.poll()

    assert harness.phone.polls == [("acc1", T0, pytest.approx(POLL_BUDGET_S, abs=0.5))]


def test_each_account_is_polled_separately(harness: Harness) -> None:
    harness.place(0)
    harness.place(1, account_id="acc2")

    harness.tracker.poll()

    assert [account_id for account_id, *_ in harness.phone.polls] == ["acc1", "acc2"]


# --- the result of a poll --------------------------------------------------------------------------------


def test_only_a_visible_change_wakes_the_notifier(harness: Harness) -> None:
    call = harness.place()
    harness.pass_time(5 * SECOND)
    assert harness.woken == 0

    harness.show(call)
    harness.pass_time(10 * SECOND)
    assert harness.woken == 1

    harness.show(call, talking=True, session=True)
    harness.pass_time(5 * SECOND)
    assert harness.woken == 2


def test_each_step_of_a_call_is_one_log_line(harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    call = harness.place()
    harness.show(call)
    harness.pass_time(20 * SECOND)
    harness.phone.shows = []
    harness.pass_time(20 * SECOND)

    lines = [line for line in caplog.messages if line.startswith("call ")]
    assert lines == [f"call {call.id}: ringing", f"call {call.id}: ended"]


def test_a_call_in_doubt_that_is_found_was_placed(harness: Harness) -> None:
    call = harness.place(outcome=InDoubt(Reason.NO_ANSWER))
    harness.show(call)

    harness.tracker.poll()

    assert (harness.known(call).state, harness.progress(call)) == (State.PLACED, Progress.RINGING)


REJECTED = Rejected(Reason.BAD_REQUEST, "no")


def found_out(harness: Harness, call: Call) -> tuple[State, LostReason | None, bool]:
    call = harness.known(call)
    return call.state, call.lost_reason, call.is_uncertain


@pytest.mark.parametrize(
    "reason", [Reason.BAD_REQUEST, Reason.NOT_PERMITTED, Reason.NOT_FOUND, Reason.TOO_MANY]
)
def test_a_rejected_call_that_was_polled_for_and_not_seen_did_not_ring(
    harness: Harness, reason: Reason
) -> None:
    call = harness.place(outcome=Rejected(reason))
    harness.pass_time(UNSEEN_LIMIT)
    assert (harness.progress(call), harness.woken) == (Progress.WAITING, 0)
    assert harness.known(call).is_uncertain

    harness.pass_time(FAST + SECOND)

    assert found_out(harness, call) == (State.REJECTED, LostReason.UNSEEN, False)
    assert harness.woken == 1, "the caller gets the final word"


def test_a_rejected_call_that_is_seen_was_placed(harness: Harness) -> None:
    call = harness.place(outcome=REJECTED)
    harness.pass_time(SECOND)
    harness.show(call)
    harness.pass_time(FAST + SECOND)

    assert harness.known(call).state is State.PLACED
    assert harness.known(call).found_later


def test_a_rejected_call_that_could_not_be_polled_for_stays_uncertain(harness: Harness) -> None:
    call = harness.place(outcome=REJECTED)
    harness.phone.broken["acc1"] = EvoUnavailable("down")
    harness.pass_time(BLIND_LIMIT + SECOND)

    assert found_out(harness, call) == (State.REJECTED, LostReason.BLIND, True)


def test_a_rejected_call_that_was_polled_for_too_late_stays_uncertain(harness: Harness) -> None:
    """By then an unanswered call would no longer be listed."""
    call = harness.place(outcome=REJECTED)
    harness.phone.broken["acc1"] = EvoUnavailable("down")
    harness.pass_time(MAX_UNWATCHED + 20 * SECOND)
    harness.phone.broken.clear()
    harness.pass_time(UNSEEN_LIMIT)

    assert found_out(harness, call) == (State.REJECTED, LostReason.BLIND, True)


def test_one_failed_poll_does_not_make_a_rejected_call_uncertain(harness: Harness) -> None:
    call = harness.place(outcome=REJECTED)
    harness.pass_time(5 * SECOND)
    harness.phone.broken["acc1"] = EvoUnavailable("down")
    harness.pass_time(FAST + SECOND)
    harness.phone.broken.clear()
    harness.pass_time(UNSEEN_LIMIT)

    assert found_out(harness, call) == (State.REJECTED, LostReason.UNSEEN, False)


def test_a_bot_that_starts_late_does_not_say_that_a_rejected_call_did_not_ring(harness: Harness) -> None:
    """It was killed with the call, and started again a minute later."""
    call = harness.place(outcome=REJECTED)
    harness.now += timedelta(minutes=1)
    harness.pass_time(UNSEEN_LIMIT, harness.another_bot())

    assert found_out(harness, call) == (State.REJECTED, LostReason.BLIND, True)


def test_the_session_of_a_finished_call_is_not_given_to_the_next(harness: Harness) -> None:
    first = harness.place()
    harness.show(first, talking=True, sid="CA1")
    harness.tracker.poll()
    harness.phone.shows = []
    harness.pass_time(30 * SECOND)
    assert harness.progress(first) is Progress.ENDED
    second = harness.place(key="again", outcome=InDoubt(Reason.NO_ANSWER), known_ids=None)  # no snapshot
    harness.show(first, sid="CA1", talking=True)

    harness.pass_time(UNSEEN_LIMIT + 5 * SECOND)

    assert (harness.known(second).state, harness.progress(second)) == (State.IN_DOUBT, Progress.LOST)


# --- several bots ----------------------------------------------------------------------------------------


def test_only_one_of_several_bots_polls(harness: Harness) -> None:
    harness.place()

    polled_at = harness.pass_time(timedelta(minutes=1), *[harness.another_bot() for _ in range(3)])

    assert len(polled_at) == timedelta(minutes=1) // FAST


def test_another_bot_takes_over_from_one_that_died(harness: Harness) -> None:
    one, other = harness.another_bot(), harness.another_bot()
    harness.place()
    died_at = harness.pass_time(10 * SECOND, one, other)[-1]

    (took_over, *_) = harness.pass_time(timedelta(minutes=1), other)

    assert LEASE <= took_over - died_at <= LEASE + FAST


# --- when Evo Voice cannot be polled ---------------------------------------------------------------------


def test_failed_polls_do_not_end_a_call(harness: Harness) -> None:
    call = harness.place()
    harness.show(call, talking=True)
    harness.pass_time(3 * SECOND)
    harness.phone.broken["acc1"] = OSError("away")

    harness.pass_time(timedelta(minutes=10))
    assert harness.progress(call) is Progress.ANSWERED

    harness.now = T0 + MAX_CALL
    harness.pass_time(SLOW)
    assert harness.progress(call) is Progress.LOST


def test_each_outage_is_logged_once_and_so_is_its_end(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    harness.place(0)
    harness.place(1, account_id="acc2")
    harness.phone.broken["acc1"] = OSError("away")
    harness.pass_time(timedelta(minutes=1))
    harness.phone.broken["acc1"] = OSError("still away")
    harness.pass_time(timedelta(minutes=2))
    harness.phone.broken.clear()
    harness.pass_time(timedelta(minutes=2))

    lines = [line for line in caplog.messages if "polling" in line]
    assert lines == [
        "polling calls failed: OSError: away",
        "polling calls failed: OSError: still away",
        "polling calls works again; failures: 2 (OSError: still away)",
    ]


def test_an_outage_of_one_account_does_not_hide_another(harness: Harness) -> None:
    harness.phone.broken["acc1"] = OSError("away")
    harness.place(0)
    other = harness.place(1, account_id="acc2")
    harness.show(other)

    harness.pass_time(5 * SECOND)

    assert harness.progress(other) is Progress.RINGING


# --- the snapshot before dialing -------------------------------------------------------------------------


def test_a_snapshot_before_dialing_contains_existing_calls(harness: Harness) -> None:
    there = harness.place()
    harness.show(there, sid="CA1")

    seen = harness.tracker.snapshot_before("acc1")

    assert seen is not None
    assert seen.ids(there.request.number, CALLER_ID) == {"CA1"}
    ((account_id, since, budget_s),) = harness.phone.polls
    assert (account_id, since) == ("acc1", T0)
    assert budget_s <= BEFORE_DIALING_S


def test_a_fresh_snapshot_is_shared_and_an_old_one_is_not(harness: Harness) -> None:
    first = harness.tracker.snapshot_before("acc1")
    harness.now += FRESH
    assert harness.tracker.snapshot_before("acc1") is first

    harness.now += SECOND / 1000
    assert harness.tracker.snapshot_before("acc1") is not first
    assert len(harness.phone.polls) == 2


def test_a_snapshot_of_another_account_is_not_shared(harness: Harness) -> None:
    harness.tracker.snapshot_before("acc1")
    harness.tracker.snapshot_before("acc2")

    assert len(harness.phone.polls) == 2


def test_the_trackers_own_poll_is_shared_with_the_dialer(harness: Harness) -> None:
    harness.place()
    harness.tracker.poll()

    assert harness.tracker.snapshot_before("acc1") is not None
    assert len(harness.phone.polls) == 1


def test_a_failed_snapshot_is_not_retried_at_once(harness: Harness) -> None:
    harness.phone.broken["acc1"] = OSError("away")
    assert harness.tracker.snapshot_before("acc1") is None
    harness.phone.broken.clear()

    harness.now += FIRST_RETRY - SECOND
    assert harness.tracker.snapshot_before("acc1") is None
    assert len(harness.phone.polls) == 1
    assert harness.tracker.snapshot_before("acc2") is not None, "which works"

    harness.now += SECOND
    assert harness.tracker.snapshot_before("acc1") is not None


def test_an_old_snapshot_is_not_used_during_an_outage(harness: Harness) -> None:
    """Calls that began since then would be taken for ours."""
    harness.tracker.snapshot_before("acc1")
    harness.now += FRESH + SECOND
    harness.phone.broken["acc1"] = OSError("away")

    assert harness.tracker.snapshot_before("acc1") is None


def test_polling_that_works_again_is_trusted_again(harness: Harness) -> None:
    harness.place()
    harness.phone.broken["acc1"] = OSError("away")
    harness.tracker.snapshot_before("acc1")
    harness.phone.broken.clear()
    harness.now += FIRST_RETRY
    harness.tracker.poll()
    harness.now += FRESH + SECOND

    assert harness.tracker.snapshot_before("acc1") is not None


def test_polls_back_off_during_a_long_outage(harness: Harness) -> None:
    harness.place()
    harness.phone.broken["acc1"] = OSError("away")

    polled_at = harness.pass_time(timedelta(minutes=4))

    assert len(polled_at) <= 7, "after 10, 20, 40 seconds, then every minute"


def test_a_rate_limit_of_evo_voice_is_respected(harness: Harness) -> None:
    harness.place()
    harness.phone.broken["acc1"] = EvoUnavailable("429", pause_s=120)

    polled_at = harness.pass_time(timedelta(seconds=119))

    assert len(polled_at) == 1


def test_a_clock_that_is_set_back_does_not_stop_polling(harness: Harness) -> None:
    call = harness.place()
    harness.pass_time(FAST)
    harness.now -= timedelta(hours=1)

    polled_at = harness.pass_time(10 * SECOND)

    assert len(polled_at) >= 3
    assert harness.tracker.snapshot_before("acc1") is not None
    assert harness.progress(call) is Progress.WAITING


def test_concurrent_dialers_share_one_snapshot(harness: Harness) -> None:
    """The second one waits for the first and uses its snapshot."""
    others: list[Any] = []
    with ThreadPoolExecutor(4) as pool:
        harness.phone.happens = lambda: (
            others or others.extend(pool.submit(harness.tracker.snapshot_before, "acc1") for _ in range(3))
        )
        first = harness.tracker.snapshot_before("acc1")
        assert all(other.result(SOON_S) is first for other in others)

    assert len(harness.phone.polls) == 1


def test_waiting_for_another_threads_snapshot_counts_toward_the_budget(harness: Harness) -> None:
    """The first snapshot takes half a second and fails; the second has only the rest of the budget."""
    seconds: list[Any] = []
    slow = threading.Event()
    with ThreadPoolExecutor(1) as pool:

        def happens() -> None:
            if not seconds:
                seconds.append(pool.submit(harness.tracker.snapshot_before, "acc1"))
                slow.wait(0.5)
                raise OSError("away")

        harness.phone.happens = happens
        assert harness.tracker.snapshot_before("acc1") is None
        seconds[0].result(SOON_S)

    *_, (_, _, left_s) = harness.phone.polls
    assert left_s <= BEFORE_DIALING_S - 0.4


def test_a_snapshot_never_takes_longer_than_its_budget(harness: Harness) -> None:
    going, done = threading.Event(), threading.Event()

    def happens() -> None:
        going.set()
        done.wait(SOON_S)

    harness.phone.happens = happens
    harness.place()
    with ThreadPoolExecutor(1) as pool:
        polling = pool.submit(harness.tracker.poll)
        assert going.wait(SOON_S)
        began = time.monotonic()

        assert harness.tracker.snapshot_before("acc1") is None

        assert BEFORE_DIALING_S * 0.9 <= time.monotonic() - began < BEFORE_DIALING_S + 0.5
        done.set()
        polling.result(SOON_S)


# --- hanging up ------------------------------------------------------------------------------------------


@pytest.fixture
def talking(harness: Harness) -> Call:
    """A matched call in progress, with the last poll a while ago."""
    call = harness.place()
    harness.show(call, talking=True, session=True)
    harness.pass_time(3 * SECOND)
    harness.woken = 0
    return harness.known(call)


def test_a_hang_up_is_recorded_announced_and_checked_at_once(harness: Harness, talking: Call) -> None:
    polls = len(harness.phone.polls)

    assert harness.tracker.hang_up(talking, "U_SARA") is Ending.TAKEN

    assert harness.phone.ended == [talking.session_id]
    assert (harness.known(talking).hang_up, harness.woken) == (HangUp.ASKED, 1)
    harness.tracker.poll()
    assert len(harness.phone.polls) == polls + 1, "without waiting for the next scheduled poll"


def test_a_hang_up_is_recorded_before_evo_voice_is_asked(harness: Harness, talking: Call) -> None:
    seen: list[HangUp | None] = []

    def end(session_id: str, budget_s: float) -> Ending:
        seen.append(harness.known(talking).hang_up)
        return Ending.TAKEN

    tracker = CallTracker(
        harness.phone.poll,
        end,
        TrackedCallLedger(harness.store),
        now=lambda: harness.now,
        on_change=lambda: None,
    )
    tracker.hang_up(talking, "U_SARA")

    assert seen == [HangUp.ASKED]


def test_polls_are_frequent_until_it_is_clear_whether_the_call_ended(harness: Harness, talking: Call) -> None:
    harness.tracker.hang_up(talking, "U_SARA")

    polled_at = harness.pass_time(10 * SECOND)

    assert gaps(polled_at) == {FAST.total_seconds()}


def test_a_call_that_goes_on_after_a_hang_up_is_reported(harness: Harness, talking: Call) -> None:
    harness.tracker.hang_up(talking, "U_SARA")

    harness.pass_time(20 * SECOND)

    assert harness.known(talking).hang_up is HangUp.NO_EFFECT
    assert harness.woken == 2


def test_a_missing_session_is_left_to_the_next_polls(harness: Harness, talking: Call) -> None:
    harness.phone.ending = Ending.GONE

    assert harness.tracker.hang_up(talking, "U_SARA") is Ending.GONE
    assert harness.known(talking).hang_up is HangUp.ASKED


@pytest.mark.parametrize("answer", [Ending.FORBIDDEN, OSError("away")], ids=str)
def test_a_hang_up_that_failed_is_cleared(harness: Harness, talking: Call, answer: Any) -> None:
    harness.phone.ending = answer

    ending = harness.tracker.hang_up(talking, "U_SARA")

    assert ending is (Ending.FORBIDDEN if answer is Ending.FORBIDDEN else None)
    assert (harness.known(talking).hang_up, harness.woken) == (None, 2)


@pytest.mark.parametrize("answer", [*Ending, OSError("away")], ids=str)
def test_every_hang_up_is_logged(
    harness: Harness, talking: Call, answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    harness.phone.ending = answer

    harness.tracker.hang_up(talking, "U_SARA")

    word = "no answer" if isinstance(answer, Exception) else answer
    assert f"call {talking.id}: hang up requested by U_SARA: {word}" in caplog.messages


class ForgetfulLedger(TrackedCallLedger):
    """A real ledger whose database fails at some hang-ups, before or right after saving them."""

    def __init__(self, store: Store, *, breaks_at: HangUp | None, writes: bool) -> None:
        super().__init__(store)
        self._breaks_at, self._writes = breaks_at, writes

    def hang_up(self, call_id: str, ended: HangUp | None, *, at: datetime, by: str = "") -> bool:
        if ended is not self._breaks_at:
            return super().hang_up(call_id, ended, at=at, by=by)
        if self._writes:
            super().hang_up(call_id, ended, at=at, by=by)
        raise OSError("the database is away")


def with_ledger(harness: Harness, ledger: TrackedCallLedger) -> CallTracker:
    return CallTracker(
        harness.phone.poll, harness.phone.end, ledger, now=lambda: harness.now, on_change=lambda: None
    )


@pytest.mark.parametrize("writes", [False, True])
def test_evo_voice_is_not_asked_if_the_hang_up_may_not_be_recorded(
    harness: Harness, talking: Call, writes: bool
) -> None:
    tracker = with_ledger(harness, ForgetfulLedger(harness.store, breaks_at=HangUp.ASKED, writes=writes))

    with pytest.raises(OSError, match="away"):
        tracker.hang_up(talking, "U_SARA")

    assert (harness.phone.ended, harness.known(talking).hang_up) == ([], None)


def test_the_result_of_a_hang_up_is_returned_even_if_it_cannot_be_cleared(
    harness: Harness, talking: Call
) -> None:
    harness.phone.ending = Ending.FORBIDDEN
    tracker = with_ledger(harness, ForgetfulLedger(harness.store, breaks_at=None, writes=False))

    assert tracker.hang_up(talking, "U_SARA") is Ending.FORBIDDEN
    assert harness.known(talking).hang_up is HangUp.ASKED
    harness.pass_time(20 * SECOND)
    assert harness.known(talking).hang_up is HangUp.NO_EFFECT, "so it can be tried again"


def test_a_call_without_a_known_session_cannot_be_hung_up(harness: Harness) -> None:
    call = harness.known(harness.place())

    assert harness.tracker.hang_up(call, "U_SARA") is Ending.GONE
    assert (harness.phone.ended, harness.known(call).hang_up, harness.woken) == ([], None, 0)


def test_a_call_that_already_ended_is_not_hung_up(harness: Harness, talking: Call) -> None:
    harness.phone.shows = []
    harness.pass_time(30 * SECOND)
    harness.woken = 0

    assert harness.tracker.hang_up(talking, "U_SARA") is Ending.GONE
    assert (harness.phone.ended, harness.woken) == ([], 0)


def test_a_hang_up_is_sent_once(harness: Harness, talking: Call) -> None:
    assert harness.tracker.hang_up(talking, "U_SARA") is Ending.TAKEN
    assert harness.tracker.hang_up(talking, "U_SARA") is Ending.GONE, "a hang-up was sent already"

    assert len(harness.phone.ended) == 1
