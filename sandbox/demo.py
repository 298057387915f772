"""`make demo`: a story in the terminal, with the real bot between a stand-in Slack and Evo Voice.

Every line with a tick was checked; the exit code is 0 only if all of them came out as promised.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evoslack.calling.calls import Call, State
from evoslack.calling.number_format import pretty
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.store import Store
from evoslack.slack.rendering.cards import HANG_UP
from sandbox.bot_process import BotProcess, sandbox_settings
from sandbox.evo.calls import Script
from sandbox.evo.voice import EvoVoice
from sandbox.slack.workspace import SlackWorkspace

SARA, AGENT, CALLS = "U_SARA", "U_AGENT", "C_CALLS"
PATIENCE_S = 20  # a card whose posting was not confirmed is looked for after 15 s


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

    def play(self) -> int:
        """Tell the whole story; returns the exit code."""
        say("EvoSlack between a stand-in Slack and a stand-in Evo Voice. Nothing leaves this machine.\n")
        say(self.bot.start())
        for number, (title, chapter) in enumerate(CHAPTERS, start=1):
            say(f"\n{number}. {title}")
            try:
                chapter(self)
            except AssertionError as broken:
                self.broken_promises += 1
                say(f"   ✗ NOT AS PROMISED: {broken}")
        code = self.bot.stop()
        say("")
        self.promise(f"asked to stop, the bot says: {self.bot.output[-1]}", lambda: code == 0)
        self._ledger()
        return 1 if self.broken_promises else 0

    def close(self) -> None:
        """Leave nothing running."""
        self.bot.close()
        self.slack.close()
        self.evo.close()

    def promise(self, words: str, is_kept: Callable[[], Any]) -> None:
        """One checked line; waits until it is true, and says so honestly if it never is."""
        try:
            self.slack.wait_for(is_kept, PATIENCE_S)
            say(f"   ✓ {words}")
        except AssertionError:
            self.broken_promises += 1
            say(f"   ✗ NOT AS PROMISED: {words}")

    def call(self, text: str, *, presses: int = 1) -> None:
        """Sara types /call, chooses the first flow if none is filled in, and presses the button."""
        say(f"   Sara types  /call {text}" + (f"  and presses Call {presses} times at once" * (presses > 1)))
        self.slack.type_command(SARA, text)
        self.slack.wait_for_modal(SARA, "call_form")
        self.slack.submit(SARA, times=presses)

    def rings(self, number: str) -> int:
        """How often that phone rang."""
        return sum(ring.number == number for ring in self.evo.world.rings)

    def cards(self, number: str) -> list[str]:
        """What the cards for that number say now."""
        shown = pretty(number, "US")
        return [card["text"] for card in self.slack.messages(CALLS) if shown in card["text"]]

    def untold(self) -> int:
        """How many calls have news that is not told yet, as the bot's ledger has it."""
        store = Store(self.database_url)
        try:
            return NotificationLedger(store).count_untold()
        finally:
            store.close()

    def told(self, who: str, words: str) -> bool:
        """Whether that person was told so, for their eyes only."""
        return any(words in line.text for line in self.slack.private(who))

    def _ledger(self) -> None:
        store = Store(self.database_url)
        calls = CallLedger(store).newest(50)[::-1]
        store.close()
        say("\nWhat the ledger says:")
        for call in calls:
            say("   " + _row(call))
        rings = len(self.evo.world.rings)
        may_ring = {State.PLACED, State.IN_DOUBT}
        self.promise("no call is left open", lambda: all(not call.is_open for call in calls))
        self.promise(
            "no phone rang twice, and none for a call that is said not to have been dialed",
            lambda: all(self.rings(call.request.number) <= (call.state in may_ring) for call in calls),
        )
        say(f"\nThe phone rang {rings} times.")


def a_good_call(demo: Demo) -> None:
    """From the command to the card."""
    demo.call("(814) 404-3093 survey")
    demo.promise(
        "the form was filled in and turned into “⏳ Calling”", lambda: modal_says(demo, "⏳ Calling")
    )
    demo.promise(
        "there is one card in #calls, with the flow “Customer survey”",
        lambda: "Customer survey" in one(demo.cards("+18144043093")),
    )
    demo.promise("the phone rang once", lambda: demo.rings("+18144043093") == 1)
    end = "the card follows it to its end: “Completed”"
    demo.promise(end, lambda: says(demo, "3093", "☑️ Completed"))


def hanging_up(demo: Demo) -> None:
    """Whoever called may end it."""
    demo.evo.world.script("+18144043099", Script(ring_s=1, talk_s=3600))
    demo.call("(814) 404-3099 survey")
    demo.promise("the card says “On the call”", lambda: says(demo, "3099", "🟢 On the call"))
    say("   Sara presses  Hang up  on the card, and confirms")
    (card,) = [card for card in demo.slack.messages(CALLS) if "404-3099" in card["text"]]
    demo.slack.click(SARA, HANG_UP, CALLS, card["ts"])
    demo.promise("the call is over at the phone system", lambda: not demo.evo.world.active_calls("acc1"))
    demo.promise("and the card says “Ended”", lambda: says(demo, "3099", "⏹️ Ended"))


def somebody_without_the_role(demo: Demo) -> None:
    """The door stays closed."""
    say("   An agent types  /call (814) 404-3094")
    demo.slack.type_command(AGENT, "(814) 404-3094")
    words = "You need the Manager role"
    demo.promise("the agent reads why not: it needs the Manager role", lambda: modal_says(demo, words, AGENT))
    demo.promise("nothing rang", lambda: demo.rings("+18144043094") == 0)


def a_wrong_number(demo: Demo) -> None:
    """The form stays, and nothing typed is lost."""
    demo.call("911 survey")
    demo.promise(
        "under the number: “EvoSlack never dials emergency numbers”", lambda: field_says(demo, "emergency")
    )
    demo.slack.fill(SARA, {"number": "404-3093"})
    demo.slack.submit(SARA)
    demo.promise("404-3093: “too short. Include the area code”", lambda: field_says(demo, "too short"))
    demo.promise("the flow she chose is still there", lambda: chosen_flow(demo) == "Customer survey")
    demo.slack.close_modal(SARA)


def pressed_twice(demo: Demo) -> None:
    """One press, at most one ring."""
    demo.call("(814) 404-3095 survey", presses=2)
    demo.promise("one card", lambda: bool(one(demo.cards("+18144043095"))))
    demo.promise("the phone rang once", lambda: demo.rings("+18144043095") == 1)


def refused_by_the_phone_system(demo: Demo) -> None:
    """A no, in words."""
    demo.evo.fault("/sessions/outgoing", "400_json")
    demo.call("(814) 404-3096 survey")
    demo.promise("the card says “Rejected”", lambda: "Rejected" in one(demo.cards("+18144043096")))
    demo.promise(
        "Sara is told privately why", lambda: demo.told(SARA, "Evo Voice doesn't accept this number")
    )
    demo.promise("nothing rang", lambda: demo.rings("+18144043096") == 0)


def the_answer_gets_lost(demo: Demo) -> None:
    """Unknown is said as unknown, while Evo Voice does not show its calls either."""
    for path in ("/calls/active", "/sessions"):
        demo.evo.fault(path, "502_html", None, method="GET")
    demo.evo.fault("/sessions/outgoing", "cut_after_ring")
    demo.call("(814) 404-3097 survey")
    demo.promise("the card says “Unconfirmed”", lambda: "Unconfirmed" in one(demo.cards("+18144043097")))
    demo.promise("Sara is told that the phone may have rung", lambda: demo.told(SARA, "may have rung, once"))
    demo.promise("it did ring, once, and is not dialed again", lambda: demo.rings("+18144043097") == 1)
    demo.evo.clear_faults()
    found = "once Evo Voice shows the call, the card says how it went on"
    demo.promise(found, lambda: goes_on(demo, "3097"))


def killed_in_the_middle(demo: Demo) -> None:
    """A crash at the worst moment: the phone rings, and the bot is gone."""
    demo.evo.fault("/sessions/outgoing", "hang_after_ring")
    demo.call("(814) 404-3098 survey")
    demo.promise(
        "the phone rings, and Evo Voice has not answered yet", lambda: demo.rings("+18144043098") == 1
    )
    demo.promise(
        "the card says “⏳ Calling”, and the ledger knows that it does",
        lambda: "⏳ Calling" in one(demo.cards("+18144043098")) and not demo.untold(),
    )
    say("   The bot is killed (kill -9) and started again.")
    demo.bot.kill()
    demo.bot.start()
    found = "EvoSlack finds the call again: the card says how it went on"
    demo.promise(found, lambda: goes_on(demo, "3098"))
    demo.promise("the phone rang once, not again", lambda: demo.rings("+18144043098") == 1)


CHAPTERS: tuple[tuple[str, Callable[[Demo], None]], ...] = (
    ("A good call", a_good_call),
    ("Hanging up", hanging_up),
    ("Somebody without the role", somebody_without_the_role),
    ("A wrong number", a_wrong_number),
    ("Call pressed twice", pressed_twice),
    ("Refused by the phone system", refused_by_the_phone_system),
    ("The answer gets lost on the way", the_answer_gets_lost),
    ("Killed in the middle of a call", killed_in_the_middle),
)


def modal_says(demo: Demo, words: str, who: str = SARA) -> bool:
    """Whether the page on that person's screen has these words."""
    return words in str((demo.slack.modal(who) or {}).get("blocks"))


def says(demo: Demo, last_digits: str, words: str) -> bool:
    """Whether the one card of the number that ends so has these words."""
    return words in one(demo.cards(f"+1814404{last_digits}"))


def goes_on(demo: Demo, last_digits: str) -> bool:
    """Whether the one card of the number says that the call was placed, however far it has come."""
    return one(demo.cards(f"+1814404{last_digits}")).startswith(("📞", "🔔", "🟢", "☑️"))


def chosen_flow(demo: Demo) -> str:
    """The flow that the form on Sara's screen has now."""
    values = (demo.slack.modal(SARA) or {})["state"]["values"]
    return str(values["flow"]["flow"]["selected_option"]["text"]["text"])


def field_says(demo: Demo, words: str) -> bool:
    """Whether these words stand under the number."""
    return words in demo.slack.field_errors(SARA).get("number", "")


def one(cards: list[str]) -> str:
    """The text of the one card; two cards are no card."""
    return cards[0] if len(cards) == 1 else ""


def _row(call: Call) -> str:
    reason = f"({call.reason})" if call.reason else ""
    return (
        f"{call.accepted_at:%H:%M:%S}  {pretty(call.request.number, 'US')}  {call.state:<9} {reason}".rstrip()
    )


def say(line: str) -> None:
    """One line of the story."""
    print(line, flush=True)


def main() -> int:
    """Play the story in a folder that is thrown away afterwards."""
    with tempfile.TemporaryDirectory(prefix="evoslack-demo-") as folder:
        demo = Demo(Path(folder))
        try:
            return demo.play()
        finally:
            demo.close()


if __name__ == "__main__":
    sys.exit(main())
