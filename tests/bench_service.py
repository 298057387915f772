"""`make bench-service`: what one bot needs: time to start, memory, threads, handles, idle CPU, log bytes.

The real `bot.py` is a process of its own between the stand-ins, with SQLite; only the simulated day runs in a
process that holds the bot and a clock that it sets (`tests.bench_day`). Linux only: it reads /proc. Each line
says how busy the machine was, because a busy one starts and presses more slowly.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from evoslack.ledger.calls import CallLedger
from evoslack.ledger.store import Store
from sandbox.bot_process import READY, BotProcess, sandbox_settings
from sandbox.evo.calls import Script
from sandbox.evo.world import PASSWORD
from tests.bench_readings import call_request, cpu_s, new_number, readings, write_over
from tests.scenario.office import Office

STARTS, IDLE_S, SETTLE_S = 5, 60.0, 10.0
CALLS, PRESSING_S, DIALING_S, HANDS, MOST_WAITING = 10_000, 25.0, 45.0, 6, 100
LOGGED_CALLS, OUTAGE_BEGINS_S, OUTAGE_S = 60, 15.0, 30.0
PATIENCE_S = 60.0
REPORT = Path("bench-service.json")
SHORT_CALL = Script(ring_s=1, talk_s=1, session="at_once")
_clock = threading.Event()  # to wait for time to pass


@dataclass(frozen=True)
class Figure:
    """One line of the table. `load` is how many programs wanted a core during the last minute."""

    what: str
    value: float
    unit: str
    load: float


class Table:
    """The figures, printed as they come."""

    def __init__(self) -> None:
        self.figures: list[Figure] = []
        print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, SQLite")
        print(f"{'':<64}{'load':>26}")

    def add(self, what: str, value: float, unit: str) -> None:
        """One more."""
        figure = Figure(what, round(value, 3), unit, round(os.getloadavg()[0], 1))
        self.figures.append(figure)
        print(f"{what:<64}{figure.value:>10,.6g} {unit:<9}{figure.load:>6}", flush=True)

    def add_process(self, when: str, pid: int) -> None:
        """Memory, threads and handles of a process now."""
        for name, value, unit in readings(pid):
            self.add(f"{name} {when}", value, unit)


def main() -> int:
    """Measure, print the table as it grows, and write it down."""
    table = Table()
    starts(table)
    ten_thousand_calls(table)
    for log_format in ("text", "json"):
        log_bytes_a_call(table, log_format)
    a_day(table)
    REPORT.write_text(json.dumps([vars(figure) for figure in table.figures], indent=1) + "\n")
    return 0


@contextmanager
def a_bot(**settings: str) -> Iterator[tuple[Office, BotProcess, Path]]:
    """The stand-ins, and a bot that can be started; the folder has its ledger."""
    with tempfile.TemporaryDirectory() as folder:
        office = Office(Path(folder))
        office.evo.world.default_script = SHORT_CALL
        office.evo.world.quirks.sorts_sessions = True  # else each poll reads all calls of the day
        given = sandbox_settings(office.slack, office.evo, office.database_url) | settings
        bot = BotProcess(given, Path(folder))
        try:
            yield office, bot, Path(folder)
        finally:
            bot.close()
            office.close()


def starts(table: Table) -> None:
    """How long until it is ready, how it is then, and what it uses while nobody calls."""
    with a_bot() as (_office, bot, _folder):
        whole, apart, used, stops = [], [], [], []
        for n in range(STARTS):
            began = time.monotonic()
            bot.log.clear()
            bot.spawn()
            bot.wait_for_line(READY)
            ready = time.time()
            whole.append(time.monotonic() - began)
            used.append(cpu_s(bot.pid))
            (line,) = [line for line in bot.log if " starts (Python" in line]
            apart.append(ready - datetime.fromisoformat(line.split()[0]).timestamp())
            if n < STARTS - 1:
                began = time.monotonic()
                bot.stop()
                stops.append(time.monotonic() - began)
        table.add("start to ready", statistics.median(whole), "s")
        table.add("  of that after Python and its imports", statistics.median(apart), "s")
        table.add("  CPU used until then", statistics.median(used), "s")
        table.add("stop, nothing being dialed", statistics.median(stops), "s")
        _clock.wait(SETTLE_S)
        table.add_process("after the start", bot.pid)
        before = cpu_s(bot.pid)
        _clock.wait(IDLE_S)
        table.add("CPU of one core, idle", (cpu_s(bot.pid) - before) / IDLE_S * 100, "%")


def ten_thousand_calls(table: Table) -> None:
    """Real presses as fast as they go for a while, then calls written into the ledger; all are dialed."""
    with a_bot() as (office, bot, folder):
        bot.start()
        office.slack.wait_for_connection()
        presses, took_s = press_for(office, PRESSING_S)
        table.add("real presses, /call to the acknowledged Submit", presses, "")
        table.add("  presses a second, all at once by six people", presses / took_s, "/s")
        wait_until_dialed(office, presses)
        table.add_process(f"after {presses:,} presses", bot.pid)
        used, began = cpu_s(bot.pid), time.monotonic()
        dialed = write_calls(office, DIALING_S)
        wait_until_dialed(office, presses + dialed)
        took_s = time.monotonic() - began
        table.add("calls from the ledger that were dialed", dialed, "")
        table.add("  a second", dialed / took_s, "/s")
        table.add("  CPU of each: dialed, tracked, its card", (cpu_s(bot.pid) - used) / dialed * 1000, "ms")
        table.add_process(f"after {presses + dialed:,} calls", bot.pid)
        store = Store(office.database_url)
        write_over(store, CALLS - presses - dialed, datetime.now(UTC))
        store.close()
        _clock.wait(SETTLE_S)
        table.add_process(f"with {CALLS:,} calls, the rest only written", bot.pid)
        outage(table, bot, folder)


def press_for(office: Office, seconds: float, most: int = 10**9) -> tuple[int, float]:
    """Six people call one number after the other. Returns how many were acknowledged, and the time."""
    people = [f"U_P{n}" for n in range(HANDS)]
    for n, who in enumerate(people):
        office.slack.add_user(who, f"p{n}", f"p{n}@acme.test")
        office.evo.world.add_login(f"p{n}@acme.test", PASSWORD, first_name=f"P{n}")
    began = time.monotonic()
    left = iter(range(most))

    def keep_pressing(who: str) -> int:
        count = 0
        while time.monotonic() - began < seconds and next(left, None) is not None:
            office.form(who, f"{new_number()} survey")
            count += office.slack.submit(who).acked
        return count

    with ThreadPoolExecutor(HANDS) as hands:
        return sum(hands.map(keep_pressing, people)), time.monotonic() - began


def write_calls(office: Office, seconds: float) -> int:
    """Calls, as fast as the bot dials them, by a second connection to its ledger; returns how many."""
    store = Store(office.database_url)
    ledger = CallLedger(store)
    before, count, began = office.rings, 0, time.monotonic()
    while time.monotonic() - began < seconds:
        ledger.accept(call_request(), at=datetime.now(UTC))
        count += 1
        while count - (office.rings - before) > MOST_WAITING:
            _clock.wait(0.02)
    store.close()
    return count


def wait_until_dialed(office: Office, count: int) -> None:
    """Until so many phones rang and no call is open."""
    store = Store(office.database_url)
    ledger = CallLedger(store)
    office.slack.wait_for(
        lambda: office.rings >= count and not sum(ledger.count_open().values()), PATIENCE_S, "all are dialed"
    )
    store.close()


def log_size(bot: BotProcess) -> int:
    """Bytes of its log so far."""
    return sum(len(line.encode()) + 1 for line in list(bot.log))


def log_bytes_a_call(table: Table, log_format: str) -> None:
    """Real presses, everything about them told."""
    with a_bot(LOG_FORMAT=log_format) as (office, bot, _folder):
        bot.start()
        office.slack.wait_for_connection()
        before = log_size(bot)
        presses, _took_s = press_for(office, PATIENCE_S, LOGGED_CALLS)
        wait_until_dialed(office, presses)
        _clock.wait(SETTLE_S)
        table.add(f"log of a placed call, {log_format}", (log_size(bot) - before) / presses, "bytes")


def outage(table: Table, bot: BotProcess, folder: Path) -> None:
    """The ledger is moved away; what the log gets in the first seconds and from then on."""
    ledger, away = folder / "ledger.db", folder / "away.db"
    before = log_size(bot)
    ledger.rename(away)
    _clock.wait(OUTAGE_BEGINS_S)
    begun = log_size(bot)
    _clock.wait(OUTAGE_S)
    later = log_size(bot) - begun
    away.rename(ledger)
    first = begun - before
    table.add("log of an outage of the database, its first 15 s", first, "bytes")
    table.add("  in the 30 s after that", later, "bytes")
    table.add("  an hour (from these two)", first + later * (3600 - OUTAGE_BEGINS_S) / OUTAGE_S, "bytes")


def a_day(table: Table) -> None:
    """Twenty-four hours with 50,000 calls, in a process that sets its own clock."""
    with a_bot() as (office, _bot, _folder):
        settings = sandbox_settings(office.slack, office.evo, office.database_url)
        command = [sys.executable, "-m", "tests.bench_day"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as living:
            assert living.stdin
            assert living.stdout
            living.stdin.write(json.dumps(settings))
            living.stdin.close()
            for line in living.stdout:
                told = json.loads(line)
                if isinstance(told, list):
                    table.add(*told)
                else:
                    office.evo.world.quirks.clock_ahead_s = told
        if living.returncode:
            raise SystemExit("the simulated day broke off")


if __name__ == "__main__":
    sys.exit(main())
