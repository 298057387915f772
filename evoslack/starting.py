"""Starts the bot: waits for what is away, gives up on what is wrong, and can be told to stop at any moment.

Which is which: docs/decisions/0014-starting.md.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from evoslack.running import NOTHING_YET, Bot
from evoslack.runtime.backoff import Backoff
from evoslack.settings import Settings
from evoslack.start_trouble import Away
from evoslack.wiring import build

log = logging.getLogger(__name__)

T = TypeVar("T")

PAUSES = Backoff(first_s=0.5, longest_s=30.0, longest_asked_s=300.0)


class ToldToStop(Exception):
    """`Start.stop` was called before the bot was ready."""


class Start:
    """One start, run in a thread of its own, so that `stop` may be called meanwhile."""

    def __init__(self, settings: Settings, make: Callable[[Settings], Bot] = build) -> None:
        self._settings = settings
        self._make = make
        self._stopping = threading.Event()
        self._deciding = threading.Lock()
        self.bot: Bot | None = None  # once it is built

    def run(self) -> str:
        """Start the bot, however long that takes. Returns the ready line.

        Raises `CannotStart`, `BadSettings`, or `ToldToStop`.
        """
        bot = until_there(lambda: self._make(self._settings), self._stopping)
        try:
            until_there(bot.open, self._stopping)
            with self._deciding:  # from here on `stop` knows what may be dialed
                if self._stopping.is_set():
                    raise ToldToStop
                self.bot = bot
        except ToldToStop:
            bot.stop()  # closes the ledger and the health pages; nothing else has begun
            raise
        try:
            bot.work()
            return until_there(bot.receive, self._stopping)
        except ToldToStop:
            raise  # `stop` does that
        except Exception:
            bot.stop()  # calls that are being dialed already are finished, whatever broke
            raise

    def stop(self) -> str:
        """Stop the bot, or its start. Returns what is left, in words."""
        with self._deciding:
            self._stopping.set()
        return NOTHING_YET if self.bot is None else self.bot.stop()


def until_there(attempt: Callable[[], T], stopping: threading.Event) -> T:
    """What `attempt` returns, tried again with growing pauses while it raises `Away`.

    Logs each reason once, and that it goes on. Raises `ToldToStop` when `stopping` is set.
    """
    reasons: set[str] = set()
    tries = 0
    while not stopping.is_set():
        try:
            found = attempt()
        except Away as away:
            if str(away) not in reasons:
                log.warning("EvoSlack waits and tries again, because it cannot start yet. %s", away)
                reasons.add(str(away))
            stopping.wait(PAUSES.pause_s(tries, away.pause_s))
            tries += 1
        else:
            if tries:
                log.warning("That works now; failures: %d. EvoSlack goes on with its start.", tries)
            return found
    raise ToldToStop
