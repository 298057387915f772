"""The benchmark measures what it says: all its apps answer, and ours writes the call down."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.store import Store
from tests import bench, bench_press, bench_readings, bench_rules
from tests.databases import new_sqlite
from tests.postgres import Postgres
from tests.relay import Relay


def test_every_app_of_the_benchmark_answers() -> None:
    with bench.office() as (slack, ours, *others):
        form = slack.modal(bench.SARA)
        for app in (ours, *others):
            bench.dispatch(app, bench.command(slack))  # raises when it is not acknowledged
            bench.dispatch(app, bench.submission(form))


def test_the_benchmark_of_the_rules_fills_a_ledger_and_times_every_step(tmp_path: Path) -> None:
    urls = [new_sqlite(tmp_path / f"{name}.db") for name in ("empty", "full")]
    with (
        bench_rules.stand_ins() as (slack, evo),
        bench_rules.two_bots(slack, evo, urls, call_count=600, blocked_count=50) as (empty, full),
    ):
        report = bench_rules.measure("SQLite", empty, full, 2)

        assert {line.step for line in report} == set(bench_rules.STEPS)
        assert all(line.ratio > 0 for line in report)
        assert [len(bot.bot.calls.newest(1000)) for bot in (empty, full)] == [0, 600]
        assert full.history.latest_of(bench.SARA, bench.TEAM, 10), "some of them are hers"


def test_the_benchmark_of_a_service_writes_calls_that_are_over_and_told(tmp_path: Path) -> None:
    store = Store(new_sqlite(tmp_path / "ledger.db"))
    bench_readings.write_over(store, 5, datetime.now(UTC))

    written = CallLedger(store).newest(10)
    assert [call.is_open for call in written] == [False] * 5
    assert NotificationLedger(store).count_untold() == 0
    store.close()


def test_the_benchmark_of_a_service_reads_what_this_process_uses() -> None:
    found = {name: value for name, value, _unit in bench_readings.readings(os.getpid())}

    assert found["memory (RSS)"] > 10
    assert found["threads"] >= 1
    assert found["open handles"] >= 3


def test_a_press_waits_three_times_for_its_database_and_once_for_the_disk(
    postgres_server: Postgres, postgres_url: str
) -> None:
    assert postgres_url, "it has its tables"
    with (
        Relay(postgres_server.socket) as relay,
        bench.a_bot(relay.url, **bench_press.LIMIT) as (slack, bot),
    ):
        press, *_ = bench_press.costs(bot, slack, lambda: relay.round_trips)

    assert (press.round_trips, press.commits) == (bench_press.MOST_ROUND_TRIPS, 1)
