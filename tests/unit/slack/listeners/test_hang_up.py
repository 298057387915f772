"""Hang up pressed many times by a person whose role must be checked first: one check, one page per answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from evoslack.calling.arrival import Arrival
from evoslack.calling.calls import Call, Role, State
from evoslack.calling.refusals import Denial, NotAllowed
from evoslack.runtime.clock import Clock
from evoslack.slack.listeners.hang_up import HangUpListener
from evoslack.slack.listeners.reply import PageReply
from evoslack.slack.payloads import ARRIVAL
from evoslack.slack.rendering.help_contact import NO_CONTACT
from tests.calls import call_request

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


class Building:
    """Sara's call, and everyone who presses Hang up on its card."""

    def __init__(self, answer: Role | NotAllowed) -> None:
        self.asked = 0
        self.hung_up: list[str] = []
        self.shown: list[tuple[str, str]] = []  # trigger id and words
        self.waiting: list[Callable[[], None]] = []
        self._answer = answer
        me: Any = self
        pages = PageReply(me, lambda _user, _words: None, self.later)
        self.listener = HangUpListener(
            me, me.hang_up, me, pages, looking_up=self.later, ending=self.later, contact=NO_CONTACT
        )

    def later(self, task: Callable[[], None], _tell: object) -> None:
        self.waiting.append(task)

    def goes_on(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()

    def press(self, number: int, call_id: str = "a call") -> None:
        clock = Clock(lambda: T0, lambda: 0.0)
        body = {"user": {"id": "U_EVE", "team_id": "T1"}, "trigger_id": f"trigger {number}"}
        body |= {"actions": [{"value": call_id}]}
        context: Any = {ARRIVAL: Arrival(clock, clock.moment())}
        ack: Any = lambda: None  # noqa: E731
        self.listener.pressed(ack, body, context)

    # permission
    def is_known(self, _user_id: str, _team_id: str) -> bool:
        return False

    def role_of(self, _user_id: str, _team_id: str) -> Role:
        self.asked += 1
        if isinstance(self._answer, NotAllowed):
            raise self._answer
        return self._answer

    # the calls, and Slack
    def get(self, call_id: str) -> Call | None:
        return Call(call_id, call_request("key"), State.PLACED, T0) if call_id == "a call" else None

    def hang_up(self, call: Call, user_id: str) -> None:
        self.hung_up.append(user_id)

    def views_open(self, *, trigger_id: str, view: dict[str, Any]) -> None:
        self.shown.append((trigger_id, view["blocks"][0]["text"]["text"]))


def test_twenty_presses_get_one_page_with_the_newest_trigger() -> None:
    building = Building(NotAllowed(Denial.ROLE))
    for number in range(20):
        building.press(number)
    building.goes_on()

    ((trigger_id, words),) = building.shown
    assert (trigger_id, building.asked, building.hung_up) == ("trigger 19", 1, [])
    assert words.endswith("or an Evo Voice administrator can hang up this call.")


def test_different_answers_get_pages_of_their_own() -> None:
    building = Building(NotAllowed(Denial.ROLE))
    building.press(1)
    building.press(2, "a purged call")
    building.goes_on()

    assert [trigger_id for trigger_id, _words in building.shown] == ["trigger 1", "trigger 2"]
    assert "no longer has a record" in building.shown[1][1]


def test_a_press_after_the_answer_is_checked_again() -> None:
    building = Building(NotAllowed(Denial.ROLE))
    building.press(1)
    building.goes_on()
    building.press(2)
    building.goes_on()

    assert (building.asked, len(building.shown)) == (2, 2)
