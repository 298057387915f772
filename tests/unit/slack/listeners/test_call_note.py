"""Presses on Add note, at exactly chosen moments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evoslack.calling.calls import Call, Role, State
from evoslack.calling.refusals import CannotCheck, Denial, Lack, NotAllowed, NothingToOffer, Source
from evoslack.slack.listeners.call_note import SAME_PRESS, CallNoteListeners, is_in_menu
from evoslack.slack.listeners.page_opener import OpenRequest, Page
from evoslack.slack.payloads import ARRIVAL
from evoslack.slack.rendering import note_form
from evoslack.slack.rendering.help_contact import HelpContact
from evoslack.slack.rendering.refusal_pages import REQUEST_ACCESS
from evoslack.slack.rendering.views import FormSettings
from tests.calls import call_request

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
CALL = Call("c0ffee", call_request(), State.PLACED, T0)
SOON = SAME_PRESS / 2
SETTINGS = FormSettings(
    "/call", "US", frozenset({"US"}), "C_CALLS", frozenset(), help_contact=HelpContact.of("U0ADMIN")
)


class World:
    """The ledger, the permission and the opener on a page; `opened` are the pages."""

    def __init__(self) -> None:
        self.at = T0
        self.opened: list[Page] = []
        self.requests: list[OpenRequest] = []
        self.acks: list[dict[str, Any]] = []
        self.lacks = 0
        everything: Any = self
        self.listeners = CallNoteListeners(
            *(everything, everything, everything, everything, self.refresh, everything, everything, SETTINGS),
            lambda: self.at,
        )

    def refresh(self) -> None:
        self.lacks -= 1

    def role_of(self, _user_id: str, _team_id: str) -> Role:
        if self.lacks:
            raise NothingToOffer(Lack.NOT_LOADED)
        return Role.MANAGER

    def get(self, call_id: str) -> Call | None:
        return CALL if call_id == CALL.id else None

    def open_soon(self, request: OpenRequest, page: Page, _tell: Any) -> None:
        self.requests.append(request)
        self.opened.append(page)

    def ack(self, **answer: Any) -> None:
        self.acks.append(answer)

    def press(self, who: str = "U_SARA", value: str = "c0ffee", view: str = "") -> int:
        """How many pages were opened by now."""
        body = {"user": {"id": who, "team_id": "T1"}, "actions": [{"value": value}], "view": {"type": view}}
        context: Any = {ARRIVAL: None}
        ack: Any = self.ack
        self.listeners.open_note(ack, body, context)
        return len(self.opened)

    def save(self) -> None:
        metadata = note_form.NoteMetadata("c0ffee", 0).packed()
        state = {"values": {"result": {"result": {}}, "note": {"note": {"value": None}}}}
        ack: Any = self.ack
        body = {"user": {"id": "U_SARA", "team_id": "T1"}}
        self.listeners.save_note(ack, body, {"private_metadata": metadata, "state": state})


def test_a_double_press_opens_one_form_and_both_are_answered() -> None:
    world = World()

    assert [world.press() for _press in range(20)] == [1] * 20
    assert world.acks == [{}] * 20


def test_another_person_another_call_and_a_later_press_open_their_own() -> None:
    world = World()
    world.press()

    assert world.press("U_BOSS") == 2
    assert world.press(value="other") == 3
    world.at += SOON
    assert world.press() == 3
    world.at += SOON
    assert world.press() == 4


def test_after_saving_the_next_press_opens_at_once() -> None:
    world = World()
    world.press()
    world.save()

    assert world.press() == 2


@pytest.mark.parametrize(("view", "in_modal"), [("modal", True), ("home", False), ("", False)])
def test_only_inside_a_modal_the_form_goes_on_top(view: str, in_modal: bool) -> None:
    world = World()
    world.press(view=view)

    assert world.requests[0].is_in_modal is in_modal


def test_right_after_a_start_evo_voice_is_asked_once_more() -> None:
    world = World()
    world.press()
    world.lacks = 1

    assert world.opened[0].make()["callback_id"] == note_form.FORM


@pytest.mark.parametrize(
    ("action", "is_meant"),
    [
        ({"selected_option": {"value": "note:c0ffee"}}, True),
        ({"selected_option": {"value": "again:note:c0ffee"}}, False),
        ({"selected_option": None}, False),
        ({}, False),
    ],
)
def test_only_the_line_of_the_note_in_a_menu_is_meant(action: dict[str, Any], is_meant: bool) -> None:
    assert is_in_menu({"actions": [action]}) is is_meant


def test_both_the_button_and_the_menu_name_the_call() -> None:
    world = World()
    world.press(value="note:c0ffee")

    view = world.opened[0].make()
    assert note_form.NoteMetadata.unpacked(view["private_metadata"]).call_id == "c0ffee"


def test_a_clock_that_is_set_back_locks_nobody_out() -> None:
    world = World()
    world.press()
    world.at -= timedelta(hours=1)

    assert world.press() == 2


def test_who_lacks_the_role_can_ask_for_it_on_the_page_that_says_no() -> None:
    world = World()
    world.press()
    (page,) = world.opened

    denied = page.denied(NotAllowed(Denial.ROLE))
    assert denied["blocks"][1]["elements"][0]["action_id"] == REQUEST_ACCESS
    assert "Notes are for people who can place calls" in str(denied["blocks"][0])
    assert REQUEST_ACCESS not in str(page.denied(CannotCheck(Source.SLACK)))
    assert "<@U0ADMIN>" in page.words_of(NotAllowed(Denial.EMAIL_MISSING))
