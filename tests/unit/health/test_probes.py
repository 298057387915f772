"""Alive and ready: what fails which, and what a person reads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from evoslack.health.ledger_probe import LedgerProbe
from evoslack.health.probes import Parts, Phase, Probes, as_json, is_fine
from evoslack.health.services import BotToken, EvoLogin
from evoslack.ledger.health import LedgerCounts
from evoslack.runtime.request_result import Result
from evoslack.runtime.worker_pool import WorkerPool

T0 = datetime(2026, 3, 2, tzinfo=UTC)


class Bot:
    """One worker pool and what surrounds it; everything works, until a story says otherwise."""

    def __init__(self) -> None:
        self.at_s = 1000.0
        self.silent_s = 0.1
        self.is_open = True
        self.problem: Exception | None = None
        self.steps_end = threading.Event()
        self.steps_end.set()
        self.step_began = threading.Event()
        self.pool = WorkerPool("dial", size=1, poll_every_s=60, clock_s=lambda: self.at_s)
        self.pool.start(self.step)
        self.login = EvoLogin()
        token = BotToken(lambda: None, clock_s=lambda: self.at_s)
        token.observe("auth.test", Result.OK, 0.1)
        self.ledger = LedgerProbe(self.read, lambda: T0, clock_s=lambda: self.at_s)
        parts: Any = Parts([self.pool], cast("Any", self.Receiver(self)), cast("Any", self))
        self.probes = Probes(parts, self.ledger, token, self.login)
        self.probes.phase = Phase.RUNNING

    class Receiver:
        def __init__(self, bot: Bot) -> None:
            self.bot = bot

        def is_open(self) -> bool:
            return self.bot.is_open

    def read(self, _at: datetime) -> LedgerCounts:
        if self.problem is not None:
            raise self.problem
        return LedgerCounts(0, 0.0, 0, 0, 0, 0, 0, 0, 0)

    def step(self) -> bool:
        self.step_began.set()
        self.steps_end.wait()
        return False

    def hangs_for(self, minutes: int) -> None:
        """A step begins and does not end; someone asks about the ledger now and then."""
        if self.steps_end.is_set():
            self.steps_end.clear()
            self.step_began.clear()
            self.pool.wake()
            self.step_began.wait()
        for _ in range(minutes * 3):
            self.at_s += 20
            self.ledger.reading(5)

    def reasons(self) -> list[str]:
        return cast("list[str]", as_json(self.probes.ready())["reasons"])


@pytest.fixture
def bot() -> Iterator[Bot]:
    found = Bot()
    yield found
    found.steps_end.set()
    found.pool.stop(within_s=5)


def test_a_bot_at_work_is_alive_and_ready(bot: Bot) -> None:
    assert is_fine(bot.probes.live())
    assert (is_fine(bot.probes.ready()), bot.reasons()) == (True, [])


def test_a_step_that_hangs_while_the_ledger_works_is_not_alive(bot: Bot) -> None:
    bot.hangs_for(minutes=9)
    assert is_fine(bot.probes.live()), "a step may take long: many requests, each waiting for a name"

    bot.hangs_for(minutes=2)
    assert bot.probes.live()["dial"].reason == "A step has been running for 11 minutes."


def test_a_step_that_waits_for_the_database_is_alive(bot: Bot) -> None:
    """A restart would bring no database back, and would lose an outcome that is known."""
    bot.problem = OSError("away")
    bot.hangs_for(minutes=30)
    assert is_fine(bot.probes.live())

    bot.problem = None
    bot.ledger.reading(5)
    assert is_fine(bot.probes.live()), "it has only just come back"


def test_a_thread_that_has_ended_is_not_alive(bot: Bot) -> None:
    bot.pool.stop(within_s=5)
    assert bot.probes.live()["dial"].reason == "A thread has ended that should run."


def test_a_silent_heartbeat_is_not_alive(bot: Bot) -> None:
    bot.silent_s = 12.3
    assert bot.probes.live()["heartbeat"].reason == "The heartbeat has been silent for 12 s."


@pytest.mark.parametrize(
    ("phase", "words"), [(Phase.STARTING, "still starting"), (Phase.STOPPING, "stopping")]
)
def test_while_it_starts_or_stops_it_is_alive_and_not_ready(bot: Bot, phase: Phase, words: str) -> None:
    bot.probes.phase = phase
    bot.pool.stop(within_s=5)
    assert is_fine(bot.probes.live())
    (reason,) = bot.reasons()
    assert words in reason


def test_each_thing_that_is_away_is_named(bot: Bot) -> None:
    bot.is_open = False
    bot.problem = OSError("disk full")
    assert bot.reasons() == [
        "Nothing can come in from Slack: no connection is open.",
        "The ledger cannot be written: disk full.",
    ]
    assert is_fine(bot.probes.live())


def test_evo_voice_is_shown_and_does_not_count(bot: Bot) -> None:
    bot.login.observe("login", Result.NOT_LOGGED_IN, 0.1)
    found = as_json(bot.probes.ready())
    assert (found["ok"], found["reasons"]) == (True, [])
    assert found["warnings"] == ["Evo Voice rejects the login. Check EVO_USERNAME and EVO_PASSWORD."]
    assert found["checks"]["evo_voice_login"]["ok"] is False
