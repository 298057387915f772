"""What is asked when a call's time has come, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from evoslack.calling.access import Access
from evoslack.calling.calling_hours import CallingHours
from evoslack.calling.calls import Call, CallRequest, Role, State
from evoslack.calling.offer import CallerId, Flow, Offer
from evoslack.calling.outcomes import Placed, Reason
from evoslack.calling.refusals import CannotCheck, Denial, Lack, NotAllowed, NothingToOffer, Refusal, Source
from evoslack.calling.rulebook import HOUR, BlockedNumber, FlowRule, Limit, Rules, StoredRule
from evoslack.calling.scheduled_time import GRACE
from evoslack.calling.scheduler import MOST_DUE, RETRY_AFTER, Scheduler
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.scheduled_calls import ScheduledCallLedger
from evoslack.ledger.store import Store
from evoslack.runtime.clock import Clock
from tests.calls import NUMBER, call_request
from tests.rules import US_ONLY, KnownFacts, rule_check

T0 = datetime.fromisoformat("2026-03-02T09:30:00+00:00")
DUE = T0 + timedelta(hours=5)  # 9:30 AM in New York and Washington
SECOND = timedelta(seconds=1)
CALLER_ID = CallerId("+12025550100")
OFFER = Offer("acc1", (Flow("flow1", "Reminder"),), (CALLER_ID,), CALLER_ID)


class Counting:
    """A clock of the machine that a test moves."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds


class World:
    """A real ledger; permission, offer and rules that a test can change; and a clock."""

    def __init__(self, url: str) -> None:
        self.store = Store(url)
        self.store.open()
        self.calls = CallLedger(self.store)
        self.scheduled = ScheduledCallLedger(self.store)
        self.now = T0
        self.answer: Role | Refusal = Role.MANAGER
        self.offer: Offer | Refusal = OFFER
        self.facts = KnownFacts()
        self.rules: Rules = US_ONLY
        self.woken: list[str] = []
        self.asked: list[str] = []
        self.asking_takes = timedelta(0)

    # What `Access` asks.

    def require(self, user_id: str, _team_id: str, _account_id: str) -> Role:
        self.asked.append(user_id)
        self.now += self.asking_takes
        if isinstance(self.answer, Refusal):
            raise self.answer
        return self.answer

    def current_offer(self) -> Offer:
        if isinstance(self.offer, Refusal):
            raise self.offer
        return self.offer

    def schedule(
        self, key: str = "key", number: str = NUMBER, due_at: datetime = DUE, **changes: str
    ) -> Call:
        request = replace(call_request(key, number, **changes), due_at=due_at)
        received = self.calls.receive(request, at=T0, require_time=lambda: None)
        return self.calls.confirm([received.id], at=T0)[0]

    def scheduler(self) -> Scheduler:
        access = Access(self, self.current_offer)  # type: ignore[arg-type]
        return Scheduler(
            self.scheduled,
            access,
            rule_check(self.rules, self.facts, self.now),
            now=lambda: self.now,
            on_work=lambda: self.woken.append("work"),
            on_change=lambda: self.woken.append("change"),
        )

    def run(self, at: datetime = DUE) -> None:
        self.now = at
        scheduler = self.scheduler()
        for _ in range(20):
            if not scheduler.run_next():
                return
        raise AssertionError("it never rests")

    def found(self, call: Call) -> Call:
        found = self.calls.get(call.id)
        assert found is not None
        return found


@pytest.fixture
def world(sqlite_url: str) -> Iterator[World]:
    found = World(sqlite_url)
    yield found
    found.store.close()


def test_nothing_happens_before_its_time(world: World) -> None:
    call = world.schedule()

    world.run(DUE - SECOND)

    assert (world.found(call), world.woken, world.asked) == (call, [], [])


def test_when_its_time_has_come_it_is_dialed_like_a_call_that_was_just_pressed(world: World) -> None:
    call = world.schedule()

    world.run()

    assert (world.found(call).state, world.found(call).accepted_at) == (State.ACCEPTED, DUE)
    assert "work" in world.woken


def test_everyone_who_is_due_is_started_oldest_first(world: World) -> None:
    second = world.schedule("second", "+12025550112", DUE - SECOND)
    first = world.schedule("first", "+12025550111", DUE - 2 * SECOND)

    world.run()

    assert world.asked[0] == first.request.user_id
    assert {world.found(each).state for each in (first, second)} == {State.ACCEPTED}


BLOCK = BlockedNumber(NUMBER, "Asked us to stop", "U_ADA", T0)
LIMIT = Limit(1, HOUR, per_person=True)


def _block(world: World) -> None:
    world.facts.blocked[NUMBER] = BLOCK


def _reach_limit(world: World) -> None:
    world.facts.reached[LIMIT] = DUE + HOUR


def _take_role(world: World) -> None:
    world.answer = NotAllowed(Denial.ROLE)


def _take_flow(world: World) -> None:
    world.offer = replace(OFFER, flows=(Flow("flow2", "Other"),))


def _take_caller_id(world: World) -> None:
    world.offer = replace(OFFER, caller_ids=(CallerId("+12025550199"),))


def _move_account(world: World) -> None:
    world.offer = replace(OFFER, account_id="acc2")


def _close_hours(world: World) -> None:
    world.rules = replace(US_ONLY, hours=(CallingHours(10 * 60, 20 * 60),))


def _close_country(world: World) -> None:
    world.rules = replace(US_ONLY, countries=frozenset({"CA"}))


def _restrict_flow(world: World) -> None:
    world.rules = replace(US_ONLY, flows={"flow1": FlowRule(users=frozenset({"U_ADA"}))})


def _talk(world: World) -> None:
    call = world.calls.accept(call_request("talking"), at=DUE - SECOND)
    world.calls.begin(at=DUE, accepted_after=T0)
    world.calls.finish(call.id, Placed(), at=DUE)


@pytest.mark.parametrize(
    ("meanwhile", "reason"),
    [
        (_block, Reason.BLOCKED),
        (_reach_limit, Reason.LIMIT_REACHED),
        (_take_role, Reason.ROLE_LOST),
        (_take_flow, Reason.FLOW_DENIED),
        (_move_account, Reason.FLOW_DENIED),
        (_take_caller_id, Reason.CALLER_ID_GONE),
        (_close_hours, Reason.OUTSIDE_HOURS),
        (_close_country, Reason.NUMBER_DENIED),
        (_restrict_flow, Reason.FLOW_DENIED),
        (_talk, Reason.ON_THE_PHONE),
    ],
)
def test_if_something_is_not_as_it_was_it_is_not_dialed_and_people_are_told_why(
    world: World, meanwhile: Callable[[World], None], reason: Reason
) -> None:
    call = world.schedule()
    meanwhile(world)

    world.run()

    assert (world.found(call).state, world.found(call).reason) == (State.NOT_SENT, reason)
    assert world.woken == ["change"]


def test_an_administrators_reason_counts_only_while_they_are_one(world: World) -> None:
    world.rules = replace(US_ONLY, hours=(CallingHours(10 * 60, 20 * 60),))
    call = world.schedule("one", hours_reason="They asked for it")
    world.answer = Role.ADMINISTRATOR
    world.run()
    assert world.found(call).state is State.ACCEPTED

    other = world.schedule("other", "+12025550112", hours_reason="They asked for it")
    world.answer = Role.MANAGER
    world.run()
    assert world.found(other).reason is Reason.OUTSIDE_HOURS


@pytest.mark.parametrize("trouble", [CannotCheck(Source.SLACK), NothingToOffer(Lack.NOT_LOADED)])
def test_what_cannot_be_asked_is_asked_again_until_the_grace_is_over(world: World, trouble: Refusal) -> None:
    call = world.schedule()
    scheduler = world.scheduler()
    world.now, world.offer, world.answer = DUE, OFFER, trouble

    assert scheduler.run_next()
    assert not scheduler.run_next()  # it rests
    assert world.found(call) == call
    world.now += RETRY_AFTER
    assert scheduler.run_next()
    assert world.found(call) == call

    world.now = DUE + GRACE - SECOND
    assert scheduler.run_next()
    assert (world.found(call).state, world.found(call).reason) == (State.NOT_SENT, Reason.UNCHECKED)


def test_a_rule_that_this_bot_cannot_read_leaves_it_to_a_bot_that_can(world: World) -> None:
    call = world.schedule()
    world.facts.rules = [StoredRule("color", {"hue": 1}, 1, "U_ROOT", T0)]
    world.run()
    assert world.found(call) == call

    world.facts.rules = []
    world.run(DUE + RETRY_AFTER)
    assert world.found(call).state is State.ACCEPTED


def test_one_that_cannot_be_checked_does_not_hold_up_the_next(world: World) -> None:
    stuck = world.schedule("stuck", "+12025550111", DUE - SECOND)
    scheduler = world.scheduler()
    world.now, world.answer = DUE, CannotCheck(Source.EVO_VOICE)
    scheduler.run_next()
    call = world.schedule("call", "+12025550112")
    world.answer = Role.MANAGER

    assert scheduler.run_next()

    assert (world.found(call).state, world.found(stuck).state) == (State.ACCEPTED, State.SCHEDULED)


def test_many_that_cannot_be_checked_do_not_hold_up_the_one_behind_them(world: World) -> None:
    for number in range(MOST_DUE + 5):
        world.schedule(f"stuck{number}", f"+1202555{number:04}", DUE - SECOND)
    call = world.schedule("call", "+12025559999")
    scheduler = world.scheduler()
    world.now, world.answer = DUE, CannotCheck(Source.EVO_VOICE)
    for _stuck in range(MOST_DUE + 5):
        assert scheduler.run_next()
    world.answer = Role.MANAGER

    assert scheduler.run_next()

    assert world.found(call).state is State.ACCEPTED


def test_a_bot_that_stood_still_while_it_asked_does_not_dial_after_the_grace(world: World) -> None:
    call = world.schedule()
    world.asking_takes = GRACE + SECOND

    world.run()

    assert (world.found(call).state, world.found(call).reason) == (State.EXPIRED, Reason.MISSED)
    assert "work" not in world.woken


@pytest.mark.parametrize("step", [timedelta(days=1), timedelta(hours=-1)], ids=["forward", "back"])
def test_a_clock_that_is_set_starts_nothing_early_and_loses_nothing(world: World, step: timedelta) -> None:
    """By the clock that the bot uses: it counts on, and follows a step of the machine's clock slowly."""
    running, wall = Counting(), Counting(T0.timestamp())
    clock = Clock(lambda: datetime.fromtimestamp(wall.seconds, UTC), lambda: running.seconds)
    soon = world.schedule("soon", "+12025550111", T0 + timedelta(minutes=30))
    tomorrow = world.schedule("tomorrow", "+12025550112", T0 + timedelta(hours=20))
    wall.seconds += step.total_seconds()

    started_after_s = None
    for second in range(0, 3600, 10):
        world.run(clock.now())
        if started_after_s is None and world.found(soon).state is State.ACCEPTED:
            started_after_s = second
            assert world.found(soon).accepted_at >= T0 + timedelta(minutes=30)
        running.seconds += 10
        wall.seconds += 10
        clock.follow()

    assert started_after_s is not None
    assert started_after_s == pytest.approx(1800, rel=0.12)  # one second in ten
    assert world.found(tomorrow) == tomorrow


@pytest.mark.parametrize(
    ("late", "state"), [(GRACE, State.ACCEPTED), (GRACE + SECOND, State.EXPIRED)], ids=["grace", "over"]
)
def test_a_time_that_no_bot_saw_is_made_up_for_within_the_grace_only(
    world: World, late: timedelta, state: State
) -> None:
    call = world.schedule()

    world.run(DUE + late)

    assert world.found(call).state is state
    assert "change" in world.woken


def test_a_defect_leaves_it_for_another_try(world: World) -> None:
    call = world.schedule()

    class Broken(KnownFacts):
        def facts(self, request: CallRequest, *_more: object, **_others: object) -> object:  # type: ignore[override]
            raise OSError("the disk is full")

    world.facts, world.now = Broken(), DUE
    scheduler = world.scheduler()
    with pytest.raises(OSError, match="disk"):
        scheduler.run_next()

    assert world.found(call) == call
    assert not scheduler.run_next()  # it rests
    world.facts = KnownFacts()
    world.run(DUE + RETRY_AFTER)
    assert world.found(call).state is State.ACCEPTED


def test_what_a_defect_kept_from_being_checked_is_said_to_be_unchecked(world: World) -> None:
    call = world.schedule()
    world.facts.fails = True
    scheduler = world.scheduler()
    world.now = DUE + GRACE - SECOND

    with pytest.raises(ConnectionError):
        scheduler.run_next()

    assert (world.found(call).state, world.found(call).reason) == (State.NOT_SENT, Reason.UNCHECKED)
