"""What the follower's book promises, on SQLite and on a real PostgreSQL alike, and whom a change wakes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from evoslack.calls import (
    OVER,
    Call,
    CallRequest,
    HangUp,
    InDoubt,
    LostWhy,
    NotSent,
    Outcome,
    Placed,
    Progress,
    Rejected,
    State,
    Why,
)
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.news import NewsLedger
from evoslack.ledger.ripples import make_news, touch
from evoslack.ledger.schema import homes, steps
from evoslack.ledger.store import Store
from evoslack.ledger.trails import TrailLedger
from evoslack.progress import LONGEST_CALL, Trail

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LONG_AGO = T0 - timedelta(days=1)
PLACED, DOUBT, REFUSED = Placed(), InDoubt(Why.NO_ANSWER), Rejected(Why.BAD_REQUEST, "no")
MANY = 8  # threads


class Desk:
    """The ledgers of one database."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.calls = CallLedger(store)
        self.news = NewsLedger(store)
        self.trails = TrailLedger(store)

    def call(self, key: str = "key", outcome: Outcome | None = PLACED, **more: Any) -> Call:
        """A call that was dialed and ended so; None: it is being placed."""
        at, known_ids = more.pop("at", T0), more.pop("known_ids", None)
        began_at = more.pop("began_at", at)
        values = {
            "team_id": "T1",
            "user_id": "U_SARA",
            "account_id": "acc1",
            "flow_id": "flow1",
            "flow_name": "Reminder",
            "number": f"+1202555{sum(map(ord, key)) % 10000:04}",
            "caller_id": "+12025550100",
        }
        call = self.calls.accept(CallRequest(key=key, **(values | more)), at=at)
        self.calls.begin(at=began_at, accepted_after=LONG_AGO)
        if outcome is not None:
            self.calls.finish(call.id, outcome, at=at + SECOND, known_ids=known_ids)
        return self.known(call.id)

    def known(self, call_id: str) -> Call:
        call = self.calls.get(call_id)
        assert call is not None
        return call

    def trail(self, call: Call | None = None) -> Trail:
        found = [one for one in self.trails.going_on() if call is None or one.call_id == call.id]
        assert len(found) == 1
        return found[0]

    def write(self, before: Trail, **changes: Any) -> list[str]:
        return self.trails.write([(before, replace(before, **changes))], at=T0 + 9 * SECOND)

    def tell_everything(self) -> None:
        while news := self.news.claim(at=T0 + timedelta(days=1), until=T0 + timedelta(days=2)):
            lease = T0 + timedelta(days=2)
            self.news.done(news.call.id, news.revision, at=T0, lease=lease)

    def revision(self, call: Call) -> int:
        return self.news.read(call.id).revision


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


# --- which calls are followed ----------------------------------------------------------------------------


REJECTIONS = [Rejected(why) for why in (Why.BAD_REQUEST, Why.NOT_PERMITTED, Why.ROLE_MISSING, Why.NOT_FOUND)]
REJECTIONS += [Rejected(Why.TOO_MANY, "30")]


@pytest.mark.parametrize("outcome", [Placed(), DOUBT, *REJECTIONS])
def test_a_call_that_may_have_gone_out_is_followed(desk: Desk, outcome: Outcome) -> None:
    call = desk.call(outcome=outcome, known_ids=["CA9", "S9"])

    trail = desk.trail()
    assert (trail.call_id, trail.account_id) == (call.id, "acc1")
    assert (trail.number, trail.caller_id) == (call.request.number, call.request.caller_id)
    assert (trail.asked_at, trail.known_ids) == (T0, {"CA9", "S9"})
    assert (trail.progress, trail.was_refused) == (Progress.WAITING, isinstance(outcome, Rejected))


@pytest.mark.parametrize("outcome", [None, NotSent(Why.UNREACHABLE), Rejected(Why.LOGIN_REFUSED)])
def test_a_call_that_did_not_go_out_is_not_followed(desk: Desk, outcome: Outcome | None) -> None:
    call = desk.call(outcome=outcome)

    assert desk.trails.going_on() == []
    assert call.progress is None


@pytest.mark.parametrize("outcome", [NotSent(Why.UNREACHABLE), Rejected(Why.LOGIN_REFUSED)])
def test_a_doubt_that_is_settled_as_never_sent_is_not_followed_any_more(desk: Desk, outcome: Outcome) -> None:
    call = desk.call(outcome=DOUBT)

    desk.calls.finish(call.id, outcome, at=T0 + 2 * SECOND)

    assert desk.trails.going_on() == []
    assert not desk.known(call.id).is_going_on


def test_the_names_in_the_answer_are_known_from_the_start(desk: Desk) -> None:
    desk.call(outcome=Placed("S1", "CA1"))

    trail = desk.trail()
    assert (trail.session_id, trail.call_sid, trail.known_ids) == ("S1", "CA1", None)


def test_an_orphan_of_a_crash_is_followed_without_knowing_what_was_there_before(desk: Desk) -> None:
    desk.call(outcome=None)

    desk.calls.doubt_orphans(at=T0 + SECOND, began_before=None)

    assert desk.trail().known_ids is None


def test_a_call_is_looked_for_from_when_it_was_dialed(desk: Desk) -> None:
    """And not from when it was written down: it may have waited for its turn."""
    desk.call(outcome=None, began_at=T0 + 30 * SECOND)

    desk.calls.doubt_orphans(at=T0 + 60 * SECOND, began_before=None)

    assert desk.trail().asked_at == T0 + 30 * SECOND


def test_the_oldest_comes_first(desk: Desk) -> None:
    later = desk.call("b", at=T0 + 60 * SECOND)
    earlier = desk.call("a", at=T0)

    assert [trail.call_id for trail in desk.trails.going_on()] == [earlier.id, later.id]


@pytest.mark.parametrize("progress", sorted(OVER))
def test_what_is_over_is_not_followed_any_more(desk: Desk, progress: Progress) -> None:
    desk.call()

    desk.write(desk.trail(), progress=progress, ended_at=T0)

    assert desk.trails.going_on() == []


# --- calls that are over, but whose sessions are still theirs --------------------------------------------


def over_and_open(desk: Desk, ago: timedelta, **more: Any) -> tuple[Trail, list[Trail]]:
    """A call that is over, and the rivals of one to the same number that was asked for later."""
    desk.call("old", number="+12025550143", at=T0 - ago, **more)
    old = desk.trail()
    desk.write(old, progress=Progress.ENDED, session_id="S1", call_sid="CA1", ended_at=T0)
    desk.call("new", number="+12025550143")
    return old, desk.trails.rivals(desk.trails.going_on())


def test_an_earlier_call_to_the_same_number_keeps_its_session(desk: Desk) -> None:
    old, (rival,) = over_and_open(desk, timedelta(minutes=1))

    assert (rival.call_id, rival.progress) == (old.call_id, Progress.ENDED)
    assert (rival.session_id, rival.call_sid) == ("S1", "CA1")


def test_a_call_of_another_time_is_no_rival(desk: Desk) -> None:
    assert over_and_open(desk, LONGEST_CALL)[1] == []


def test_a_call_of_another_account_is_no_rival(desk: Desk) -> None:
    assert over_and_open(desk, timedelta(minutes=1), account_id="acc2")[1] == []


def test_a_call_to_another_number_is_no_rival(desk: Desk) -> None:
    desk.call("old")
    desk.write(desk.trail(), progress=Progress.LOST)
    desk.call("new")

    assert desk.trails.rivals(desk.trails.going_on()) == []


def test_a_call_that_is_known_has_no_rivals(desk: Desk) -> None:
    over_and_open(desk, timedelta(minutes=1))
    desk.write(desk.trail(), call_sid="CA2")

    assert desk.trails.rivals(desk.trails.going_on()) == []
    assert desk.trails.rivals([]) == []


# --- what is written down --------------------------------------------------------------------------------


def test_everything_that_was_found_out_is_there_again(desk: Desk) -> None:
    call = desk.call(known_ids=["CA9"])
    found: dict[str, Any] = {
        "progress": Progress.ANSWERED,
        "session_id": "S1",
        "call_sid": "CA1",
        "answered_at": T0 + 3 * SECOND,
        "gone_since": T0 + 4 * SECOND,
        "is_unclear": True,
    }
    before = desk.trail()

    assert desk.write(before, **found) == [call.id]

    assert desk.trail() == replace(before, **found)
    call = desk.known(call.id)
    assert (call.progress, call.session_id, call.answered_at) == (Progress.ANSWERED, "S1", T0 + 3 * SECOND)


def test_the_end_is_there_again(desk: Desk) -> None:
    call = desk.call()

    desk.write(desk.trail(), progress=Progress.ENDED, ended_at=T0 + 5 * SECOND, outcome="x" * 500)

    call = desk.known(call.id)
    assert (call.progress, call.ended_at, call.end_word) == (Progress.ENDED, T0 + 5 * SECOND, "x" * 200)


@pytest.mark.parametrize(
    "meanwhile",
    [
        {"progress": Progress.RINGING},
        {"hang_up": HangUp.ASKED},
        {"session_id": "S7"},
        {"call_sid": "CA7"},
    ],
    ids=str,
)
def test_what_somebody_else_wrote_meanwhile_is_left_alone(desk: Desk, meanwhile: dict[str, Any]) -> None:
    call = desk.call()
    before = desk.trail()
    desk.write(before, **meanwhile)
    revision, now = desk.revision(call), desk.trail()

    assert desk.write(before, progress=Progress.ENDED, session_id="S1", ended_at=T0) == []

    assert desk.trail() == now
    assert desk.revision(call) == revision


def test_one_look_of_many_bots_is_written_once(desk: Desk) -> None:
    call = desk.call()
    before, gate = desk.trail(), threading.Barrier(MANY)
    revision = desk.revision(call)

    def write(_: int) -> list[str]:
        gate.wait(10)
        return desk.write(before, progress=Progress.RINGING, call_sid="CA1")

    with ThreadPoolExecutor(MANY) as pool:
        told = list(pool.map(write, range(MANY)))

    assert sorted(told) == [[]] * (MANY - 1) + [[call.id]]
    assert desk.revision(call) == revision + 1


def test_nothing_is_written_of_others(desk: Desk) -> None:
    other, call = desk.call("other"), desk.call("call")
    before = desk.known(other.id)

    desk.write(desk.trail(call), progress=Progress.RINGING)

    assert desk.known(other.id) == before


# --- what is news ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "is_news"),
    [
        ({"progress": Progress.RINGING}, True),
        ({"progress": Progress.LOST, "ended_at": T0}, True),
        ({"session_id": "S1"}, True),
        ({"hang_up": HangUp.NO_EFFECT}, True),
        ({"call_sid": "CA1"}, False),
        ({"gone_since": T0}, False),
        ({"is_unclear": True}, False),
    ],
    ids=str,
)
def test_people_hear_of_what_they_can_see_on_a_card(
    desk: Desk, changes: dict[str, Any], is_news: bool
) -> None:
    call = desk.call()
    desk.tell_everything()
    revision = desk.revision(call)

    told = desk.write(desk.trail(), **changes)

    assert told == ([call.id] if is_news else [])
    assert desk.revision(call) == revision + is_news
    assert desk.news.count_untold() == is_news


@pytest.mark.parametrize("why", sorted(LostWhy))
def test_that_a_rejected_call_was_looked_for_in_vain_is_news(desk: Desk, why: LostWhy) -> None:
    """Only now is it known that nothing rang; or that nobody can tell."""
    call = desk.call(outcome=REFUSED)
    desk.tell_everything()
    assert desk.known(call.id).is_uncertain

    assert desk.write(desk.trail(), progress=Progress.LOST, ended_at=T0, lost_why=why) == [call.id]

    call = desk.known(call.id)
    assert (call.state, call.is_uncertain) == (State.REJECTED, why is not LostWhy.UNSEEN)
    assert desk.news.count_untold() == 1


@pytest.mark.parametrize("outcome", [DOUBT, REFUSED])
@pytest.mark.parametrize("name", [{"session_id": "S1"}, {"call_sid": "CA1"}], ids=str)
def test_a_call_that_is_there_was_placed_whatever_the_answer_said(
    desk: Desk, outcome: Outcome, name: dict[str, str]
) -> None:
    call = desk.call(outcome=outcome)
    revision = desk.revision(call)

    assert desk.write(desk.trail(), **name) == [call.id]

    call = desk.known(call.id)
    assert (call.state, call.why, call.detail) == (State.PLACED, None, "")
    assert desk.revision(call) == revision + 1
    assert not desk.trail().was_refused


def test_a_doubt_stays_one_while_nothing_is_found(desk: Desk) -> None:
    call = desk.call(outcome=DOUBT)

    assert desk.write(desk.trail(), progress=Progress.LOST, ended_at=T0) == [call.id], "no longer looked for"

    assert (desk.known(call.id).state, desk.known(call.id).why) == (State.IN_DOUBT, Why.NO_ANSWER)


def test_an_answer_that_comes_after_the_call_was_found_changes_nothing(desk: Desk) -> None:
    call = desk.call(outcome=DOUBT)
    desk.write(desk.trail(), session_id="S1", progress=Progress.RINGING)
    before = desk.known(call.id)

    for late in (Placed(), REFUSED, NotSent(Why.UNREACHABLE), DOUBT):
        assert desk.calls.finish(call.id, late, at=T0 + 20 * SECOND) is None
    assert desk.known(call.id) == before


# --- hanging up ------------------------------------------------------------------------------------------


def test_a_wish_to_hang_up_is_written_down_and_news(desk: Desk) -> None:
    call = desk.call()
    desk.tell_everything()

    assert desk.trails.hang_up(call.id, HangUp.ASKED, at=T0 + 3 * SECOND)

    trail = desk.trail()
    assert (trail.hang_up, trail.hang_up_at) == (HangUp.ASKED, T0 + 3 * SECOND)
    assert desk.known(call.id).hang_up is HangUp.ASKED
    assert desk.news.count_untold() == 1


def test_a_wish_can_be_taken_back(desk: Desk) -> None:
    call = desk.call()
    desk.trails.hang_up(call.id, HangUp.ASKED, at=T0)

    assert desk.trails.hang_up(call.id, None, at=T0)

    assert desk.trail().hang_up is None


@pytest.mark.parametrize("progress", sorted(OVER))
def test_what_is_over_cannot_be_hung_up(desk: Desk, progress: Progress) -> None:
    call = desk.call()
    desk.write(desk.trail(), progress=progress, ended_at=T0)
    desk.tell_everything()

    assert not desk.trails.hang_up(call.id, HangUp.ASKED, at=T0)
    assert not desk.trails.hang_up("unknown", HangUp.ASKED, at=T0)

    assert (desk.known(call.id).hang_up, desk.news.count_untold()) == (None, 0)


# --- taking turns ----------------------------------------------------------------------------------------


def test_of_several_bots_one_has_the_turn_until_it_runs_out(desk: Desk) -> None:
    until = T0 + 20 * SECOND

    assert desk.trails.take_turn("following", "one", at=T0, until=until)
    assert not desk.trails.take_turn("following", "two", at=until - SECOND, until=until + 9 * SECOND)
    assert desk.trails.take_turn("following", "two", at=until, until=until + 9 * SECOND)
    assert not desk.trails.take_turn("following", "one", at=until + SECOND, until=until + 99 * SECOND)


def test_whoever_has_the_turn_keeps_it_by_asking_again(desk: Desk) -> None:
    for second in range(0, 60, 15):
        at = T0 + second * SECOND
        assert desk.trails.take_turn("following", "one", at=at, until=at + 20 * SECOND)
        assert not desk.trails.take_turn("following", "two", at=at + 14 * SECOND, until=at + 99 * SECOND)


def test_another_thing_to_do_is_another_turn(desk: Desk) -> None:
    for name in ("following", "counting"):
        assert desk.trails.take_turn(name, "one", at=T0, until=T0 + SECOND)
    for name in ("following", "counting"):
        assert not desk.trails.take_turn(name, "two", at=T0, until=T0 + SECOND)
    assert desk.trails.take_turn("sweeping", "two", at=T0, until=T0 + SECOND)


@pytest.mark.parametrize("is_first", [True, False])
def test_of_bots_that_ask_at_once_one_gets_the_turn(desk: Desk, is_first: bool) -> None:
    if not is_first:
        assert desk.trails.take_turn("following", "gone", at=T0 - 9 * SECOND, until=T0)
    gate = threading.Barrier(MANY)

    def take(index: int) -> bool:
        gate.wait(10)
        return desk.trails.take_turn("following", f"bot{index}", at=T0, until=T0 + 20 * SECOND)

    with ThreadPoolExecutor(MANY) as pool:
        assert sorted(pool.map(take, range(MANY))) == [False] * (MANY - 1) + [True]


# --- who looks at a call elsewhere than on its card ------------------------------------------------------


def open_home(
    desk: Desk, user_id: str, *, team_id: str = "T1", sees_all: bool = False, due: int | None = None
) -> None:
    with desk.store.engine.begin() as connection:
        connection.execute(
            sa.insert(homes).values(
                team_id=team_id,
                user_id=user_id,
                look="{}",
                sees_all=sees_all,
                opened_at=T0,
                due_at=None if due is None else T0 + due * SECOND,
            )
        )


def run_step(desk: Desk, name: str, call: Call, *, ended: bool = False) -> None:
    with desk.store.engine.begin() as connection:
        connection.execute(
            sa.insert(steps).values(
                execution_id=name,
                team_id="T1",
                inputs="{}",
                asked_at=T0,
                call_id=call.id,
                attempts=0,
                ended_at=T0 if ended else None,
            )
        )


def due(desk: Desk, table: sa.Table, name: sa.Column[Any]) -> dict[str, int]:
    """Who is due, and how many seconds after T0."""
    with desk.store.engine.begin() as connection:
        rows = connection.execute(sa.select(name, table.c.due_at).where(table.c.due_at.is_not(None)))
        return {row[0]: int((row[1] - T0).total_seconds()) for row in rows}


def test_those_who_see_the_call_in_their_home_are_due(desk: Desk) -> None:
    call = desk.call()
    open_home(desk, "U_SARA")
    open_home(desk, "U_SARA", team_id="T2")
    open_home(desk, "U_BOSS")
    open_home(desk, "U_ROOT", sees_all=True)

    desk.write(desk.trail(call), progress=Progress.RINGING)

    assert due(desk, homes, homes.c.user_id) == {"U_SARA": 9, "U_ROOT": 9}
    with desk.store.engine.begin() as connection:
        other_team = sa.select(homes.c.due_at).where(homes.c.team_id == "T2")
        assert connection.execute(other_team).scalar_one() is None


def test_a_home_that_is_due_already_is_not_put_off(desk: Desk) -> None:
    open_home(desk, "U_SARA", due=2)

    desk.call(at=T0 + 5 * SECOND)

    assert due(desk, homes, homes.c.user_id) == {"U_SARA": 2}


def test_a_step_that_waits_for_the_call_is_due_and_one_that_ended_is_not(desk: Desk) -> None:
    call, other = desk.call("call"), desk.call("other")
    run_step(desk, "waits", call)
    run_step(desk, "ended", call, ended=True)
    run_step(desk, "of another", other)

    desk.write(desk.trail(call), progress=Progress.RINGING)

    assert due(desk, steps, steps.c.execution_id) == {"waits": 9}


def test_a_step_hears_also_of_what_is_no_news(desk: Desk) -> None:
    """Such as which call of Evo Voice's carrier it is."""
    call = desk.call()
    run_step(desk, "waits", call)

    assert desk.write(desk.trail(), call_sid="CA1") == []

    assert due(desk, steps, steps.c.execution_id) == {"waits": 9}


@pytest.mark.parametrize("change", ["accepted", "finished", "orphaned", "hung up"])
def test_every_change_of_a_call_reaches_whoever_looks_at_it(desk: Desk, change: str) -> None:
    placed, orphan = desk.call("placed"), desk.call("orphan", outcome=None)
    open_home(desk, "U_SARA")

    match change:
        case "accepted":
            desk.call("new", at=T0 + SECOND)
        case "finished":
            desk.calls.finish(orphan.id, PLACED, at=T0 + SECOND)
        case "orphaned":
            desk.calls.doubt_orphans(at=T0 + SECOND, began_before=None)
        case "hung up":
            desk.trails.hang_up(placed.id, HangUp.ASKED, at=T0 + SECOND)

    assert due(desk, homes, homes.c.user_id) == {"U_SARA": 1}


def test_news_is_due_now_and_not_put_off_if_it_was_due_already(desk: Desk) -> None:
    call = desk.call()
    with desk.store.engine.begin() as connection:
        make_news(connection, [call.id], T0 + 99 * SECOND)

    assert desk.news.claim(at=T0, until=T0 + SECOND) is not None


def test_no_change_wakes_nobody(desk: Desk) -> None:
    desk.call()
    desk.tell_everything()
    open_home(desk, "U_ROOT", sees_all=True)
    with desk.store.engine.begin() as connection:
        make_news(connection, [], T0)

    assert (due(desk, homes, homes.c.user_id), desk.news.count_untold()) == ({}, 0)


def test_a_change_that_fails_wakes_nobody(desk: Desk) -> None:
    call = desk.call()
    desk.tell_everything()
    open_home(desk, "U_SARA")
    run_step(desk, "waits", call)

    with pytest.raises(OSError, match="broken"), desk.store.engine.begin() as connection:
        touch(connection, [call.id], T0)
        make_news(connection, [call.id], T0)
        raise OSError("broken")

    assert desk.news.count_untold() == 0
    assert due(desk, homes, homes.c.user_id) == due(desk, steps, steps.c.execution_id) == {}
