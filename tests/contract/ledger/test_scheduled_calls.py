"""Calls that wait for their own time, on SQLite and on a real PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from evoslack.calling.calls import OPEN_STATES, Call, State
from evoslack.calling.outcomes import Placed, Reason
from evoslack.calling.refusals import KeyTaken, NumberBusy
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.retention import CallRetention
from evoslack.ledger.scheduled_calls import ScheduledCallLedger
from evoslack.ledger.store import Store
from tests.calls import NUMBER, call_request

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
DUE = T0 + timedelta(hours=3)
LATE = timedelta(minutes=1)
LONG = timedelta(days=400)


@pytest.fixture
def scheduled(store: Store) -> ScheduledCallLedger:
    return ScheduledCallLedger(store)


def wait_for(ledger: CallLedger, due_at: datetime = DUE, key: str = "key", number: str = NUMBER) -> Call:
    """A call that was pressed and answered, for that time."""
    request = replace(call_request(key, number), due_at=due_at)
    received = ledger.receive(request, at=T0, require_time=lambda: None)
    (call,) = ledger.confirm([received.id], at=T0)
    return call


def call_now(ledger: CallLedger, key: str = "now", at: datetime = T0, number: str = NUMBER) -> Call:
    call = ledger.accept(call_request(key, number), at=at)
    begun = ledger.begin(at=at, accepted_after=at - timedelta(minutes=2))
    assert begun is not None
    placed = ledger.finish(call.id, Placed(), at=at)
    assert placed is not None
    return placed


def test_an_answered_press_for_later_waits_and_is_not_dialed(ledger: CallLedger) -> None:
    call = wait_for(ledger)

    assert (call.state, call.request.due_at, call.is_open) == (State.SCHEDULED, DUE, False)
    assert ledger.waiting(accepted_after=T0 - LONG) is None
    assert ledger.begin(at=DUE + LATE, accepted_after=T0 - LONG) is None
    assert ledger.expire(at=DUE, accepted_before=DUE) == []


@pytest.mark.parametrize("state", sorted(OPEN_STATES))
def test_a_call_on_its_way_to_the_number_holds_up_no_call_for_later(ledger: CallLedger, state: State) -> None:
    if state is State.RECEIVED:
        ledger.receive(call_request("now"), at=T0, require_time=lambda: None)
    else:
        ledger.accept(call_request("now"), at=T0)
    if state is State.PLACING:
        ledger.begin(at=T0, accepted_after=T0 - LONG)

    assert wait_for(ledger, key="later").state is State.SCHEDULED


def test_a_press_for_later_that_is_being_answered_holds_up_nobody(ledger: CallLedger) -> None:
    later = replace(call_request("later"), due_at=DUE)
    received = ledger.receive(later, at=T0, require_time=lambda: None)
    assert received.state is State.RECEIVED_LATER

    assert ledger.accept(call_request("now"), at=T0).state is State.ACCEPTED
    assert [call.state for call in ledger.confirm([received.id], at=T0)] == [State.SCHEDULED]


def test_a_press_for_later_without_an_answer_is_withdrawn_or_closed(ledger: CallLedger) -> None:
    later = replace(call_request("later"), due_at=DUE)
    received = ledger.receive(later, at=T0, require_time=lambda: None)
    assert ledger.receive(later, at=T0, require_time=lambda: None).id == received.id
    ledger.withdraw([received.id])
    assert ledger.get(received.id) == received, "the other delivery is still being answered"
    ledger.withdraw([received.id])
    assert ledger.get(received.id) is None

    again = ledger.receive(later, at=T0, require_time=lambda: None)
    assert [call.id for call in ledger.abandon(at=T0 + LATE, received_before=T0)] == [again.id]
    assert ledger.confirm([again.id], at=T0) == []


def test_people_are_told_at_once_that_it_waits(ledger: CallLedger, notifications: NotificationLedger) -> None:
    call = wait_for(ledger)

    told = notifications.claim(at=T0, until=T0 + LATE)
    assert told is not None
    assert told.call == call


def test_it_is_due_when_its_time_has_come_and_not_before(
    ledger: CallLedger, scheduled: ScheduledCallLedger
) -> None:
    later = wait_for(ledger, DUE + LATE, "later", "+12025550111")
    call = wait_for(ledger)

    assert scheduled.due(at=DUE - timedelta(seconds=1), limit=9) == []
    assert scheduled.due(at=DUE, limit=9) == [call]
    assert scheduled.due(at=DUE + LATE, limit=9) == [call, later]
    assert scheduled.start(call, at=DUE - timedelta(seconds=1)) is None


def test_started_it_is_a_call_like_any_other_from_that_moment_on(
    ledger: CallLedger, scheduled: ScheduledCallLedger
) -> None:
    call = wait_for(ledger)

    started = scheduled.start(call, at=DUE)

    assert started is not None
    assert (started.state, started.accepted_at) == (State.ACCEPTED, DUE)
    begun = ledger.begin(at=DUE, accepted_after=DUE - LATE)
    assert begun is not None
    assert begun.id == call.id
    assert scheduled.start(call, at=DUE) is None


def test_it_holds_up_nobody_and_nobody_holds_it_up(ledger: CallLedger) -> None:
    call_now(ledger, "before")
    wait_for(ledger)
    with pytest.raises(NumberBusy):
        ledger.accept(call_request("again"), at=T0)

    wait_for(ledger, number="+12025550111", key="other")
    assert call_now(ledger, "after", number="+12025550111").state is State.PLACED


def test_when_its_time_comes_nobody_may_be_on_the_phone_with_the_number(
    ledger: CallLedger, scheduled: ScheduledCallLedger
) -> None:
    call = wait_for(ledger)
    talking = call_now(ledger, at=DUE - LATE)

    with pytest.raises(NumberBusy) as busy:
        scheduled.start(call, at=DUE)

    assert busy.value.call.id == talking.id
    assert ledger.get(call.id) == call


def test_of_two_calls_to_one_number_at_one_time_one_is_started(
    ledger: CallLedger, scheduled: ScheduledCallLedger
) -> None:
    one, other = wait_for(ledger, key="one"), wait_for(ledger, key="other")

    def start(call: Call) -> bool:
        try:
            return scheduled.start(call, at=DUE) is not None
        except NumberBusy:
            return False

    with ThreadPoolExecutor(2) as bots:
        assert sorted(bots.map(start, (one, other))) == [False, True]


def test_many_bots_start_a_call_once(ledger: CallLedger, store: Store) -> None:
    call = wait_for(ledger)

    def start(_bot: int) -> bool:
        try:
            return ScheduledCallLedger(store).start(call, at=DUE) is not None
        except NumberBusy:
            return False

    with ThreadPoolExecutor(8) as bots:
        assert sum(bots.map(start, range(8))) == 1


Change = Callable[[ScheduledCallLedger, Call], object]
CHANGES: dict[State, Change] = {
    State.ACCEPTED: lambda ledger, call: ledger.start(call, at=DUE),
    State.NOT_SENT: lambda ledger, call: ledger.deny(call, Reason.BLOCKED, at=DUE),
    State.CANCELED: lambda ledger, call: ledger.cancel(call, by="U_ADA", at=DUE),
    State.EXPIRED: lambda ledger, _call: ledger.miss(at=DUE + LONG, due_before=DUE + LATE),
}


@pytest.mark.parametrize("first", CHANGES)
@pytest.mark.parametrize("second", CHANGES)
def test_whoever_comes_first_decides(
    ledger: CallLedger, scheduled: ScheduledCallLedger, first: State, second: State
) -> None:
    call = wait_for(ledger)

    assert CHANGES[first](scheduled, call)
    try:
        assert not CHANGES[second](scheduled, call)
    except NumberBusy:  # it is on its way itself
        assert first is State.ACCEPTED

    found = ledger.get(call.id)
    assert found is not None
    assert found.state is first


def test_every_change_is_told(
    ledger: CallLedger, scheduled: ScheduledCallLedger, notifications: NotificationLedger
) -> None:
    for number, (state, change) in enumerate(CHANGES.items()):
        call = wait_for(ledger, key=f"key{number}", number=f"+1202555010{number}")
        revision = notifications.read(call.id).revision
        assert change(scheduled, call)
        told = notifications.read(call.id)
        assert (told.revision, told.call.state) == (revision + 1, state)


def test_the_reason_and_the_person_are_kept(ledger: CallLedger, scheduled: ScheduledCallLedger) -> None:
    denied = scheduled.deny(wait_for(ledger, key="1", number="+12025550111"), Reason.LIMIT_REACHED, at=DUE)
    canceled = scheduled.cancel(wait_for(ledger, key="2", number="+12025550112"), by="U_ADA", at=T0)
    wait_for(ledger, key="3", number="+12025550113")
    (missed,) = scheduled.miss(at=DUE + LATE, due_before=DUE + LATE)

    assert denied is not None
    assert canceled is not None
    assert (denied.reason, denied.finished_at) == (Reason.LIMIT_REACHED, DUE)
    assert (canceled.canceled_by, canceled.reason) == ("U_ADA", None)
    assert (missed.reason, missed.state) == (Reason.MISSED, State.EXPIRED)


def test_a_changed_time_is_the_one_that_counts(ledger: CallLedger, scheduled: ScheduledCallLedger) -> None:
    call, another = wait_for(ledger), DUE + timedelta(days=1)

    moved = scheduled.move(call, another, hours_reason="", at=T0)

    assert moved is not None
    assert moved.request.due_at == another
    assert scheduled.due(at=DUE, limit=9) == []
    # Who still has the old time on the screen changes nothing, and starts nothing.
    assert scheduled.move(call, DUE + LATE, hours_reason="", at=T0) is None
    assert scheduled.start(call, at=another) is None
    assert scheduled.deny(call, Reason.BLOCKED, at=another) is None
    assert scheduled.start(moved, at=another) is not None


def test_a_call_is_taken_back_even_if_its_time_was_changed_meanwhile(
    ledger: CallLedger, scheduled: ScheduledCallLedger
) -> None:
    call = wait_for(ledger)
    assert scheduled.move(call, DUE + LATE, hours_reason="", at=T0)

    canceled = scheduled.cancel(call, by="U_SARA", at=T0)

    assert canceled is not None
    assert canceled.state is State.CANCELED
    assert ledger.get(call.id) == canceled


def test_the_same_page_again_is_the_same_call_and_another_time_is_other_content(
    ledger: CallLedger, scheduled: ScheduledCallLedger
) -> None:
    call = wait_for(ledger)
    later = replace(call_request(), due_at=DUE)

    assert ledger.receive(later, at=T0, require_time=lambda: None).id == call.id
    for other in (call_request(), replace(later, due_at=DUE + LATE)):
        with pytest.raises(KeyTaken) as taken:
            ledger.receive(other, at=T0, require_time=lambda: None)
        assert taken.value.call == call


def test_who_knew_of_another_call_when_they_pressed_does_not_get_past_it_hours_later(
    ledger: CallLedger, scheduled: ScheduledCallLedger
) -> None:
    known = call_now(ledger, "known", at=DUE - LATE)
    request = replace(call_request(), due_at=DUE, anyway=known.id)
    received = ledger.receive(request, at=DUE - LATE, require_time=lambda: None)
    (call,) = ledger.confirm([received.id], at=DUE - LATE)

    with pytest.raises(NumberBusy):
        scheduled.start(call, at=DUE)


def test_waiting_calls_are_listed_for_their_owner_and_for_the_team(
    ledger: CallLedger, scheduled: ScheduledCallLedger
) -> None:
    second = wait_for(ledger, DUE + LATE, "second", "+12025550111")
    first = wait_for(ledger)
    canceled = wait_for(ledger, key="canceled", number="+12025550112")
    scheduled.cancel(canceled, by="U_SARA", at=T0)

    assert scheduled.waiting("T1", "U_SARA", limit=9) == ([first, second], 2)
    assert scheduled.waiting("T1", None, limit=1) == ([first], 2)
    assert scheduled.waiting("T1", "U_OTHER", limit=9) == ([], 0)
    assert scheduled.waiting("T2", None, limit=9) == ([], 0)


def test_history_is_never_deleted_from_under_a_call_that_waits(
    ledger: CallLedger, store: Store, notifications: NotificationLedger
) -> None:
    call = wait_for(ledger)
    notification = notifications.claim(at=T0, until=T0 + LATE)
    assert notification is not None
    notifications.release(call.id, lease=T0 + LATE, again_at=None)

    purged = CallRetention(store, lambda: T0).purge_calls(accepted_before=T0 + LONG, at=T0 + LONG)

    assert purged == 0
    assert ledger.get(call.id) == call
