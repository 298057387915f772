"""Calls that wait for their time, while everything goes wrong around that time.

Bots are killed before, at and after it; two bots share one database; clocks are set; and meanwhile a role is
taken away, a number is blocked, a call is taken back, or nobody is there. Each call rings once or never,
never before its time, never after it was taken back, and everybody reads what became of it.
By hand: `python -m tests.chaos.waiting_calls short`.
"""

from __future__ import annotations

import itertools
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from evoslack.calling.calls import Call, CallRequest, State
from evoslack.calling.outcomes import Reason
from evoslack.calling.rulebook import BlockedNumber
from evoslack.calling.scheduled_time import GRACE
from evoslack.ledger.blocked_numbers import BlockedNumberLedger
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.scheduled_calls import ScheduledCallLedger
from tests.chaos.crowd import by_hand, until, wait
from tests.chaos.judge import BEGINNINGS, may_ring, wrong_with
from tests.chaos.questions import Verdict
from tests.chaos.scene import new_databases
from tests.chaos.stage import Set, Stage, stage
from tests.chaos.tally import Scale, Tally
from tests.chaos.wall_clock import NEEDS, WallClock, build_shim, can_be_set

SECOND = timedelta(seconds=1)
TOLD_WITHIN_S = 75.0  # what a dead bot held is taken up after a minute
HOUR_S, DAY_S = 3600.0, 86400.0
BUSY_S = 6.0  # of the call that is dialed before
AHEAD = 4 * SECOND  # long enough to write all of them down first
KILLS = {"short": 5, "long": 40}
CALLS = {"short": 8, "long": 60}
KILL_AT = {"short": -SECOND / 4, "long": SECOND / 4}  # by their common time

_numbers = itertools.count(8144050000)


@dataclass(frozen=True)
class Waiting:
    """A call as it was written down, and what may become of it. Without states: anything honest."""

    call: Call
    who: str
    may_be: frozenset[State] = frozenset()

    @property
    def due_at(self) -> datetime:
        """When it may be dialed."""
        assert self.call.request.due_at is not None
        return self.call.request.due_at


def run(scale: Scale) -> list[Tally]:
    """Everything side by side, each with bots of its own."""
    with closing(new_databases()) as urls, ThreadPoolExecutor(6) as hands:
        shared = next(urls)
        trials: list[Callable[[], Tally]] = [
            lambda: killed_around_its_time(scale),
            lambda: two_bots(scale, shared),
            meanwhile_something_changed,
            blocked_right_before_dialing,
            lambda: taken_back_in_the_last_moment(scale),
            nobody_was_there,
        ]
        if can_be_set():
            trials.append(clocks_are_set)
        found = list(hands.map(lambda trial: trial(), trials))
    return found if can_be_set() else [*found, Tally("a clock is set while calls wait", not_run=NEEDS)]


def killed_around_its_time(scale: Scale) -> Tally:
    """kill -9 again and again, while calls become due."""
    tally = Tally("calls for later: the bot is killed before, at and after their time")
    with stage(Set(people=4)) as one:
        begins = datetime.now(UTC) + AHEAD
        calls = [write(one, begins + n * SECOND / 2) for n in range(CALLS[scale])]
        for _kill in range(KILLS[scale]):
            wait(0.9)
            one.bots[0].kill()
            one.bots[0].start()
        return judged(one, tally, calls)


def two_bots(scale: Scale, database_url: str) -> Tally:
    """All are due in the same second, for two bots; some call the same number. One bot is killed then.

    In short right before that second, when all cards are there: what a dying bot holds is taken up after a
    minute only.
    """
    tally = Tally("calls for later: two bots, all due in one second, one of them is killed")
    with stage(Set(over_http=True, bots=2, people=4, database_url=database_url)) as one:
        due_at = datetime.now(UTC) + 3 * AHEAD
        calls = [write(one, due_at) for _call in range(CALLS[scale] // 2)]
        same = [write(one, due_at, number="+18144059999") for _call in range(2)]
        until(lambda: datetime.now(UTC) >= due_at + KILL_AT[scale], 30)
        one.bots[0].kill()
        found = judged(one, tally, calls, also=same)
        rings = Counter(ring.number for ring in list(one.office.evo.world.rings))["+18144059999"]
        found.figures["rings of the number that two calls wait for"] = rings
        found.count(rings, lost="" if rings == 1 or _is_in_doubt(one, same) else "two calls, one number")
        return found


def meanwhile_something_changed() -> Tally:
    """A no that came while they waited: role, do-not-call list, taken back, by whom ever."""
    tally = Tally("calls for later: role taken, number blocked or call taken back meanwhile")
    never = frozenset({State.NOT_SENT})
    with stage(Set(people=4)) as one:
        due_at = datetime.now(UTC) + AHEAD
        without_role, blocked, canceled, fine = (
            replace(write(one, due_at, one.crowd.people[0]), may_be=never),
            replace(write(one, due_at), may_be=never),
            replace(write(one, due_at), may_be=frozenset({State.CANCELED})),
            replace(write(one, due_at), may_be=frozenset({State.PLACED})),
        )
        one.rights.take_role(one.office.evo, one.office.slack, without_role.who)
        BlockedNumberLedger(one.store).block(
            BlockedNumber(blocked.call.request.number, "Asked us to stop", "U_P1", datetime.now(UTC))
        )
        ScheduledCallLedger(one.store).cancel(canceled.call, by="U_P2", at=datetime.now(UTC))
        return judged(one, tally, [without_role, blocked, canceled, fine])


def blocked_right_before_dialing() -> Tally:
    """A no that came after its time: it waits to be dialed, as the only worker is busy with another call."""
    tally = Tally("calls for later: number blocked once it is due, right before it is dialed")
    with stage(Set(people=4, settings={"MAX_CALLS_AT_ONCE": "1"})) as one:
        one.office.evo.fault("/sessions/outgoing", "slow", seconds=BUSY_S)
        due_at = datetime.now(UTC) + AHEAD
        first = replace(write(one, due_at), may_be=frozenset({State.PLACED}))
        second = replace(write(one, due_at + SECOND), may_be=frozenset({State.NOT_SENT}))
        until(lambda: (call := _now(one, second)) is not None and call.state is State.ACCEPTED, 30)
        number = second.call.request.number
        BlockedNumberLedger(one.store).block(
            BlockedNumber(number, "Asked us to stop", "U_P1", datetime.now(UTC))
        )
        return judged(one, tally, [first, second])


def taken_back_in_the_last_moment(scale: Scale) -> Tally:
    """Each is taken back around the time at which it is started; who hears that it worked hears no ring."""
    tally = Tally("calls for later: taken back in the moment in which they are dialed")
    with stage(Set(people=4)) as one:
        due_at = datetime.now(UTC) + AHEAD
        calls = [write(one, due_at) for _call in range(CALLS[scale])]
        around = SECOND * 2 / len(calls)  # from its time on: a bot looks once a second
        found = [take_back(one, each, due_at + n * around) for n, each in enumerate(calls)]
        tally.figures["in time"] = sum(State.CANCELED in each.may_be for each in found)
        return judged(one, tally, found)


def nobody_was_there() -> Tally:
    """No bot was up when their time came: within the grace they are dialed, later they are not, and told."""
    tally = Tally("calls for later: no bot was up at their time")
    with stage(Set(people=4)) as one:
        one.bots[0].kill()
        now = datetime.now(UTC)
        missed = [write(one, now - GRACE - SECOND), write(one, now - timedelta(days=3))]
        just_now = [write(one, now - SECOND), write(one, now - GRACE / 2)]
        one.bots[0].start()
        return judged(
            one,
            tally,
            [
                *(replace(each, may_be=frozenset({State.EXPIRED})) for each in missed),
                *(replace(each, may_be=frozenset({State.PLACED})) for each in just_now),
            ],
        )


def clocks_are_set() -> Tally:
    """The wall clock of the bot jumps a day ahead, then an hour back, while calls wait."""
    tally = Tally("calls for later: the clock is set a day ahead and an hour back")
    with tempfile.TemporaryDirectory() as folder:
        clock = WallClock(build_shim(Path(folder)), Path(folder))
        with stage(Set(people=4, settings=clock.settings)) as one:
            now = datetime.now(UTC)
            tomorrow = write(one, now + timedelta(hours=20))
            soon = [write(one, now + 2 * AHEAD), write(one, now + 4 * AHEAD)]
            clock.step_to(DAY_S)
            wait(AHEAD.total_seconds())
            clock.step_to(-HOUR_S)
            placed = [replace(each, may_be=frozenset({State.PLACED})) for each in soon]
            found = judged(one, tally, placed)
            left = CallLedger(one.store).get(tomorrow.call.id)
            if left is None or left.state is not State.SCHEDULED:
                found.lost.append("a call for tomorrow does not wait any longer")
            return found


def write(one: Stage, due_at: datetime, who: str = "", number: str = "") -> Waiting:
    """A person's call for later, pressed and answered."""
    who = who or one.crowd.people[3]
    number = number or f"+1{next(_numbers)}"
    ledger, now = CallLedger(one.store), datetime.now(UTC)
    request = CallRequest(
        key=f"later-{number}-{next(_numbers)}",
        team_id=one.office.slack.team_id,
        user_id=who,
        account_id="acc1",
        flow_id="flow2",
        flow_name="Survey",
        number=number,
        caller_id="+12025550100",
        due_at=due_at,
    )
    received = ledger.receive(request, at=now, require_time=lambda: None)
    (call,) = ledger.confirm([received.id], at=now)
    return Waiting(call, who)


def take_back(one: Stage, waiting: Waiting, at: datetime) -> Waiting:
    """A person presses Cancel at that moment; what may become of the call is what they were told."""
    until(lambda: datetime.now(UTC) >= at, 30)
    canceled = ScheduledCallLedger(one.store).cancel(waiting.call, by=waiting.who, at=datetime.now(UTC))
    return replace(waiting, may_be=frozenset({State.CANCELED if canceled else State.PLACED}))


def judged(one: Stage, tally: Tally, calls: Sequence[Waiting], also: Sequence[Waiting] = ()) -> Tally:
    """Wait until everything is settled and told, and count each of these calls; `also` is only waited for."""
    everything = [*calls, *also]
    until(
        lambda: not any(itertools.chain.from_iterable(_wrong(one, each) for each in everything)),
        TOLD_WITHIN_S,
    )
    states = Counter(call.state.value for each in everything if (call := _now(one, each)) is not None)
    tally.figures |= dict(states)
    for each in calls:
        rings = [ring for ring in list(one.office.evo.world.rings) if ring.number == each.call.request.number]
        too_early = any(ring.at < each.due_at for ring in rings)
        wrong = [*_wrong(one, each), *(["it rang before its time"] if too_early else [])]
        lost = f"{each.call.request.number}: {'; '.join(wrong)}" if wrong else ""
        after_no = each.may_be != frozenset() and not each.may_be & {State.PLACED} and bool(rings)
        tally.count(len(rings), lost=lost, verdict=Verdict(after_no=after_no))
    tally.lost += [f"Slack did not understand: {complaint}" for complaint in one.office.slack.complaints]
    return tally


def _wrong(one: Stage, waiting: Waiting) -> Iterator[str]:
    """What is wrong with what became of it by now."""
    call = _now(one, waiting)
    if call is None or call.state is State.SCHEDULED:
        yield "it still waits"
        return
    rings = sum(ring.number == call.request.number for ring in list(one.office.evo.world.rings))
    cards = [
        card["text"] for card in one.office.cards() if card["metadata"]["event_payload"]["call_id"] == call.id
    ]
    if waiting.may_be and call.state not in waiting.may_be:
        yield f"it is {call.state.value} ({call.reason})"
    if call.state is State.CANCELED:  # the card says who took it back
        if rings not in may_ring(call) or not any(card.startswith(BEGINNINGS[call.state]) for card in cards):
            yield "it was taken back, and that is not what people see"
        return
    if call.reason is Reason.ON_THE_PHONE:  # the rings are those of the other call to this number
        rings = 0
    yield from wrong_with([call], rings, cards, one.office.told(waiting.who))


def _is_in_doubt(one: Stage, calls: Sequence[Waiting]) -> bool:
    return any((call := _now(one, each)) is not None and call.is_uncertain for each in calls)


def _now(one: Stage, waiting: Waiting) -> Call | None:
    return CallLedger(one.store).get(waiting.call.id)


if __name__ == "__main__":
    by_hand(run)
