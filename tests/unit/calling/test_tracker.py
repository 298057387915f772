"""Following at its own pace: few looks, one bot at a time, and a phone system that may not answer."""

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

from evoslack.calling.calls import (
    Call,
    CallRequest,
    Ending,
    HangUp,
    InDoubt,
    LostReason,
    Outcome,
    Placed,
    Progress,
    Reason,
    Rejected,
    State,
)
from evoslack.calling.matching import BLIND_LIMIT, MAX_CALL, MAX_UNWATCHED, UNSEEN_LIMIT
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

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
CALLER_ID = "+12025550100"
PLACED = Placed()
SOON_S = 5.0


class Phone:
    """Shows the calls that are put into it, and ends them as it is told to."""

    def __init__(self, house: House) -> None:
        self._house = house
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
            self._house.now,
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


class House:
    """Trackers with a real ledger and a phone made by hand; time passes only when it is told to."""

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
        """A call that went out just now; each index has a number of its own."""
        key, number = key or f"key{index}", f"+1202555{index:04}"
        request = CallRequest(key, "T1", "U_SARA", account_id, "flow1", "Reminder", number, CALLER_ID)
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
        """Let every follower do as its crew does, twice a second; when they looked."""
        looked, ends = [], self.now + span
        while self.now < ends:
            for bot in bots or (self.tracker,):
                before = len(self.phone.polls)
                assert bot.poll() is False
                looked += [self.now] * (len(self.phone.polls) - before)
            self.now += SECOND / 2
        return looked


@pytest.fixture
def house(sqlite_url: str) -> Iterator[House]:
    house = House(sqlite_url)
    yield house
    house.store.close()


TROUBLE = timedelta(seconds=BACKOFF.first_s)


def gaps(looked: list[datetime]) -> set[float]:
    return {(later - earlier).total_seconds() for earlier, later in itertools.pairwise(looked)}


# --- pace ------------------------------------------------------------------------------------------------


def test_nobody_looks_while_nothing_is_open(house: House) -> None:
    assert house.pass_time(timedelta(minutes=10)) == []


@pytest.mark.parametrize("is_ringing", [False, True])
def test_somebody_looks_often_until_a_call_is_answered(house: House, is_ringing: bool) -> None:
    call = house.place()
    if is_ringing:
        house.show(call)

    looked = house.pass_time(timedelta(minutes=1))

    assert gaps(looked) == {FAST.total_seconds()}
    assert len(looked) == timedelta(minutes=1) // FAST


def test_somebody_looks_seldom_while_people_talk(house: House) -> None:
    house.show(house.place(), talking=True)
    house.pass_time(SLOW)

    looked = house.pass_time(timedelta(minutes=1))

    assert gaps(looked) == {SLOW.total_seconds()}
    assert len(looked) == timedelta(minutes=1) // SLOW


def test_a_new_call_is_seen_soon_also_while_others_talk(house: House) -> None:
    house.show(house.place(), talking=True)
    house.pass_time(SLOW + SECOND)
    new = house.place(1)
    house.show(new)

    house.pass_time(FAST + SECOND / 2)

    assert house.progress(new) is Progress.RINGING


def test_nobody_looks_any_more_when_the_last_call_is_over(house: House) -> None:
    call = house.place()
    looked = house.pass_time(UNSEEN_LIMIT + timedelta(minutes=10))

    assert house.progress(call) is Progress.LOST
    assert looked[-1] - T0 <= UNSEEN_LIMIT + FAST


def test_three_hundred_calls_cost_as_many_looks_as_one(house: House) -> None:
    for index in range(300):
        house.show(house.place(index))

    assert len(house.pass_time(timedelta(seconds=30))) == timedelta(seconds=30) // FAST
    assert {house.progress(call) for call in house.calls.newest(300)} == {Progress.RINGING}


def test_a_look_is_about_everything_since_the_oldest_call(house: House) -> None:
    house.place(0)
    house.now += 5 * SECOND
    house.place(1)

    house.tracker.poll()

    assert house.phone.polls == [("acc1", T0, pytest.approx(POLL_BUDGET_S, abs=0.5))]


def test_each_account_is_looked_at_by_itself(house: House) -> None:
    house.place(0)
    house.place(1, account_id="acc2")

    house.tracker.poll()

    assert [account_id for account_id, *_ in house.phone.polls] == ["acc1", "acc2"]


# --- what becomes of a look ------------------------------------------------------------------------------


def test_tellers_are_woken_by_what_people_can_see_and_by_nothing_else(house: House) -> None:
    call = house.place()
    house.pass_time(5 * SECOND)
    assert house.woken == 0

    house.show(call)
    house.pass_time(10 * SECOND)
    assert house.woken == 1

    house.show(call, talking=True, session=True)
    house.pass_time(5 * SECOND)
    assert house.woken == 2


def test_each_step_of_a_call_is_one_line_in_the_log(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    call = house.place()
    house.show(call)
    house.pass_time(20 * SECOND)
    house.phone.shows = []
    house.pass_time(20 * SECOND)

    lines = [line for line in caplog.messages if line.startswith("call ")]
    assert lines == [f"call {call.id}: ringing", f"call {call.id}: ended"]


def test_a_call_in_doubt_that_is_found_was_placed(house: House) -> None:
    call = house.place(outcome=InDoubt(Reason.NO_ANSWER))
    house.show(call)

    house.tracker.poll()

    assert (house.known(call).state, house.progress(call)) == (State.PLACED, Progress.RINGING)


REJECTED = Rejected(Reason.BAD_REQUEST, "no")


def found_out(house: House, call: Call) -> tuple[State, LostReason | None, bool]:
    call = house.known(call)
    return call.state, call.lost_reason, call.is_uncertain


@pytest.mark.parametrize(
    "reason", [Reason.BAD_REQUEST, Reason.NOT_PERMITTED, Reason.NOT_FOUND, Reason.TOO_MANY]
)
def test_a_rejected_call_that_is_watched_for_and_not_seen_did_not_ring(house: House, reason: Reason) -> None:
    call = house.place(outcome=Rejected(reason))
    house.pass_time(UNSEEN_LIMIT)
    assert (house.progress(call), house.woken) == (Progress.WAITING, 0)
    assert house.known(call).is_uncertain

    house.pass_time(FAST + SECOND)

    assert found_out(house, call) == (State.REJECTED, LostReason.UNSEEN, False)
    assert house.woken == 1, "the caller gets the final word"


def test_a_rejected_call_that_is_seen_was_placed(house: House) -> None:
    call = house.place(outcome=REJECTED)
    house.pass_time(SECOND)
    house.show(call)
    house.pass_time(FAST + SECOND)

    assert house.known(call).state is State.PLACED
    assert house.known(call).found_later


def test_a_rejected_call_that_nobody_could_look_for_stays_uncertain(house: House) -> None:
    call = house.place(outcome=REJECTED)
    house.phone.broken["acc1"] = EvoUnavailable("down")
    house.pass_time(BLIND_LIMIT + SECOND)

    assert found_out(house, call) == (State.REJECTED, LostReason.BLIND, True)


def test_a_rejected_call_that_was_looked_for_too_late_stays_uncertain(house: House) -> None:
    """By then a call that nobody answered would not be there any more."""
    call = house.place(outcome=REJECTED)
    house.phone.broken["acc1"] = EvoUnavailable("down")
    house.pass_time(MAX_UNWATCHED + 20 * SECOND)
    house.phone.broken.clear()
    house.pass_time(UNSEEN_LIMIT)

    assert found_out(house, call) == (State.REJECTED, LostReason.BLIND, True)


def test_one_look_that_failed_does_not_make_a_rejected_call_uncertain(house: House) -> None:
    call = house.place(outcome=REJECTED)
    house.pass_time(5 * SECOND)
    house.phone.broken["acc1"] = EvoUnavailable("down")
    house.pass_time(FAST + SECOND)
    house.phone.broken.clear()
    house.pass_time(UNSEEN_LIMIT)

    assert found_out(house, call) == (State.REJECTED, LostReason.UNSEEN, False)


def test_a_bot_that_starts_late_does_not_say_that_a_rejected_call_did_not_ring(house: House) -> None:
    """It was killed with the call, and started again a minute later."""
    call = house.place(outcome=REJECTED)
    house.now += timedelta(minutes=1)
    house.pass_time(UNSEEN_LIMIT, house.another_bot())

    assert found_out(house, call) == (State.REJECTED, LostReason.BLIND, True)


def test_the_session_of_a_call_that_is_over_is_not_given_to_the_next(house: House) -> None:
    first = house.place()
    house.show(first, talking=True, sid="CA1")
    house.tracker.poll()
    house.phone.shows = []
    house.pass_time(30 * SECOND)
    assert house.progress(first) is Progress.ENDED
    second = house.place(key="again", outcome=InDoubt(Reason.NO_ANSWER), known_ids=None)  # nobody could look
    house.show(first, sid="CA1", talking=True)

    house.pass_time(UNSEEN_LIMIT + 5 * SECOND)

    assert (house.known(second).state, house.progress(second)) == (State.IN_DOUBT, Progress.LOST)


# --- several bots ----------------------------------------------------------------------------------------


def test_of_several_bots_one_looks(house: House) -> None:
    house.place()

    looked = house.pass_time(timedelta(minutes=1), *[house.another_bot() for _ in range(3)])

    assert len(looked) == timedelta(minutes=1) // FAST


def test_another_bot_takes_over_from_one_that_died(house: House) -> None:
    one, other = house.another_bot(), house.another_bot()
    house.place()
    died_at = house.pass_time(10 * SECOND, one, other)[-1]

    (took_over, *_) = house.pass_time(timedelta(minutes=1), other)

    assert LEASE <= took_over - died_at <= LEASE + FAST


# --- when Evo Voice cannot be looked at ------------------------------------------------------------------


def test_blindness_is_no_reason_to_say_that_a_call_is_over(house: House) -> None:
    call = house.place()
    house.show(call, talking=True)
    house.pass_time(3 * SECOND)
    house.phone.broken["acc1"] = OSError("away")

    house.pass_time(timedelta(minutes=10))
    assert house.progress(call) is Progress.ANSWERED

    house.now = T0 + MAX_CALL
    house.pass_time(SLOW)
    assert house.progress(call) is Progress.LOST


def test_each_trouble_is_logged_once_and_its_end_too(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    house.place(0)
    house.place(1, account_id="acc2")
    house.phone.broken["acc1"] = OSError("away")
    house.pass_time(timedelta(minutes=1))
    house.phone.broken["acc1"] = OSError("still away")
    house.pass_time(timedelta(minutes=2))
    house.phone.broken.clear()
    house.pass_time(timedelta(minutes=2))

    lines = [line for line in caplog.messages if "polling" in line]
    assert lines == [
        "polling calls failed: OSError: away",
        "polling calls failed: OSError: still away",
        "polling calls works again; failures: 2 (OSError: still away)",
    ]


def test_one_account_in_trouble_does_not_hide_another(house: House) -> None:
    house.phone.broken["acc1"] = OSError("away")
    house.place(0)
    other = house.place(1, account_id="acc2")
    house.show(other)

    house.pass_time(5 * SECOND)

    assert house.progress(other) is Progress.RINGING


# --- the look before a call goes out ---------------------------------------------------------------------


def test_whoever_dials_sees_what_is_there(house: House) -> None:
    there = house.place()
    house.show(there, sid="CA1")

    seen = house.tracker.snapshot_before("acc1")

    assert seen is not None
    assert seen.ids(there.request.number, CALLER_ID) == {"CA1"}
    ((account_id, since, budget_s),) = house.phone.polls
    assert (account_id, since) == ("acc1", T0)
    assert budget_s <= BEFORE_DIALING_S


def test_a_fresh_look_is_shared_and_an_old_one_is_not(house: House) -> None:
    first = house.tracker.snapshot_before("acc1")
    house.now += FRESH
    assert house.tracker.snapshot_before("acc1") is first

    house.now += SECOND / 1000
    assert house.tracker.snapshot_before("acc1") is not first
    assert len(house.phone.polls) == 2


def test_a_look_at_another_account_is_not_shared(house: House) -> None:
    house.tracker.snapshot_before("acc1")
    house.tracker.snapshot_before("acc2")

    assert len(house.phone.polls) == 2


def test_the_followers_own_look_is_shared_with_whoever_dials(house: House) -> None:
    house.place()
    house.tracker.poll()

    assert house.tracker.snapshot_before("acc1") is not None
    assert len(house.phone.polls) == 1


def test_a_look_that_failed_is_not_waited_for_again_so_soon(house: House) -> None:
    house.phone.broken["acc1"] = OSError("away")
    assert house.tracker.snapshot_before("acc1") is None
    house.phone.broken.clear()

    house.now += TROUBLE - SECOND
    assert house.tracker.snapshot_before("acc1") is None
    assert len(house.phone.polls) == 1
    assert house.tracker.snapshot_before("acc2") is not None, "which works"

    house.now += SECOND
    assert house.tracker.snapshot_before("acc1") is not None


def test_an_old_look_is_no_excuse_in_trouble(house: House) -> None:
    """What began since would be taken for ours."""
    house.tracker.snapshot_before("acc1")
    house.now += FRESH + SECOND
    house.phone.broken["acc1"] = OSError("away")

    assert house.tracker.snapshot_before("acc1") is None


def test_a_look_that_works_again_is_trusted_again(house: House) -> None:
    house.place()
    house.phone.broken["acc1"] = OSError("away")
    house.tracker.snapshot_before("acc1")
    house.phone.broken.clear()
    house.now += TROUBLE
    house.tracker.poll()
    house.now += FRESH + SECOND

    assert house.tracker.snapshot_before("acc1") is not None


def test_trouble_that_lasts_is_looked_at_ever_more_seldom(house: House) -> None:
    house.place()
    house.phone.broken["acc1"] = OSError("away")

    looked = house.pass_time(timedelta(minutes=4))

    assert len(looked) <= 7, "after 10, 20, 40 seconds, then every minute"


def test_evo_voice_is_left_alone_for_as_long_as_it_asks(house: House) -> None:
    house.place()
    house.phone.broken["acc1"] = EvoUnavailable("429", pause_s=120)

    looked = house.pass_time(timedelta(seconds=119))

    assert len(looked) == 1


def test_a_clock_that_is_put_back_stops_nobody_from_looking(house: House) -> None:
    call = house.place()
    house.pass_time(FAST)
    house.now -= timedelta(hours=1)

    looked = house.pass_time(10 * SECOND)

    assert len(looked) >= 3
    assert house.tracker.snapshot_before("acc1") is not None
    assert house.progress(call) is Progress.WAITING


def test_those_who_dial_at_once_share_one_look(house: House) -> None:
    """Whoever comes second waits for the first and takes what it saw."""
    others: list[Any] = []
    with ThreadPoolExecutor(4) as pool:
        house.phone.happens = lambda: (
            others or others.extend(pool.submit(house.tracker.snapshot_before, "acc1") for _ in range(3))
        )
        first = house.tracker.snapshot_before("acc1")
        assert all(other.result(SOON_S) is first for other in others)

    assert len(house.phone.polls) == 1


def test_waiting_for_somebody_elses_look_is_part_of_the_time(house: House) -> None:
    """The first look takes half a second and fails; the second has only what is left."""
    seconds: list[Any] = []
    slow = threading.Event()
    with ThreadPoolExecutor(1) as pool:

        def happens() -> None:
            if not seconds:
                seconds.append(pool.submit(house.tracker.snapshot_before, "acc1"))
                slow.wait(0.5)
                raise OSError("away")

        house.phone.happens = happens
        assert house.tracker.snapshot_before("acc1") is None
        seconds[0].result(SOON_S)

    *_, (_, _, left_s) = house.phone.polls
    assert left_s <= BEFORE_DIALING_S - 0.4


def test_nobody_waits_longer_than_the_budget(house: House) -> None:
    going, done = threading.Event(), threading.Event()

    def happens() -> None:
        going.set()
        done.wait(SOON_S)

    house.phone.happens = happens
    house.place()
    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(house.tracker.poll)
        assert going.wait(SOON_S)
        began = time.monotonic()

        assert house.tracker.snapshot_before("acc1") is None

        assert BEFORE_DIALING_S * 0.9 <= time.monotonic() - began < BEFORE_DIALING_S + 0.5
        done.set()
        looking.result(SOON_S)


# --- hanging up ------------------------------------------------------------------------------------------


@pytest.fixture
def talking(house: House) -> Call:
    """A call that is known and goes on; nobody has looked for a while."""
    call = house.place()
    house.show(call, talking=True, session=True)
    house.pass_time(3 * SECOND)
    house.woken = 0
    return house.known(call)


def test_hanging_up_is_written_down_told_and_checked_at_once(house: House, talking: Call) -> None:
    looks = len(house.phone.polls)

    assert house.tracker.hang_up(talking) is Ending.TAKEN

    assert house.phone.ended == [talking.session_id]
    assert (house.known(talking).hang_up, house.woken) == (HangUp.ASKED, 1)
    house.tracker.poll()
    assert len(house.phone.polls) == looks + 1, "without waiting for its turn"


def test_the_wish_is_written_down_before_evo_voice_is_asked(house: House, talking: Call) -> None:
    seen: list[HangUp | None] = []

    def end(session_id: str, budget_s: float) -> Ending:
        seen.append(house.known(talking).hang_up)
        return Ending.TAKEN

    tracker = CallTracker(
        house.phone.poll, end, TrackedCallLedger(house.store), now=lambda: house.now, on_change=lambda: None
    )
    tracker.hang_up(talking)

    assert seen == [HangUp.ASKED]


def test_somebody_looks_often_until_it_is_clear_whether_it_ended(house: House, talking: Call) -> None:
    house.tracker.hang_up(talking)

    looked = house.pass_time(10 * SECOND)

    assert gaps(looked) == {FAST.total_seconds()}


def test_a_call_that_goes_on_all_the_same_is_said_to(house: House, talking: Call) -> None:
    house.tracker.hang_up(talking)

    house.pass_time(20 * SECOND)

    assert house.known(talking).hang_up is HangUp.NO_EFFECT
    assert house.woken == 2


def test_a_session_that_is_not_there_any_more_is_left_to_the_next_looks(house: House, talking: Call) -> None:
    house.phone.ending = Ending.GONE

    assert house.tracker.hang_up(talking) is Ending.GONE
    assert house.known(talking).hang_up is HangUp.ASKED


@pytest.mark.parametrize("answer", [Ending.FORBIDDEN, OSError("away")], ids=str)
def test_a_wish_that_nobody_took_is_taken_back(house: House, talking: Call, answer: Any) -> None:
    house.phone.ending = answer

    ending = house.tracker.hang_up(talking)

    assert ending is (Ending.FORBIDDEN if answer is Ending.FORBIDDEN else None)
    assert (house.known(talking).hang_up, house.woken) == (None, 2)


@pytest.mark.parametrize("answer", [*Ending, OSError("away")], ids=str)
def test_every_hanging_up_is_in_the_log(
    house: House, talking: Call, answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    house.phone.ending = answer

    house.tracker.hang_up(talking)

    word = "no answer" if isinstance(answer, Exception) else answer
    assert f"call {talking.id}: hang up requested: {word}" in caplog.messages


class ForgetfulLedger(TrackedCallLedger):
    """A real ledger whose database breaks at some wishes: before it wrote them down, or right after."""

    def __init__(self, store: Store, *, breaks_at: HangUp | None, writes: bool) -> None:
        super().__init__(store)
        self._breaks_at, self._writes = breaks_at, writes

    def hang_up(self, call_id: str, wish: HangUp | None, *, at: datetime) -> bool:
        if wish is not self._breaks_at:
            return super().hang_up(call_id, wish, at=at)
        if self._writes:
            super().hang_up(call_id, wish, at=at)
        raise OSError("the database is away")


def with_ledger(house: House, book: TrackedCallLedger) -> CallTracker:
    return CallTracker(house.phone.poll, house.phone.end, book, now=lambda: house.now, on_change=lambda: None)


@pytest.mark.parametrize("writes", [False, True])
def test_nobody_is_asked_for_a_wish_that_may_not_be_written_down(
    house: House, talking: Call, writes: bool
) -> None:
    tracker = with_ledger(house, ForgetfulLedger(house.store, breaks_at=HangUp.ASKED, writes=writes))

    with pytest.raises(OSError, match="away"):
        tracker.hang_up(talking)

    assert (house.phone.ended, house.known(talking).hang_up) == ([], None)


def test_what_became_of_a_wish_is_known_although_it_cannot_be_taken_back(house: House, talking: Call) -> None:
    house.phone.ending = Ending.FORBIDDEN
    tracker = with_ledger(house, ForgetfulLedger(house.store, breaks_at=None, writes=False))

    assert tracker.hang_up(talking) is Ending.FORBIDDEN
    assert house.known(talking).hang_up is HangUp.ASKED
    house.pass_time(20 * SECOND)
    assert house.known(talking).hang_up is HangUp.NO_EFFECT, "so that it can be tried again"


def test_there_is_nothing_to_end_before_it_is_known_which_session_it_is(house: House) -> None:
    call = house.known(house.place())

    assert house.tracker.hang_up(call) is Ending.GONE
    assert (house.phone.ended, house.known(call).hang_up, house.woken) == ([], None, 0)


def test_a_call_that_ended_meanwhile_is_not_ended(house: House, talking: Call) -> None:
    house.phone.shows = []
    house.pass_time(30 * SECOND)
    house.woken = 0

    assert house.tracker.hang_up(talking) is Ending.GONE
    assert (house.phone.ended, house.woken) == ([], 0)


def test_a_wish_to_hang_up_is_passed_on_once(house: House, talking: Call) -> None:
    assert house.tracker.hang_up(talking) is Ending.TAKEN
    assert house.tracker.hang_up(talking) is Ending.GONE, "somebody is at it already"

    assert len(house.phone.ended) == 1
