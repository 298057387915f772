"""What the ledger promises of a press before its call may be dialed, on SQLite and PostgreSQL alike.

And of a step that becomes a call.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from evoslack.calling.calls import Call, CallRequest, State
from evoslack.calling.outcomes import Placed, Reason
from evoslack.calling.refusals import NumberBusy, TooLate
from evoslack.calling.workflow_step import LeaseLost, StepInputs
from evoslack.ledger.calls import AHEAD, CallLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.store import Store
from evoslack.ledger.workflow_steps import WorkflowStepLedger
from tests.calls import NUMBER, call_request
from tests.contract.ledger.rows import count_rows

T0 = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)
LONG_AGO = T0 - timedelta(days=1)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
STEP = "Fx1"
KEY = f"step {STEP}"


@pytest.fixture
def steps(store: Store) -> WorkflowStepLedger:
    return WorkflowStepLedger(store)


def in_time() -> None:
    """There is time to answer."""


def too_late() -> None:
    raise TooLate


def receive(ledger: CallLedger, request: CallRequest | None = None, at: datetime = T0) -> Call:
    return ledger.receive(request or call_request(), at=at, require_time=in_time)


def begin(ledger: CallLedger, at: datetime = T0) -> Call | None:
    return ledger.begin(at=at, accepted_after=at - HOUR)


@contextmanager
def commits(store: Store) -> Iterator[list[str]]:
    """The tables written by each transaction that is committed in this block."""
    written: list[str] = []
    under_way: dict[int, list[str]] = {}

    def note(connection: sa.Connection, _cursor: object, statement: str, *_more: object) -> None:
        # On PostgreSQL one statement may write several tables.
        found = re.findall(
            r"\b(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)", statement.partition(" FOR UPDATE")[0]
        )
        under_way.setdefault(id(connection), []).extend(found)

    def commit(connection: sa.Connection) -> None:
        if tables := under_way.pop(id(connection), []):
            written.append(" ".join(tables))

    def rollback(connection: sa.Connection) -> None:
        under_way.pop(id(connection), None)

    listeners = (("before_cursor_execute", note), ("commit", commit), ("rollback", rollback))
    for name, listener in listeners:
        sa.event.listen(store.engine, name, listener)
    yield written
    for name, listener in listeners:
        sa.event.remove(store.engine, name, listener)


# --- the last check of the age


def test_a_press_that_comes_too_late_leaves_nothing_behind(store: Store, ledger: CallLedger) -> None:
    with commits(store) as written, pytest.raises(TooLate):
        ledger.receive(call_request(), at=T0, require_time=too_late)

    assert (written, count_rows(store)) == ([], {})
    other = receive(ledger, call_request("another form", user_id="U_BOSS"))
    assert other.state is State.RECEIVED, "the number is free"


def test_the_same_form_works_when_it_is_pressed_again(store: Store, ledger: CallLedger) -> None:
    with pytest.raises(TooLate):
        ledger.receive(call_request(), at=T0, require_time=too_late)
    call = receive(ledger)

    assert call.state is State.RECEIVED
    assert count_rows(store) == {"calls": 1, "notifications": 1}


def test_the_age_is_checked_after_everything_is_written(store: Store, ledger: CallLedger) -> None:
    """As late as possible, so that everything slow before it counts."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        statements.append(statement)

    sa.event.listen(store.engine, "before_cursor_execute", note)
    seen: list[list[str]] = []
    ledger.receive(call_request(), at=T0, require_time=lambda: seen.append(statements.copy()))
    sa.event.remove(store.engine, "before_cursor_execute", note)

    assert len(seen) == 1
    assert "INSERT INTO notifications" in seen[0][-1]
    assert statements == seen[0], "nothing comes after it but the commit"


def test_a_press_that_is_a_call_already_is_not_checked_for_age(ledger: CallLedger) -> None:
    call = ledger.accept(call_request(), at=T0)

    assert ledger.receive(call_request(), at=T0, require_time=too_late) == call


def test_many_presses_for_one_number_are_one_call_and_the_rest_are_denied(ledger: CallLedger) -> None:
    """Received holds the number just as well."""
    gate = threading.Barrier(8)

    def press(index: int) -> Call | None:
        gate.wait(10)
        try:
            return receive(ledger, call_request(f"form {index}"))
        except NumberBusy:
            return None

    with ThreadPoolExecutor(8) as hands:
        received = [call for call in hands.map(press, range(8)) if call]

    assert len(received) == 1
    ledger.withdraw([received[0].id])
    assert receive(ledger, call_request("one more")).state is State.RECEIVED


# --- received, and not answered yet


def test_a_received_press_is_neither_dialed_nor_announced(
    ledger: CallLedger, notifications: NotificationLedger
) -> None:
    receive(ledger)

    assert ledger.waiting(accepted_after=LONG_AGO) is None
    assert begin(ledger) is None
    assert notifications.claim(at=T0 + HOUR, until=T0 + 2 * HOUR) is None
    assert notifications.count_untold() == 0
    assert ledger.expire(at=T0 + HOUR, accepted_before=T0 + HOUR) == []
    assert ledger.doubt_orphans(at=T0 + HOUR, began_before=None) == []


def test_a_confirmed_press_is_dialed_and_announced(
    ledger: CallLedger, notifications: NotificationLedger
) -> None:
    call = receive(ledger)
    assert [each.id for each in ledger.confirm([call.id], at=T0 + SECOND)] == [call.id]

    assert ledger.confirm([call.id], at=T0 + SECOND) == [], "it is confirmed once"
    told = notifications.claim(at=T0 + SECOND, until=T0 + MINUTE)
    assert told is not None
    assert told.call.id == call.id
    begun = begin(ledger, T0 + SECOND)
    assert begun is not None
    assert begun.id == call.id


def test_many_are_confirmed_in_one_transaction(store: Store, ledger: CallLedger) -> None:
    ids = [receive(ledger, call_request(f"form {index}", f"+120255501{index:02}")).id for index in range(30)]
    with commits(store) as written:
        confirmed = ledger.confirm(ids, at=T0)

    assert {call.id for call in confirmed} == set(ids)
    assert written == ["calls notifications"]


def test_a_press_that_nobody_can_still_be_answering_is_abandoned(
    ledger: CallLedger, notifications: NotificationLedger
) -> None:
    call = receive(ledger)
    assert ledger.abandon(at=T0 + SECOND, received_before=T0 - SECOND) == [], "it may still be answered"
    (abandoned,) = ledger.abandon(at=T0 + MINUTE, received_before=T0)

    assert (abandoned.id, abandoned.state, abandoned.reason) == (call.id, State.EXPIRED, Reason.NOT_ANSWERED)
    told = notifications.claim(at=T0 + MINUTE, until=T0 + HOUR)
    assert told is not None
    assert told.call == abandoned
    assert ledger.confirm([call.id], at=T0 + MINUTE) == [], "its answer left after all, and is too late"
    assert begin(ledger, T0 + MINUTE) is None
    assert receive(ledger, call_request("another form"), T0 + MINUTE).state is State.RECEIVED, (
        "the number is free"
    )


def test_at_a_start_every_press_is_abandoned_whatever_the_clock_says(ledger: CallLedger) -> None:
    receive(ledger, at=T0 + HOUR)  # by a clock that has been set back since

    assert len(ledger.abandon(at=T0, received_before=None)) == 1


def test_a_withdrawn_press_leaves_nothing_behind(store: Store, ledger: CallLedger) -> None:
    call = receive(ledger)
    ledger.withdraw([call.id])
    ledger.withdraw([call.id])  # nor does it matter if that is said twice

    assert count_rows(store) == {}
    assert ledger.join(call.id) is None


@pytest.mark.parametrize("becomes", ["accepted", "placing", "placed"])
def test_an_answered_press_is_not_withdrawn(ledger: CallLedger, becomes: str) -> None:
    call = receive(ledger)
    ledger.confirm([call.id], at=T0)
    if becomes != "accepted":
        begin(ledger)
    if becomes == "placed":
        ledger.finish(call.id, Placed(), at=T0)

    ledger.withdraw([call.id])

    found = ledger.get(call.id)
    assert found is not None
    assert found.state == becomes


def test_a_press_withdrawn_and_confirmed_at_once_is_one_or_the_other(ledger: CallLedger) -> None:
    gate = threading.Barrier(2)

    def at_the_same_time(work: Callable[[], object]) -> object:
        gate.wait(10)
        return work()

    for _ in range(10):
        call = receive(ledger)
        with ThreadPoolExecutor(2) as bots:
            confirming = bots.submit(at_the_same_time, lambda: ledger.confirm([call.id], at=T0))  # noqa: B023
            bots.submit(at_the_same_time, lambda: ledger.withdraw([call.id])).result()  # noqa: B023
            confirmed = confirming.result()
        found = ledger.get(call.id)
        assert (found is not None) == bool(confirmed)
        if found is not None:
            assert found.state is State.ACCEPTED
            return  # the number is taken from here on


# --- clocks that were put back


def test_a_call_from_the_future_is_never_dialed_but_announced(
    ledger: CallLedger, notifications: NotificationLedger
) -> None:
    """The clock was put back while the bot was down, and nobody knows how long the call has waited."""
    call = ledger.accept(call_request(), at=T0 + AHEAD + SECOND)
    assert begin(ledger, T0) is None
    (expired,) = ledger.expire(at=T0, accepted_before=T0 - MINUTE)

    assert (expired.id, expired.state, expired.reason) == (call.id, State.EXPIRED, Reason.WAITED)
    told = notifications.claim(at=T0 + HOUR, until=T0 + 2 * HOUR)
    assert told is not None
    assert told.call == expired
    assert begin(ledger, T0 + AHEAD + SECOND) is None


def test_bots_with_slightly_different_clocks_dial_each_others_calls(ledger: CallLedger) -> None:
    call = ledger.accept(call_request(), at=T0 + AHEAD)

    assert ledger.expire(at=T0, accepted_before=T0 - MINUTE) == []
    begun = begin(ledger, T0)
    assert begun is not None
    assert begun.id == call.id


def test_a_call_from_the_future_blocks_no_other(ledger: CallLedger) -> None:
    ledger.accept(call_request("future", "+12025550199"), at=T0 + HOUR)
    call = ledger.accept(call_request(), at=T0)

    begun = begin(ledger)
    assert begun is not None
    assert begun.id == call.id


# --- a step becomes a call


def leased(steps: WorkflowStepLedger, at: datetime = T0) -> datetime:
    """A workflow reached the step, and a worker holds it until then."""
    steps.add(STEP, "T1", StepInputs("U_SARA", "flow2", NUMBER, ""), asked_at=at, at=at)
    assert steps.claim(at=at, until=at + MINUTE) is not None
    return at + MINUTE


def call_of_step(store: Store) -> str | None:
    with store.engine.connect() as connection:
        return connection.execute(sa.text("SELECT call_id FROM workflow_steps")).scalar_one()


def test_a_step_becomes_its_call_in_one_transaction(
    store: Store, ledger: CallLedger, steps: WorkflowStepLedger
) -> None:
    """So no crash can come in between."""
    lease = leased(steps)
    with commits(store) as written:
        call = ledger.accept(call_request(KEY), at=T0, step=(STEP, lease))

    assert len(written) == 1
    assert {"calls", "notifications", "workflow_steps"} <= set(written[0].split())
    assert call_of_step(store) == call.id
    assert not steps.deny(STEP, "nothing was dialed", lease=lease), "that would not be true any more"


def test_no_call_is_made_after_losing_the_step(
    store: Store, ledger: CallLedger, steps: WorkflowStepLedger
) -> None:
    lost = leased(steps)
    assert steps.claim(at=lost, until=lost + MINUTE) is not None  # by another bot

    with commits(store) as written, pytest.raises(LeaseLost):
        ledger.accept(call_request(KEY), at=lost, step=(STEP, lost))

    assert (written, count_rows(store)) == ([], {"workflow_steps": 1})
    assert ledger.accept(call_request(KEY), at=lost, step=(STEP, lost + MINUTE)).state is State.ACCEPTED


def test_a_denied_step_becomes_no_call(store: Store, ledger: CallLedger, steps: WorkflowStepLedger) -> None:
    lease = leased(steps)
    assert steps.deny(STEP, "nothing was dialed", lease=lease)

    with commits(store) as written, pytest.raises(LeaseLost):
        ledger.accept(call_request(KEY), at=T0, step=(STEP, lease))

    assert (written, count_rows(store)) == ([], {"workflow_steps": 1})


def test_an_unknown_step_becomes_no_call(store: Store, ledger: CallLedger) -> None:
    with pytest.raises(LeaseLost):
        ledger.accept(call_request(KEY), at=T0, step=(STEP, T0 + MINUTE))

    assert count_rows(store) == {}


def test_a_step_denied_and_called_at_once_is_one_or_the_other(
    store: Store, ledger: CallLedger, steps: WorkflowStepLedger
) -> None:
    """A runner that hangs, and another one that took over and denies the step."""
    lease = leased(steps)
    gate = threading.Barrier(2)

    def call() -> bool:
        gate.wait(10)
        try:
            return bool(ledger.accept(call_request(KEY), at=T0, step=(STEP, lease)))
        except LeaseLost:
            return False

    def refuse() -> bool:
        gate.wait(10)
        return steps.deny(STEP, "nothing was dialed", lease=lease)

    with ThreadPoolExecutor(2) as runners:
        both = runners.submit(call), runners.submit(refuse)
        is_called, is_refused = (each.result() for each in both)

    assert is_called is not is_refused
    assert (call_of_step(store) is not None) is is_called
    assert ("calls" in count_rows(store)) is is_called
