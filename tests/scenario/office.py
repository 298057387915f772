"""An office to tell stories in: the real bot between a stand-in Slack and a stand-in Evo Voice."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from evoslack.calling.calls import Call
from evoslack.ledger.schema import notifications
from evoslack.running import Bot
from evoslack.settings import Settings
from evoslack.wiring import build
from sandbox.bot_process import sandbox_settings
from sandbox.evo.voice import EvoVoice
from sandbox.slack.delivery import Delivery
from sandbox.slack.workspace import SlackWorkspace
from tests.databases import new_sqlite

SARA, BOSS, ROOT, AGENT = "U_SARA", "U_BOSS", "U_ROOT", "U_AGENT"
NUMBER, TYPED, SHOWN = "+18144043093", "814 404 3093", "(814) 404-3093"


# How a text begins that tells of a placed call: on its way, on the phone, ended somehow, or lost track of.
PLACED = ("📞", "🔔", "🟢", "☑", "🚫", "🔕", "⚠", "✖", "✋", "⏹", "❔")


def says_placed(text: str) -> bool:
    """Whether a card or a private message says that Evo Voice took the call, however far it has come."""
    return text.lstrip("*").startswith(PLACED)


def as_read(text: str) -> str:
    """A text as a person reads it: a hyphen or space that no line breaks at looks like any other."""
    return text.replace("\u2011", "-").replace("\u00a0", " ")


def headline_of(payload: dict[str, Any]) -> str:
    """The first line of the page in an answer to a submission, as a person reads it."""
    return as_read(payload["view"]["blocks"][0]["text"]["text"])


Words = str | Callable[[str], bool]  # what a text must contain, or a question about it


def _says(text: str, words: Words) -> bool:
    return words in text if isinstance(words, str) else words(text)


class Office:
    """Slack, the phone system and the bot, in one process, over real HTTP and websockets."""

    def __init__(self, folder: Path, database_url: str | None = None) -> None:
        self.slack = SlackWorkspace()
        self.slack.start()
        self.evo = EvoVoice()
        self.evo.start()
        self.database_url = database_url or new_sqlite(folder / "ledger.db")
        self.passed = timedelta(0)  # how far the clocks were put forward
        self.wall_is_off = timedelta(0)  # how far the wall clock alone is ahead
        self._bots: list[Bot] = []

    def open(self, *, over_http: bool = False, dial_deadline_s: float = 5.0, **settings: str) -> Bot:
        """Start a bot; settings are given by name on top of the sandbox's own."""
        env = sandbox_settings(self.slack, self.evo, self.database_url) | settings
        if over_http:
            del env["SLACK_APP_TOKEN"]
            env |= {"SLACK_SIGNING_SECRET": "sandbox-secret", "PORT": "0"}
        bot = build(
            Settings.from_env(env),
            now=lambda: datetime.now(UTC) + self.passed + self.wall_is_off,
            clock_s=lambda: time.monotonic() + self.passed.total_seconds(),
            dial_deadline_s=dial_deadline_s,
        )
        self._bots.append(bot)
        bot.start()
        if over_http:
            self.slack.request_url = f"http://127.0.0.1:{bot.receiver.port}/slack/events"
        else:
            self.slack.wait_for_connection()
        return bot

    @property
    def bots(self) -> list[Bot]:
        """Every bot that was opened; stopped ones too."""
        return self._bots

    @property
    def bot(self) -> Bot:
        """The bot that was opened last."""
        return self._bots[-1]

    def close(self) -> None:
        """Everybody goes home."""
        for bot in self._bots:
            bot.stop()
        self.slack.close()
        self.evo.close()

    def hide_calls(self) -> None:
        """Evo Voice shows its calls to nobody, so that what became of one stays unknown."""
        for path in ("/calls/active", "/sessions"):
            self.evo.fault(path, "500_json", times=None, method="GET")

    def pass_time(self, **span: float) -> None:
        """Put the bot's clocks forward."""
        self.passed += timedelta(**span)

    def _leased(self) -> int:
        """How many notifications are being worked on."""
        leased = sa.select(sa.func.count()).where(notifications.c.leased_until.is_not(None))
        with self.bot.store.engine.connect() as connection:
            return connection.execute(leased).scalar_one()

    def let_time_pass_until(
        self, predicate: Callable[[], Any], within_s: float = 8, *, step_s: float = 10
    ) -> None:
        """Put the clocks forward, some seconds a time, until it is so; all pauses of the bot pass quickly.

        On a busy machine, a lease must not end before its step: they wait until nobody works on anything.
        """
        self.slack.wait_for(lambda: not any(call.is_open for call in self.ledger()), what="dialed first")
        began = time.monotonic()
        while not predicate():
            took_s = time.monotonic() - began
            assert took_s < within_s, "it never came true"
            self.pass_time(seconds=step_s)
            self.bot.wake()
            with contextlib.suppress(AssertionError):
                self.slack.wait_for(predicate, within_s=max(0.1, took_s / 10))
            with contextlib.suppress(AssertionError):
                self.slack.wait_for(lambda: predicate() or not self._leased(), within_s=3)

    def form(self, who: str = SARA, text: str = "", channel_id: str = "C_GENERAL") -> dict[str, Any]:
        """Type the command and wait for the form; one that was open before is replaced by it."""
        before = self.slack.modal(who)
        delivery = self.slack.type_command(who, text, channel_id)
        assert delivery.acked
        if before is not None:
            self.slack.wait_for(
                lambda: (self.slack.modal(who) or before)["id"] != before["id"], what="a form"
            )
        return self.slack.wait_for_modal(who, "call_form")

    def fill(self, who: str = SARA, number: str = TYPED, flow: str = "flow2") -> None:
        """Type the number and choose a flow from the list."""
        self.slack.suggest(who, "flow")
        self.slack.fill(who, {"flow": flow, "number": number})

    def press(self, who: str = SARA) -> Delivery:
        """Press the button of the form; what came of it is written down when this returns."""
        delivery = self.slack.submit(who)
        if self._bots and delivery.acked:
            with contextlib.suppress(Exception):  # the database may be away: that is for the story to say
                self.slack.wait_for(lambda: not any(call.is_unanswered for call in self.ledger()))
        return delivery

    def call(self, who: str = SARA, number: str = TYPED) -> Delivery:
        """The whole way: command, form, button."""
        self.form(who)
        self.fill(who, number)
        delivery = self.press(who)
        assert delivery.acked
        return delivery

    def call_anyway(self, who: str = SARA, number: str = TYPED) -> Delivery:
        """The whole way to a call to a number that may be on the phone: asked once, pressed once more."""
        self.call(who, number)
        self.slack.wait_for(lambda: "Call anyway" in str(self.slack.modal(who)))
        self.pass_time(seconds=3)
        return self.press(who)

    def page(self, who: str = SARA) -> str:
        """The words on the page that is on a person's screen now; empty without one."""
        view = self.slack.modal(who)
        return "" if view is None else as_read("\n".join(_words(block) for block in view["blocks"]))

    def wait_for_page(self, words: str, who: str = SARA) -> None:
        """Wait until the page on a person's screen says these words."""
        self.slack.wait_for(lambda: words in self.page(who), what=f"{words!r} instead of {self.page(who)!r}")

    def under(self, field: str, who: str = SARA) -> str:
        """The error under a field."""
        return self.slack.field_errors(who).get(field, "")

    def cards(self, channel_id: str = "C_CALLS") -> list[dict[str, Any]]:
        """The cards in the channel, with their texts as people read them."""
        return [card | {"text": as_read(card["text"])} for card in self.slack.messages(channel_id)]

    def wait_for_card(self, words: Words, within_s: float = 6) -> dict[str, Any]:
        """Wait for the one card to say this."""
        self.slack.wait_for(lambda: any(_says(card["text"], words) for card in self.cards()), within_s, words)
        (card,) = self.cards()
        return card

    def told(self, who: str = SARA) -> list[str]:
        """Everything that only this person was told."""
        return [as_read(line.text) for line in self.slack.private(who)]

    def wait_until_told(self, words: Words, who: str = SARA, within_s: float = 6) -> str:
        """Wait for a private message that says this."""
        self.slack.wait_for(lambda: any(_says(text, words) for text in self.told(who)), within_s, words)
        return next(text for text in self.told(who) if _says(text, words))

    def ledger(self) -> list[Call]:
        """Every call that was written down, newest first."""
        return self.bot.calls.newest(1000)

    def wait_until_settled(self, within_s: float = 10) -> list[Call]:
        """Wait until no call is open and everything is told."""

        def settled() -> bool:
            nothing_open = not any(call.is_open for call in self.ledger())
            return nothing_open and self.bot.notifications.count_untold() == 0

        self.slack.wait_for(settled, within_s, "everything settled and told")
        return self.ledger()

    @property
    def rings(self) -> int:
        """How often any phone rang."""
        return len(self.evo.world.rings)


def _words(block: dict[str, Any]) -> str:
    if block["type"] == "context":
        return " ".join(str(element.get("text", "")) for element in block["elements"])
    return str((block.get("text") or block.get("label") or {}).get("text", ""))
