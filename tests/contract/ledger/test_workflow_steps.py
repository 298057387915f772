"""What the ledger of workflow steps promises, on SQLite and PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from evoslack.calling.calls import Call
from evoslack.calling.outcomes import Placed
from evoslack.calling.workflow_step import StepInputs, WorkflowStep
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.retention import CallRetention
from evoslack.ledger.store import Store
from evoslack.ledger.workflow_steps import WorkflowStepLedger
from tests.calls import call_request

T0 = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
INPUTS = StepInputs("U_SARA", "flow2", "\ud83d 814 404 3093\x00", "")


@pytest.fixture
def steps(store: Store) -> WorkflowStepLedger:
    return WorkflowStepLedger(store)


@pytest.fixture
def calls(store: Store) -> CallLedger:
    return CallLedger(store)


def asked(steps: WorkflowStepLedger, execution_id: str = "Fx1", at: datetime = T0) -> None:
    steps.add(execution_id, "T1", INPUTS, asked_at=at, at=at)


def claimed(steps: WorkflowStepLedger, at: datetime) -> WorkflowStep | None:
    return steps.claim(at=at, until=at + MINUTE)


def a_call(calls: CallLedger, key: str = "step Fx1") -> Call:
    return calls.accept(call_request(key), at=T0)


def test_a_step_is_read_back_unchanged(steps: WorkflowStepLedger) -> None:
    asked(steps)
    steps.add("Fx2", "T1", None, asked_at=T0 - MINUTE, at=T0 + SECOND)

    assert claimed(steps, T0 + SECOND) == WorkflowStep("Fx1", "T1", INPUTS, T0)
    assert claimed(steps, T0 + SECOND) == WorkflowStep("Fx2", "T1", None, T0 - MINUTE)
    assert claimed(steps, T0 + SECOND) is None


def test_adding_the_same_step_again_changes_nothing(steps: WorkflowStepLedger) -> None:
    asked(steps)
    steps.add("Fx1", "T2", None, asked_at=T0 + MINUTE, at=T0 + MINUTE)

    assert claimed(steps, T0 + MINUTE) == WorkflowStep("Fx1", "T1", INPUTS, T0)
    asked(steps, at=T0 + MINUTE)  # nor during the lease
    assert claimed(steps, T0 + MINUTE + SECOND) is None


def test_a_step_delivered_many_times_concurrently_is_one_step(steps: WorkflowStepLedger) -> None:
    with ThreadPoolExecutor(16) as slacks:
        for done in [slacks.submit(asked, steps) for _ in range(16)]:
            done.result()

    assert claimed(steps, T0) is not None
    assert claimed(steps, T0) is None


def test_of_many_workers_one_claims_each_step(steps: WorkflowStepLedger) -> None:
    for number in range(20):
        asked(steps, f"Fx{number}")
    with ThreadPoolExecutor(16) as bots:
        tries = [bots.submit(claimed, steps, T0) for _ in range(60)]
        found = [step.execution_id for each in tries if (step := each.result())]

    assert len(found) == len(set(found))
    while step := claimed(steps, T0):  # a worker that found the row locked got nothing and retries
        found.append(step.execution_id)
    assert sorted(found) == sorted(f"Fx{number}" for number in range(20))


def test_a_lease_that_runs_out_is_taken_over(steps: WorkflowStepLedger) -> None:
    asked(steps)
    claimed(steps, T0)

    assert claimed(steps, T0 + MINUTE - SECOND) is None
    again = claimed(steps, T0 + MINUTE)
    assert again is not None
    assert again.attempts == 1


def test_a_released_step_is_claimed_when_due(steps: WorkflowStepLedger) -> None:
    asked(steps)
    claimed(steps, T0)
    steps.release("Fx1", lease=T0 + MINUTE, again_at=T0 + 5 * SECOND, failed=True)

    assert claimed(steps, T0 + 4 * SECOND) is None
    again = claimed(steps, T0 + 5 * SECOND)
    assert again is not None
    assert again.attempts == 1
    steps.release("Fx1", lease=T0 + 5 * SECOND + MINUTE, again_at=T0 + 9 * SECOND, failed=False)
    calm = claimed(steps, T0 + 9 * SECOND)
    assert calm is not None
    assert calm.attempts == 0


def test_changes_after_losing_the_lease_do_nothing(steps: WorkflowStepLedger) -> None:
    asked(steps)
    claimed(steps, T0)
    claimed(steps, T0 + MINUTE)

    assert not steps.deny("Fx1", "No.", lease=T0 + MINUTE)
    steps.release("Fx1", lease=T0 + MINUTE, again_at=T0, failed=False)
    assert claimed(steps, T0 + MINUTE + SECOND) is None
    third = claimed(steps, T0 + 2 * MINUTE)
    assert third is not None
    assert third.refusal == ""


def test_a_denial_is_kept(steps: WorkflowStepLedger) -> None:
    asked(steps)
    claimed(steps, T0)
    assert steps.deny("Fx1", "Not today.", lease=T0 + MINUTE)

    again = claimed(steps, T0 + MINUTE)
    assert again is not None
    assert again.refusal == "Not today."


def test_a_change_of_its_call_makes_a_step_due_at_once(steps: WorkflowStepLedger, calls: CallLedger) -> None:
    asked(steps)
    claimed(steps, T0)
    call = a_call(calls)
    steps.set_call("Fx1", call.id)
    steps.release("Fx1", lease=T0 + MINUTE, again_at=T0 + MINUTE, failed=False)
    assert claimed(steps, T0 + SECOND) is None

    calls.begin(at=T0 + SECOND, accepted_after=T0 - MINUTE)
    calls.finish(call.id, Placed(), at=T0 + 2 * SECOND)

    due = claimed(steps, T0 + 2 * SECOND)
    assert due is not None
    assert due.call_id == call.id


def test_a_change_of_its_call_during_the_lease_is_not_lost(
    steps: WorkflowStepLedger, calls: CallLedger
) -> None:
    asked(steps)
    claimed(steps, T0)
    call = a_call(calls)
    steps.set_call("Fx1", call.id)
    calls.begin(at=T0 + SECOND, accepted_after=T0 - MINUTE)
    calls.finish(call.id, Placed(), at=T0 + 2 * SECOND)
    assert claimed(steps, T0 + 3 * SECOND) is None  # it is leased

    steps.release("Fx1", lease=T0 + MINUTE, again_at=T0 + MINUTE, failed=False)

    assert claimed(steps, T0 + 3 * SECOND) is not None


def test_an_ended_step_is_never_due_again(steps: WorkflowStepLedger, calls: CallLedger) -> None:
    asked(steps)
    claimed(steps, T0)
    call = a_call(calls)
    steps.set_call("Fx1", call.id)
    steps.mark_ended("Fx1", at=T0 + SECOND)
    calls.begin(at=T0 + SECOND, accepted_after=T0 - MINUTE)
    calls.finish(call.id, Placed(), at=T0 + 2 * SECOND)
    asked(steps)

    assert claimed(steps, T0 + 10 * MINUTE) is None


def test_steps_are_purged_with_their_calls_or_when_they_are_old(
    store: Store, steps: WorkflowStepLedger, calls: CallLedger
) -> None:
    for execution_id in ("Fx_CALL", "Fx_REFUSED", "Fx_RUNS"):
        asked(steps, execution_id)
    call = a_call(calls)
    steps.set_call("Fx_CALL", call.id)
    steps.mark_ended("Fx_REFUSED", at=T0)
    later = T0 + timedelta(days=2)

    steps.purge(asked_before=T0)
    assert _kept(store) == ["Fx_CALL", "Fx_REFUSED", "Fx_RUNS"]
    steps.purge(asked_before=later)
    assert _kept(store) == ["Fx_CALL", "Fx_RUNS"]
    calls.begin(at=T0 + SECOND, accepted_after=T0 - MINUTE)
    calls.finish(call.id, Placed(), at=T0 + 2 * SECOND)
    notifications = NotificationLedger(store)
    assert notifications.claim(at=later, until=later + SECOND)
    notifications.release(call.id, lease=later + SECOND)
    assert CallRetention(store, lambda: T0).purge_calls(accepted_before=later, at=T0) == 1
    assert _kept(store) == ["Fx_RUNS"]


def _kept(store: Store) -> list[str]:
    with store.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT execution_id FROM workflow_steps ORDER BY execution_id")
        return [row[0] for row in rows]
