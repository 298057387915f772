"""What counts towards a limit, and when the next call is possible."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from evoslack.calling.calls import State
from evoslack.calling.outcomes import InDoubt, NotSent, Outcome, Placed, Reason, Rejected
from evoslack.calling.rule_check import RuleCheck
from evoslack.calling.rulebook import A_DAY, HOUR, Limit, Rules
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.rules import RuleLedger
from evoslack.ledger.schema import blocked_numbers, calls
from evoslack.ledger.store import Store
from tests.calls import call_request, own_number

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
TICK = timedelta(microseconds=1)
PLACED = Placed()
MINE = Limit(2, HOUR, per_person=True)
EVERYONES = Limit(2, HOUR, per_person=False)


class Desk:
    """The ledgers of one bot, and calls that are placed quickly."""

    def __init__(self, store: Store) -> None:
        self.calls, self.rules = CallLedger(store), RuleLedger(store)

    def take(self, key: str, at: datetime = T0, **changes: str) -> str:
        """A call that waits to be dialed; its id."""
        return self.calls.accept(call_request(key, own_number(key), **changes), at=at).id

    def begin(self, at: datetime = T0) -> str:
        """The oldest waiting call is about to be dialed; its id."""
        begun = self.calls.begin(at=at, accepted_after=at - MINUTE)
        assert begun is not None
        return begun.id

    def place(self, key: str, at: datetime = T0, outcome: Outcome = PLACED, **changes: str) -> str:
        """A call that was dialed, and how that ended."""
        self.take(key, at, **changes)
        call_id = self.begin(at)
        self.calls.finish(call_id, outcome, at=at)
        return call_id

    def reached(self, *limits: Limit, at: datetime = T0, **changes: str) -> dict[Limit, datetime]:
        """The limits that are reached for one more call."""
        return dict(self.rules.facts(call_request("more", **changes), limits, at=at).reached)


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def set_state(store: Store, call_id: str, state: State) -> None:
    with store.engine.begin() as connection:
        connection.execute(sa.update(calls).where(calls.c.id == call_id).values(state=state))


@pytest.mark.parametrize(
    ("state", "counts"),
    [
        (State.RECEIVED, True),
        (State.ACCEPTED, True),
        (State.PLACING, True),
        (State.PLACED, True),
        (State.REJECTED, True),
        (State.IN_DOUBT, True),
        (State.RECEIVED_LATER, False),
        (State.SCHEDULED, False),
        (State.NOT_SENT, False),
        (State.EXPIRED, False),
        (State.CANCELED, False),
    ],
)
def test_what_was_dialed_counts_and_what_is_about_to_be(
    store: Store, desk: Desk, state: State, counts: bool
) -> None:
    set_state(store, desk.take("first"), state)

    assert bool(desk.reached(replace(MINE, most=1))) is counts


def test_every_state_is_decided() -> None:
    (marks,) = test_what_was_dialed_counts_and_what_is_about_to_be.pytestmark  # type: ignore[attr-defined]
    assert {state for state, _ in marks.args[1]} == set(State)


def test_right_before_dialing_only_what_was_dialed_counts(desk: Desk) -> None:
    desk.take("waits")
    this = desk.take("this", T0 + SECOND)

    def facts(limit: Limit) -> bool:
        found = desk.rules.facts(call_request("this"), [limit], at=T0 + SECOND, except_for=this)
        return bool(found.reached)

    one = replace(MINE, most=1)
    assert not facts(one), "the other finds this one when its own turn comes"
    assert desk.begin(T0 + SECOND) != this
    assert facts(one)
    assert not facts(MINE), "it does not count itself"


def test_the_next_call_is_possible_when_the_oldest_that_counts_is_an_hour_old(desk: Desk) -> None:
    for minute in (0, 10, 25):
        desk.place(f"m{minute}", T0 + minute * MINUTE)
    now = T0 + 30 * MINUTE
    free_at = T0 + 10 * MINUTE + HOUR

    assert desk.reached(MINE, at=now) == {MINE: free_at}
    assert desk.reached(MINE, at=free_at - TICK) == {MINE: free_at}
    assert desk.reached(MINE, at=free_at) == {}, "then it is possible"


def test_a_daily_limit_looks_back_a_day_and_not_to_midnight(desk: Desk) -> None:
    daily = Limit(1, A_DAY, per_person=True)
    desk.place("yesterday", T0)

    assert desk.reached(daily, MINE, at=T0 + 23 * HOUR) == {daily: T0 + A_DAY}
    assert desk.reached(daily, at=T0 + A_DAY) == {}


def test_calls_at_the_same_moment_all_count(desk: Desk) -> None:
    for key in ("a", "b", "c"):
        desk.place(key)

    assert desk.reached(replace(MINE, most=3)) == {replace(MINE, most=3): T0 + HOUR}
    assert desk.reached(replace(MINE, most=4)) == {}


@pytest.mark.parametrize(
    ("whose", "counts_mine", "counts_everyones"),
    [
        ({}, True, True),
        ({"user_id": "U_BOSS"}, False, True),
        ({"team_id": "T_OTHER"}, False, True),
        ({"account_id": "acc2"}, False, False),
        ({"flow_id": "flow2"}, True, True),
    ],
)
def test_whose_calls_count(
    desk: Desk, whose: dict[str, str], counts_mine: bool, counts_everyones: bool
) -> None:
    desk.place("other", **whose)
    mine, everyones = replace(MINE, most=1), replace(EVERYONES, most=1)

    assert desk.reached(mine, everyones).keys() == {
        limit for limit, counts in ((mine, counts_mine), (everyones, counts_everyones)) if counts
    }


def test_a_huge_limit_is_never_reached_by_a_few_calls(desk: Desk) -> None:
    desk.place("a")
    assert desk.reached(Limit(999_999, A_DAY, per_person=False)) == {}


def test_a_call_from_a_clock_that_was_far_ahead_does_not_count_for_years(desk: Desk) -> None:
    desk.place("ahead", T0 + 365 * A_DAY)
    assert desk.reached(replace(MINE, most=1)) == {}


def test_after_a_restart_and_for_another_bot_the_same_calls_count(desk: Desk, database_url: str) -> None:
    desk.place("a")
    desk.place("b")
    other = Store(database_url)
    try:
        assert Desk(other).reached(MINE) == {MINE: T0 + HOUR}
    finally:
        other.close()


def test_no_one_learns_of_a_block_that_is_not_there(store: Store, desk: Desk) -> None:
    number = call_request("x").number
    assert desk.rules.facts(call_request("x"), [], at=T0).blocked is None
    with store.engine.begin() as connection:
        row = {"number": number, "reason": "asked", "blocked_by": "U_BOSS", "blocked_at": T0}
        connection.execute(sa.insert(blocked_numbers).values(call_id="", **row))

    blocked = desk.rules.facts(call_request("x"), [], at=T0).blocked
    assert blocked is not None
    assert (blocked.number, blocked.reason, blocked.by, blocked.at) == (number, "asked", "U_BOSS", T0)


# --- two at the border, at the same moment -----------------------------------------------------------


def check_of(desk: Desk, limit: Limit, pause: Callable[[float], object] = lambda _s: None) -> RuleCheck:
    rules = Rules(frozenset({"US"}), limits=(limit,))
    return RuleCheck(desk.rules, rules, "US", lambda _user, _groups: frozenset(), lambda: T0, pause)


@pytest.mark.parametrize("limit", [MINE, EVERYONES])
def test_of_calls_that_are_dialed_at_once_the_first_ones_are_dialed(desk: Desk, limit: Limit) -> None:
    in_order = [desk.take(f"k{n}", T0 + n * TICK) for n in range(4)]
    begun = [desk.begin(T0 + SECOND) for _ in in_order]
    assert begun == in_order
    denied: list[str] = []

    def others_are_denied(_s: float) -> None:
        """While the first ones wait, the last ones ask."""
        for call_id in in_order[2:]:
            if call_id not in denied:
                denied.append(call_id)
                outcome = ask(call_id)
                assert outcome == NotSent(Reason.LIMIT_REACHED)
                desk.calls.finish(call_id, outcome, at=T0)

    check = check_of(desk, limit, others_are_denied)

    def ask(call_id: str) -> NotSent | None:
        call = desk.calls.get(call_id)
        assert call is not None
        return check.before_dialing(call)

    assert [ask(call_id) for call_id in in_order[:2]] == [None, None]
    assert denied == in_order[2:]


def test_a_later_call_that_was_dialed_already_leaves_no_room(desk: Desk) -> None:
    limit = replace(MINE, most=1)
    first = desk.take("first")
    desk.take("second", T0 + TICK)
    desk.begin(T0 + SECOND)
    second = desk.begin(T0 + SECOND)
    pauses: list[float] = []

    def second_goes_out(pause_s: float) -> None:
        pauses.append(pause_s)
        if len(pauses) == 3:
            desk.calls.finish(second, InDoubt(Reason.NO_ANSWER), at=T0)

    call = desk.calls.get(first)
    assert call is not None
    assert check_of(desk, limit, second_goes_out).before_dialing(call) == NotSent(Reason.LIMIT_REACHED)
    assert len(pauses) == 3, "it is known at once then"


def test_who_waits_for_one_that_stays_undecided_is_denied_in_the_end(desk: Desk) -> None:
    first = desk.take("first")
    desk.take("second", T0 + TICK)
    desk.begin(T0 + SECOND)
    desk.begin(T0 + SECOND)
    pauses: list[float] = []

    call = desk.calls.get(first)
    assert call is not None
    check = check_of(desk, replace(MINE, most=1), pauses.append)
    assert check.before_dialing(call) == NotSent(Reason.LIMIT_REACHED)
    assert 1 < sum(pauses) < 5


@pytest.mark.parametrize("most", [1, 3])
def test_bots_that_dial_at_the_same_time_dial_as_many_as_the_limit_and_no_more(
    desk: Desk, database_url: str, most: int
) -> None:
    for n in range(8):
        desk.take(f"k{n}", T0 + n * TICK)
    start = threading.Barrier(8)
    outcomes: list[NotSent | None] = []
    waiting = threading.Event()

    def dial(bot: Desk) -> None:
        start.wait()
        begun = bot.calls.begin(at=T0 + SECOND, accepted_after=T0 - MINUTE)
        assert begun is not None
        denied = check_of(bot, replace(MINE, most=most), waiting.wait).before_dialing(begun)
        bot.calls.finish(begun.id, denied or Placed(), at=T0 + SECOND)
        outcomes.append(denied)

    stores = [Store(database_url) for _ in range(2)]
    bots = [Desk(store) for store in stores]
    threads = [threading.Thread(target=dial, args=[bots[n % 2]]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()

    assert outcomes.count(None) == most
    assert outcomes.count(NotSent(Reason.LIMIT_REACHED)) == 8 - most


def test_what_evo_voice_rejected_counts_and_what_was_never_sent_does_not(desk: Desk) -> None:
    ends: list[tuple[Outcome, Any]] = [
        (Rejected(Reason.BAD_REQUEST), 1),
        (NotSent(Reason.UNREACHABLE), 0),
        (InDoubt(Reason.CUT_OFF), 1),
    ]
    expected = 0
    for n, (outcome, counts) in enumerate(ends):
        desk.place(f"k{n}", T0 + n * MINUTE, outcome)
        expected += counts
        one_more = Limit(expected + 1, HOUR, per_person=True)
        assert desk.reached(one_more, at=T0 + n * MINUTE) == {}
        if expected:
            assert desk.reached(replace(one_more, most=expected), at=T0 + n * MINUTE)
