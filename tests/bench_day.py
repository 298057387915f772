"""A day in a bot's life within a minute or two, for `make bench-service`: a bot whose clock is set ahead.

Reads settings from standard input and writes figures as JSON lines to standard output. In between it writes
how many seconds its clock is ahead, for the stand-in Evo Voice. `make bench-service` runs it; it is a process
of its own so that its memory is the bot's and not the stand-ins'.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

from evoslack.running import Bot
from evoslack.settings import Settings
from evoslack.wiring import build
from tests.bench_readings import call_request, readings, write_over

HOURS, CALLS, STEP_S = 24, 50_000, 300.0
STEPS = int(HOURS * 3600 / STEP_S)
DIALING_S = 50.0  # of real time for calls that are really dialed
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
        write_over(self.bot.store, count - dialed, self.now())
        self.dialed += dialed
        self.ahead_s += STEP_S
        print(json.dumps(self.ahead_s), flush=True)
        self.bot.wake()

    def now(self) -> datetime:
        """The bot's time."""
        return datetime.now(UTC) + timedelta(seconds=self.ahead_s)


def told(name: str, value: float, unit: str) -> None:
    """One figure."""
    print(json.dumps([name, value, unit]), flush=True)


def main() -> int:
    """Live the day."""
    day = Day(Settings.from_env(json.load(sys.stdin)))
    day.bot.start()
    _clock.wait(5)
    began = time.monotonic()
    for n in range(STEPS):
        count = CALLS * (n + 1) // STEPS - CALLS * n // STEPS
        day.step(count, began + DIALING_S * (n + 1) / STEPS)
        if n in {STEPS // 8, STEPS // 2}:
            for each in readings(os.getpid()):
                told(f"{each[0]} after {HOURS * (n + 1) / STEPS:.0f} simulated hours", *each[1:])
    _clock.wait(5)
    for each in readings(os.getpid()):
        told(f"{each[0]} after {HOURS} simulated hours and {CALLS:,} calls", *each[1:])
    told("  calls of these that were really dialed", day.dialed, "")
    with contextlib.suppress(Exception):
        day.bot.stop()
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)
