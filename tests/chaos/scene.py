"""Where an experiment happens: one workspace, one phone system, one ledger, and people who press.

Also the judgement of every press: how often the phone rang, and whether the card, the private message and the
ledger say the same.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

from evoslack.calling.calls import FINAL, OPEN_STATES, UNANSWERED, Call, State
from evoslack.calling.matching import UNSEEN_LIMIT
from evoslack.calling.switchboard import PLACING_LIMIT
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.schema import calls, claimable_at, notifications
from evoslack.ledger.store import Store
from evoslack.runtime.clock import counting_s
from evoslack.settings import Settings
from evoslack.slack.background.notifier import LEASE
from evoslack.wiring import build
from evoslack.wiring.engine import SWEEP_EVERY_S
from sandbox.bot_process import BotProcess, sandbox_settings
from sandbox.evo.calls import Ring
from sandbox.evo.voice import EvoVoice
from sandbox.evo.world import PASSWORD
from sandbox.slack.delivery import Delivery
from sandbox.slack.workspace import SlackWorkspace
from tests.chaos.crowd import until, wait
from tests.chaos.judge import wrong_with
from tests.chaos.questions import Verdict, asked_of, lines_about
from tests.chaos.rights import Rights
from tests.chaos.tally import Scale, Tally
from tests.postgres import postgres

OUTGOING = "/sessions/outgoing"
REGION = "US"  # which the settings mean when they say nothing
PEOPLE = 8  # who press at the same moment
PRESSES = 3  # the most that anybody presses one form
LATER = max(LEASE, PLACING_LIMIT) + timedelta(seconds=5)  # by then nothing of a dead bot is left to wait for
SETTLED_WITHIN_S = 2 * (LATER.total_seconds() + SWEEP_EVERY_S)
CORRECTED_WITHIN_S = UNSEEN_LIMIT.total_seconds() + SWEEP_EVERY_S  # then doubt is settled
AFTER_A_JUMP_S = 1.5  # a bot takes what comes right after it for something that waited
NOT_BEGUN = sorted({*OPEN_STATES, *UNANSWERED} - {State.PLACING})

logging.getLogger("evoslack").addHandler(logging.NullHandler())  # a bot in this process keeps its log


@dataclass
class FormSubmission:
    """One filled-in form and every press of its button; `how` says how to do that again."""

    user_id: str
    number: str
    how: str
    answers: list[Delivery] = field(default_factory=list)

    @property
    def acked(self) -> bool:
        """Whether the app answered the last press."""
        return bool(self.answers) and self.answers[-1].acked


class Scene:
    """The stand-ins, the ledger, and what people do."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.slack, self.evo = SlackWorkspace(), EvoVoice()
        self.slack.start()
        self.evo.start()
        self.folder = folder
        self.rights = Rights()
        self.settings = sandbox_settings(self.slack, self.evo, database_url)
        self._store = Store(database_url)
        self._people = ThreadPoolExecutor(PEOPLE)
        self._numbers = itertools.count(8144040000)

    def close(self) -> None:
        """Everybody goes home."""
        self._people.shutdown(cancel_futures=True)
        self._store.close()
        self.slack.close()
        self.evo.close()

    # --- people

    def newcomer(self, name: str) -> str:
        """Add a person who may call; returns the user id."""
        user_id, email = f"U{name.upper()}", f"{name}@acme.test"
        self.evo.world.add_login(email, PASSWORD)
        self.slack.add_user(user_id, name, email)
        return user_id

    def fill_in(self, user_id: str, how: str, within_s: float = 8) -> FormSubmission:
        """Open a new form and fill it in, with a number that nobody has called yet.

        AssertionError or LookupError when the app does not play along; then nothing was pressed.
        """
        if self.slack.modal(user_id) is not None:
            self.slack.close_modal(user_id, everything=True)
        delivery = self.slack.type_command(user_id)
        assert delivery.acked, delivery.seen
        self.slack.wait_for_modal(user_id, "call_form", within_s)
        number = str(next(self._numbers))
        self.slack.fill(user_id, {"flow": "flow2", "number": number})
        return FormSubmission(user_id, f"+1{number}", how)

    def press(self, press: FormSubmission) -> None:
        """Press the button, and wait for what comes of it."""
        press.answers.append(self.slack.submit(press.user_id))

    def press_until_acked(self, press: FormSubmission) -> None:
        """What people do when Slack says that it had trouble: the same form again."""
        while not press.acked and len(press.answers) < PRESSES:
            self.slack.wait_for(lambda: self.slack.connections, 60, "a bot")
            try:
                self.press(press)
            except LookupError:  # the form became a page, which says what became of its call
                return

    def start_pressing(self, press: FormSubmission) -> Any:
        """Press in the background; the future is done when Slack has shown what came of it."""
        return self._people.submit(self.press, press)

    # --- what the ledger says

    def has_nothing_to_do(self) -> bool:
        """Whether nobody can dial or tell anything at this moment."""
        at = datetime.now(UTC)
        untold = sa.select(notifications.c.call_id).where(claimable_at(notifications) <= at)
        waiting = sa.select(calls.c.id).where(calls.c.state == State.ACCEPTED)
        return not self._ask(waiting) and not self._ask(untold)

    def is_told(self, press: FormSubmission) -> bool:
        """Whether this press became a call of which nothing is left to tell for now."""
        told = (
            sa.select(calls.c.id)
            .join(notifications)
            .where(calls.c.number == press.number, claimable_at(notifications).is_(None))
        )
        return bool(self._ask(told.where(calls.c.state.not_in(NOT_BEGUN))))

    def is_given_up(self, press: FormSubmission) -> bool:
        """Whether this press was answered, by the bot or by Slack's own error, and became no call.

        A slow bot denies what is late, or what it cannot check in time.
        """
        written = sa.select(calls.c.id).where(calls.c.number == press.number)
        return bool(press.answers) and not self._ask(written)

    def is_open(self, press: FormSubmission) -> bool:
        """Whether its call is not over."""
        states = self._ask(sa.select(calls.c.state).where(calls.c.number == press.number))
        return any(State(state) in {*OPEN_STATES, *UNANSWERED} for (state,) in states)

    def rings(self, press: FormSubmission) -> int:
        """How often that phone rang."""
        return sum(ring.number == press.number for ring in list(self.evo.world.rings))

    def _ask(self, query: sa.Select[Any]) -> list[Any]:
        with self._store.engine.connect() as connection:
            return list(connection.execute(query))

    # --- the end

    def settle(self, presses: Iterable[FormSubmission], scale: Scale) -> None:
        """One more bot, which stays alive: people without an answer press again, then all settles.

        For a short experiment its clocks are put ahead, so that the waiting that is meant for other bots is
        over.
        """
        self.slack.clear_faults()
        self.evo.clear_faults()
        self.slack.wait_for(lambda: not self.slack.connections, what="the dead bots' connections to be gone")
        passed = timedelta(0)
        bot = (
            BotProcess(self.settings, self.folder)
            if scale == "long"
            else build(
                Settings.from_env(self.settings),
                now=lambda: datetime.now(UTC) + passed,
                clock_s=lambda: counting_s() + passed.total_seconds(),
            )
        )
        bot.start()
        try:
            if scale == "short":
                passed = LATER
                wait(AFTER_A_JUMP_S)
            list(self._people.map(self.press_until_acked, presses))
            with contextlib.suppress(AssertionError):  # whatever is not settled then is found by the judge
                self.slack.wait_for(self._is_settled, SETTLED_WITHIN_S)
        finally:
            bot.stop()

    def _is_settled(self) -> bool:
        """Nothing is open, untold, or about to be corrected: a call that rang is still found at Evo Voice."""
        ledger = CallLedger(self._store)
        if any(ledger.count_open().values()):
            return False
        rang = {ring.number for ring in list(self.evo.world.rings)}
        unsettled = [call for call in ledger.newest(1_000_000) if call.state is not State.PLACED]
        looked_for = [call for call in unsettled if call.progress is not None and call.progress not in FINAL]
        if any(call.request.number in rang for call in looked_for):
            return False
        return not NotificationLedger(self._store).count_untold()  # last: a correction must be told, too

    def judge(self, presses: Iterable[FormSubmission], tally: Tally, within_s: float = 0) -> None:
        """Count every press: how often it rang, and what is wrong with what people know.

        While a bot is still correcting cards, give it `within_s` seconds to do so.
        """
        pressed, found = list(presses), list[_Found]()

        def is_right() -> bool:
            found[:] = self._look_at(pressed)
            return not any(each.wrong for each in found)

        until(is_right, within_s)
        for each in found:
            lost = "; ".join([*each.verdict.sentences, *each.wrong])
            tally.count(
                each.rings,
                lost=f"{each.press.how}: {lost} ({each.facts})" if lost else "",
                verdict=each.verdict,
            )

    def _look_at(self, presses: Iterable[FormSubmission]) -> list[_Found]:
        """What there is to see of these presses now."""
        rings: dict[str, list[Ring]] = defaultdict(list)
        for ring in list(self.evo.world.rings):
            rings[ring.number].append(ring)
        calls: dict[str, list[Call]] = defaultdict(list)
        for call in CallLedger(self._store).newest(1_000_000):
            calls[call.request.number].append(call)
        shown = self.slack.shown()
        cards: dict[str, list[str]] = defaultdict(list)
        for message in self.slack.messages("C_CALLS"):
            cards[message["metadata"]["event_payload"]["call_id"]].append(message["text"])
        found = []
        for press in presses:
            mine, rang = calls[press.number], rings[press.number]
            cards_of_it = [card for call in mine for card in cards[call.id]]
            lines = [line.text for line in self.slack.private(press.user_id)]
            about = lines_about(shown, press.user_id, press.number, {call.id for call in mine})
            verdict = asked_of(press.answers, rang, about, press.user_id, self.rights)
            wrong = [*_problems(press, mine, len(rang), cards_of_it, lines)]
            answers = [each.failure or str(each.payload)[:90] for each in press.answers]
            facts = f"rings {len(rang)}, states {[call.state.value for call in mine]}, cards {cards_of_it}"
            facts += f", private messages {lines}, answers {answers}"
            found.append(_Found(press, len(rang), verdict, wrong, facts))
        return found


@dataclass(frozen=True)
class _Found:
    """What became of one press."""

    press: FormSubmission
    rings: int
    verdict: Verdict
    wrong: list[str]
    facts: str


def _problems(
    press: FormSubmission, mine: list[Call], rang: int, cards: list[str], lines: list[str]
) -> Iterator[str]:
    if not mine:
        yield from _problems_without_call(press, rang)
        return
    yield from wrong_with(mine, rang, cards, lines)


def _problems_without_call(press: FormSubmission, rang: int) -> Iterator[str]:
    if rang:
        yield "the phone rang for a call that was never written down"
    last = press.answers[-1]
    if not (last.payload if last.acked else last.seen):
        yield "neither a call nor a word about it"


@contextmanager
def scene(database_url: str = "") -> Iterator[Scene]:
    """A scene, and the end of it; without an address its ledger is a SQLite file of its own."""
    with tempfile.TemporaryDirectory() as folder:
        found = Scene(Path(folder), database_url or f"sqlite:///{folder}/ledger.db")
        try:
            yield found
        finally:
            found.close()


def new_databases() -> Iterator[str]:
    """The address of one empty PostgreSQL database after the other; the first one starts the server."""
    with postgres() as server:
        for number in itertools.count():
            with psycopg.connect(server.uri, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE scene{number}")
            yield sa.make_url(server.url).set(database=f"scene{number}").render_as_string(hide_password=False)
