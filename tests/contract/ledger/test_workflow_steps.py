"""What the book of workflow steps promises, on SQLite and on a real PostgreSQL alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from evoslack.calling.calls import Call, CallRequest, Placed
from evoslack.calling.workflow_step import StepInputs, WorkflowStep
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.retention import CallRetention
from evoslack.ledger.store import Store
from evoslack.ledger.workflow_steps import WorkflowStepLedger

T0 = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
INPUTS = StepInputs("U_SARA", "flow2", "\ud83d 814 404 3093\x00", "")


@pytest.fixture
def book(store: Store) -> WorkflowStepLedger:
    return WorkflowStepLedger(store)


@pytest.fixture
def calls(store: Store) -> CallLedger:
    return CallLedger(store)


def asked(book: WorkflowStepLedger, execution_id: str = "Fx1", at: datetime = T0) -> None:
    book.add(execution_id, "T1", INPUTS, asked_at=at, at=at)


def claimed(book: WorkflowStepLedger, at: datetime) -> WorkflowStep | None:
    return book.claim(at=at, until=at + MINUTE)


def a_call(calls: CallLedger, key: str = "step Fx1") -> Call:
    request = CallRequest(key, "T1", "U_SARA", "acc1", "flow2", "Survey", "+18144043093", "+12025550100")
    return calls.accept(request, at=T0)


def test_what_was_asked_comes_back_as_it_was(book: WorkflowStepLedger) -> None:
    asked(book)
    book.add("Fx2", "T1", None, asked_at=T0 - MINUTE, at=T0 + SECOND)

    assert claimed(book, T0 + SECOND) == WorkflowStep("Fx1", "T1", INPUTS, T0)
    assert claimed(book, T0 + SECOND) == WorkflowStep("Fx2", "T1", None, T0 - MINUTE)
    assert claimed(book, T0 + SECOND) is None


def test_the_same_step_once_more_changes_nothing(book: WorkflowStepLedger) -> None:
    asked(book)
    book.add("Fx1", "T2", None, asked_at=T0 + MINUTE, at=T0 + MINUTE)

    assert claimed(book, T0 + MINUTE) == WorkflowStep("Fx1", "T1", INPUTS, T0)
    asked(book, at=T0 + MINUTE)  # nor does it while somebody works on it
    assert claimed(book, T0 + MINUTE + SECOND) is None


def test_delivered_many_times_at_once_it_is_one_step(book: WorkflowStepLedger) -> None:
    with ThreadPoolExecutor(16) as slacks:
        for done in [slacks.submit(asked, book) for _ in range(16)]:
            done.result()

    assert claimed(book, T0) is not None
    assert claimed(book, T0) is None


def test_of_many_who_want_it_one_gets_it(book: WorkflowStepLedger) -> None:
    for number in range(20):
        asked(book, f"Fx{number}")
    with ThreadPoolExecutor(16) as bots:
        tries = [bots.submit(claimed, book, T0) for _ in range(60)]
        found = [step.execution_id for each in tries if (step := each.result())]

    assert len(found) == len(set(found))
    while step := claimed(book, T0):  # whoever found the row locked goes away empty, and looks again
        found.append(step.execution_id)
    assert sorted(found) == sorted(f"Fx{number}" for number in range(20))


def test_a_lease_that_runs_out_is_taken_over(book: WorkflowStepLedger) -> None:
    asked(book)
    claimed(book, T0)

    assert claimed(book, T0 + MINUTE - SECOND) is None
    again = claimed(book, T0 + MINUTE)
    assert again is not None
    assert again.attempts == 1


def test_it_rests_until_it_is_due(book: WorkflowStepLedger) -> None:
    asked(book)
    claimed(book, T0)
    book.release("Fx1", lease=T0 + MINUTE, again_at=T0 + 5 * SECOND, failed=True)

    assert claimed(book, T0 + 4 * SECOND) is None
    again = claimed(book, T0 + 5 * SECOND)
    assert again is not None
    assert again.attempts == 1
    book.release("Fx1", lease=T0 + 5 * SECOND + MINUTE, again_at=T0 + 9 * SECOND, failed=False)
    calm = claimed(book, T0 + 9 * SECOND)
    assert calm is not None
    assert calm.attempts == 0


def test_whoever_lost_the_lease_changes_nothing(book: WorkflowStepLedger) -> None:
    asked(book)
    claimed(book, T0)
    claimed(book, T0 + MINUTE)

    assert not book.deny("Fx1", "No.", lease=T0 + MINUTE)
    book.release("Fx1", lease=T0 + MINUTE, again_at=T0, failed=False)
    assert claimed(book, T0 + MINUTE + SECOND) is None
    third = claimed(book, T0 + 2 * MINUTE)
    assert third is not None
    assert third.refusal == ""


def test_a_refusal_is_kept(book: WorkflowStepLedger) -> None:
    asked(book)
    claimed(book, T0)
    assert book.deny("Fx1", "Not today.", lease=T0 + MINUTE)

    again = claimed(book, T0 + MINUTE)
    assert again is not None
    assert again.refusal == "Not today."


def test_its_call_changes_and_it_is_due_at_once(book: WorkflowStepLedger, calls: CallLedger) -> None:
    asked(book)
    claimed(book, T0)
    call = a_call(calls)
    book.set_call("Fx1", call.id)
    book.release("Fx1", lease=T0 + MINUTE, again_at=T0 + MINUTE, failed=False)
    assert claimed(book, T0 + SECOND) is None

    calls.begin(at=T0 + SECOND, accepted_after=T0 - MINUTE)
    calls.finish(call.id, Placed(), at=T0 + 2 * SECOND)

    due = claimed(book, T0 + 2 * SECOND)
    assert due is not None
    assert due.call_id == call.id


def test_its_call_changes_while_somebody_works_on_it(book: WorkflowStepLedger, calls: CallLedger) -> None:
    asked(book)
    claimed(book, T0)
    call = a_call(calls)
    book.set_call("Fx1", call.id)
    calls.begin(at=T0 + SECOND, accepted_after=T0 - MINUTE)
    calls.finish(call.id, Placed(), at=T0 + 2 * SECOND)
    assert claimed(book, T0 + 3 * SECOND) is None  # it is leased

    book.release("Fx1", lease=T0 + MINUTE, again_at=T0 + MINUTE, failed=False)

    assert claimed(book, T0 + 3 * SECOND) is not None


def test_what_has_ended_is_never_due_again(book: WorkflowStepLedger, calls: CallLedger) -> None:
    asked(book)
    claimed(book, T0)
    call = a_call(calls)
    book.set_call("Fx1", call.id)
    book.mark_ended("Fx1", at=T0 + SECOND)
    calls.begin(at=T0 + SECOND, accepted_after=T0 - MINUTE)
    calls.finish(call.id, Placed(), at=T0 + 2 * SECOND)
    asked(book)

    assert claimed(book, T0 + 10 * MINUTE) is None


def test_steps_go_with_their_calls_or_when_they_are_old(
    store: Store, book: WorkflowStepLedger, calls: CallLedger
) -> None:
    for execution_id in ("Fx_CALL", "Fx_REFUSED", "Fx_RUNS"):
        asked(book, execution_id)
    call = a_call(calls)
    book.set_call("Fx_CALL", call.id)
    book.mark_ended("Fx_REFUSED", at=T0)
    later = T0 + timedelta(days=2)

    book.purge(asked_before=T0)
    assert _kept(store) == ["Fx_CALL", "Fx_REFUSED", "Fx_RUNS"]
    book.purge(asked_before=later)
    assert _kept(store) == ["Fx_CALL", "Fx_RUNS"]
    calls.begin(at=T0 + SECOND, accepted_after=T0 - MINUTE)
    calls.finish(call.id, Placed(), at=T0 + 2 * SECOND)
    news = NotificationLedger(store)
    assert news.claim(at=later, until=later + SECOND)
    news.release(call.id, lease=later + SECOND)
    assert CallRetention(store, lambda: T0).purge_calls(accepted_before=later, at=T0) == 1
    assert _kept(store) == ["Fx_RUNS"]


def _kept(store: Store) -> list[str]:
    with store.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT execution_id FROM workflow_steps ORDER BY execution_id")
        return [row[0] for row in rows]
