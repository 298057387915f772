"""What the ledger promises, on SQLite and on a real PostgreSQL alike."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from evoslack.calling.calls import (
    ANY_CALL,
    STATE_OF,
    TRANSITIONS,
    Call,
    CallRequest,
    LostReason,
    Progress,
    State,
)
from evoslack.calling.outcomes import InDoubt, NotSent, Outcome, Placed, Reason, Rejected
from evoslack.calling.refusals import KeyTaken, NotYourForm, NumberBusy
from evoslack.ledger import schema
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.history_indexes import number_endings
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.scheduled_calls import ScheduledCallLedger
from evoslack.ledger.store import LedgerTaken, Store
from evoslack.ledger.tables import MadeByNewer
from evoslack.ledger.tracked_calls import TrackedCallLedger
from evoslack.ledger.transitions import change_state
from tests.calls import call_request, own_number
from tests.contract.ledger.rows import deliver

T = TypeVar("T")

ROOT = Path(__file__).parents[3]
T0 = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)
LONG_AGO = T0 - timedelta(days=1)
SECOND = timedelta(seconds=1)
MANY = 16  # threads

DOUBT = InDoubt(Reason.NO_ANSWER)
OUTCOMES: tuple[Outcome, ...] = (Placed(), Rejected(Reason.NOT_FOUND), NotSent(Reason.UNREACHABLE), DOUBT)


def ask(key: str = "key", **more: str) -> CallRequest:
    """A press; by default each key calls its own number."""
    values = {"number": own_number(key), "channel_id": "C1", "response_url": "https://hooks.slack.com/x"}
    return call_request(key, **(values | more))


def asks(count: int) -> list[CallRequest]:
    return [ask(f"key{index:03}", number=f"+1202555{index:04}") for index in range(count)]


def begin(ledger: CallLedger, *, at: datetime = T0) -> Call | None:
    return ledger.begin(at=at, accepted_after=LONG_AGO)


def begun(ledger: CallLedger, request: CallRequest) -> Call:
    ledger.accept(request, at=T0)
    call = begin(ledger)
    assert call is not None
    return call


def known(ledger: CallLedger, key: str = "key") -> Call:
    call = ledger.find(key)
    assert call is not None
    return call


def state(ledger: CallLedger, key: str = "key") -> State:
    return known(ledger, key).state


def at_once(count: int, work: Callable[[int], T]) -> list[T]:
    """Run `work` with 0, 1, 2, … in as many threads, all let go at the same moment."""
    gate = threading.Barrier(count)

    def one(index: int) -> T:
        gate.wait(10)
        return work(index)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


# --- accepting ------------------------------------------------------------------------------------


def test_an_accepted_call_survives_closing_the_ledger(database_url: str) -> None:
    request = ask()
    with opened(database_url) as store:
        accepted = CallLedger(store).accept(request, at=T0)
    with opened(database_url) as store:
        assert CallLedger(store).find("key") == accepted

    assert accepted.request == request
    assert (accepted.state, accepted.accepted_at, accepted.reason) == (State.ACCEPTED, T0, None)


@contextlib.contextmanager
def opened(url: str) -> Iterator[Store]:
    store = Store(url)
    try:
        store.open()
        yield store
    finally:
        store.close()


@pytest.mark.parametrize(
    "label",
    [{}, {"flow_name": "Renamed"}, {"channel_id": "C2"}, {"response_url": ""}, {"account_id": "acc2"}],
)
def test_the_same_press_again_is_the_same_call(ledger: CallLedger, label: dict[str, str]) -> None:
    """Labels around it do not count: they may have changed between two tries of the same form."""
    first = ledger.accept(ask(), at=T0)

    assert ledger.accept(ask(**label), at=T0 + SECOND) == first
    assert ledger.newest(10) == [first]


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_the_same_press_after_the_end_is_still_the_same_call(ledger: CallLedger, outcome: Outcome) -> None:
    ended = ledger.finish(begun(ledger, ask()).id, outcome, at=T0)

    assert ledger.accept(ask(), at=T0 + SECOND) == ended
    assert begin(ledger) is None


@pytest.mark.parametrize(
    "change", [{"number": "+12025550199"}, {"flow_id": "flow2"}, {"caller_id": "+12025550101"}]
)
def test_the_same_form_with_other_content_is_denied_and_changes_nothing(
    ledger: CallLedger, change: dict[str, str]
) -> None:
    first = ledger.accept(ask(), at=T0)

    with pytest.raises(KeyTaken) as denied:
        ledger.accept(ask(**change), at=T0)
    assert denied.value.call == first
    assert ledger.newest(10) == [first]


@pytest.mark.parametrize("whose", [{"user_id": "U_BOSS"}, {"team_id": "T2"}])
def test_nobody_can_use_another_persons_form(ledger: CallLedger, whose: dict[str, str]) -> None:
    ledger.accept(ask(), at=T0)

    with pytest.raises(NotYourForm):
        ledger.accept(ask(**whose), at=T0)


def test_a_number_that_is_being_dialed_is_busy_for_everybody(ledger: CallLedger) -> None:
    first = ledger.accept(ask("one", number="+12025550143"), at=T0)
    second = ask("two", number="+12025550143", user_id="U_BOSS")

    with pytest.raises(NumberBusy) as busy:
        ledger.accept(second, at=T0)
    assert busy.value.call == first
    placing = begin(ledger)
    with pytest.raises(NumberBusy) as busy:
        ledger.accept(second, at=T0)
    assert busy.value.call == placing
    assert ledger.find("two") is None


@pytest.mark.parametrize(
    "outcome", [Placed(), DOUBT, Rejected(Reason.BAD_REQUEST), Rejected(Reason.TOO_MANY)]
)
def test_a_number_is_busy_while_its_call_is_tracked(ledger: CallLedger, outcome: Outcome) -> None:
    call = begun(ledger, ask("one", number="+12025550143"))
    ledger.finish(call.id, outcome, at=T0)

    with pytest.raises(NumberBusy) as busy:
        ledger.accept(ask("two", number="+12025550143"), at=T0 + timedelta(hours=3))
    assert busy.value.call.id == call.id


def on_the_phone(ledger: CallLedger, key: str, *, at: datetime, anyway: str = "") -> Call:
    """A call that was placed and is not over."""
    request = ask(key, number="+12025550143", anyway=anyway)
    ledger.accept(request, at=at)
    call = begin(ledger, at=at)
    assert call is not None
    placed = ledger.finish(call.id, Placed(), at=at, known_ids=(), skew=None)
    assert placed is not None
    return placed


def in_the_way(ledger: CallLedger, *, anyway: str, at: datetime) -> str:
    """The id of the call that keeps this one from being dialed; empty if it may be."""
    try:
        ledger.accept(ask("mine", number="+12025550143", user_id="U_BOSS", anyway=anyway), at=at)
    except NumberBusy as busy:
        return busy.call.id
    return ""


def test_a_number_on_the_phone_is_in_the_way_until_the_person_knows_of_that_call(ledger: CallLedger) -> None:
    call = on_the_phone(ledger, "one", at=T0)
    later = T0 + timedelta(hours=2)

    assert in_the_way(ledger, anyway="", at=later) == call.id
    assert in_the_way(ledger, anyway="f" * 32, at=later) == call.id
    assert in_the_way(ledger, anyway=call.id, at=later) == ""


def test_who_knows_of_the_newest_call_knows_of_the_earlier_ones_and_not_the_other_way_round(
    ledger: CallLedger,
) -> None:
    """Else two calls would be asked about in turn without end."""
    first = on_the_phone(ledger, "one", at=T0)
    second = on_the_phone(ledger, "two", at=T0 + timedelta(minutes=1), anyway=first.id)
    later = T0 + timedelta(minutes=5)

    assert in_the_way(ledger, anyway="", at=later) == second.id
    assert in_the_way(ledger, anyway=first.id, at=later) == second.id
    assert in_the_way(ledger, anyway=second.id, at=later) == ""


def test_a_call_to_another_number_lets_nothing_pass(ledger: CallLedger) -> None:
    call = on_the_phone(ledger, "one", at=T0)
    other = ledger.accept(ask("other", number="+12025550199"), at=T0 + SECOND)

    assert in_the_way(ledger, anyway=other.id, at=T0 + timedelta(minutes=1)) == call.id


def test_nobody_gets_past_a_call_that_is_being_dialed(ledger: CallLedger) -> None:
    call = ledger.accept(ask("one", number="+12025550143"), at=T0)
    assert in_the_way(ledger, anyway=call.id, at=T0) == call.id
    begin(ledger)
    assert in_the_way(ledger, anyway=call.id, at=T0) == call.id
    assert in_the_way(ledger, anyway=ANY_CALL, at=T0) == call.id


@pytest.mark.parametrize("outcome", [Rejected(Reason.LOGIN_REJECTED), NotSent(Reason.UNREACHABLE)])
def test_a_number_that_certainly_did_not_ring_is_free_at_once(ledger: CallLedger, outcome: Outcome) -> None:
    call = begun(ledger, ask("one", number="+12025550143"))
    ledger.finish(call.id, outcome, at=T0)

    assert ledger.accept(ask("two", number="+12025550143"), at=T0).state is State.ACCEPTED


def test_a_number_is_busy_only_within_its_account(ledger: CallLedger) -> None:
    ledger.accept(ask("one", number="+12025550143"), at=T0)

    assert ledger.accept(ask("two", number="+12025550143", account_id="acc2"), at=T0)


def test_a_settled_doubt_does_not_collide_with_the_next_call_to_that_number(ledger: CallLedger) -> None:
    doubtful = begun(ledger, ask("one", number="+12025550143"))
    ledger.finish(doubtful.id, DOUBT, at=T0)
    ledger.accept(ask("two", number="+12025550143", anyway=doubtful.id), at=T0 + 10 * SECOND)

    settled = ledger.finish(doubtful.id, Placed(), at=T0)

    assert settled is not None
    assert (settled.state, state(ledger, "two")) == (State.PLACED, State.ACCEPTED)


# --- the one rule: begun once ------------------------------------------------------------------------


def test_the_oldest_call_is_begun_first_and_each_only_once(ledger: CallLedger) -> None:
    young, old = ask("young"), ask("old")
    ledger.accept(young, at=T0 + SECOND)
    ledger.accept(old, at=T0)

    first, second, third = (begin(ledger, at=T0 + 2 * SECOND) for _ in range(3))

    assert first is not None
    assert second is not None
    assert (first.request, second.request, third) == (old, young, None)
    assert (first.state, first.began_at) == (State.PLACING, T0 + 2 * SECOND)
    assert known(ledger, "old") == first, "committed before it was handed out"


def test_every_waiting_call_is_either_young_enough_to_begin_or_old_enough_to_expire(
    ledger: CallLedger,
) -> None:
    """The same moment is asked of both, so nothing falls between them and nothing is both."""
    limit = T0
    for offset in (-1, 0, 1):
        at = limit + timedelta(microseconds=offset)
        ledger.accept(ask(f"key{offset}", number=f"+1202555010{offset + 1}"), at=at)

    begun_keys = []
    while call := ledger.begin(at=T0 + SECOND, accepted_after=limit):
        begun_keys.append(call.request.key)
    expired = ledger.expire(at=T0 + SECOND, accepted_before=limit)

    assert begun_keys == ["key1"]
    assert {call.request.key for call in expired} == {"key-1", "key0"}


@pytest.mark.parametrize("threads", [2, MANY])
def test_with_any_number_of_threads_each_call_is_begun_exactly_once(ledger: CallLedger, threads: int) -> None:
    for request in asks(40):
        ledger.accept(request, at=T0)

    def take_all(_index: int) -> list[str]:
        taken = []
        # Empty-handed because others were quicker is not the end: only an empty ledger is.
        while ledger.count_open()[State.ACCEPTED]:
            if call := begin(ledger):
                taken.append(call.request.key)
        return taken

    taken = [key for keys in at_once(threads, take_all) for key in keys]

    assert sorted(taken) == [request.key for request in asks(40)]


def test_two_bots_at_one_postgresql_never_begin_the_same_call(postgres_url: str) -> None:
    with opened(postgres_url) as one, opened(postgres_url) as other:
        ledgers = [CallLedger(one), CallLedger(other)]
        for request in asks(40):
            ledgers[0].accept(request, at=T0)

        def take_all(index: int) -> list[str]:
            taken = []
            while ledgers[0].count_open()[State.ACCEPTED]:
                if call := begin(ledgers[index % 2]):
                    taken.append(call.request.key)
            return taken

        taken = [key for keys in at_once(8, take_all) for key in keys]

    assert sorted(taken) == [request.key for request in asks(40)]


def test_a_call_that_is_begun_and_expired_at_once_is_one_of_the_two(ledger: CallLedger) -> None:
    for request in asks(30):
        ledger.accept(request, at=T0)

    def either(index: int) -> list[tuple[str, State]]:
        if index % 2:
            return [(call.id, call.state) for call in ledger.expire(at=T0, accepted_before=T0)]
        found = [begin(ledger) for _ in range(6)]
        return [(call.id, call.state) for call in found if call]

    results = [result for some in at_once(8, either) for result in some]

    assert len(dict(results)) == len(results) == 30
    assert dict(results) == {call.id: call.state for call in ledger.newest(100)}


def test_the_same_press_sixteen_times_at_once_is_one_call(ledger: CallLedger) -> None:
    accepted = at_once(MANY, lambda _index: ledger.accept(ask(), at=T0))

    assert len({call.id for call in accepted}) == 1
    assert ledger.newest(100) == accepted[:1]


def test_sixteen_people_and_one_number_at_once_are_one_call(
    ledger: CallLedger, notifications: NotificationLedger
) -> None:
    def press(index: int) -> Call | NumberBusy:
        try:
            return ledger.accept(ask(f"key{index}", number="+12025550143"), at=T0)
        except NumberBusy as busy:
            return busy

    results = at_once(MANY, press)

    (won,) = [result for result in results if isinstance(result, Call)]
    assert [each.call for each in results if isinstance(each, NumberBusy)] == [won] * (MANY - 1)
    assert ledger.newest(100) == [won]
    assert notifications.count_untold() == 1, "a denied press leaves no notification either"


def test_of_many_concurrent_outcomes_one_is_saved(ledger: CallLedger) -> None:
    call = begun(ledger, ask())
    ends = [Placed(), Rejected(Reason.NOT_FOUND), NotSent(Reason.UNREACHABLE)]

    finished = at_once(MANY, lambda index: ledger.finish(call.id, ends[index % 3], at=T0))

    written = [each for each in finished if each]
    assert known(ledger) in written
    # Each is written once, and nothing after the first but what the table lets correct a no.
    assert [each for each in written if each != known(ledger)] in ([], [rejected(written)])


def rejected(written: list[Call]) -> Call | None:
    """The one that was written down before it was known that the call was placed, if any."""
    states = {each.state: each for each in written}
    return states.get(State.REJECTED) if State.PLACED in states else None


# --- which state may follow which --------------------------------------------------------------------


def bring_to(store: Store, target: State) -> Call:
    """A call in that state, reached by regular transitions."""
    ledger = CallLedger(store)
    if target is State.RECEIVED:
        return receive(ledger)
    if target in {State.RECEIVED_LATER, State.SCHEDULED, State.CANCELED}:
        received = receive(ledger, replace(ask(), due_at=T0 + timedelta(hours=1)))
        if target is State.RECEIVED_LATER:
            return received
        (call,) = ledger.confirm([received.id], at=T0)
        canceled = target is State.CANCELED and ScheduledCallLedger(store).cancel(call, by="U", at=T0)
        return canceled or call
    call = ledger.accept(ask(), at=T0)
    if target is State.ACCEPTED:
        return call
    if target is State.EXPIRED:
        return ledger.expire(at=T0, accepted_before=T0)[0]
    call = begin(ledger) or call
    outcomes = dict(
        zip((State.PLACED, State.REJECTED, State.NOT_SENT, State.IN_DOUBT), OUTCOMES, strict=True)
    )
    if target in outcomes:
        call = ledger.finish(call.id, outcomes[target], at=T0) or call
    return call


def receive(ledger: CallLedger, request: CallRequest | None = None) -> Call:
    """A press that is written down and not answered yet."""
    return ledger.receive(request or ask(), at=T0, require_time=lambda: None)


MOVES: dict[str, tuple[State, Callable[[CallLedger, Call], object]]] = {
    "confirm": (State.ACCEPTED, lambda ledger, call: ledger.confirm([call.id], at=T0)),
    "abandon": (State.EXPIRED, lambda ledger, _call: ledger.abandon(at=T0, received_before=T0)),
    "begin": (State.PLACING, lambda ledger, _call: begin(ledger)),
    "expire": (State.EXPIRED, lambda ledger, _call: ledger.expire(at=T0, accepted_before=T0)),
    "orphan": (State.IN_DOUBT, lambda ledger, _call: ledger.doubt_orphans(at=T0, began_before=T0)),
    "placed": (State.PLACED, lambda ledger, call: ledger.finish(call.id, Placed(), at=T0)),
    "rejected": (State.REJECTED, lambda ledger, call: ledger.finish(call.id, OUTCOMES[1], at=T0)),
    "not sent": (State.NOT_SENT, lambda ledger, call: ledger.finish(call.id, OUTCOMES[2], at=T0)),
    "in doubt": (State.IN_DOUBT, lambda ledger, call: ledger.finish(call.id, DOUBT, at=T0)),
}


# Both end in expired: one closes what waited, the other what nobody answered. A scheduled call has ways of
# its own (test_scheduled_calls.py).
NOT_BY = {
    "expire": {State.RECEIVED, State.RECEIVED_LATER, State.SCHEDULED},
    "abandon": {State.ACCEPTED, State.SCHEDULED},
    "confirm": {State.SCHEDULED},
}


@pytest.mark.parametrize("start", State)
def test_only_allowed_transitions_happen(store: Store, ledger: CallLedger, start: State) -> None:
    for move, (usual_target, make) in MOVES.items():
        is_later = (move, start) == ("confirm", State.RECEIVED_LATER)
        target = State.SCHEDULED if is_later else usual_target
        before = bring_to(store, start)
        assert before.state is start

        moved = make(ledger, before)

        if target in TRANSITIONS[start] and start not in NOT_BY.get(move, ()):
            assert moved, move
            assert state(ledger) is target, move
        else:
            assert not moved, move
            assert known(ledger) == before, f"{move}: nothing about it may change"
        with store.engine.begin() as connection:
            connection.execute(sa.delete(schema.notifications))
            connection.execute(sa.delete(schema.calls))


@pytest.mark.parametrize("start", State)
def test_a_call_that_is_found_becomes_placed_where_the_table_allows_it(
    store: Store, ledger: CallLedger, start: State
) -> None:
    """The other way to *placed*: the call shows up at Evo Voice."""
    call, tracked_calls = bring_to(store, start), TrackedCallLedger(store)

    for tracked in tracked_calls.in_progress():
        tracked_calls.write([(tracked, replace(tracked, session_id="S1"))], at=T0)

    is_settled = State.PLACED in TRANSITIONS[start] and start is not State.PLACING  # not tracked yet
    assert state(ledger) is (State.PLACED if is_settled else start)
    assert known(ledger).found_later is is_settled
    assert known(ledger).began_at == call.began_at


@pytest.mark.parametrize("target", State)
@pytest.mark.parametrize("start", State)
def test_every_change_of_state_must_be_in_the_table(
    store: Store, ledger: CallLedger, start: State, target: State
) -> None:
    call = bring_to(store, start)

    with store.engine.begin() as connection:
        changed = change_state(connection, schema.calls.c.id == call.id, target, {"detail": "changed"})

    if target in TRANSITIONS[start]:
        assert [(one.id, one.state, one.detail) for one in changed] == [(call.id, target, "changed")]
    else:
        assert changed == []
        assert known(ledger) == call


@pytest.mark.parametrize(
    ("outcome", "reason", "detail"),
    [
        (Placed("session-1", "CA1"), None, ""),
        (Rejected(Reason.BAD_REQUEST, "No such number"), Reason.BAD_REQUEST, "No such number"),
        (NotSent(Reason.UNREACHABLE), Reason.UNREACHABLE, ""),
        (InDoubt(Reason.SERVER_ERROR, "502"), Reason.SERVER_ERROR, "502"),
    ],
)
def test_an_outcome_is_saved_with_its_reason(
    ledger: CallLedger, outcome: Outcome, reason: Reason | None, detail: str
) -> None:
    finished = ledger.finish(begun(ledger, ask()).id, outcome, at=T0 + SECOND)

    assert finished == known(ledger)
    assert finished is not None
    assert (finished.reason, finished.detail, finished.finished_at) == (reason, detail, T0 + SECOND)


def test_a_doubt_that_is_settled_loses_its_reason(ledger: CallLedger) -> None:
    call = begun(ledger, ask())
    ledger.finish(call.id, InDoubt(Reason.SERVER_ERROR, "502"), at=T0)

    settled = ledger.finish(call.id, Placed(), at=T0 + SECOND)

    assert settled is not None
    assert (settled.state, settled.reason, settled.detail) == (State.PLACED, None, "")


def test_a_doubt_that_was_lost_and_is_rejected_after_all_says_that_it_was_tracked(
    store: Store, ledger: CallLedger
) -> None:
    """One bot knew the answer but could not save it for minutes, while another one tracked the call."""
    call, tracked_calls = begun(ledger, ask()), TrackedCallLedger(store)
    ledger.doubt_orphans(at=T0, began_before=None)
    (tracked,) = tracked_calls.in_progress()
    tracked_calls.write(
        [(tracked, replace(tracked, progress=Progress.LOST, lost_reason=LostReason.UNSEEN))], at=T0
    )

    late = ledger.finish(call.id, Rejected(Reason.BAD_REQUEST, "no"), at=T0 + 99 * SECOND)

    assert late is not None
    assert (late.state, late.progress, late.is_uncertain) == (State.REJECTED, Progress.LOST, False)
    assert tracked_calls.in_progress() == []


@pytest.mark.parametrize("outcome", [NotSent(Reason.HELD_UP), Rejected(Reason.LOGIN_REJECTED)])
def test_a_settled_doubt_is_no_longer_tracked(store: Store, ledger: CallLedger, outcome: Outcome) -> None:
    call, tracked_calls = begun(ledger, ask()), TrackedCallLedger(store)
    ledger.doubt_orphans(at=T0, began_before=None)
    assert tracked_calls.in_progress()

    late = ledger.finish(call.id, outcome, at=T0 + SECOND)

    assert late is not None
    assert (late.state, late.progress, late.is_uncertain) == (STATE_OF[type(outcome)], None, False)
    assert tracked_calls.in_progress() == []


@pytest.mark.parametrize(
    "first", [Rejected(Reason.BAD_REQUEST), Rejected(Reason.LOGIN_REJECTED), NotSent(Reason.HELD_UP)]
)
@pytest.mark.parametrize("second", [DOUBT, NotSent(Reason.UNREACHABLE), Rejected(Reason.TOO_MANY)])
def test_what_is_known_is_not_made_less_certain_by_another_answer(
    ledger: CallLedger, first: Outcome, second: Outcome
) -> None:
    call = begun(ledger, ask())
    written = ledger.finish(call.id, first, at=T0)

    assert ledger.finish(call.id, second, at=T0 + SECOND) is None
    assert ledger.doubt_orphans(at=T0 + SECOND, began_before=None) == []
    assert known(ledger) == written


def test_an_unknown_call_cannot_be_finished(ledger: CallLedger) -> None:
    assert ledger.finish("nothing", Placed(), at=T0) is None
    assert ledger.find("nothing") is None


def test_only_orphans_old_enough_are_doubted(ledger: CallLedger) -> None:
    for index, request in enumerate(asks(3)):
        ledger.accept(request, at=T0)
        begin(ledger, at=T0 + index * SECOND)
    ledger.accept(ask("waiting", number="+12025559999"), at=T0)

    doubted = ledger.doubt_orphans(at=T0 + 9 * SECOND, began_before=T0 + SECOND)

    assert {(call.request.key, call.state, call.reason) for call in doubted} == {
        ("key000", State.IN_DOUBT, Reason.BOT_STOPPED),
        ("key001", State.IN_DOUBT, Reason.BOT_STOPPED),
    }
    assert ledger.count_open() == {State.ACCEPTED: 1, State.PLACING: 1}


def test_without_a_limit_every_call_being_placed_is_an_orphan(ledger: CallLedger) -> None:
    """Also one that began in the future, as far as the clock of this start can tell."""
    begun(ledger, ask("early", number="+12025550143"))
    ledger.accept(ask("late", number="+12025550144"), at=T0)
    begin(ledger, at=T0 + timedelta(days=1))

    doubted = ledger.doubt_orphans(at=T0, began_before=None)

    assert {call.request.key for call in doubted} == {"early", "late"}


def test_the_newest_calls_come_first(ledger: CallLedger) -> None:
    for index, request in enumerate(asks(5)):
        ledger.accept(request, at=T0 + index * SECOND)

    assert [call.request.key for call in ledger.newest(3)] == ["key004", "key003", "key002"]
    assert ledger.count_open() == {State.ACCEPTED: 5, State.PLACING: 0}


# --- time and text -----------------------------------------------------------------------------------


def test_a_time_without_a_zone_is_an_error(ledger: CallLedger) -> None:
    with pytest.raises(sa.exc.StatementError, match="without a zone"):
        ledger.accept(ask(), at=datetime(2026, 3, 2, 9, 30))  # noqa: DTZ001 - that is the point
    assert ledger.find("key") is None


def test_a_time_of_another_zone_is_the_same_moment_in_utc(ledger: CallLedger) -> None:
    ledger.accept(ask(), at=T0.astimezone(timezone(timedelta(hours=5, minutes=30))))

    accepted_at = known(ledger).accepted_at
    assert accepted_at == T0
    assert accepted_at.utcoffset() == timedelta(0)


def test_text_of_any_script_comes_back_as_it_was(ledger: CallLedger) -> None:
    name = "Grüße 📞 '; DROP TABLE calls; -- \n日本語" * 30
    ledger.accept(ask(flow_name=name), at=T0)

    assert known(ledger).request.flow_name == name


# --- notifications -----------------------------------------------------------------------------------


def claim(notifications: NotificationLedger, at: datetime = T0, lease: timedelta = SECOND):
    return notifications.claim(at=at, until=at + lease)


def test_a_call_has_a_notification_when_accepted_and_with_each_outcome(
    ledger: CallLedger, notifications: NotificationLedger
) -> None:
    """The start of dialing needs no notification: the card says so already."""
    ledger.accept(ask(), at=T0)
    accepted = claim(notifications)
    assert accepted is not None
    assert (accepted.call, accepted.revision, accepted.attempts) == (known(ledger), 1, 1)
    notifications.release(accepted.call.id, lease=T0 + SECOND)

    begin(ledger)
    assert (notifications.count_untold(), claim(notifications)) == (0, None)

    finished = ledger.finish(accepted.call.id, DOUBT, at=T0)
    doubted = claim(notifications)
    assert doubted is not None
    assert (doubted.call, doubted.revision) == (finished, 2)

    notifications.release(accepted.call.id, lease=T0 + SECOND)
    ledger.finish(accepted.call.id, Placed(), at=T0)
    settled = claim(notifications)
    assert settled is not None
    assert (settled.call.state, settled.revision) == (State.PLACED, 3)


@pytest.mark.parametrize("closing", ["expire", "doubt_orphans"])
def test_a_call_that_the_sweep_closes_has_a_notification(
    ledger: CallLedger, notifications: NotificationLedger, closing: str
) -> None:
    ledger.accept(ask(), at=T0)
    if closing == "doubt_orphans":
        begin(ledger)
    deliver(notifications, known(ledger).id, at=T0)

    MOVES["expire" if closing == "expire" else "orphan"][1](ledger, known(ledger))

    notification = claim(notifications)
    assert notification is not None
    assert (notification.revision, notification.call.is_open) == (2, False)


def test_a_notification_is_leased_to_one_worker_until_the_lease_ends(
    ledger: CallLedger, notifications: NotificationLedger
) -> None:
    ledger.accept(ask(), at=T0)
    assert claim(notifications, T0, lease=10 * SECOND)

    assert claim(notifications, T0 + 9 * SECOND) is None
    again = claim(notifications, T0 + 10 * SECOND)
    assert again is not None, "the worker died; another one takes over"
    assert again.attempts == 2


def test_concurrent_workers_never_claim_the_same_notification(
    ledger: CallLedger, notifications: NotificationLedger
) -> None:
    for request in asks(20):
        ledger.accept(request, at=T0)

    def take_all(_index: int) -> list[str]:
        taken = []
        while notifications.count_untold():
            if notification := claim(notifications):
                taken.append(notification.call.request.key)
                notifications.release(notification.call.id, lease=T0 + SECOND)
        return taken

    taken = [key for keys in at_once(8, take_all) for key in keys]

    assert sorted(taken) == [request.key for request in asks(20)]


def test_the_notification_due_longest_is_claimed_first(
    ledger: CallLedger, notifications: NotificationLedger
) -> None:
    late, early = ask("late"), ask("early")
    ledger.accept(late, at=T0 + SECOND)
    ledger.accept(early, at=T0)

    told = [claim(notifications, T0 + 2 * SECOND) for _ in range(3)]

    assert [notification.call.request.key if notification else None for notification in told] == [
        "early",
        "late",
        None,
    ]


def test_a_change_during_a_delivery_is_due_right_after_it(
    ledger: CallLedger, notifications: NotificationLedger
) -> None:
    call = begun(ledger, ask())
    delivery = claim(notifications, T0, lease=90 * SECOND)
    assert delivery is not None
    ledger.finish(call.id, Placed(), at=T0 + SECOND)
    assert claim(notifications, T0 + SECOND) is None, "not delivered twice at once"

    notifications.release(call.id, lease=T0 + 90 * SECOND)

    newer = claim(notifications, T0 + 2 * SECOND)
    assert newer is not None
    assert (newer.revision, newer.call.state, newer.attempts) == (2, State.PLACED, 1)


def test_a_failed_notification_is_due_again_at_its_time(
    ledger: CallLedger, notifications: NotificationLedger
) -> None:
    call = ledger.accept(ask(), at=T0)
    claim(notifications)
    notifications.release(call.id, lease=T0 + SECOND, again_at=T0 + 30 * SECOND)

    assert notifications.count_untold() == 1
    assert claim(notifications, T0 + 29 * SECOND) is None
    again = claim(notifications, T0 + 30 * SECOND)
    assert again is not None
    assert again.attempts == 2


def test_a_new_change_does_not_wait_for_a_postponed_notification(
    ledger: CallLedger, notifications: NotificationLedger
) -> None:
    call = begun(ledger, ask())
    claim(notifications, T0, lease=90 * SECOND)
    ledger.finish(call.id, Placed(), at=T0 + SECOND)

    notifications.release(call.id, lease=T0 + 90 * SECOND, again_at=T0 + 300 * SECOND)

    newer = claim(notifications, T0 + 2 * SECOND)
    assert newer is not None
    assert (newer.revision, newer.call.state) == (2, State.PLACED)


def test_a_change_is_due_at_once_while_its_card_is_postponed(
    ledger: CallLedger, notifications: NotificationLedger
) -> None:
    """Slack may postpone the card for minutes, but not the message to the caller."""
    call = begun(ledger, ask())
    claim(notifications)
    notifications.postpone_card(call.id, T0 + 300 * SECOND)
    notifications.release(call.id, lease=T0 + SECOND, again_at=T0 + 300 * SECOND)
    assert claim(notifications, T0 + SECOND) is None

    ledger.finish(call.id, DOUBT, at=T0 + 2 * SECOND)

    notification = claim(notifications, T0 + 2 * SECOND)
    assert notification is not None
    assert (notification.call.state, notification.card_due_at) == (State.IN_DOUBT, T0 + 300 * SECOND)
    notifications.mark_card_shown(call.id, 2, "C1", "1.5")
    assert notifications.read(call.id).card_due_at is None


def test_a_release_after_losing_the_lease_changes_nothing(
    ledger: CallLedger, notifications: NotificationLedger
) -> None:
    call = ledger.accept(ask(), at=T0)
    claim(notifications, T0, lease=SECOND)
    claim(notifications, T0 + SECOND, lease=90 * SECOND)

    notifications.release(call.id, lease=T0 + SECOND)

    assert notifications.count_untold() == 1, "the one who has the lease now is not done yet"
    assert claim(notifications, T0 + 3 * SECOND) is None, "and still has it"


def test_a_bot_that_is_alone_may_drop_every_lease(
    ledger: CallLedger, notifications: NotificationLedger
) -> None:
    """Also waiting times, since it starts over. What was delivered stays delivered."""
    told, leased = (ledger.accept(request, at=T0) for request in asks(2))
    deliver(notifications, told.id, at=T0)
    claim(notifications, T0, lease=90 * SECOND)

    notifications.drop_leases(at=T0 + SECOND)

    notification = claim(notifications, T0 + SECOND)
    assert notification is not None
    assert notification.call == leased
    assert notifications.count_untold() == 1


def test_the_state_of_the_card_is_saved(ledger: CallLedger, notifications: NotificationLedger) -> None:
    call = ledger.accept(ask(), at=T0)
    claim(notifications, T0, lease=SECOND)

    def now_known() -> tuple[object, ...]:
        notification = notifications.read(call.id)
        return (
            notification.card_tried_at,
            notification.card_channel,
            notification.card_ts,
            notification.card_revision,
            notification.card_problem,
        )

    assert now_known() == (None, "", "", 0, "")
    assert notifications.mark_card_tried(call.id, "C1", at=T0, lease=T0 + SECOND)
    assert now_known() == (T0, "C1", "", 0, "")
    notifications.clear_card_tried(call.id, lease=T0)
    assert now_known() == (T0, "C1", "", 0, ""), "another worker's attempt"
    notifications.clear_card_tried(call.id, lease=T0 + SECOND)
    assert now_known() == (None, "C1", "", 0, "")
    notifications.set_card_problem(call.id, "not_in_channel")
    assert now_known() == (None, "C1", "", 0, "not_in_channel")
    notifications.mark_card_shown(call.id, 2, "C1", "1.5")
    assert now_known() == (None, "C1", "1.5", 2, "")
    notifications.give_up_card(call.id, 3, "message_not_found")
    assert now_known() == (None, "C1", "1.5", 3, "message_not_found")


def test_a_card_may_not_be_posted_after_losing_the_lease(
    ledger: CallLedger, notifications: NotificationLedger
) -> None:
    """A worker that was suspended must not post the card that another one is posting."""
    call = ledger.accept(ask(), at=T0)
    claim(notifications, T0, lease=SECOND)
    claim(notifications, T0 + SECOND, lease=SECOND)

    assert not notifications.mark_card_tried(call.id, "C1", at=T0 + SECOND, lease=T0 + SECOND)
    assert notifications.read(call.id).card_tried_at is None
    assert notifications.mark_card_tried(call.id, "C1", at=T0 + SECOND, lease=T0 + 2 * SECOND)


def test_what_the_caller_was_told_is_saved(ledger: CallLedger, notifications: NotificationLedger) -> None:
    call = ledger.accept(ask(), at=T0)

    notifications.mark_told(call.id, 1, bad_news=True, what="in_doubt")

    notification = claim(notifications)
    assert notification is not None
    assert (notification.told_revision, notification.told_bad_news, notification.told_what) == (
        1,
        True,
        "in_doubt",
    )


def test_a_mark_on_one_call_leaves_the_others_alone(
    ledger: CallLedger, notifications: NotificationLedger
) -> None:
    one, other = (ledger.accept(request, at=T0) for request in asks(2))
    notifications.mark_card_shown(one.id, 1, "C1", "1.5")
    deliver(notifications, one.id, at=T0)

    notification = claim(notifications)
    assert notification is not None
    assert (notification.call, notification.card_ts) == (other, "")
    assert claim(notifications) is None


# --- crashes -----------------------------------------------------------------------------------------

# A bot that stops dead inside a transaction, after the statement that begins with these words.
CHILD = """
import sys, threading
from datetime import UTC, datetime
import sqlalchemy as sa
from evoslack.calling.calls import (CallRequest)
from evoslack.calling.outcomes import (Placed)
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.store import Store

url, words, step = sys.argv[1:]
store = Store(url)

def hold(connection, cursor, statement, *more):
    if words in statement:
        print("inside", flush=True)
        threading.Event().wait()

sa.event.listen(store.engine, "after_cursor_execute", hold)
ledger, at = CallLedger(store), datetime(2026, 3, 2, 9, 31, tzinfo=UTC)
if step == "accept":
    numbers = ("+12025550143", "+12025550100")
    ledger.accept(CallRequest("key", "T1", "U_SARA", "acc1", "flow1", "Flow", *numbers), at=at)
elif step == "begin":
    ledger.begin(at=at, accepted_after=datetime(2026, 1, 1, tzinfo=UTC))
elif step == "finish":
    ledger.finish(ledger.find("key").id, Placed(), at=at)
else:
    store.open()
    print("inside", flush=True)
    threading.Event().wait()
"""


def killed_inside(url: str, step: str, words: str = "-") -> Iterator[None]:
    """A child that got that far; it is killed when the generator goes on."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, url, words, step], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "inside\n"
            yield
        finally:
            child.kill()


dead = contextlib.contextmanager(killed_inside)


def test_a_bot_killed_while_accepting_leaves_nothing_behind(
    database_url: str, ledger: CallLedger, notifications: NotificationLedger
) -> None:
    with dead(database_url, "accept", "INSERT INTO calls"):
        assert ledger.find("key") is None

    assert ledger.find("key") is None
    assert notifications.count_untold() == 0
    assert ledger.accept(ask(number="+12025550143"), at=T0).state is State.ACCEPTED


def test_a_bot_killed_before_its_begin_was_committed_has_begun_nothing(
    database_url: str, ledger: CallLedger
) -> None:
    """It had not been told that it may dial, so it did not."""
    ledger.accept(ask(), at=T0)

    with dead(database_url, "begin", "UPDATE calls"):
        assert state(ledger) is State.ACCEPTED

    deadline = time.monotonic() + 10
    while (call := begin(ledger)) is None:  # PostgreSQL holds the row until it notices the dead connection
        assert time.monotonic() < deadline
    assert (call.state, begin(ledger)) == (State.PLACING, None)


def test_a_bot_killed_while_saving_the_outcome_leaves_an_orphan_and_no_notification(
    database_url: str, ledger: CallLedger, notifications: NotificationLedger
) -> None:
    call = begun(ledger, ask())
    deliver(notifications, call.id, at=T0)

    with dead(database_url, "finish", "UPDATE calls"):
        pass

    assert (state(ledger), notifications.count_untold()) == (State.PLACING, 0)
    assert [each.id for each in ledger.doubt_orphans(at=T0, began_before=T0)] == [call.id]
    assert notifications.count_untold() == 1


# --- the database itself -----------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:.*expression-based index", "ignore:Computed default on calls.outcome")
def test_the_migrations_make_exactly_the_tables_of_the_schema(store: Store) -> None:
    with store.engine.connect() as connection:
        of_one_kind = {number_endings.name, "calls_by_digits", "calls_by_trigram"}  # see the next test
        ours = {"include_object": lambda _object, name, *_about: name not in of_one_kind}
        context = MigrationContext.configure(connection, opts=ours)
        assert compare_metadata(context, schema.metadata) == []


def test_the_migrations_make_the_same_indexes_as_the_schema(store: Store) -> None:
    """Comparing tables ignores an index's condition, and on SQLite its expressions."""
    definitions = (
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        if store.is_sqlite
        else "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    )

    def indexes() -> dict[str, str]:
        with store.engine.connect() as connection:
            found = connection.exec_driver_sql(definitions).all()
        return {name: sql.replace('"', "") for name, sql in found if "alembic" not in name}

    migrated = indexes()
    schema.metadata.drop_all(store.engine)
    schema.metadata.create_all(store.engine)

    assert indexes() == migrated
    assert {"notifications_by_due", "home_tabs_by_due", "workflow_steps_by_due"} <= migrated.keys()
    one_per_number = migrated["one_open_call_per_number"]
    assert "UNIQUE" in one_per_number
    assert [value.value for value in State if f"'{value}'" in one_per_number] == [
        "received",
        "accepted",
        "placing",
    ]


def test_a_bot_waits_while_another_one_creates_the_database(new_postgres_url: str) -> None:
    def start(_index: int) -> list[Call]:
        with opened(new_postgres_url) as store:
            return CallLedger(store).newest(1)

    assert at_once(4, start) == [[]] * 4


def test_a_first_start_that_fails_half_way_leaves_no_half_made_tables(new_database_url: str) -> None:
    """Such as a full disk or a kill between two tables: the next start must not stumble over the first."""
    in_the_way = sa.create_engine(new_database_url)
    with in_the_way.begin() as connection:
        connection.execute(
            sa.text("CREATE TABLE news (a INTEGER)")
        )  # the second table of the first migration
    with pytest.raises(sa.exc.DatabaseError), opened(new_database_url):
        pass
    with in_the_way.begin() as connection:
        connection.execute(sa.text("DROP TABLE news"))
    in_the_way.dispose()

    with opened(new_database_url) as store:
        assert CallLedger(store).newest(1) == []


def test_one_sqlite_file_belongs_to_one_bot(sqlite_url: str) -> None:
    second = Store(sqlite_url)
    with opened(sqlite_url) as first:
        with pytest.raises(LedgerTaken):
            second.open()
        second.close()
        assert CallLedger(first).accept(ask(), at=T0), "the first does not mind"

    with opened(sqlite_url) as store:
        assert CallLedger(store).find("key") is not None


def test_a_killed_bot_does_not_keep_its_sqlite_file(sqlite_url: str) -> None:
    with dead(sqlite_url, "open"), pytest.raises(LedgerTaken), opened(sqlite_url):
        pass

    with opened(sqlite_url) as store:
        assert store.answers()


def test_a_commit_in_sqlite_is_on_the_disk(sqlite_url: str) -> None:
    with opened(sqlite_url) as store, store.engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_stuck_database_times_out_while_the_person_can_still_be_told(
    database_url: str, ledger: CallLedger
) -> None:
    """Slack waits three seconds, and the sentence needs a moment as well."""
    began = time.monotonic()
    with stuck(database_url), pytest.raises(sa.exc.OperationalError) as failed:
        ledger.accept(ask(number="+12025550143"), at=T0)
    assert "5550143" not in str(failed.value), "errors go to the log, and numbers do not"
    assert 1 < time.monotonic() - began < 2.7

    assert ledger.accept(ask(), at=T0), "and it goes on as soon as the database does"


@contextlib.contextmanager
def stuck(url: str) -> Iterator[None]:
    """Hold a lock on the table."""
    where = sa.make_url(url)
    if where.get_backend_name() == "sqlite":
        with contextlib.closing(sqlite3.connect(where.database or "")) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.rollback()
    else:
        plain = where.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain) as holder:
            holder.execute("LOCK TABLE calls")
            yield


def test_a_database_out_of_reach_does_not_answer(store: Store, tmp_path: Path) -> None:
    assert store.answers()
    away = Store(f"sqlite:///{tmp_path / 'no folder' / 'ledger.db'}")
    assert not away.answers()
    away.close()


def test_tables_of_a_newer_version_are_named_as_such(store: Store, database_url: str) -> None:
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    store.close()

    older = Store(database_url)
    with pytest.raises(MadeByNewer, match="newer EvoSlack"):
        older.open()
    older.close()
