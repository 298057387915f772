"""Old calls are deleted once they are over and told, and their forms become no other call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from evoslack.calling.calls import Call, CallRequest, Placed, State
from evoslack.calling.refusals import FormUsed
from evoslack.calling.workflow_step import StepInputs
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.retention import KEYS_ARE_KEPT, PURGE_EVERY, CallRetention
from evoslack.ledger.schema import metadata
from evoslack.ledger.store import Store
from evoslack.ledger.workflow_steps import WorkflowStepLedger

T0 = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
STEP = "Fx1"


@pytest.fixture
def ledger(store: Store) -> CallLedger:
    return CallLedger(store)


@pytest.fixture
def notifications(store: Store) -> NotificationLedger:
    return NotificationLedger(store)


@pytest.fixture
def retention(store: Store) -> CallRetention:
    return CallRetention(store, lambda: T0)


def ask(key: str = "key", number: str = "+18144043093") -> CallRequest:
    return CallRequest(key, "T1", "U_SARA", "acc1", "flow2", "Survey", number, "+12025550100")


def receive(ledger: CallLedger, request: CallRequest, at: datetime = T0) -> Call:
    return ledger.receive(request, at=at, require_time=lambda: None)


def expired(ledger: CallLedger, *keys: str) -> list[Call]:
    """Calls of these forms that waited too long, each to a number of its own."""
    for index, key in enumerate(keys):
        ledger.accept(ask(key, f"+1202555{index:04}"), at=T0)
    return ledger.expire(at=T0, accepted_before=T0)


def tell(notifications: NotificationLedger, *call_ids: str) -> None:
    """Deliver everything about these calls; the others stay due."""
    for found in list(iter(lambda: notifications.claim(at=T0, until=T0 + SECOND), None)):
        again_at = None if found.call.id in call_ids else T0
        notifications.release(found.call.id, lease=T0 + SECOND, again_at=again_at)


def purge(retention: CallRetention, at: datetime = T0 + HOUR, limit: int = 500) -> int:
    return retention.purge_calls(accepted_before=T0 + SECOND, at=at, limit=limit)


def purged(ledger: CallLedger, notifications: NotificationLedger, retention: CallRetention, key: str) -> None:
    """A call from beginning to end, and then the purge."""
    call = ledger.accept(ask(key), at=T0)
    ledger.begin(at=T0, accepted_after=T0 - HOUR)
    ledger.finish(call.id, Placed(), at=T0)
    tell(notifications, call.id)
    assert purge(retention) == 1
    assert ledger.find(key) is None


def rows(store: Store) -> dict[str, int]:
    """How many rows there are, in every table that has some."""
    with store.engine.connect() as connection:
        counts = {
            table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }
    return {name: count for name, count in counts.items() if count}


def test_old_calls_are_purged_once_they_are_over_and_told(
    ledger: CallLedger, notifications: NotificationLedger, retention: CallRetention
) -> None:
    told, _untold = expired(ledger, "told", "untold")
    tell(notifications, told.id)
    ledger.accept(ask("open", "+12025550123"), at=T0)
    ledger.accept(ask("young"), at=T0 + 2 * SECOND)

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
    tell(notifications, *(call.id for call in expired(ledger, "one", "two", "three")))

    assert [purge(retention, limit=2) for _ in range(3)] == [2, 1, 0]


def test_a_submission_that_is_being_answered_is_not_purged(
    ledger: CallLedger, retention: CallRetention
) -> None:
    receive(ledger, ask())

    assert retention.purge_calls(accepted_before=T0 + HOUR, at=T0 + HOUR) == 0


@pytest.mark.parametrize("key", ["key", f"step {STEP}"])
def test_the_form_of_a_purged_call_is_no_other_call(
    store: Store, ledger: CallLedger, notifications: NotificationLedger, retention: CallRetention, key: str
) -> None:
    purged(ledger, notifications, retention, key)

    with pytest.raises(FormUsed):
        receive(ledger, ask(key), T0 + HOUR)
    with pytest.raises(FormUsed):
        ledger.accept(ask(key), at=T0 + HOUR)
    with pytest.raises(FormUsed):
        receive(ledger, ask(key, "+12025550199"), T0 + HOUR)
    assert rows(store) == {"used_keys": 1}
    assert receive(ledger, ask("another form"), T0 + HOUR).state is State.RECEIVED


def test_a_step_whose_call_was_purged_gets_no_other_call(
    store: Store, ledger: CallLedger, notifications: NotificationLedger, retention: CallRetention
) -> None:
    purged(ledger, notifications, retention, f"step {STEP}")
    steps, lease = WorkflowStepLedger(store), T0 + 60 * SECOND
    steps.add(STEP, "T1", StepInputs("U_SARA", "flow2", "+18144043093", ""), asked_at=T0, at=T0)
    assert steps.claim(at=T0, until=lease)

    with pytest.raises(FormUsed):
        ledger.accept(ask(f"step {STEP}"), at=T0, step=(STEP, lease))

    assert rows(store) == {"workflow_steps": 1, "used_keys": 1}


def test_keys_are_purged_when_their_forms_are_too_old(
    store: Store, ledger: CallLedger, notifications: NotificationLedger, retention: CallRetention
) -> None:
    purged(ledger, notifications, retention, "key")

    retention.purge_keys(used_before=T0 + HOUR)
    assert rows(store) == {"used_keys": 1}
    retention.purge_keys(used_before=T0 + HOUR + SECOND)

    assert rows(store) == {}


def test_it_purges_once_an_hour_and_keeps_keys_longer_than_calls(
    store: Store, ledger: CallLedger, notifications: NotificationLedger
) -> None:
    now = T0
    retention = CallRetention(store, lambda: now)
    tell(notifications, *(call.id for call in expired(ledger, "one", "two")))

    now = T0 + PURGE_EVERY - SECOND
    retention.purge(SECOND)
    assert rows(store) == {"calls": 2, "notifications": 2}

    now = T0 + PURGE_EVERY
    retention.purge(SECOND)
    assert rows(store) == {"used_keys": 2}

    now += KEYS_ARE_KEPT + SECOND
    retention.purge(SECOND)
    assert rows(store) == {}
