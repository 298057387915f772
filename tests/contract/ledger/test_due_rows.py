"""Claiming and releasing due rows loses nothing that became due, even if a bot dies or is late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from evoslack.ledger.due_rows import DueRows
from evoslack.ledger.schema import claimable_at, home_tabs, metadata, workflow_steps
from evoslack.ledger.store import Store

T0 = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)
SECOND, LEASE = timedelta(seconds=1), timedelta(seconds=60)


class Rows:
    """A table with due rows; each row has a name."""

    def __init__(self, store: Store, table: sa.Table) -> None:
        self.engine, self.table, self.due_rows = store.engine, table, DueRows(table)

    def key(self, name: str) -> list[str]:
        return ["T1", name] if self.table is home_tabs else [name]

    def add(self, name: str, **values: Any) -> None:
        if self.table is home_tabs:
            values |= {"team_id": "T1", "user_id": name, "sees_all": False, "opened_at": T0}
        else:
            values |= {"execution_id": name, "team_id": "T1", "asked_at": T0}
        with self.engine.begin() as connection:
            connection.execute(sa.insert(self.table).values(**({"attempts": 0} | values)))

    def change(self, name: str, at: datetime) -> None:
        """What a change of a call does."""
        with self.engine.begin() as connection:
            connection.execute(sa.update(self.table).where(self.is_row(name)).values(due_at=at))

    def claim(self, at: datetime, **given: object) -> str | None:
        with self.engine.begin() as connection:
            row = self.due_rows.claim(connection, at=at, until=at + LEASE, **given)
        return None if row is None else str(row[1] if self.table is home_tabs else row[0])

    def release(self, name: str, lease: datetime, **values: Any) -> None:
        with self.engine.begin() as connection:
            self.due_rows.release(connection, self.key(name), lease, **values)

    def drop_leases(self, at: datetime) -> None:
        with self.engine.begin() as connection:
            self.due_rows.drop_leases(connection, at=at)

    def state(self, name: str) -> tuple[datetime | None, datetime | None, int]:
        columns = (self.table.c.due_at, self.table.c.leased_until, self.table.c.attempts)
        with self.engine.connect() as connection:
            due_at, leased_until, attempts = connection.execute(
                sa.select(*columns).where(self.is_row(name))
            ).one()
        return due_at, leased_until, attempts

    def is_row(self, name: str) -> sa.ColumnElement[bool]:
        columns = tuple(self.table.primary_key)
        return sa.and_(*(column == value for column, value in zip(columns, self.key(name), strict=True)))


@pytest.fixture(params=[home_tabs, workflow_steps], ids=["two key columns", "one"])
def rows(store: Store, request: pytest.FixtureRequest) -> Iterator[Rows]:
    yield Rows(store, request.param)


def test_a_claimed_row_is_leased_and_not_due(rows: Rows) -> None:
    rows.add("A", due_at=T0)

    assert rows.claim(T0) == "A"

    assert rows.state("A") == (None, T0 + LEASE, 1)
    assert rows.claim(T0 + LEASE - SECOND) is None


def test_a_row_that_is_not_due_is_not_claimed(rows: Rows) -> None:
    rows.add("never")
    rows.add("later", due_at=T0 + SECOND)

    assert rows.claim(T0) is None
    assert rows.claim(T0 + SECOND) == "later"


def test_a_condition_leaves_rows_out(rows: Rows) -> None:
    rows.due_rows = DueRows(rows.table, rows.table.c.team_id == sa.bindparam("team"))
    rows.add("A", due_at=T0)

    assert rows.claim(T0, team="T2") is None
    assert rows.claim(T0, team="T1") == "A"


def test_a_released_row_is_done(rows: Rows) -> None:
    rows.add("A", due_at=T0)
    rows.claim(T0)

    rows.release("A", T0 + LEASE)

    assert rows.state("A") == (None, None, 0)
    assert rows.claim(T0 + 100 * LEASE) is None


def test_a_failed_attempt_counts_and_comes_again(rows: Rows) -> None:
    rows.add("A", due_at=T0)
    rows.claim(T0)

    rows.release("A", T0 + LEASE, again_at=T0 + 9 * SECOND, failed=True)

    assert rows.state("A") == (T0 + 9 * SECOND, None, 1)
    assert rows.claim(T0 + 8 * SECOND) is None
    assert rows.claim(T0 + 9 * SECOND) == "A"
    assert rows.state("A")[2] == 2


@pytest.mark.parametrize("again_at", [None, T0 + 300 * SECOND])
def test_a_change_during_the_lease_outlives_the_release(rows: Rows, again_at: datetime | None) -> None:
    rows.add("A", due_at=T0)
    rows.claim(T0)
    rows.change("A", T0 + SECOND)
    assert rows.claim(T0 + SECOND) is None, "one at a time"

    rows.release("A", T0 + LEASE, again_at=again_at)

    assert rows.claim(T0 + 2 * SECOND) == "A"


@pytest.mark.parametrize("is_changed", [False, True])
def test_the_row_of_a_bot_that_died_is_claimed_when_its_lease_is_over(rows: Rows, is_changed: bool) -> None:
    rows.add("A", due_at=T0)
    rows.claim(T0)
    if is_changed:
        rows.change("A", T0 + SECOND)

    assert rows.claim(T0 + LEASE - SECOND) is None
    assert rows.claim(T0 + LEASE) == "A"
    assert rows.state("A") == (None, T0 + 2 * LEASE, 2)


def test_a_release_that_comes_too_late_changes_nothing(rows: Rows) -> None:
    rows.add("A", due_at=T0)
    rows.claim(T0)
    rows.claim(T0 + LEASE)
    before = rows.state("A")

    rows.release("A", T0 + LEASE)
    rows.release("A", T0 + LEASE, again_at=T0 + 9 * LEASE, failed=True)

    assert rows.state("A") == before
    assert rows.claim(T0 + 2 * LEASE) == "A", "the new owner died, and nothing is lost"


def test_a_release_after_the_lease_was_released_changes_nothing(rows: Rows) -> None:
    rows.add("A", due_at=T0)
    rows.claim(T0)
    rows.release("A", T0 + LEASE)
    rows.change("A", T0 + SECOND)

    rows.release("A", T0 + LEASE, again_at=T0 + 9 * LEASE)

    assert rows.claim(T0 + SECOND) == "A"


def test_the_row_of_a_dead_bot_is_not_starved_by_rows_that_became_due_later(rows: Rows) -> None:
    """Neither a null nor an old time puts it last, or first, for good."""
    rows.add("left", due_at=T0)
    rows.claim(T0)
    for index in range(3):
        rows.add(f"before{index}", due_at=T0 + LEASE - SECOND)
        rows.add(f"after{index}", due_at=T0 + LEASE + SECOND)

    order = [rows.claim(T0 + LEASE + SECOND) for _ in range(8)]

    assert {*order[:3]} == {"before0", "before1", "before2"}
    assert order[3] == "left"
    assert order[7] is None


@pytest.mark.parametrize("leased_for", [-1, 0, 30])
def test_a_row_that_the_previous_version_leased_is_claimed_when_that_lease_is_over(
    rows: Rows, leased_for: int
) -> None:
    """It kept `due_at` during the lease."""
    rows.add("A", due_at=T0 - SECOND, leased_until=T0 + leased_for * SECOND, attempts=4)

    assert (rows.claim(T0) == "A") is (leased_for <= 0)
    assert (rows.claim(T0 + 30 * SECOND) == "A") is (leased_for > 0)
    assert rows.state("A")[2] == 5


def test_a_bot_that_is_alone_drops_leases_and_waiting_times(rows: Rows) -> None:
    rows.add("done")
    rows.add("due", due_at=T0 - SECOND)
    rows.add("waits", due_at=T0 + 300 * SECOND)
    rows.add("leased", leased_until=T0 + LEASE)
    rows.add("leased before", due_at=T0, leased_until=T0 + LEASE)

    rows.drop_leases(T0)

    assert rows.claim(T0) == "due"
    assert {rows.claim(T0) for _ in range(3)} == {"waits", "leased", "leased before"}
    assert rows.claim(T0) is None


def test_every_table_with_due_rows_has_what_that_needs(store: Store) -> None:
    """A claim looks through an index, however many rows have nothing to do."""
    tables = [table for table in metadata.sorted_tables if "leased_until" in table.c]

    assert {table.name for table in tables} == {"notifications", "pages", "home_tabs", "workflow_steps"}
    for table in tables:
        assert {"due_at", "attempts"} <= set(table.c.keys())
        (index,) = [each for each in table.indexes if each.name == f"{table.name}_by_due"]
        assert [str(each) for each in index.expressions] == [str(claimable_at(table))]
        if store.is_sqlite:
            with store.engine.connect() as connection:
                plan = connection.exec_driver_sql(
                    f"EXPLAIN QUERY PLAN SELECT 1 FROM {table.name}"
                    " WHERE coalesce(leased_until, due_at) <= '2026' ORDER BY coalesce(leased_until, due_at)"
                ).all()
            assert any(f"{table.name}_by_due" in str(row) for row in plan)
