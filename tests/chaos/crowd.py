"""Many people with a form to press, and the evidence of what became of each press.

For experiments with a real bot or several: who pressed for which number, how often that phone rang, what the
channel's card says and what the person alone was told. Everybody calls numbers of their own.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from evoslack.calling.calls import Call
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.store import Store
from sandbox.bot_process import BotProcess, sandbox_settings
from sandbox.evo.calls import Ring
from sandbox.evo.world import PASSWORD
from sandbox.slack.delivery import Delivery
from tests.chaos.judge import wrong_with
from tests.chaos.questions import Verdict, answer_of, asked_of, lines_about
from tests.chaos.rights import Rights
from tests.chaos.tally import Scale, Tally
from tests.scenario.office import Office

T = TypeVar("T")

FORMS_AT_ONCE = 12
GLANCE_S = 0.2


@dataclass
class FormSubmission:
    """One press of the button, and the deliveries of it."""

    who: str
    number: str
    deliveries: list[Delivery]

    @property
    def acked(self) -> bool:
        """Whether the bot acknowledged it, at least once."""
        return any(delivery.acked for delivery in self.deliveries)


class Crowd:
    """People who may call, in front of the stand-in Slack of an office."""

    def __init__(self, office: Office, people: int) -> None:
        self.office = office
        self.people = [f"U_P{n}" for n in range(people)]
        self._numbers = iter(range(10_000))
        self._lock = threading.Lock()
        for n, who in enumerate(self.people):
            office.slack.add_user(who, f"p{n}", f"p{n}@acme.test")
            office.evo.world.add_login(f"p{n}@acme.test", PASSWORD, first_name=f"P{n}")

    def open_form(self, who: str) -> FormSubmission:
        """Type /call with a number of one's own and a word of the flow; the form is complete then."""
        with self._lock:
            number = f"+1814404{next(self._numbers):04d}"
        self.office.form(who, f"{number} survey")
        return FormSubmission(who, number, [])

    def open_forms(self, count: int) -> list[FormSubmission]:
        """So many people get a form, each on a screen of their own."""
        with ThreadPoolExecutor(FORMS_AT_ONCE) as hands:
            return list(hands.map(self.open_form, self.people[:count]))

    def press(self, press: FormSubmission) -> FormSubmission:
        """Press the button of the form."""
        press.deliveries.append(self.office.slack.submit(press.who))
        return press

    def keep_calling(self, who: str, done: threading.Event) -> tuple[list[FormSubmission], list[str]]:
        """Call one number after the other; the presses, and what went wrong before them."""
        presses: list[FormSubmission] = []
        missed: list[str] = []
        while not done.is_set():
            try:
                presses.append(self.press(self.open_form(who)))
            except AssertionError as error:
                missed.append(f"{who} got no form: {error or 'Slack showed its own error'}")
        return presses, missed


class Evidence:
    """What the ledger, the phones and the channel say at one moment.

    With `may_say_no` an honest no, or that something broke, is as good as a call if nothing rings; without it
    something is wrong with either.
    """

    def __init__(
        self, office: Office, store: Store, rights: Rights | None = None, *, may_say_no: bool = False
    ) -> None:
        self._office = office
        self._may_say_no = may_say_no
        self._rights = rights or Rights()
        self._calls: dict[str, list[Call]] = defaultdict(list)
        for call in CallLedger(store).newest(10_000):
            self._calls[call.request.number].append(call)
        self._rings: dict[str, list[Ring]] = defaultdict(list)
        for ring in list(office.evo.world.rings):
            self._rings[ring.number].append(ring)
        self._shown = office.slack.shown()
        self._cards: dict[str, list[str]] = defaultdict(list)
        for card in office.cards():
            self._cards[card["metadata"]["event_payload"]["call_id"]].append(card["text"])

    def call(self, press: FormSubmission) -> Call | None:
        """The call that a press became."""
        return next(iter(self._calls[press.number]), None)

    def states(self, presses: Iterable[FormSubmission]) -> Counter[str]:
        """How many calls ended how."""
        calls = [self.call(press) for press in presses]
        return Counter(call.state.value if call else "not written down" for call in calls)

    def begun_by(self, bot: BotProcess, presses: Iterable[FormSubmission]) -> list[FormSubmission]:
        """The presses whose calls this bot dialed or began to dial, as its log tells."""
        begun = {line.split("call ")[1].split()[0] for line in list(bot.log) if line.endswith(": placing")}
        calls = [(press, self.call(press)) for press in presses]
        return [press for press, call in calls if call is not None and call.id in begun]

    def rings(self, press: FormSubmission) -> int:
        """How often that phone rang."""
        return len(self._rings[press.number])

    def verdict(self, press: FormSubmission) -> Verdict:
        """The answers to the three questions."""
        call_ids = {call.id for call in self._calls[press.number]}
        lines = lines_about(self._shown, press.who, press.number, call_ids)
        return asked_of(press.deliveries, self._rings[press.number], lines, press.who, self._rights)

    def count(
        self, tally: Tally, press: FormSubmission, *, also: str = "", card_may_be_late: bool = False
    ) -> None:
        """Count a press with everything that is wrong with it; `also` is what the experiment found itself."""
        verdict = self.verdict(press)
        wrong = [*(f"{press.number}: {each}" for each in verdict.sentences), also]
        wrong.append(self.trouble(press, card_may_be_late=card_may_be_late))
        tally.count(self.rings(press), lost="; ".join(each for each in wrong if each), verdict=verdict)

    def trouble(self, press: FormSubmission, *, card_may_be_late: bool = False) -> str:
        """What is wrong with what became of a press; empty when the promise was kept.

        With `card_may_be_late` a private message is enough: Slack itself delays the cards.
        """
        call, rings = self.call(press), self.rings(press)
        if call is None:
            # Slack's own error told the person, who presses again; or a no did, where that can be.
            fine = {"error", "no", "unclear"} if self._may_say_no else {"error"}
            answers = {answer_of(each) for each in press.deliveries}
            shown = self._office.slack.field_errors(press.who) or self._office.page(press.who)
            is_wrong = rings or not answers <= fine
            return f"{press.number}: acked, but not written down: {shown}" if is_wrong else ""
        wrong = wrong_with(
            self._calls[press.number],
            rings,
            self._cards[call.id],
            self._office.told(call.request.user_id),
            card_may_be_late=card_may_be_late,
        )
        return "; ".join(f"{press.number} ({call.state}, {call.reason}): {each}" for each in wrong)

    def troubles(self, presses: Iterable[FormSubmission], *, card_may_be_late: bool = False) -> list[str]:
        """Everything that is wrong."""
        found = (self.trouble(press, card_may_be_late=card_may_be_late) for press in presses)
        return [trouble for trouble in found if trouble]


def evidence_when_kept(
    look: Callable[[], Evidence], presses: Sequence[FormSubmission], within_s: float
) -> Evidence:
    """The first evidence without problems (cards are corrected for a while), or the last."""
    found: list[Evidence] = []

    def is_kept() -> bool:
        found[:] = [look()]
        return not found[0].troubles(presses)

    until(is_kept, within_s)
    return found[0]


def bot_settings(office: Office, *, over_http: bool, **more: str) -> dict[str, str]:
    """Settings of a bot in a process of its own."""
    settings = sandbox_settings(office.slack, office.evo, office.database_url) | more
    if over_http:
        del settings["SLACK_APP_TOKEN"]
        settings |= {"SLACK_SIGNING_SECRET": "sandbox-secret", "PORT": "0"}
    return settings


def events_url(ready_line: str) -> str:
    """Where a bot takes payloads, as its ready line says."""
    return ready_line.partition("HTTP on ")[2].partition(",")[0]


def at_moments(moments: Sequence[float], act: Callable[[int], T]) -> tuple[list[T], list[float]]:
    """Do `act(n)` at `moments[n]`, each in a thread of its own; the results, and how late each began.

    The lateness is the load's own: this process carries the people and both stand-ins as well.
    """
    started, clock = time.monotonic(), threading.Event()

    def one(n: int) -> tuple[T, float]:
        clock.wait(max(started + moments[n] - time.monotonic(), 0))
        late = time.monotonic() - started - moments[n]
        return act(n), late

    with ThreadPoolExecutor(len(moments)) as hands:
        done = list(hands.map(one, range(len(moments))))
    return [result for result, _late in done], [late for _result, late in done]


def at_once(times: int, act: Callable[[], T]) -> list[T]:
    """Do the same several times at the same moment."""
    barrier = threading.Barrier(times)

    def one(_n: int) -> T:
        barrier.wait()
        return act()

    with ThreadPoolExecutor(times) as hands:
        return list(hands.map(one, range(times)))


def until(predicate: Callable[[], T], within_s: float) -> T:
    """The predicate's value once it is true, or its last one; polls slowly to cause no load."""
    deadline, clock = time.monotonic() + within_s, threading.Event()
    while not (value := predicate()) and time.monotonic() < deadline:
        clock.wait(GLANCE_S)
    return value


def wait(seconds: float) -> None:
    """Let time pass."""
    threading.Event().wait(seconds)


def percentiles_ms(what: str, seconds: Iterable[float]) -> dict[str, float | str]:
    """p50, p99 and the worst, as figures of a count."""
    ordered = sorted(seconds)
    at = {"p50": len(ordered) // 2, "p99": min(len(ordered) - 1, int(len(ordered) * 0.99)), "max": -1}
    return {f"{what} {name} ms": round(ordered[n] * 1000, 1) for name, n in at.items()}


def by_hand(run: Callable[[Scale], list[Tally]]) -> NoReturn:
    """Run an experiment from the command line: print what was counted, and fail if the promise broke."""
    tallies = run("short" if "short" in sys.argv else "long")
    for one in tallies:
        verdict = "kept" if one.kept else "BROKEN"
        print(one.what, verdict, dict(one.rings), one.figures, *one.lost[:20], sep="\n  ")
    sys.exit(not all(one.kept for one in tallies))
