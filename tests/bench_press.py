"""`make bench-press`: what a press costs in the database, from Submit to the moment before the ring.

Statements, round trips, and commits that wait for the disk, on SQLite and PostgreSQL; PostgreSQL is also
behind a relay that makes each round trip a millisecond longer.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import sqlalchemy as sa

from evoslack.ledger.store import Store
from evoslack.running import Bot
from sandbox.slack.workspace import SlackWorkspace
from tests import bench
from tests.postgres import postgres
from tests.relay import Relay

PRESSES = 60
MOST_ROUND_TRIPS = 3  # of a press on PostgreSQL
LIMIT = {"MAX_CALLS_PER_HOUR": "1000"}  # so that counting calls is part of it
STAGES = ("Submit to its answer", "then until accepted", "then until it is dialed")


class Ledger:
    """Counts what one engine sends."""

    def __init__(self, store: Store, round_trips: Callable[[], int]) -> None:
        self.statements = self.commits = 0
        self._round_trips = round_trips
        self._wrote = False
        self.until_dialed: Cost | None = None
        sa.event.listen(store.engine, "before_cursor_execute", self._statement)
        sa.event.listen(store.engine, "commit", self._commit)

    @property
    def cost(self) -> Cost:
        """All of it so far."""
        return Cost(self.statements, self._round_trips(), self.commits)

    def _statement(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE calls") and "finished_at" in statement.partition("WHERE")[0]:
            self.until_dialed = self.until_dialed or self.cost
        if statement.startswith(("PRAGMA", "BEGIN")):
            return
        self.statements += 1
        self._wrote |= any(word in statement for word in ("INSERT INTO", "UPDATE ", "DELETE FROM"))

    def _commit(self, _connection: object) -> None:
        self.commits += self._wrote
        self._wrote = False


@dataclass(frozen=True, slots=True)
class Cost:
    """What was sent to the database; `commits` are those that wait for the disk."""

    statements: int
    round_trips: int
    commits: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.statements + other.statements,
            self.round_trips + other.round_trips,
            self.commits + other.commits,
        )

    def __sub__(self, other: Cost) -> Cost:
        return Cost(
            self.statements - other.statements,
            self.round_trips - other.round_trips,
            self.commits - other.commits,
        )


def costs(bot: Bot, slack: SlackWorkspace, round_trips: Callable[[], int] = lambda: 0) -> list[Cost]:
    """Of one press that becomes a call, by `STAGES`; the second press, so that connections are open."""
    form = slack.modal(bench.SARA)
    for _press in range(8):  # a statement that comes often is prepared
        bench.dispatch(bot.app, bench.submission(form))
        accept(bot, newest(bot))
        bot.switchboard.dial_next()
    ledger = Ledger(bot.store, round_trips)
    spent = [ledger.cost]
    bench.dispatch(bot.app, bench.submission(form))
    spent.append(ledger.cost)
    call_id = newest(bot)
    reading = ledger.cost - spent[1]  # for this benchmark only
    spent = [each + reading for each in spent]
    accept(bot, call_id)
    spent.append(ledger.cost)
    bot.switchboard.dial_next()
    spent.append(ledger.until_dialed or ledger.cost)
    return [after - before for before, after in pairwise(spent)]


def newest(bot: Bot) -> str:
    """The id of the call that was written down last."""
    return bot.calls.newest(1)[0].id


def accept(bot: Bot, call_id: str) -> None:
    """As the intake does once the answer has left."""
    bot.calls.confirm([call_id], at=datetime.now(UTC))


def main() -> int:
    """Count, time, and print; fails if a press takes more round trips than it may."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print(f"{'what a press costs':<26}{'database':<12}{'statements':>11}{'round trips':>13}{'commits':>9}")
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'press.db'}"
        with bench.a_bot(url, **LIMIT) as (slack, bot):
            show("SQLite", costs(bot, slack))
            quick_ms = press_ms(bot, slack)
    with (
        postgres() as server,
        Relay(server.socket) as relay,
        bench.a_bot(relay.url, **LIMIT) as (slack, bot),
    ):
        found = costs(bot, slack, lambda: relay.round_trips)
        show("PostgreSQL", found)
        near_ms = press_ms(bot, slack)
        relay.delay_s = 0.001
        far_ms = press_ms(bot, slack)
    print(f"\nSubmit to its answer, p50: SQLite {quick_ms:.2f} ms, PostgreSQL {near_ms:.2f} ms,")
    print(f"with one millisecond more for each round trip {far_ms:.2f} ms")
    return 0 if found[0].round_trips <= MOST_ROUND_TRIPS else 1


def show(database: str, found: list[Cost]) -> None:
    """A line for each stage."""
    for stage, cost in zip(STAGES, found, strict=True):
        print(f"{stage:<26}{database:<12}{cost.statements:>11}{cost.round_trips or '':>13}{cost.commits:>9}")


def press_ms(bot: Bot, slack: SlackWorkspace) -> float:
    """The median of single presses."""
    form = slack.modal(bench.SARA)
    spans = []
    for _press in range(PRESSES):
        body = bench.submission(form)
        began = time.perf_counter()
        bench.dispatch(bot.app, body)
        spans.append((time.perf_counter() - began) * 1000)
    return statistics.median(spans)


if __name__ == "__main__":
    sys.exit(main())
