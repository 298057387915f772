"""What health checks and metrics read of the ledger: right, cheap, and honest if it cannot be written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from evoslack.calling.calls import CallRequest
from evoslack.calling.outcomes import InDoubt, Placed, Reason
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.health import LedgerHealth
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.schema import leases
from evoslack.ledger.store import Store
from tests.calls import call_request, own_number

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def minutes(count: float) -> datetime:
    return T0 + timedelta(minutes=count)


def new_request(index: int) -> CallRequest:
    return call_request(f"key{index}", own_number(f"key{index}"))


def nothing_requires_time() -> None:
    """Every answer is in time."""


def test_an_empty_ledger_has_nothing_waiting(store: Store) -> None:
    counts = LedgerHealth(store).read(at=T0)

    assert (counts.waiting, counts.oldest_waiting_s, counts.in_doubt, counts.cards_pending) == (0, 0.0, 0, 0)


def test_what_waits_is_counted(store: Store) -> None:
    ledger = CallLedger(store)
    for index, (outcome, at) in enumerate(
        [
            (Placed("s1", "c1"), T0),
            (InDoubt(Reason.CUT_OFF), T0),
            (InDoubt(Reason.CUT_OFF), minutes(-60 * 25)),
        ]
    ):
        call = ledger.accept(new_request(index), at=at)
        ledger.begin(at=at, accepted_after=at - timedelta(minutes=1))
        ledger.finish(call.id, outcome, at=at)
    for index in (3, 4):
        ledger.accept(new_request(index), at=minutes(index))
    later = ledger.receive(
        replace(new_request(5), due_at=minutes(600)), at=T0, require_time=nothing_requires_time
    )
    ledger.confirm([later.id], at=T0)

    counts = LedgerHealth(store).read(at=minutes(10))

    assert (counts.waiting, counts.placing, counts.scheduled) == (2, 0, 1)
    assert counts.oldest_waiting_s == 7 * 60
    assert counts.in_doubt == 1, "one is from the day before yesterday"
    assert counts.tracked == 3
    assert counts.cards_pending == 6


def test_cards_and_private_messages_that_fail_again_and_again_are_stuck(store: Store) -> None:
    CallLedger(store).accept(new_request(1), at=T0)
    notifications = NotificationLedger(store)
    for attempt in range(5):
        assert LedgerHealth(store).read(at=T0).notifications_stuck == 0
        lease = minutes(attempt + 1)
        found = notifications.claim(at=minutes(attempt), until=lease)
        assert found is not None
        notifications.release(found.call.id, lease=lease, again_at=minutes(attempt + 1))
    assert LedgerHealth(store).read(at=T0).notifications_stuck == 1

    lease = minutes(10)
    found = notifications.claim(at=minutes(6), until=lease)
    assert found is not None
    notifications.mark_card_shown(found.call.id, found.revision, "C", "1.0")
    counts = LedgerHealth(store).read(at=T0)
    assert (counts.cards_pending, counts.private_messages_pending) == (0, 1)


def test_it_really_writes_and_always_the_same_row(store: Store) -> None:
    health = LedgerHealth(store)
    health.read(at=T0)
    health.read(at=minutes(1))
    with store.engine.connect() as connection:
        rows = connection.execute(sa.select(leases)).all()
    assert [(row.name, row.until) for row in rows] == [("health", minutes(1))]


@contextmanager
def locked(file: Path) -> Iterator[None]:
    with sqlite3.connect(file, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.rollback()
    other.close()


def test_a_file_that_another_program_has_locked_is_a_problem_at_once(sqlite_url: str) -> None:
    store = Store(sqlite_url)
    store.open()
    assert store.file is not None
    with locked(store.file), pytest.raises(sa.exc.OperationalError, match="locked"):
        LedgerHealth(store).read(at=T0)
    LedgerHealth(store).read(at=T0)
    store.close()


def test_no_count_reads_a_whole_table(sqlite_url: str) -> None:
    store = Store(sqlite_url)
    store.open()
    seen: list[tuple[str, object]] = []
    sa.event.listen(
        store.engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, values, *_: seen.append((statement, values)),
    )
    LedgerHealth(store).read(at=T0)
    questions = [each for each in seen if each[0].startswith("SELECT")]
    with store.engine.connect() as connection:
        plans = [
            str(row[3])
            for statement, values in questions
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)  # type: ignore[arg-type]
        ]
    store.close()

    assert len(questions) == 4
    assert [plan for plan in plans if plan.startswith("SCAN")] == []
    assert sum("INDEX" in plan for plan in plans) == 4
