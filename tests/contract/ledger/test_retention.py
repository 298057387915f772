"""Old calls are deleted once they are over and people were told, and their forms become no other call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from evoslack.calling.calls import Call, CallRequest, State
from evoslack.calling.outcomes import Placed
from evoslack.calling.refusals import FormUsed
from evoslack.calling.workflow_step import StepInputs
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.retention import KEYS_ARE_KEPT, PURGE_EVERY, CallRetention
from evoslack.ledger.store import Store
from evoslack.ledger.workflow_steps import WorkflowStepLedger
from tests.calls import call_request
from tests.contract.ledger.rows import count_rows, deliver

T0 = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
STEP = "Fx1"


@pytest.fixture
def retention(store: Store) -> CallRetention:
    return CallRetention(store, lambda: T0)


def receive(ledger: CallLedger, request: CallRequest, at: datetime = T0) -> Call:
    return ledger.receive(request, at=at, require_time=lambda: None)


def expired(ledger: CallLedger, *keys: str) -> list[Call]:
    """Calls of these forms that waited too long, each to a number of its own."""
    for index, key in enumerate(keys):
        ledger.accept(call_request(key, f"+1202555{index:04}"), at=T0)
    return ledger.expire(at=T0, accepted_before=T0)


def purge(retention: CallRetention, at: datetime = T0 + HOUR, limit: int = 500) -> int:
    return retention.purge_calls(accepted_before=T0 + SECOND, at=at, limit=limit)


def purged(ledger: CallLedger, notifications: NotificationLedger, retention: CallRetention, key: str) -> None:
    """A call from beginning to end, and then the purge."""
    call = ledger.accept(call_request(key), at=T0)
    ledger.begin(at=T0, accepted_after=T0 - HOUR)
    ledger.finish(call.id, Placed(), at=T0)
    deliver(notifications, call.id, at=T0)
    assert purge(retention) == 1
    assert ledger.find(key) is None


def test_old_calls_are_purged_once_they_are_over_and_told(
    ledger: CallLedger, notifications: NotificationLedger, retention: CallRetention
) -> None:
    told, _untold = expired(ledger, "told", "untold")
    deliver(notifications, told.id, at=T0)
    ledger.accept(call_request("open", "+12025550123"), at=T0)
    ledger.accept(call_request("young"), at=T0 + 2 * SECOND)

    count = purge(retention)

    assert (count, ledger.find(told.request.key)) == (1, None)
    assert all(ledger.find(key) for key in ("untold", "open", "young"))
    assert notifications.count_untold() == 3, "no other call's notification went with it"


def test_a_call_that_is_being_told_is_not_purged(
    ledger: CallLedger, notifications: NotificationLedger, retention: CallRetention
) -> None:
    (call,) = expired(ledger, "key")
    assert notifications.claim(at=T0, until=T0 + DAY)

    assert purge(retention) == 0

    notifications.release(call.id, lease=T0 + DAY)
    assert purge(retention) == 1


def test_a_long_history_is_purged_bit_by_bit(
    ledger: CallLedger, notifications: NotificationLedger, retention: CallRetention
) -> None:
    deliver(notifications, *(call.id for call in expired(ledger, "one", "two", "three")), at=T0)

    assert [purge(retention, limit=2) for _ in range(3)] == [2, 1, 0]


def test_a_submission_that_is_being_answered_is_not_purged(
    ledger: CallLedger, retention: CallRetention
) -> None:
    receive(ledger, call_request())

    assert retention.purge_calls(accepted_before=T0 + HOUR, at=T0 + HOUR) == 0


@pytest.mark.parametrize("key", ["key", f"step {STEP}"])
def test_the_form_of_a_purged_call_is_no_other_call(
    store: Store, ledger: CallLedger, notifications: NotificationLedger, retention: CallRetention, key: str
) -> None:
    purged(ledger, notifications, retention, key)

    with pytest.raises(FormUsed):
        receive(ledger, call_request(key), T0 + HOUR)
    with pytest.raises(FormUsed):
        ledger.accept(call_request(key), at=T0 + HOUR)
    with pytest.raises(FormUsed):
        receive(ledger, call_request(key, "+12025550199"), T0 + HOUR)
    assert count_rows(store) == {"used_keys": 1}
    assert receive(ledger, call_request("another form"), T0 + HOUR).state is State.RECEIVED


def test_a_step_whose_call_was_purged_gets_no_other_call(
    store: Store, ledger: CallLedger, notifications: NotificationLedger, retention: CallRetention
) -> None:
    purged(ledger, notifications, retention, f"step {STEP}")
    steps, lease = WorkflowStepLedger(store), T0 + 60 * SECOND
    steps.add(STEP, "T1", StepInputs("U_SARA", "flow2", "+18144043093", ""), asked_at=T0, at=T0)
    assert steps.claim(at=T0, until=lease)

    with pytest.raises(FormUsed):
        ledger.accept(call_request(f"step {STEP}"), at=T0, step=(STEP, lease))

    assert count_rows(store) == {"workflow_steps": 1, "used_keys": 1}


def test_keys_are_purged_when_their_forms_are_too_old(
    store: Store, ledger: CallLedger, notifications: NotificationLedger, retention: CallRetention
) -> None:
    purged(ledger, notifications, retention, "key")

    retention.purge_keys(used_before=T0 + HOUR)
    assert count_rows(store) == {"used_keys": 1}
    retention.purge_keys(used_before=T0 + HOUR + SECOND)

    assert count_rows(store) == {}


def test_it_purges_once_an_hour_and_keeps_keys_longer_than_calls(
    store: Store, ledger: CallLedger, notifications: NotificationLedger
) -> None:
    now = T0
    retention = CallRetention(store, lambda: now)
    deliver(notifications, *(call.id for call in expired(ledger, "one", "two")), at=T0)

    now = T0 + PURGE_EVERY - SECOND
    retention.purge(SECOND)
    assert count_rows(store) == {"calls": 2, "notifications": 2}

    now = T0 + PURGE_EVERY
    retention.purge(SECOND)
    assert count_rows(store) == {"used_keys": 2}

    now += KEYS_ARE_KEPT + SECOND
    retention.purge(SECOND)
    assert count_rows(store) == {}
