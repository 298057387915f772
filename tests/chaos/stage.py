"""A stage for experiments from outside: real bots in their own processes, people, and a ledger to read.

One bot or several, on SQLite or PostgreSQL, in Socket Mode or over HTTP, each with settings of its own.
"""

from __future__ import annotations

import tempfile
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from evoslack.ledger.store import Store
from sandbox.bot_process import READY, BotProcess
from sandbox.slack.delivery import Delivery
from tests.chaos.crowd import Crowd, Evidence, FormSubmission, bot_settings, events_url, evidence_when_kept
from tests.chaos.questions import answer_of
from tests.chaos.rights import Rights
from tests.chaos.tally import Tally
from tests.scenario.office import Office

SLACK_WAITS_S = 3.0
SETTLED_WITHIN_S = 100.0  # what a bot left lying while it could not run is taken up again after a minute
HANDS = 200


@dataclass(frozen=True)
class Set:
    """How the stage is set."""

    over_http: bool = False
    bots: int = 1
    people: int = 8
    database_url: str = ""  # empty: a SQLite file of its own
    settings: Mapping[str, str] = field(default_factory=dict)  # for every bot
    settings_of: Sequence[Mapping[str, str]] = ()  # for one bot each, on top

    @property
    def name(self) -> str:
        """In a few words."""
        bots = f"{self.bots} bots, " if self.bots > 1 else ""
        return f"{bots}{'HTTP' if self.over_http else 'Socket Mode'}"


class Stage:
    """The bots that run, the people in front of them, and the ledger to look into."""

    def __init__(self, scene: Set, folder: Path) -> None:
        self.set = scene
        self.office = Office(folder, scene.database_url or None)
        self.store = Store(scene.database_url or self.office.database_url)
        self.crowd = Crowd(self.office, scene.people)
        self.rights = Rights()
        mine = bot_settings(self.office, over_http=scene.over_http, **scene.settings)
        others = [*scene.settings_of, *({} for _ in range(scene.bots))]
        self.bots = [BotProcess(mine | dict(others[n]), folder) for n in range(scene.bots)]
        self.urls: list[str] = []
        self._hands = ThreadPoolExecutor(HANDS)

    def start(self) -> None:
        """Start every bot, and wait until the forms can offer something."""
        for bot in self.bots:
            bot.spawn()
        self.urls = [events_url(bot.wait_for_line(READY, 30)) for bot in self.bots]
        if self.set.over_http:
            self.use(*range(self.set.bots))
        else:
            # Each bot keeps two connections, so that neither is missed while the other one is busy.
            self.office.slack.wait_for(lambda: self.office.slack.connections >= 2 * self.set.bots, 20)

    def use(self, *bots: int) -> None:
        """Let payloads go to these bots in turn; HTTP only."""
        self.office.slack.request_url = [self.urls[bot] for bot in bots]

    def press_soon(self, press: FormSubmission) -> Future[Delivery]:
        """Press in the background; the future has what came of it."""

        def act() -> Delivery:
            self.crowd.press(press)
            return press.deliveries[-1]

        return self._hands.submit(act)

    def has_form(self, press: FormSubmission) -> bool:
        """Whether the form is still on the screen, so that its button can be pressed."""
        view = self.office.slack.modal(press.who)
        return view is not None and bool(view["submit"])

    def submit(self, act: object, *arguments: object) -> Future[object]:
        """Do anything in the background."""
        return self._hands.submit(act, *arguments)  # type: ignore[arg-type]

    def restart(self, bot: int = 0) -> None:
        """Stop a bot in good order and start it again: it remembers nobody's permission then."""
        self.bots[bot].stop()
        self.bots[bot].spawn()
        self.urls[bot] = events_url(self.bots[bot].wait_for_line(READY, 30))
        if self.set.over_http:
            self.use(*range(self.set.bots))
        else:
            self.office.slack.wait_for(lambda: self.office.slack.connections >= 2 * self.set.bots, 20)

    def is_healthy(self, bot: int = 0) -> bool:
        """What the health check says; HTTP only."""
        with suppress(OSError), urllib.request.urlopen(health_url(self.urls[bot]), timeout=5) as answer:
            return int(answer.status) == 200
        return False

    def evidence(self, presses: Sequence[FormSubmission], within_s: float = SETTLED_WITHIN_S) -> Evidence:
        """What there is to see once everybody knows, or when the time is up."""
        return evidence_when_kept(self.look, presses, within_s)

    def look(self) -> Evidence:
        """What there is to see now; an honest no is an answer here."""
        return Evidence(self.office, self.store, self.rights, may_say_no=True)

    def close(self) -> None:
        """Leave nothing running."""
        self._hands.shutdown(wait=False, cancel_futures=True)
        for bot in self.bots:
            bot.close()
        self.store.close()
        self.office.close()


@contextmanager
def stage(scene: Set) -> Iterator[Stage]:
    """The bots run, and stop afterwards."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        found = Stage(scene, Path(folder))
        try:
            found.start()
            yield found
        finally:
            found.close()


@contextmanager
def meanwhile(act: Callable[[threading.Event], object]) -> Iterator[None]:
    """`act` runs beside what happens inside; afterwards its event tells it to end."""
    enough = threading.Event()
    acting = threading.Thread(target=act, args=[enough])
    acting.start()
    try:
        yield
    finally:
        enough.set()
        acting.join()


def health_url(events: str) -> str:
    """Where a bot says how it is."""
    return events.replace("/slack/events", "/healthz")


def press_again(one: Stage, presses: Sequence[FormSubmission], times: int = 3) -> None:
    """What people do when there was no answer or a no: the same form again, while it is still there."""
    for _time in range(times):
        again = [press for press in presses if not press.deliveries or press.deliveries[-1].seen]
        for done in [one.press_soon(press) for press in again]:
            done.result()


def count(
    one: Stage, tally: Tally, presses: Sequence[FormSubmission], within_s: float = SETTLED_WITHIN_S
) -> Tally:
    """Wait until everybody knows, and count every press."""
    evidence = one.evidence(presses, within_s)
    for press in presses:
        evidence.count(tally, press)
    tally.figures |= dict(evidence.states(presses))
    tally.figures["presses that saw Slack's own error"] = sum(
        not each.acked for press in presses for each in press.deliveries
    )
    answers = [answer_of(each) for press in presses for each in press.deliveries]
    tally.figures["presses answered with a no"] = answers.count("no")
    tally.figures["presses answered that something broke"] = answers.count("unclear")
    tally.lost += [f"Slack did not understand: {complaint}" for complaint in one.office.slack.complaints]
    return tally
