"""A bad phone system: every fault that there is, for the request that dials and for every read.

What each answer proves stands in `docs/guarantee.md`; here it is tried, through the whole bot. A read that
goes wrong must end in a sentence in time, and the same form must work as soon as the trouble is over.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
from datetime import UTC, datetime, timedelta
from typing import Self

from evoslack.calling.calls import Call, State
from evoslack.runtime.clock import counting_s
from evoslack.settings import Settings
from evoslack.wiring import build
from sandbox.evo.faults import ANSWERS, BEHAVIORS
from tests.chaos.scene import CORRECTED_WITHIN_S, OUTGOING, FormSubmission, Scene, scene
from tests.chaos.tally import Scale, Tally

DEADLINE_S = 1.5  # instead of 30; nothing else is different
PLACED, REJECTED, IN_DOUBT = State.PLACED, State.REJECTED, State.IN_DOUBT

# How the request that dials goes wrong, how often in a row (None: for ever), and where the call must end.
NOES = ("400_json", "403_text", "403_json", "404_text", "404_json", "429")
DIALING: list[tuple[str, int | None, State]] = [
    *((kind, 1, REJECTED) for kind in NOES),
    *((f"{kind}_after_ring", 1, REJECTED) for kind in NOES),  # from late in the service: no proof
    *((kind, 1, IN_DOUBT) for kind in ("206", "redirect", "400_text", "500_json", "502_html", "html_200")),
    *((kind, 1, IN_DOUBT) for kind in ("hang", "cut", "cut_in_answer", "drip", "late_ring")),
    *(
        (f"{kind}_after_ring", 1, IN_DOUBT)
        for kind in ("206", "redirect", "400_text", "500_json", "502_html", "html_200")
    ),
    *((f"{kind}_after_ring", 1, IN_DOUBT) for kind in ("hang", "cut", "drip")),
    *((f"{kind}_after_ring", 1, PLACED) for kind in ("garbage_200", "headers_then_silence")),
    *((f"{kind}_after_ring", 1, PLACED) for kind in ("cut_in_answer", "slow")),
    ("slow", 1, PLACED),
    ("401_empty", 1, PLACED),
    ("401_empty", None, REJECTED),
]

SIGHTS = ("/calls/active", "/sessions")
FOUND_WITHIN_S = 30.0
READING = sorted({*ANSWERS, *BEHAVIORS} - {"slow", "late_ring"})
ASKED_AT_SUBMIT = ("/users", "/auth/credentials")
SECONDS = {"late_ring": 2 * DEADLINE_S}  # else 0.3: too slow for drops of it, in time for a slow answer


def run(scale: Scale) -> list[Tally]:
    """Both tables, once; in the long form three times."""
    dialing, reading = Tally("bad phone system: dialing"), Tally("bad phone system: reading")
    for _round in range(3 if scale == "long" else 1):
        with scene() as here, _Bot(here) as bot:
            _dial(here, bot, dialing)
        with scene() as here, _Bot(here) as bot:
            _read(here, bot, reading)
    return [dialing, reading]


class _Bot:
    """The bot in this process, because its memory of permissions has to be put forward."""

    def __init__(self, here: Scene) -> None:
        self._here = here
        self._passed = timedelta(0)

    def __enter__(self) -> Self:
        self._bot = build(
            Settings.from_env(self._here.settings),
            now=lambda: datetime.now(UTC) + self._passed,
            clock_s=lambda: counting_s() + self._passed.total_seconds(),
            dial_deadline_s=DEADLINE_S,
        )
        self._bot.start()
        self._here.slack.wait_for_connection()
        return self

    def __exit__(self, *_: object) -> None:
        self._bot.stop()

    def restart(self) -> None:
        """Forget a rejected login, which would pause logins for a minute."""
        self.__exit__()
        self.__enter__()

    def forget_permissions(self) -> None:
        """A minute and a second go by."""
        self._passed += timedelta(seconds=61)

    def call(self, press: FormSubmission) -> Call | None:
        """What a press became."""
        calls = self._bot.calls.newest(1000)
        return next((call for call in calls if call.request.number == press.number), None)


def _dial(here: Scene, bot: _Bot, tally: Tally) -> None:
    presses: list[FormSubmission] = []
    wrong: list[str] = []
    took_s: list[float] = []
    for kind, times, state in DIALING:
        press = here.fill_in(here.newcomer(f"d{len(presses)}"), f"{kind}, {times or 'any number of'} times")
        for path in SIGHTS:  # or doubt would be settled before anyone can see it
            here.evo.fault(path, "502_html", None, method="GET")
        here.evo.fault(OUTGOING, kind, times, seconds=SECONDS.get(kind, 0.3))
        here.press(press)
        here.slack.wait_for(lambda press=press: _is_over(here, press), 10, press.how)
        here.evo.clear_faults()
        call = bot.call(press)
        if call is None or call.state is not state:
            wrong.append(f"{press.how}: ended as {call and call.state}, not as {state}")
        elif call.finished_at and call.began_at:
            took_s.append((call.finished_at - call.began_at).total_seconds())
        presses.append(press)
        if kind == "401_empty" and times is None:
            bot.restart()
    (late,) = [press for press in presses if press.how.startswith("late_ring,")]
    here.evo.wait_for(lambda: here.rings(late))
    rang = [press for press in presses if here.rings(press)]

    def found() -> bool:
        return all((call := bot.call(press)) and call.state is PLACED for press in rang)

    with contextlib.suppress(AssertionError):  # whichever is not found then is found by the judge
        here.slack.wait_for(found, FOUND_WITHIN_S)
    wrong += [
        f"{press.how}: it rang, and was not found in {FOUND_WITHIN_S:g} s"
        for press in rang
        if (call := bot.call(press)) is None or call.state is not PLACED
    ]
    here.judge(presses, tally, within_s=CORRECTED_WITHIN_S)
    wrong += [
        f"{press.how}: it did not ring, and is said to be placed"
        for press in presses
        if press not in rang and (call := bot.call(press)) and call.state is PLACED
    ]
    if max(took_s) > DEADLINE_S + 2:  # the rest is for a busy machine
        wrong.append(f"one dialing took {max(took_s):.1f} s")
    tally.lost += wrong
    tally.figures |= {"kinds": len(DIALING), f"slowest s (deadline {DEADLINE_S})": round(max(took_s), 2)}


def _is_over(here: Scene, press: FormSubmission) -> bool:
    return here.is_told(press) and not here.is_open(press)


def _read(here: Scene, bot: _Bot, tally: Tally) -> None:
    presses: list[FormSubmission] = []
    answered_s: list[float] = []
    for path, kind in itertools.product(ASKED_AT_SUBMIT, READING):
        press = here.fill_in(here.newcomer(f"r{len(presses)}"), f"{path} {kind}")
        bot.forget_permissions()
        here.evo.expire_logins()
        here.evo.fault(path, kind, None, seconds=0.3)
        here.press(press)
        here.evo.clear_faults()
        answered_s.append(press.answers[-1].seconds)
        if not press.acked or bot.call(press) or here.rings(press):
            tally.lost.append(
                f"{press.how}: no sentence in time, or called all the same: {press.answers[-1]}"
            )
        if path == "/auth/credentials" or kind == "401_empty":
            bot.restart()
        here.slack.wait_for(lambda press=press: bot.call(press) or here.press(press), 10, press.how)
        here.slack.wait_for(lambda press=press: _is_over(here, press), 10, press.how)
        presses.append(press)
    here.judge(presses, tally, within_s=CORRECTED_WITHIN_S)
    tally.figures |= {"kinds": len(presses), "slowest answer s": round(max(answered_s), 2)}


if __name__ == "__main__":
    for found in run("long" if sys.argv[1:] == ["long"] else "short"):
        print(found)
