"""A day in a bot's life within a minute or two, for `make bench-service`: a bot whose clock is set ahead.

Reads settings from standard input and writes figures as JSON lines to standard output. In between it writes
how many seconds its clock is ahead, for the stand-in Evo Voice. `make bench-service` runs it; it is a process
of its own so that its memory is the bot's and not the stand-ins'.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from evoslack.calling.calls import CallRequest, Progress, State
from evoslack.ledger.schema import calls, notifications
from evoslack.running import Bot
from evoslack.settings import Settings
from evoslack.wiring import build
from tests.bench_readings import call_request, readings

HOURS, CALLS, STEP_S = 24, 50_000, 300.0
STEPS = int(HOURS * 3600 / STEP_S)
DIALING_S = float(os.environ.get("BENCH_DIALING_S", "80"))  # of real time for calls that are really dialed
GROUP = 8  # are dialed together
_clock = threading.Event()  # to wait for time to pass


class Day:
    """The bot and the clock that is set ahead."""

    def __init__(self, settings: Settings) -> None:
        self.ahead_s = 0.0
        self.dialed = 0
        self.bot: Bot = build(
            settings,
            now=lambda: datetime.now(UTC) + timedelta(seconds=self.ahead_s),
            clock_s=lambda: time.monotonic() + self.ahead_s,
        )

    def step(self, count: int, until_s: float) -> None:
        """Five minutes: some calls are dialed until that moment, the rest only written into the ledger."""
        dialed = 0
        while time.monotonic() < until_s and dialed < count:
            group = min(GROUP, count - dialed)
            for _ in range(group):
                self.bot.calls.accept(call_request(), at=self.now())
            self.bot.wake()
            dialed += group
            while sum(self.bot.calls.count_open().values()):
                _clock.wait(0.02)
        self._write(count - dialed)
        self.dialed += dialed
        self.ahead_s += STEP_S
        print(json.dumps(self.ahead_s), flush=True)
        self.bot.wake()

    def now(self) -> datetime:
        """The bot's time."""
        return datetime.now(UTC) + timedelta(seconds=self.ahead_s)

    def _write(self, count: int) -> None:
        """Calls that are over and told about."""
        if not count:
            return
        rows = [row_of(call_request(), self.now()) for _ in range(count)]
        told = {"revision": 2, "attempts": 0, "card_problem": "", "told_bad_news": False, "card_is_masked": False, "card_channel": "C_CALLS", "card_revision": 2, "told_revision": 2}
        cards = [{**told, "call_id": row["id"], "card_ts": f"2000000000.{row['id'][-6:]}"} for row in rows]
        with self.bot.store.engine.begin() as connection:
            connection.execute(sa.insert(calls), rows)
            connection.execute(sa.insert(notifications), cards)


def row_of(request: CallRequest, at: datetime) -> dict[str, object]:
    """A call that was placed and has ended."""
    return {
        "id": f"call-{request.key[-11:]}",
        "request_key": request.key,
        "team_id": request.team_id,
        "user_id": request.user_id,
        "account_id": request.account_id,
        "flow_id": request.flow_id,
        "flow_name": request.flow_name,
        "number": request.number,
        "caller_id": request.caller_id,
        "channel_id": "C_GENERAL",
        "response_url": "",
        "detail": "",
        "state": State.PLACED,
        "accepted_at": at,
        "began_at": at,
        "finished_at": at,
        "progress": Progress.ENDED,
        "evo_outcome": "Completed",
    }


def told(name: str, value: float, unit: str) -> None:
    """One figure."""
    print(json.dumps([name, value, unit]), flush=True)


def main() -> int:
    """Live the day."""
    day = Day(Settings.from_env(json.load(sys.stdin)))
    day.bot.start()
    _clock.wait(5)
    began = time.monotonic()
    counts: list[Counter[str]] = []
    for n in range(STEPS):
        count = CALLS * (n + 1) // STEPS - CALLS * n // STEPS
        day.step(count, began + DIALING_S * (n + 1) / STEPS)
        if n in {STEPS // 8, STEPS // 2}:
            for each in readings(os.getpid()):
                told(f"{each[0]} after {HOURS * (n + 1) / STEPS:.0f} simulated hours", *each[1:])
        if "BENCH_OBJECTS" in os.environ and n in {STEPS // 8, STEPS // 2, STEPS - 1}:
            gc.collect()
            counts.append(Counter(type(each).__name__ for each in gc.get_objects()))
    _clock.wait(5)
    for each in readings(os.getpid()):
        told(f"{each[0]} after {HOURS} simulated hours and {CALLS:,} calls", *each[1:])
    told("  calls of these that were really dialed", day.dialed, "")
    for before, after in zip(counts, counts[1:], strict=False):
        print((after - before).most_common(25), file=sys.stderr)
    with contextlib.suppress(Exception):
        day.bot.stop()
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)
