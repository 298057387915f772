"""`make demo`: a story in the terminal, with the real bot between a stand-in Slack and Evo Voice.

Every line with a check mark was verified; the exit code is 0 only if all promises were kept.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from evoslack.slack.rendering.cards import HANG_UP
from sandbox.demo_run import AGENT, CALLS, SARA, Chapters, Demo, say
from sandbox.evo.calls import Script


def a_good_call(demo: Demo) -> None:
    """From the command to the card."""
    demo.call("(814) 404-3093 survey")
    demo.promise(
        "the form was filled in and turned into “⏳ … dialing”", lambda: modal_says(demo, "· dialing")
    )
    demo.promise(
        "there is one card in #calls, with the flow “Customer survey”",
        lambda: "Customer survey" in one(demo.cards("+18144043093")),
    )
    demo.promise("the phone rang once", lambda: demo.rings("+18144043093") == 1)
    end = "the card follows it to its end: “completed”"
    demo.promise(end, lambda: says(demo, "3093", "· completed"))


def hanging_up(demo: Demo) -> None:
    """The person who placed a call can hang it up."""
    demo.evo.world.script("+18144043099", Script(ring_s=1, talk_s=3600))
    demo.call("(814) 404-3099 survey")
    demo.promise("the card says “on the call”", lambda: says(demo, "3099", "· on the call"))
    say("   Sara presses  Hang up  on the card, and confirms")
    (card,) = [card for card in demo.slack.messages(CALLS) if "3099" in card["text"]]
    demo.slack.click(SARA, HANG_UP, CALLS, card["ts"])
    demo.promise("the call is over at the phone system", lambda: not demo.evo.world.active_calls("acc1"))
    demo.promise(
        "and the card says who did: “hung up by @sara”", lambda: says(demo, "3099", "hung up by <@U_SARA>")
    )


def without_the_role(demo: Demo) -> None:
    """Permission is denied."""
    say("   An agent types  /call (814) 404-3094")
    demo.slack.type_command(AGENT, "(814) 404-3094")
    words = "You need the Manager role"
    demo.promise("the agent reads why not: it needs the Manager role", lambda: modal_says(demo, words, AGENT))
    demo.promise("nothing rang", lambda: demo.rings("+18144043094") == 0)


def a_wrong_number(demo: Demo) -> None:
    """The form stays, and nothing typed is lost."""
    demo.call("911 survey")
    emergency = "EvoSlack never dials emergency numbers"
    demo.promise(f"under the number: “{emergency}”", lambda: modal_says(demo, emergency, SARA))
    demo.promise("pressing Call dials nothing", lambda: field_says(demo, "Nothing was dialed"))
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


def rejected_by_the_phone_system(demo: Demo) -> None:
    """Evo Voice rejects the call."""
    demo.evo.fault("/sessions/outgoing", "400_json")
    demo.call("(814) 404-3096 survey")
    demo.promise("the card says “rejected”", lambda: "rejected" in one(demo.cards("+18144043096")))
    demo.promise(
        "Sara is told privately why", lambda: demo.told(SARA, "Evo Voice doesn't accept this number")
    )
    demo.promise("nothing rang", lambda: demo.rings("+18144043096") == 0)


def the_response_gets_lost(demo: Demo) -> None:
    """An unknown outcome is reported as unknown, as long as Evo Voice does not list its calls either."""
    for path in ("/calls/active", "/sessions"):
        demo.evo.fault(path, "502_html", None, method="GET")
    demo.evo.fault("/sessions/outgoing", "cut_after_ring")
    demo.call("(814) 404-3097 survey")
    demo.promise("the card says “not certain”", lambda: "not certain" in one(demo.cards("+18144043097")))
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
        "the phone rings, and Evo Voice hasn't responded yet", lambda: demo.rings("+18144043098") == 1
    )
    demo.promise(
        "the card says “⏳ … dialing”, and the ledger records that it was posted",
        lambda: "· dialing" in one(demo.cards("+18144043098")) and not demo.untold(),
    )
    say("   The bot is killed (kill -9) and restarted.")
    demo.bot.kill()
    demo.bot.start()
    found = "EvoSlack finds the call again: the card says how it went on"
    demo.promise(found, lambda: goes_on(demo, "3098"))
    demo.promise("the phone rang once, not again", lambda: demo.rings("+18144043098") == 1)


CHAPTERS: Chapters = (
    ("A good call", a_good_call),
    ("Hanging up", hanging_up),
    ("Without the Manager role", without_the_role),
    ("A wrong number", a_wrong_number),
    ("Call pressed twice", pressed_twice),
    ("Rejected by the phone system", rejected_by_the_phone_system),
    ("The response gets lost", the_response_gets_lost),
    ("Killed in the middle of a call", killed_in_the_middle),
)


NEXT = """
What to try next:
   make sandbox        be Sara, and the phone: type commands, pick up or don't, kill the bot in the middle
   make chaos-short    four minutes of kills, freezes and broken answers, and a count of every ring
   README.md           how to set it up in your own workspace"""


def modal_says(demo: Demo, words: str, who: str = SARA) -> bool:
    """Whether this person's modal has these words."""
    return words in str((demo.slack.modal(who) or {}).get("blocks"))


def says(demo: Demo, last_digits: str, words: str) -> bool:
    """Whether the only card for the number with these last digits has these words."""
    return words in one(demo.cards(f"+1814404{last_digits}"))


def goes_on(demo: Demo, last_digits: str) -> bool:
    """Whether the one card of the number says that the call was placed, however far it has come."""
    return one(demo.cards(f"+1814404{last_digits}")).startswith(("📞", "🔔", "🟢", "☑️"))


def chosen_flow(demo: Demo) -> str:
    """The flow selected in Sara's form."""
    values = (demo.slack.modal(SARA) or {})["state"]["values"]
    return str(values["flow"]["flow"]["selected_option"]["text"]["text"])


def field_says(demo: Demo, words: str) -> bool:
    """Whether the error under the number has these words."""
    return words in demo.slack.field_errors(SARA).get("number", "")


def one(cards: list[str]) -> str:
    """The text of the only card; empty if there is not exactly one."""
    return cards[0] if len(cards) == 1 else ""


def main() -> int:
    """Play the story in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="evoslack-demo-") as folder:
        demo = Demo(Path(folder))
        try:
            code = demo.play(CHAPTERS)
            say(NEXT)
            return code
        finally:
            demo.close()


if __name__ == "__main__":
    sys.exit(main())
