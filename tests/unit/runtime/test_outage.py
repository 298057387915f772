"""A database that is away for an hour is two lines, whoever meets it."""

from __future__ import annotations

import logging

import pytest
import sqlalchemy as sa

from evoslack.outages import DATABASE_QUIET_S, Outages
from evoslack.runtime.worker_pool import WorkerPool
from tests.unit.runtime.test_trouble_log import Watch

POOLS = ("answers", "dial", "notify", "track", "sweep", "schedule", "home-tabs", "live-pages", "card-masks")


def away() -> bool:
    raise sa.exc.OperationalError("SELECT 1", {}, OSError("connection refused"))


def work(pools: list[WorkerPool]) -> None:
    for pool in pools:
        pool._one_step()


def test_an_hour_without_a_database_is_two_lines_for_all_pools(caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch()
    outages = Outages(watch)
    pools = [
        WorkerPool(name, size=1, poll_every_s=2, clock_s=watch, is_outage=outages.is_of_database)
        for name in POOLS
    ]
    for pool in pools:
        pool._step = away
    for _ in range(1800):
        watch.s += 2
        work(pools)
    watch.s += DATABASE_QUIET_S
    outages.database.worked()
    outages.database.worked()

    assert caplog.messages == [
        "the database is unavailable: connection refused",
        "the database is back after 3608 s; failures: 16200 (connection refused)",
    ]
    assert [each.exc_info for each in caplog.records] == [None, None]


def test_a_defect_is_not_taken_for_an_outage(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> bool:
        raise ValueError("oops")

    outages = Outages()
    pool = WorkerPool("dial", size=1, poll_every_s=2, is_outage=outages.is_of_database)
    pool._step = broken
    work([pool])

    assert [each.exc_info is not None for each in caplog.records] == [True]
    assert outages.database.state.began_s is None


def test_an_outage_that_lets_something_through_now_and_then_is_one(caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch()
    database = Outages(watch).database
    for _ in range(100):
        database.failed("locked")
        watch.s += DATABASE_QUIET_S - 1
        database.worked()

    assert caplog.messages == ["the database is unavailable: locked"]


def test_what_never_failed_says_nothing_and_is_known_to_work(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    login = Outages(Watch()).evo_login

    assert login.state.worked_s is None
    login.worked()
    assert login.state.worked_s is not None
    assert caplog.records == []
