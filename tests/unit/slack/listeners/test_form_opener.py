"""Opening forms: in which order things are asked, and that nobody is left without a word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from slack_sdk.errors import SlackClientError

from evoslack.calling.access import Access
from evoslack.calling.arrival import Arrival
from evoslack.calling.calls import Call, Role
from evoslack.calling.offer import CallerId, Flow, Offer
from evoslack.calling.refusals import (
    CannotCheck,
    CannotEvaluate,
    Denial,
    NotAllowed,
    NothingToOffer,
    Refusal,
    Source,
)
from evoslack.calling.request_keys import new_key
from evoslack.calling.rulebook import A_DAY, Limit, StoredRule
from evoslack.runtime.clock import Clock
from evoslack.slack.card_links import CardLinks
from evoslack.slack.listeners.busy_number import BusyNumbers
from evoslack.slack.listeners.form_opener import FormOpener
from evoslack.slack.listeners.number_lines import NumberLines
from evoslack.slack.listeners.page_opener import OpenRequest, PageOpener
from evoslack.slack.listeners.reply import TRIGGER_LIVES_S
from evoslack.slack.listeners.shortcuts import ShortcutListeners
from evoslack.slack.payloads import ARRIVAL
from evoslack.slack.rendering import form_messages, views
from evoslack.slack.rendering.blocks import Block
from tests.rules import US_ONLY, KnownFacts, rule_check

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
OFFER = Offer("acc1", (Flow("flow2", "Survey"),), (CallerId("+12025550100"),), CallerId("+12025550100"))
SETTINGS = views.FormSettings("/call", "US", frozenset({"US"}), "C_CALLS", frozenset({"hooks.slack.com"}))
A_DAYS = Limit(20, A_DAY, per_person=True)
LIMITED = replace(US_ONLY, limits=(A_DAYS,))
PAGES: Any = None  # nothing here answers a button
NO = NotAllowed(Denial.ROLE)
SEARCH = "the text is searched"


class Message(dict[str, Any]):
    """A message that notices when a person reads it."""

    def __init__(self, on_read: Callable[[], None]) -> None:
        super().__init__(type="message", text="call 814 404 3093")
        self._on_read = on_read

    def get(self, key: str, default: Any = None) -> Any:
        self._on_read()
        return super().get(key, default)

    def __getitem__(self, key: str) -> Any:
        self._on_read()
        return super().__getitem__(key)


def in_the_background(ask: Callable[[], None], tell: Callable[[str], None]) -> None:
    """As a pool does it: what breaks there is logged there."""
    try:
        ask()
    except ConnectionError:
        tell("broken")


class World:
    """Slack, the permission and the catalog on a page; `events` is what happened, in order."""

    def __init__(self, answer: Refusal | Role = Role.MANAGER, *, known: bool = False) -> None:
        self.events: list[str] = []
        self.told: list[str] = []
        self.opened: list[Block] = []
        self.fails: Exception | None = None
        self.wall = T0
        self.waiting: list[Callable[[], None]] = []
        self._answer, self._known = answer, known
        self.facts = KnownFacts()
        access = Access(self, lambda: OFFER)
        busy = BusyNumbers(self, access, CardLinks("", lambda _ids: {}), SETTINGS, lambda: T0)
        rules = rule_check(LIMITED, self.facts, T0)
        self.opener = FormOpener(
            PageOpener(self, self, access, self._later("known"), self._later("others")),
            access,
            self.refresh,
            SETTINGS,
            NumberLines(self, busy, rules, SETTINGS, in_the_background, lambda: T0),
            lambda: T0,
            lambda: new_key("timeline"),
        )
        self.listeners = ShortcutListeners(
            self, access, self.opener, SETTINGS, PAGES, lambda _user, words: self.say(words)
        )

    def _later(self, pool: str) -> Any:
        def run(work: Callable[[], None], tell: Any = None) -> None:
            self.events.append(f"handed to {pool}")
            self.waiting.append(work)

        return run

    def goes_on(self) -> None:
        """What waits in the background is done."""
        while self.waiting:
            self.waiting.pop(0)()

    def say(self, words: str) -> None:
        self.told.append(words)

    # Slack
    def views_open(self, *, trigger_id: str, view: Block) -> None:
        self.events.append(f"opens {view['callback_id']}")
        if self.fails is not None:
            raise self.fails
        self.opened.append(view)

    def views_update(self, *, external_id: str, view: Block) -> None:
        self.events.append(f"shows {view.get('callback_id', '')}")
        self.opened.append(view)

    # the permission
    def is_known(self, user_id: str, team_id: str, account_id: str) -> bool:
        return self._known

    def require(self, user_id: str, team_id: str, account_id: str) -> Role:
        self.events.append("asks for the role")
        if isinstance(self._answer, Refusal):
            raise self._answer
        return self._answer

    def refresh(self) -> bool:
        return True

    # the calls
    def for_a_form(self, *_about: str | int) -> tuple[Call | None, list[Call]]:
        return None, []

    def get(self, call_id: str) -> None:
        return None

    def passed_s(self) -> float:
        return (self.wall - T0).total_seconds()

    def arrival(self) -> Arrival:
        clock = Clock(lambda: self.wall, self.passed_s)
        return Arrival(clock, clock.moment())

    def shortcut_on_message(self) -> None:
        body = {
            "user": {"id": "U_SARA", "team_id": "T1"},
            "trigger_id": "1.2",
            "message": Message(lambda: self.events.append(SEARCH)),
        }
        context: Any = {ARRIVAL: self.arrival()}
        ack: Any = lambda: self.events.append("ack")  # noqa: E731
        self.listeners.number_in_message(ack, body, context)

    def open(self, prefills: Callable[[], list[views.Prefill]]) -> None:
        asked = OpenRequest("U_SARA", "T1", "1.2", self.arrival())
        self.opener.open_soon(asked, prefills, self.say)


@pytest.mark.parametrize("no", [NO, CannotCheck(Source.EVO_VOICE)])
def test_the_text_of_a_person_who_may_not_call_is_never_searched(no: Refusal) -> None:
    world = World(no)
    world.shortcut_on_message()
    world.goes_on()

    assert SEARCH not in world.events
    assert "asks for the role" in world.events
    assert len(world.opened) == 2, "the loading page, and the reason in its place"


def test_the_text_is_searched_after_the_ack_and_after_the_role_was_asked_for() -> None:
    world = World()
    world.shortcut_on_message()
    assert world.events == ["handed to others", "ack"]
    world.goes_on()

    assert SEARCH in world.events
    assert world.events.index("asks for the role") < world.events.index(SEARCH)


def test_people_whose_role_is_remembered_do_not_queue_behind_the_others() -> None:
    world = World(known=True)
    world.shortcut_on_message()
    world.goes_on()

    assert world.events[:2] == ["handed to known", "ack"]
    assert world.events[-1] == "opens call_form"


@pytest.mark.parametrize("known", [True, False])
def test_a_form_whose_turn_comes_too_late_is_explained_and_slack_is_not_asked(known: bool) -> None:
    world = World(known=known)
    world.open(lambda: [views.Prefill()])
    world.wall += timedelta(seconds=TRIGGER_LIVES_S + 0.1)
    world.goes_on()

    assert world.told == [form_messages.FORM_TOO_LATE]
    assert world.opened == []
    assert not any(event.startswith("opens") for event in world.events)


@pytest.mark.parametrize("known", [True, False])
def test_when_slack_gives_no_answer_that_is_said(known: bool) -> None:
    world = World(known=known)
    world.fails = SlackClientError("timed out")
    world.open(lambda: [views.Prefill()])
    world.goes_on()

    assert world.told == [form_messages.FORM_MAY_STILL_OPEN]


@pytest.mark.parametrize("known", [True, False])
def test_without_a_number_the_empty_form_says_so(known: bool) -> None:
    world = World(known=known)
    world.open(list)
    world.goes_on()

    assert world.told == []
    assert world.opened[-1]["callback_id"] == views.FORM
    assert form_messages.NO_NUMBER in str(world.opened[-1])


@pytest.mark.parametrize("known", [True, False])
def test_who_is_over_a_limit_reads_which_and_when_it_goes_on_instead_of_a_form(known: bool) -> None:
    world = World(known=known)
    world.facts.reached[A_DAYS] = T0 + timedelta(hours=2, minutes=4, seconds=30)
    world.open(lambda: [views.Prefill()])
    world.goes_on()

    page = world.opened[-1]
    assert page["callback_id"] == "call_notice"
    words = page["blocks"][0]["text"]["text"]
    assert "You've placed 20 calls in the last 24 hours" in words
    assert "in 2 hours and 5 minutes" in words
    assert f"<!date^{int((T0 + timedelta(hours=2, minutes=4, seconds=31)).timestamp())}^" in words


def test_a_rule_that_cannot_be_read_opens_no_form() -> None:
    world = World(known=True)
    world.facts.rules = [StoredRule("limits", {"person_hour": "many"}, 1, "U_ROOT", T0)]
    world.open(lambda: [views.Prefill()])
    world.goes_on()

    assert "can't read the rule" in str(world.opened[-1])


def test_a_form_opens_although_the_ledger_does_not_say_what_was_called() -> None:
    world = World(known=True)
    world.facts.fails = True
    world.open(lambda: [views.Prefill()])
    world.goes_on()

    assert world.opened[-1]["callback_id"] == views.FORM


def test_while_the_ledger_does_not_tell_the_rules_every_flow_is_offered_and_submit_asks_again() -> None:
    facts = KnownFacts()
    facts.rules = [StoredRule("flow:flow2", {"users": ["U_BOSS"]}, 1, "U_ROOT", T0)]
    nothing: Any = None

    def lines(recall: Any) -> NumberLines:
        return NumberLines(nothing, nothing, rule_check(facts=facts), SETTINGS, recall, lambda: T0)

    assert lines(lambda _ask, fail: fail("too late")).usable(OFFER, "U_SARA") == OFFER
    assert lines(lambda ask, _tell: ask()).usable(OFFER, "U_BOSS") == OFFER
    with pytest.raises(NothingToOffer):
        lines(lambda ask, _tell: ask()).usable(OFFER, "U_SARA")
    facts.rules = [StoredRule("moods", {}, 1, "U_ROOT", T0)]
    with pytest.raises(CannotEvaluate):
        lines(lambda ask, _tell: ask()).usable(OFFER, "U_BOSS")
