"""The line under the number while a person types: the latest text wins, and it is never in the way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError, SlackClientError

from evoslack.calling.access import Access
from evoslack.calling.calls import Call, Role
from evoslack.calling.offer import CallerId, Flow, Offer
from evoslack.calling.refusals import Denial, NotAllowed
from evoslack.runtime.background_pool import BackgroundPool, answer_within
from evoslack.slack.card_links import CardLinks
from evoslack.slack.listeners import number_line
from evoslack.slack.listeners.busy_number import BusyNumbers
from evoslack.slack.listeners.number_line import MOST_FORMS, NumberLineListener
from evoslack.slack.listeners.number_lines import NumberLines
from evoslack.slack.rendering import views
from evoslack.slack.rendering.blocks import Block
from evoslack.slack.rendering.form_metadata import FormMetadata
from tests.rules import rule_check

T0 = datetime(2026, 3, 2, 20, 48, tzinfo=UTC)
OFFER = Offer("acc1", (Flow("flow2", "Survey"),), (CallerId("+12025550100"),), CallerId("+12025550100"))
SETTINGS = views.FormSettings("/call", "US", frozenset({"US"}), "C_CALLS", frozenset())
GOOD, OTHER, WRONG = "814 404 3093", "415 555 2671", "911"


class Answer(dict[str, Any]):
    """What Slack answers; a failure has a status and headers, too."""

    headers: dict[str, str] = {}  # noqa: RUF012

    @property
    def status_code(self) -> int:
        return 429 if self.get("error") == "ratelimited" else 200


class World:
    """Slack, the permission, the ledger and a clock on a page."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.known, self.allowed = True, True
        self.updates: list[tuple[float, str, str, Block]] = []  # when, which view, its hash, the new view
        self.fails: Exception | None = None
        self.during: Callable[[], None] = lambda: None
        self.hashes: dict[str, str] = {}
        self.alarms: list[float] = []
        self.woken = 0
        self.rests_s = 0.0  # until Slack takes another update
        access, links = Access(self, lambda: OFFER), CardLinks("", lambda _ids: {})
        busy = BusyNumbers(self, access, links, SETTINGS, lambda: T0)
        self.lines = NumberLines(self, busy, rule_check(), SETTINGS, lambda ask, _tell: ask(), lambda: T0)
        self.listener = NumberLineListener(
            self,
            self.lines,
            access,
            self.wake,
            self.alarms.append,
            lambda: self.rests_s,
            lambda: self.now_s,
        )

    def wake(self) -> None:
        self.woken += 1

    # the permission
    def is_known(self, user_id: str, team_id: str, account_id: str) -> bool:
        return self.known

    def require(self, user_id: str, team_id: str, account_id: str) -> Role:
        if not self.allowed:
            raise NotAllowed(Denial.ROLE)
        return Role.MANAGER

    # the calls
    def latest_to(self, account_id: str, number: str, limit: int) -> list[Call]:
        return []

    # Slack
    def views_update(self, *, view_id: str, hash: str, view: Block) -> Answer:  # noqa: A002
        self.updates.append((self.now_s, view_id, hash, view))
        self.during()
        if self.fails is not None:
            raise self.fails
        self.hashes[view_id] = f"{hash}+"
        return Answer(view={"id": view_id, "hash": self.hashes[view_id]})

    def type(self, text: str, *, view_id: str = "V1", at: str = "", **changes: Any) -> None:
        """Typing pauses: Slack says so."""
        form = views.form(OFFER, FormMetadata("key"), SETTINGS, views.Prefill())
        values = {"number": {"number": {"type": "plain_text_input", "value": text}}}
        view = form | {"id": view_id, "hash": "h", "state": {"values": values}} | changes
        action = {"action_id": "number", "block_id": "number", "action_ts": at or str(self.now_s)}
        body = {"user": {"id": "U_SARA", "team_id": "T1"}, "team": {"id": "T1"}, "view": view}
        acks: list[None] = []
        ack: Any = lambda: acks.append(None)  # noqa: E731
        self.listener.typed(ack, body | {"actions": [action]})
        assert acks == [None]

    def goes_on(self) -> None:
        while self.listener.update_next():
            pass

    def shown(self) -> list[str]:
        """The lines that were sent, oldest first."""
        return [number_line.number_line.line_in(view["blocks"]) for *_where, view in self.updates]


@pytest.fixture
def world() -> World:
    return World()


def test_a_number_gets_its_line_and_typing_itself_waits_for_nothing(world: World) -> None:
    world.type(GOOD)
    assert world.updates == []
    assert world.woken == 1

    world.goes_on()

    assert world.shown() == ["Pennsylvania · 3:48\u00a0PM\u00a0there"]
    assert world.updates[0][1:3] == ("V1", "h")


def test_of_texts_that_wait_the_latest_is_the_one(world: World) -> None:
    for text in (OTHER, WRONG, GOOD):
        world.now_s += 0.1
        world.type(text)
    world.goes_on()

    assert world.shown() == ["Pennsylvania · 3:48\u00a0PM\u00a0there"]


def test_a_text_that_arrives_late_does_not_replace_a_newer_one(world: World) -> None:
    world.type(GOOD, at="200.5")
    world.type(WRONG, at="200.1")
    world.goes_on()

    assert world.shown() == ["Pennsylvania · 3:48\u00a0PM\u00a0there"]


def test_a_form_is_updated_once_a_second_and_another_one_need_not_wait(world: World) -> None:
    world.type(GOOD)
    world.goes_on()
    world.type(WRONG)
    world.type(GOOD, view_id="V2")
    world.goes_on()
    assert [view_id for _at, view_id, *_rest in world.updates] == ["V1", "V2"]
    assert world.alarms[-1] == pytest.approx(1.0), "it is woken in time"

    world.now_s += 1.0
    world.goes_on()

    assert world.shown()[-1] == "⚠️ EvoSlack never dials emergency numbers. Use a phone."
    assert len(world.updates) == 3


def test_while_a_form_is_being_updated_nobody_else_updates_it(world: World) -> None:
    found: list[bool] = []

    def meanwhile() -> None:
        world.during = lambda: None
        world.type(WRONG)
        world.now_s += 5
        found.append(world.listener.update_next())

    world.during = meanwhile
    world.type(GOOD)
    world.listener.update_next()
    assert found == [False]

    world.goes_on()
    assert len(world.updates) == 2


def test_a_line_that_would_stay_the_same_is_not_sent_again(world: World) -> None:
    world.type("8")
    world.type("")
    world.goes_on()
    assert world.updates == []

    world.type(GOOD)
    world.goes_on()
    world.now_s += 2
    world.type(f"{GOOD} ")
    world.goes_on()
    assert len(world.updates) == 1


def test_a_text_that_was_sent_before_our_own_update_arrived_is_not_a_conflict(world: World) -> None:
    world.type(GOOD)
    world.goes_on()
    world.now_s += 1
    world.type(WRONG)  # still with the old hash
    world.goes_on()

    assert [known for _at, _view, known, _new in world.updates] == ["h", "h+"]
    assert len(world.updates[-1][3]["blocks"]) == 5, "one line, not two"


def test_a_form_that_changed_meanwhile_keeps_the_hash_that_proves_it(world: World) -> None:
    world.type(GOOD)
    world.goes_on()
    world.now_s += 1
    world.type(WRONG, hash="another")
    world.goes_on()

    assert world.updates[-1][2] == "another"


@pytest.mark.parametrize(
    "error",
    [
        *(SlackApiError("no", Answer(error=e)) for e in ("hash_conflict", "not_found", "view_not_found")),
        SlackClientError("timed out"),
    ],
)
def test_a_form_that_was_closed_or_submitted_meanwhile_is_left_alone(world: World, error: Exception) -> None:
    world.fails = error
    world.type(GOOD)
    world.goes_on()

    assert len(world.updates) == 1, "it is not tried again"


def test_when_slack_asks_to_slow_down_every_form_does(world: World) -> None:
    busy = Answer(error="ratelimited")
    busy.headers = {"Retry-After": "30"}
    world.fails = SlackApiError("slow down", busy)
    world.type(GOOD)
    world.goes_on()
    world.fails = None

    world.type(GOOD, view_id="V2")
    world.now_s += 29
    world.goes_on()
    assert len(world.updates) == 1
    world.now_s += 2
    world.goes_on()
    assert [view_id for _at, view_id, *_rest in world.updates] == ["V1", "V1", "V2"]


def test_people_who_may_not_call_read_nothing_about_numbers(world: World) -> None:
    world.allowed = False
    world.type(GOOD)
    world.goes_on()

    assert world.updates == []


def test_a_role_that_is_no_longer_remembered_is_asked_for(world: World) -> None:
    world.known = False
    world.type(GOOD)
    world.goes_on()

    assert world.shown() == ["Pennsylvania · 3:48\u00a0PM\u00a0there"]


def test_a_line_about_another_number_does_not_stay_for_a_person_who_may_no_longer_call(world: World) -> None:
    world.type(GOOD)
    world.goes_on()
    world.now_s += 2
    world.allowed = False
    world.type(OTHER)
    world.goes_on()

    assert world.shown()[-1] == ""


def test_a_question_about_another_number_does_not_stay_for_them_either(world: World) -> None:
    question = views.Question("*Wait*", "+18144043093", "0123456789abcdef" * 2)
    metadata = FormMetadata("key", anyway=question.call_id, asked_at="1")
    asking = views.form(OFFER, metadata, SETTINGS, views.Prefill(number=GOOD), question=question)
    world.allowed = False
    world.type(OTHER, **{name: asking[name] for name in ("blocks", "submit", "private_metadata")})
    world.goes_on()

    (*_where, view) = world.updates[-1]
    assert number_line.number_line.asked_about(view["blocks"]) == ""
    assert view["submit"]["text"] == "Call"


@pytest.mark.parametrize(
    "error", [SlackApiError("slow down", Answer(error="ratelimited")), SlackClientError("timed out")]
)
def test_a_line_that_slack_had_no_time_for_is_sent_later_and_not_forever(
    world: World, error: Exception
) -> None:
    world.type(GOOD)
    world.goes_on()
    world.now_s += 2
    world.fails = error
    world.type(OTHER)
    world.goes_on()
    assert len(world.updates) == 2
    world.fails = None
    for _second in range(10):
        world.now_s += 1
        world.goes_on()
    assert "San Francisco" in world.shown()[-1]
    assert len(world.updates) == 3

    world.fails = error
    world.type(GOOD)
    for _second in range(100):
        world.now_s += 1
        world.goes_on()
    assert len(world.updates) == 3 + 1 + number_line.MOST_TRIES


def test_a_line_that_waits_for_its_second_try_gives_way_to_newer_text(world: World) -> None:
    world.fails = SlackClientError("timed out")
    world.type(OTHER)
    world.during = lambda: world.type(GOOD, at=str(world.now_s + 0.5))
    world.goes_on()
    world.fails, world.during = None, lambda: None
    world.now_s += 5
    world.goes_on()

    assert "Pennsylvania" in world.shown()[-1]
    assert len(world.updates) == 2


def test_a_form_that_is_submitted_during_its_update_gets_no_second_try(world: World) -> None:
    world.fails = SlackClientError("timed out")
    world.type(GOOD)
    world.during = lambda: world.listener.forget("V1")
    world.goes_on()
    world.now_s += 5
    world.goes_on()

    assert len(world.updates) == 1


def test_all_forms_together_keep_to_what_slack_takes(world: World) -> None:
    world.rests_s = 3.0
    for index in range(20):
        world.type(GOOD, view_id=f"V{index}")
    world.goes_on()
    assert world.updates == []
    assert world.alarms[-1] == pytest.approx(3.0), "woken in time"

    world.rests_s = 0.0
    world.goes_on()
    assert world.updates == []
    world.now_s += 3.0
    world.goes_on()
    assert len({view_id for _at, view_id, *_rest in world.updates}) == 20


def test_a_submitted_form_is_not_updated(world: World) -> None:
    world.type(GOOD)
    world.listener.forget("V1")
    world.goes_on()

    assert world.updates == []


def test_other_forms_have_no_line(world: World) -> None:
    world.type(GOOD, callback_id=views.CHOICE)
    world.goes_on()

    assert world.updates == []


def test_many_forms_cost_bounded_memory(world: World) -> None:
    for index in range(MOST_FORMS + 50):
        world.type(GOOD, view_id=f"V{index}")
    assert len(world.listener._waiting) == MOST_FORMS

    world.goes_on()
    assert len(world.listener._shown) <= MOST_FORMS + 1
    world.now_s += 60
    world.goes_on()
    assert not world.listener._shown


def test_many_threads_update_a_form_seldom_and_end_with_the_latest_text(world: World) -> None:
    threads = [threading.Thread(target=world.goes_on) for _ in range(20)]
    for index in range(20):
        world.type(GOOD if index == 19 else WRONG, at=str(index + 1))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert world.shown() == ["Pennsylvania · 3:48\u00a0PM\u00a0there"]


# --- as the form opens ------------------------------------------------------------------------------------


def test_a_form_opens_without_what_takes_too_long() -> None:
    pool = BackgroundPool("recall", size=1, broken=str, stopped="")
    held = threading.Event()
    try:
        assert answer_within(0.01, pool.run, held.wait) is None
        held.set()
        assert answer_within(5, pool.run, lambda: "quick") == "quick"
    finally:
        pool.stop(5)


def test_a_question_that_fails_is_no_answer() -> None:
    pool = BackgroundPool("recall", size=1, broken=str, stopped="")

    def fail() -> str:
        raise OSError("the database is away")

    try:
        assert answer_within(5, pool.run, fail) is None
    finally:
        pool.stop(5)
    assert answer_within(5, pool.run, lambda: "too late") is None, "a pool that stopped says so at once"
