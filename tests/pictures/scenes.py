"""The pictures: what is played for each, and what of the page it shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from PIL import Image, ImageChops

from tests.pictures.theater import PHONE, Stage
from tests.pictures.visitor import Visitor

Frames = list[tuple[Image.Image, int]]  # a picture, and for how many milliseconds it is shown
MORNING = datetime(2026, 11, 24, 15, 4, 8, 500_000, tzinfo=UTC)  # a Tuesday, 10:04 AM in New York
AFTERNOON = datetime(2026, 11, 24, 18, 4, 8, 500_000, tzinfo=UTC)  # 1:04 PM in New York
EARLY = datetime(2026, 11, 24, 14, 40, 8, 500_000, tzinfo=UTC)  # 9:40 AM in New York, 6:40 in California
SARA, BOSS, ADMIN = "U_SARA", "U_BOSS", "U_ROOT"
FILM = (
    "#slack, #phone:has(#handset)"  # what the film shows: the channel, and the phone where the page has one
)
MARGIN = 40  # pixels
COMMAND = "/call (814) 404-3093 survey"
# What depends on how busy the machine is, and what the picture says instead. No pattern may match what
# another one writes.
AGO = {
    r"(in \d+ seconds?|\d+ seconds? ago) at (\d+:\d+):\d+": ("5 seconds ago at $2:17",),
    r"^(in \d+ seconds?|\d+ seconds? ago)$": ("5 seconds ago",),
}
SECONDS = AGO | {r"talked \d+ sec": ("talked 41 sec", "talked 1 min 7 sec")}
SHORT_TALK = AGO | {
    r"^\d+ sec$": ("5 sec",),
    r"talked \d+ sec": ("talked 9 sec",),
    r"hung up after \d+ sec": ("hung up after 14 sec",),
}


@dataclass(frozen=True)
class Scene:
    """A picture, its alternative text, the sources that it shows, and how to play it."""

    name: str
    alt: str
    shows: tuple[str, ...]
    play: Callable[[Stage], Frames]
    at: datetime = MORNING
    still: int = -1  # which of its frames stands for the film


def the_whole_story(stage: Stage) -> Frames:
    """From the command to the card of a call that was hung up, in twelve seconds."""
    frames: Frames = []
    with stage.visit() as sara:

        def show(milliseconds: int) -> None:
            frames.append((sara.shot(FILM, SHORT_TALK), milliseconds))

        next_calls(sara, ring_s=60, course="long")
        sara.act("set_fault", id="calls_hidden", on=True)  # so that nothing goes on before it is seen
        sara.open_channel("calls")
        for typed, milliseconds in (("", 500), ("/call", 350), (COMMAND[:21], 350), (COMMAND, 800)):
            sara.write(typed)
            show(milliseconds)
        sara.open_form(COMMAND, "10:04 AM there")
        show(2000)
        sara.press("Call")
        sara.see("· calling")
        show(900)
        sara.act("set_fault", id="calls_hidden", on=False)
        sara.see("· ringing")
        show(1300)
        sara.act("answer", sid=sara.newest_call())
        sara.see("· on the call")
        show(1600)
        sara.press("Hang up")
        sara.page.wait_for_selector("#confirm[open]")
        show(1200)
        sara.confirm("Hang up")
        sara.see("hung up by")
        sara.close()
        sara.card("3093", "hung up by")
        show(3000)
    return frames


def not_certain(stage: Stage) -> Frames:
    """Evo Voice's answer is lost while the phone rings, and Evo Voice shows nothing of the call."""
    with stage.visit() as sara:
        for fault in ("answer_lost", "calls_hidden"):
            sara.act("set_fault", id=fault, on=True)
        call(sara, "(814) 404-3097 survey")
        return still(sara.shot(sara.card("3097", "not certain")))


def home(stage: Stage) -> Frames:
    """An administrator's Home tab, with calls of the team on the phone and before."""
    morning = (
        (SARA, "(814) 404-3090 survey", "completed", 3),
        (BOSS, "(212) 555-0142 reminder", "no answer", 11),
        (SARA, "(312) 555-0187 appointment", "busy", 6),
        (BOSS, "(415) 555-0126 payment", "completed", 9),
    )
    with stage.visit((1280, 980)) as people:
        for who, text, end, minutes in morning:
            people.become(who)
            next_calls(people, ring_s=1, course="long")
            call(people, text)
            people.card(digits(text), end)
            stage.pass_time(timedelta(minutes=minutes), people)
        people.become(BOSS)
        next_calls(people, ring_s=1, course="long")
        call(people, "(512) 555-0163 survey")
        people.card("0163", "on the call")
        people.become(ADMIN)
        people.open_home()
        people.see("0163", "#home")
        return still(trimmed(people.shot("#home", SECONDS)))


def on_a_phone(stage: Stage) -> Frames:
    """A card at the width of a phone, in the dark."""
    with stage.visit(PHONE, is_dark=True) as sara:
        next_calls(sara, ring_s=1, course="long")
        call(sara, "(814) 404-3093 survey")
        return still(sara.shot(sara.card("3093", "on the call"), SECONDS))


def form(stage: Stage) -> Frames:
    """The form for a number that was called before."""
    with stage.visit((1180, 760)) as sara:
        next_calls(sara, ring_s=1, course="busy")
        call(sara, "(814) 404-3093 survey")
        sara.card("3093", "busy")
        stage.pass_time(timedelta(minutes=22), sara)
        sara.open_form("/call (814) 404-3093 survey", "busy")
        return still(sara.shot("#modal"))


def rules(stage: Stage) -> Frames:
    """What administrators see of the rules."""
    with stage.visit((1180, 1400)) as admin:
        admin.become(ADMIN)
        admin.open_home()
        admin.press("Rules", "#home")
        admin.see("hours")
        return still(admin.shot("#modal"))


def later(stage: Stage) -> Frames:
    """It is too early where the number is."""
    with stage.visit((1180, 760)) as sara:
        sara.open_channel("calls")
        sara.send("/call (415) 555-0126 reminder")
        sara.see("Caller ID")
        sara.press("Call")
        sara.see("When should EvoSlack call?")
        return still(sara.shot("#modal"))


RENDERING = "evoslack/slack/rendering/"
PAGE = "sandbox/page/*"
CARD = (
    PAGE,
    *(f"{RENDERING}{name}.py" for name in ("cards", "card_messages", "messages", "status_words")),
    *(f"{RENDERING}{name}.py" for name in ("button_messages", "blocks", "times")),
)
FORM = (
    PAGE,
    *(f"{RENDERING}{name}.py" for name in ("views", "form_messages", "number_line", "number_messages")),
)
SCENES = (
    Scene(
        "call",
        "A manager types /call (814) 404-3093 survey, checks the form with the flow Customer survey, and "
        "presses Call. The page shows calling, ringing, and on the call; she presses Hang up, and the card "
        "in the channel says: hung up by @sara.",
        (*CARD, *FORM[1:], f"{RENDERING}live_page.py", f"{RENDERING}page_messages.py"),
        the_whole_story,
        still=7,  # on the call
    ),
    Scene(
        "not-certain",
        "A card that says “not certain”: the phone may have rung, once, EvoSlack won't redial, and it is "
        "checking whether the phone rang.",
        CARD,
        not_certain,
    ),
    Scene(
        "home",
        "The Home tab of an administrator: who is on the phone now, with Hang up; the last 24 hours in "
        "numbers; a search; and the team's calls with their outcomes.",
        (*CARD, f"{RENDERING}home*.py"),
        home,
        AFTERNOON,
    ),
    Scene(
        "phone-dark",
        "A card at the width of a phone, in dark mode: on the call, answered 5 seconds ago, with Hang up.",
        CARD,
        on_a_phone,
    ),
    Scene(
        "form",
        "The form: number, where and what time it is there, the last call, flow, caller ID, and when.",
        FORM,
        form,
    ),
    Scene(
        "rules",
        "The page Rules: countries, kinds of numbers, calling hours, limits, masked numbers, and flows, "
        "with a button to change each of them except the kinds.",
        (PAGE, f"{RENDERING}rules_page*.py", f"{RENDERING}rule_messages.py", f"{RENDERING}blocks.py"),
        rules,
    ),
    Scene(
        "later",
        "Outside calling hours the form asks when to call instead, and offers the next time that is allowed.",
        (PAGE, f"{RENDERING}schedule_*.py", f"{RENDERING}hours_messages.py", f"{RENDERING}local_times.py"),
        later,
        EARLY,
    ),
)


# --- what several scenes do


def still(picture: Image.Image) -> Frames:
    """A film of one frame."""
    return [(picture, 0)]


def trimmed(picture: Image.Image) -> Image.Image:
    """Without the empty rest at the bottom."""
    empty = Image.new("RGB", picture.size, picture.getpixel((0, picture.height - 1)))
    box = ImageChops.difference(picture, empty).getbbox()
    return picture.crop((0, 0, picture.width, min(picture.height, box[3] + MARGIN))) if box else picture


def next_calls(
    visitor: Visitor, *, ring_s: int = 2, course: str = "answered", record: str = "at_once"
) -> None:
    """How the next calls go at the phone system."""
    visitor.act("next_calls", course=course, ring_s=ring_s, record=record, archived=False)


def call(visitor: Visitor, text: str) -> None:
    """Place a call from #calls, and close the page that follows it."""
    visitor.open_channel("calls")
    visitor.open_form(f"/call {text}")
    visitor.press("Call")
    visitor.see("You can close this")
    visitor.close()


def digits(text: str) -> str:
    """The last four digits of the number in a command."""
    return text.split("-")[1][:4]
