"""Hang up on a card: for whoever called and for administrators, and only what is certainly this call."""

from __future__ import annotations

from typing import Any

import pytest

from evoslack.calls import HangUp, Progress
from evoslack.sandbox.evo.calls import Script
from evoslack.slack.cards import HANG_UP
from tests.scenario.office import AGENT, BOSS, ROOT, SARA, Office
from tests.scenario.test_following import at_the_phone, see, until

TALKING = Script(ring_s=0, talk_s=3600)


@pytest.fixture
def talking(office: Office) -> Office:
    """Somebody answered Sara's call, and the card says so."""
    office.evo.world.default_script = TALKING
    office.call()
    see(office, "Placed, answered")
    until(office, lambda: button(office))
    return office


def button(office: Office) -> dict[str, Any] | None:
    """The button on the card."""
    (card,) = office.cards()
    elements = [each for block in card["blocks"] for each in block.get("elements", [])]
    return next((each for each in elements if each.get("action_id") == HANG_UP), None)


def press(office: Office, who: str = SARA) -> None:
    """Press it, and say yes to the question."""
    (card,) = office.cards()
    office.slack.click(who, HANG_UP, "C_CALLS", card["ts"])


def wishes(office: Office) -> list[str]:
    """The paths of everything that Evo Voice was asked to end."""
    return [request.path for request in office.evo.requests if request.method == "DELETE"]


@pytest.mark.parametrize("who", [SARA, ROOT])
def test_the_caller_and_an_administrator_can_end_it(talking: Office, who: str) -> None:
    found = button(talking)
    assert found is not None and "cannot be taken back" in found["confirm"]["text"]["text"]

    press(talking, who)

    text = see(talking, "Placed, ended")
    assert "Evo Voice says: “Ended”" in text
    assert wishes(talking) == [f"/sessions/{at_the_phone(talking).session_id}"]
    assert talking.evo.world.bulk_deletes == []
    assert button(talking) is None
    assert talking.told(who) == []


@pytest.mark.parametrize(("who", "words"), [(BOSS, "Only whoever asked"), (AGENT, "needs the role Manager")])
def test_nobody_else_can(talking: Office, who: str, words: str) -> None:
    press(talking, who)

    talking.wait_until_told(words, who)
    assert wishes(talking) == []
    assert at_the_phone(talking).hung_up_s is None


def test_a_login_that_may_not_end_calls_offers_no_button(empty_office: Office) -> None:
    empty_office.evo.world.logins["bot@acme.test"].roles = ("Manager",)
    empty_office.evo.world.default_script = TALKING
    empty_office.open()
    empty_office.call()
    see(empty_office, "Placed, answered")
    empty_office.wait_until_settled()

    assert button(empty_office) is None


def test_a_403_is_explained_and_the_call_goes_on(talking: Office) -> None:
    talking.evo.world.logins["bot@acme.test"].roles = ("Manager",)

    press(talking)

    talking.wait_until_told("needs the role User")
    (call,) = talking.ledger()
    assert (call.progress, call.hang_up) == (Progress.ANSWERED, None)


def test_an_end_that_has_no_effect_is_not_said_to_be_one(talking: Office) -> None:
    talking.evo.fault("/sessions/", "204", method="DELETE")

    press(talking)
    talking.slack.wait_for(lambda: "has not shown the end yet" in str(talking.cards()[0]["blocks"]))
    assert button(talking) is None, "somebody is at it already"
    until(talking, lambda: "but the call goes on" in str(talking.cards()[0]["blocks"]))

    (call,) = talking.ledger()
    assert (call.progress, call.hang_up) == (Progress.ANSWERED, HangUp.NO_EFFECT)
    assert button(talking) is not None, "she can try again"
    press(talking)
    see(talking, "Placed, ended")


def test_no_answer_is_told_and_the_button_comes_back(talking: Office) -> None:
    talking.evo.fault("/sessions/", "cut", times=None, method="DELETE")

    press(talking)

    talking.wait_until_told("the call probably goes on")
    talking.wait_until_settled()
    assert button(talking) is not None


def test_pressed_when_it_is_over_already(talking: Office) -> None:
    talking.evo.world.hang_up(at_the_phone(talking))
    card = talking.cards()[0]
    see(talking, "Placed, ended")

    payload = {"actions": [{"action_id": HANG_UP, "type": "button", "value": talking.ledger()[0].id}]}
    payload |= {"user": {"id": SARA, "team_id": talking.slack.team_id}, "trigger_id": "1.2"}
    payload |= {"container": {"type": "message", "message_ts": card["ts"], "channel_id": "C_CALLS"}}
    assert talking.slack.send("block_actions", payload).acked

    talking.wait_until_told("There is nothing to end")
    assert wishes(talking) == []


def test_a_call_that_may_be_a_strangers_has_no_button(office: Office) -> None:
    """It is seen to ring, but which session it is nobody can tell."""
    office.evo.world.default_script = Script(ring_s=0, talk_s=3600, session="never")
    office.call()

    see(office, "Placed, answered")

    office.wait_until_settled()
    assert button(office) is None
