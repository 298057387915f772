"""One run of the demo: the bot between the stand-ins, and promises that are checked and printed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from evoslack.calling.calls import Call, State
from evoslack.calling.number_format import pretty, unbroken
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.store import Store
from sandbox.bot_process import BotProcess, sandbox_settings
from sandbox.evo.voice import EvoVoice
from sandbox.slack.workspace import SlackWorkspace

SARA, AGENT, CALLS = "U_SARA", "U_AGENT", "C_CALLS"
TIMEOUT_S = 20  # the bot checks for a card of unknown fate after 15 s


Chapters = Sequence[tuple[str, Callable[["Demo"], None]]]


class Demo:
    """One run of the story."""

    def __init__(self, folder: Path) -> None:
        self.slack = SlackWorkspace()
        self.evo = EvoVoice(speed=10)
        self.slack.start()
        self.evo.start()
        self.database_url = f"sqlite:///{folder}/demo.db"
        self.bot = BotProcess(sandbox_settings(self.slack, self.evo, self.database_url), folder)
        self.broken_promises = 0

    def play(self, chapters: Chapters) -> int:
        """Run the chapters; returns the exit code."""
        say("EvoSlack between a stand-in Slack and a stand-in Evo Voice. Nothing leaves this machine.\n")
        say(self.bot.start())
        for number, (title, chapter) in enumerate(chapters, start=1):
            say(f"\n{number}. {title}")
            try:
                chapter(self)
            except AssertionError as broken:
                self.broken_promises += 1
                say(f"   ✗ BROKEN PROMISE: {broken}")
        code = self.bot.stop()
        say("")
        self.promise(f"the bot stops cleanly: {self.bot.output[-1]}", lambda: code == 0)
        self._ledger()
        return 1 if self.broken_promises else 0

    def close(self) -> None:
        """Stop everything."""
        self.bot.close()
        self.slack.close()
        self.evo.close()

    def promise(self, words: str, is_kept: Callable[[], Any]) -> None:
        """A line that is checked: waits until it is true, and reports it if it never is."""
        try:
            self.slack.wait_for(is_kept, TIMEOUT_S)
            say(f"   ✓ {words}")
        except AssertionError:
            self.broken_promises += 1
            say(f"   ✗ BROKEN PROMISE: {words}")

    def call(self, text: str, *, presses: int = 1) -> None:
        """Sara types /call and submits the form."""
        say(f"   Sara types  /call {text}" + (f"  and presses Call {presses} times at once" * (presses > 1)))
        self.slack.type_command(SARA, text)
        self.slack.wait_for_modal(SARA, "call_form")
        self.slack.submit(SARA, times=presses)

    def rings(self, number: str) -> int:
        """How often that phone rang."""
        return sum(ring.number == number for ring in self.evo.world.rings)

    def cards(self, number: str) -> list[str]:
        """The text of the cards for this number."""
        formatted = unbroken(pretty(number, "US"))
        return [card["text"] for card in self.slack.messages(CALLS) if formatted in card["text"]]

    def untold(self) -> int:
        """How many notifications in the bot's ledger are not sent yet."""
        store = Store(self.database_url)
        try:
            return NotificationLedger(store).count_untold()
        finally:
            store.close()

    def told(self, who: str, words: str) -> bool:
        """Whether the app sent this person a private message with these words."""
        return any(words in message.text for message in self.slack.private(who))

    def _ledger(self) -> None:
        store = Store(self.database_url)
        calls = CallLedger(store).newest(50)[::-1]
        store.close()
        say("\nThe ledger:")
        for call in calls:
            say("   " + _row(call))
        rings = len(self.evo.world.rings)
        may_ring = {State.PLACED, State.IN_DOUBT}
        self.promise("every call has an outcome", lambda: all(not call.is_open for call in calls))
        self.promise(
            "no phone rang twice, and none rang for a call reported as not dialed",
            lambda: all(self.rings(call.request.number) <= (call.state in may_ring) for call in calls),
        )
        say(f"\nPhones rang {rings} times.")


def _row(call: Call) -> str:
    reason = f"({call.reason})" if call.reason else ""
    return (
        f"{call.accepted_at:%H:%M:%S}  {pretty(call.request.number, 'US')}  {call.state:<9} {reason}".rstrip()
    )


def say(line: str) -> None:
    """Print a line."""
    print(line, flush=True)
