"""`make bench-rules`: what the rules cost in a ledger with a million calls and 100,000 blocked numbers.

Three things are timed against a full ledger and an empty one, in turn, on each kind of database: what `/call`
reads before the form opens, a submission from the rules to the accepted call, and dialing up to the moment
when the request would leave. All four limits are set. Asked: at most 1.2 times the empty ledger.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import sqlalchemy as sa

from evoslack.calling.calls import CallRequest, Role
from evoslack.calling.rule_check import RuleCheck
from evoslack.calling.rulebook import Rules, limits_of
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.history import CallHistory
from evoslack.ledger.rules import RuleLedger
from evoslack.ledger.schema import calls
from evoslack.ledger.store import Store
from tests.calls import call_request
from tests.databases import create_tables, new_sqlite
from tests.postgres import Postgres, postgres

CALLS, BLOCKED, ROUNDS = 1_000_000, 100_000, 400
AIM = 1.2
REPORT = Path("bench-rules.json")
PEOPLE, NUMBERS, DAYS = 100, 300_000, 365
LATEST = 10  # calls to a number that the form reads
RULES = Rules(
    frozenset({"*"}),
    limits=limits_of({"person_hour": 60, "all_hour": 2000, "person_day": 400, "all_day": 20_000}),
)

# Everyone calls all year round, the last time a moment ago.
_FILL_CALLS = """
INSERT INTO calls (id, request_key, team_id, user_id, account_id, flow_id, flow_name, number, caller_id,
  channel_id, response_url, state, detail, accepted_at, began_at, finished_at, progress, evo_outcome)
SELECT 'call' || n, 'key' || n, 'T1', 'U' || (n % :people), 'acc1', 'flow1', 'Reminder',
  '+1202' || (5200000 + n % :numbers), '+12025550100', 'C1', '', 'placed', '', {at}, {at}, {at}, 'ended',
  'Completed'
FROM {numbers}
"""
_FILL_NOTIFICATIONS = """
INSERT INTO notifications (call_id, revision, attempts, card_channel, card_ts, card_revision, card_problem,
  told_revision, told_bad_news, card_is_masked)
SELECT 'call' || n, 2, 0, 'C1', (2000000000 - n) || '.000100', 2, '', 2, {false}, {false} FROM {numbers}
"""
_FILL_BLOCKED = """
INSERT INTO blocked_numbers (number, reason, blocked_by, blocked_at, call_id)
SELECT '+1303' || (5200000 + n), 'asked not to be called', 'U1', {at}, '' FROM {numbers}
"""
_SQLITE = {
    "numbers": "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {count}) "
    "SELECT n FROM c) AS numbered",
    "at": "strftime('%Y-%m-%d %H:%M:%f', :now, '-' || (n * {step_s}) || ' seconds') || '000'",
    "false": "0",
}
_POSTGRES = {
    "numbers": "generate_series(1, {count}) AS n",
    "at": "CAST(:now AS timestamptz) - n * {step_s} * interval '1 second'",
    "false": "false",
}


def main() -> int:
    """Measure, print the table, write it down, and fail if the aim was missed."""
    report = []
    with databases() as pairs:
        for name, empty, full in pairs:
            began = time.monotonic()
            fill(full, CALLS, BLOCKED)
            print(
                f"{name}: {CALLS:,} calls and {BLOCKED:,} blocked numbers ({time.monotonic() - began:.0f} s)"
            )
            report += measure(name, empty, full, ROUNDS)
    print(f"{'p50, milliseconds':<28}{'empty':>8}{'full':>8}{'ratio':>8}")
    for line in report:
        what = f"{line.database}: {line.step}"
        print(f"{what:<28}{line.empty_ms:>8.2f}{line.full_ms:>8.2f}{line.ratio:>8.2f}")
    REPORT.write_text(json.dumps([vars(line) | {"ratio": line.ratio} for line in report], indent=1))
    missed = [line for line in report if line.ratio > AIM]
    print(f"aim: at most {AIM} times an empty ledger: {'missed' if missed else 'met'}")
    return 1 if missed else 0


@dataclass
class Line:
    """How long one step takes, at the median."""

    database: str
    step: str
    empty_ms: float
    full_ms: float

    @property
    def ratio(self) -> float:
        """How many times an empty ledger."""
        return round(self.full_ms / self.empty_ms, 3)


@contextmanager
def databases() -> Iterator[Iterator[tuple[str, Store, Store]]]:
    """An empty ledger and one to fill, of each kind; one kind after the other."""
    with tempfile.TemporaryDirectory() as folder, postgres() as server:

        def pairs() -> Iterator[tuple[str, Store, Store]]:
            yield from opened("SQLite", *(new_sqlite(Path(folder) / f"{n}.db") for n in ("empty", "full")))
            yield from opened("PostgreSQL", *(new_postgres(server, n) for n in ("empty", "full")))

        yield pairs()


def opened(name: str, empty: str, full: str) -> Iterator[tuple[str, Store, Store]]:
    """Both stores, until the next pair is wanted."""
    stores = Store(empty), Store(full)
    yield name, *stores
    for store in stores:
        store.close()


def new_postgres(server: Postgres, name: str) -> str:
    """The address of a new database with all tables."""
    with psycopg.connect(server.uri, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]
    url = sa.make_url(server.url).set(database=name).render_as_string(hide_password=False)
    create_tables(url)
    return url


def fill(store: Store, call_count: int, blocked_count: int) -> None:
    """Calls that were placed and told about during a year, and a long do-not-call list."""
    words = _SQLITE if store.is_sqlite else _POSTGRES
    step_s = DAYS * 86400 / CALLS
    now = datetime.now(UTC)
    given = {
        "now": f"{now:%Y-%m-%d %H:%M:%S}" if store.is_sqlite else now,
        "people": PEOPLE,
        "numbers": NUMBERS,
    }
    for statement, count in (
        (_FILL_CALLS, call_count),
        (_FILL_NOTIFICATIONS, call_count),
        (_FILL_BLOCKED, blocked_count),
    ):
        filled_in = statement.format(**words).format(count=count, step_s=step_s)
        with store.engine.begin() as connection:
            if not store.is_sqlite:
                connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
            connection.execute(sa.text(filled_in), given)
    if not store.is_sqlite:  # as it does on its own soon
        with store.engine.connect() as connection:
            outside = connection.execution_options(isolation_level="AUTOCOMMIT")
            outside.execute(sa.text("SET statement_timeout = 0"))
            outside.execute(sa.text("VACUUM ANALYZE"))
            outside.invalidate()


class Bot:
    """What a bot does with one ledger."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.calls, self.history = CallLedger(store), CallHistory(store)
        self.rules = RuleCheck(RuleLedger(store), RULES, "US", lambda _user, _groups: frozenset(), now)

    def open_form(self, request: CallRequest) -> None:
        """What `/call` with a number reads."""
        self.rules.require_below_limits(request.user_id, request.team_id, request.account_id)
        self.history.for_a_form(request.user_id, request.team_id, request.account_id, request.number, LATEST)

    def submit(self, request: CallRequest) -> None:
        """A press, from the rules to the accepted call."""
        rules = self.rules.rules()
        self.rules.require(request, Role.MANAGER, rules)
        call = self.calls.receive(request, at=now(), require_time=lambda: None)
        assert self.calls.confirm([call.id], at=now())

    def dial(self, _request: CallRequest) -> None:
        """Everything before the request leaves."""
        lately = now() - timedelta(minutes=2)
        waiting = self.calls.waiting(accepted_after=lately)
        call = self.calls.begin(at=now(), accepted_after=lately)
        assert waiting is not None
        assert call is not None
        assert self.rules.before_dialing(call) is None

    def forget(self, request: CallRequest) -> None:
        """Each round begins with the same ledger."""
        with self.store.engine.begin() as connection:
            connection.execute(sa.delete(calls).where(calls.c.request_key == request.key))


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def measure(name: str, empty: Store, full: Store, rounds: int) -> list[Line]:
    """Each step in both ledgers, in turn, so that a busy moment hits both."""
    bots = Bot(empty), Bot(full)
    steps: dict[str, Callable[[Bot, CallRequest], None]] = {
        "/call": Bot.open_form,
        "Submit": Bot.submit,
        "dialing": Bot.dial,
    }
    took: dict[tuple[str, Bot], list[float]] = {(step, bot): [] for step in steps for bot in bots}
    for n in range(rounds + rounds // 10):
        # A number that was called three times before, and a person who called an hour ago.
        number = f"+1202{5_200_000 + n * 7 % NUMBERS}"
        request = call_request(f"bench{n}", number, user_id=f"U{n % PEOPLE}")
        for bot in bots if n % 2 else reversed(bots):
            for step, do in steps.items():
                began = time.perf_counter()
                do(bot, request)
                took[step, bot].append(time.perf_counter() - began)
            bot.forget(request)
    warm = rounds // 10
    found = []
    for step in steps:
        empty_ms, full_ms = (statistics.median(took[step, bot][warm:]) * 1000 for bot in bots)
        found.append(Line(name, step, empty_ms, full_ms))
    return found


if __name__ == "__main__":
    sys.exit(main())
