"""An answer to a button is a page where it was pressed, or else a direct message. Never neither."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from evoslack.calling.arrival import Arrival
from evoslack.runtime.clock import Clock
from evoslack.slack.listeners.reply import TRIGGER_LIVES_S, PageReply, Trigger
from evoslack.slack.web_api import SlackUnanswered

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
WORDS = "Only <@U_SARA> can do that."


class Screen:
    """A person's screen, the bot's background, and a clock."""

    def __init__(self) -> None:
        self.wall = T0
        self.opened: list[str] = []
        self.pushed: list[str] = []
        self.told: list[tuple[str, str]] = []
        self.fails: Exception | None = None
        self.waiting: list[tuple[Callable[[], None], Callable[[str], None]]] = []
        clock = Clock(lambda: self.wall, self.passed_s)
        self.arrival = Arrival(clock, clock.moment())
        client: Any = self
        self.pages = PageReply(
            client,
            lambda user_id, words: self.told.append((user_id, words)),
            lambda task, tell: self.waiting.append((task, tell)),
        )

    def passed_s(self) -> float:
        return (self.wall - T0).total_seconds()

    def views_open(self, *, trigger_id: str, view: dict[str, Any]) -> None:
        self._show(self.opened, view)

    def views_push(self, *, trigger_id: str, view: dict[str, Any]) -> None:
        self._show(self.pushed, view)

    def _show(self, where: list[str], view: dict[str, Any]) -> None:
        if self.fails is not None:
            raise self.fails
        where.append(view["blocks"][0]["text"]["text"])

    def press(self, view: object = None, trigger_id: object = "1.2") -> None:
        body = {"user": {"id": "U_BOSS"}, "trigger_id": trigger_id, "view": view}
        self.pages.to(Trigger.of(body, self.arrival), "Hang up")(WORDS)

    def goes_on(self) -> None:
        while self.waiting:
            self.waiting.pop(0)[0]()


def test_a_page_opens_in_the_background_and_nothing_else_is_said() -> None:
    screen = Screen()
    screen.press()
    assert screen.opened == [], "a listener does not wait for Slack"
    screen.goes_on()

    assert (screen.opened, screen.pushed, screen.told) == ([WORDS], [], [])


@pytest.mark.parametrize(("kind", "pushed"), [("modal", [WORDS]), ("home", [])])
def test_a_button_in_a_modal_gets_its_page_on_top(kind: str, pushed: list[str]) -> None:
    screen = Screen()
    screen.press({"type": kind})
    screen.goes_on()

    assert (screen.pushed, screen.opened) == (pushed, [] if pushed else [WORDS])


def no() -> SlackApiError:
    response: Any = {"ok": False, "error": "expired_trigger_id"}
    return SlackApiError("no", response)


@pytest.mark.parametrize("fails", [no(), SlackUnanswered("timed out")], ids=["no", "no answer"])
def test_without_a_page_there_is_a_direct_message(fails: Exception) -> None:
    screen = Screen()
    screen.fails = fails
    screen.press()
    screen.goes_on()

    assert screen.told == [("U_BOSS", WORDS)]


@pytest.mark.parametrize("trigger_id", ["1.2", "", None], ids=["too late", "no trigger", "null"])
def test_slack_is_not_asked_in_vain(trigger_id: str | None) -> None:
    screen = Screen()
    screen.press(trigger_id=trigger_id)
    if trigger_id:
        screen.wall += timedelta(seconds=TRIGGER_LIVES_S + 0.1)
    screen.goes_on()

    assert (screen.opened, screen.told) == ([], [("U_BOSS", WORDS)])


def test_a_bot_that_stops_says_it_directly() -> None:
    screen = Screen()
    screen.press()
    for _task, tell in screen.waiting:
        tell("EvoSlack was stopped.")

    assert screen.told == [("U_BOSS", WORDS)], "the answer rather than an excuse"
