"""A start that breaks off while calls are being dialed already: they are finished first."""

from __future__ import annotations

from typing import cast

import pytest

from evoslack.running import Bot
from evoslack.settings import Settings
from evoslack.start_trouble import CannotStart
from evoslack.starting import Start


class HalfStarted:
    """A bot whose receiver does not start; it notes what is asked of it."""

    def __init__(self, trouble: Exception) -> None:
        self._trouble = trouble
        self.asked: list[str] = []

    def open(self) -> None:
        self.asked.append("open")

    def work(self) -> None:
        self.asked.append("work")

    def receive(self) -> str:
        raise self._trouble

    def stop(self) -> str:
        self.asked.append("stop")
        return "stopped"


@pytest.mark.parametrize("trouble", [CannotStart("Slack said no."), ValueError("a bug")])
def test_a_start_that_breaks_off_finishes_what_is_being_dialed(trouble: Exception) -> None:
    """Otherwise the program ends in the middle of it, and the call is in doubt."""
    bot = HalfStarted(trouble)

    with pytest.raises(type(trouble)):
        Start(cast("Settings", None), lambda _settings: cast("Bot", bot)).run()

    assert bot.asked == ["open", "work", "stop"]
