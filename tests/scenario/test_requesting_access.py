"""Request access: one press tells the help contact who is missing what, once a day for each person."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from evoslack.slack.rendering.home import PLACE
from evoslack.slack.rendering.refusal_pages import REQUEST_ACCESS
from sandbox.slack.delivery import Delivery
from tests.scenario.office import AGENT, ROOT, SARA, Office
from tests.scenario.test_broken_buttons import BROKE, database_away
from tests.scenario.test_notes import after_a_call
from tests.scenario.test_notes import press as open_note

ASKS = "<@U_AGENT> wants to place calls"


@pytest.fixture
def office(empty_office: Office) -> Office:
    """U_ROOT helps people without access."""
    empty_office.open(HELP_CONTACT=ROOT)
    return empty_office


def buttons(view: dict[str, Any] | None) -> list[str]:
    """The action ids of what can be pressed in a view."""
    blocks = view["blocks"] if view else []
    return [element["action_id"] for block in blocks for element in block.get("elements", [])]


def denied(office: Office, who: str = AGENT, words: str = "need the Manager role") -> None:
    """A person types the command and reads why the form does not open."""
    office.slack.type_command(who)
    office.wait_for_page(words, who)


def press(office: Office, who: str = AGENT) -> Delivery:
    return office.slack.click(who, REQUEST_ACCESS)


def requests(office: Office, contact: str = ROOT) -> list[str]:
    """What the help contact was sent."""
    told = office.told(contact) if contact.startswith("U") else [m["text"] for m in office.cards(contact)]
    return [text for text in told if "wants to place calls" in text]


def test_one_press_sends_who_asks_and_what_is_missing(office: Office) -> None:
    denied(office)
    assert press(office).acked

    office.wait_for_page("Request sent to <@U_ROOT>. Once you have access, type /call.", AGENT)
    (request,) = requests(office)
    assert request.startswith(ASKS)
    assert "*Missing:* the Manager role in Evo Voice." in request
    assert "*What to do:* Give it to their login in Evo Voice." in request
    assert buttons(office.slack.modal(AGENT)) == [], "there is nothing more to press"
    assert (office.told(AGENT), office.slack.complaints) == ([], [])


@pytest.mark.parametrize(
    ("spoil", "page", "missing"),
    [
        ({"profile": {}}, "Ask <@U_ROOT> to connect", "email address in Slack"),
        ({"profile": {"email": "nobody@acme.test"}}, "ask <@U_ROOT> to connect", "U_AGENT=their login"),
        ({"profile": {"email": "readonly@acme.test"}}, "read-only", "full manager access"),
    ],
)
def test_what_is_missing_is_named(office: Office, spoil: dict, page: str, missing: str) -> None:
    office.slack.users[AGENT].update(spoil)
    denied(office, words=page)

    press(office)

    office.wait_for_page("Request sent", AGENT)
    assert missing in requests(office)[0]


@pytest.mark.parametrize(
    ("spoil", "page"),
    [({"is_restricted": True}, "Only full members"), ({"is_email_confirmed": False}, "isn't confirmed")],
)
def test_what_no_admin_can_give_has_no_button(office: Office, spoil: dict, page: str) -> None:
    office.slack.users[AGENT].update(spoil)
    denied(office, words=page)

    assert buttons(office.slack.modal(AGENT)) == []


def test_what_cannot_be_checked_has_no_button(office: Office) -> None:
    office.evo.fault("/users", "502_html", times=None)
    denied(office, words="gave no usable answer")

    assert buttons(office.slack.modal(AGENT)) == []


@pytest.mark.parametrize("contact", ["", "IT support & <!channel>"])
def test_without_an_id_there_is_no_button(empty_office: Office, contact: str) -> None:
    empty_office.open(HELP_CONTACT=contact)
    empty_office.slack.users[AGENT]["profile"] = {}
    denied(empty_office, words="can't see your email")

    assert buttons(empty_office.slack.modal(AGENT)) == []
    shown = "IT support &amp; &lt;!channel&gt;" if contact else "your EvoSlack admin"
    assert f"Ask {shown} to connect the two." in empty_office.page(AGENT)


# --- once a day ---------------------------------------------------------------------------------------


def test_twenty_presses_are_one_request(office: Office) -> None:
    office.evo.fault("/users", "slow", times=None, seconds=0.2)
    denied(office)
    view = office.slack.modal(AGENT)
    payloads = [clicked(office, view) for _ in range(20)]

    with ThreadPoolExecutor(20) as fingers:
        deliveries = list(fingers.map(lambda payload: office.slack.send("block_actions", payload), payloads))

    assert all(delivery.acked for delivery in deliveries)
    office.slack.wait_for(lambda: "<@U_ROOT>" in office.page(AGENT))
    assert len(requests(office)) == 1
    assert office.told(AGENT) == []


def clicked(office: Office, view: Any, user_id: str = AGENT, team_id: str = "") -> dict[str, Any]:
    """What Slack sends for a press, whatever is on the screen by now."""
    action = {"action_id": REQUEST_ACCESS, "block_id": REQUEST_ACCESS, "type": "button"}
    team = team_id or office.slack.team_id
    trigger = office.slack.new_trigger(user_id)
    user = {"id": user_id, "team_id": team}
    return {"user": user, "team": {"id": team}, "trigger_id": trigger, "view": view, "actions": [action]}


def test_asking_again_the_same_day_says_when_they_asked(office: Office) -> None:
    denied(office)
    press(office)
    office.wait_for_page("Request sent", AGENT)
    office.pass_time(hours=3)
    denied(office)

    press(office)

    office.wait_for_page("You asked 3 hours ago. <@U_ROOT> has your request.", AGENT)
    assert len(requests(office)) == 1
    office.pass_time(hours=21, minutes=1)
    denied(office)
    press(office)
    office.wait_for_page("Request sent", AGENT)
    assert len(requests(office)) == 2


def test_the_next_bot_knows_that_they_asked(office: Office) -> None:
    denied(office)
    view = office.slack.modal(AGENT)
    press(office)
    office.wait_for_page("Request sent", AGENT)
    office.bot.stop()
    office.open(HELP_CONTACT=ROOT)

    office.slack.send("block_actions", clicked(office, view))

    office.wait_for_page("You asked ", AGENT)
    assert len(requests(office)) == 1


# --- permission is checked again ----------------------------------------------------------------------


def test_a_person_who_may_call_by_now_hears_that(office: Office) -> None:
    denied(office)
    office.evo.world.logins["agent@acme.test"].roles = ("Manager",)
    office.pass_time(seconds=11)

    press(office)

    office.wait_for_page("You can place calls now. Type /call.", AGENT)
    assert requests(office) == []


@pytest.mark.parametrize(
    ("spoil", "team"), [({"is_restricted": True}, ""), ({}, "T_ELSEWHERE")], ids=["guest", "other company"]
)
def test_people_who_are_no_members_send_nothing(office: Office, spoil: dict, team: str) -> None:
    denied(office)
    view = office.slack.modal(AGENT)
    office.slack.users[AGENT].update(spoil)
    office.pass_time(seconds=11)

    assert office.slack.send("block_actions", clicked(office, view, team_id=team)).acked

    office.wait_for_page("Only full members of this workspace", AGENT)
    assert requests(office) == []


def test_what_cannot_be_checked_sends_nothing(office: Office) -> None:
    denied(office)
    office.pass_time(seconds=11)
    office.evo.fault("/users", "502_html", times=None)

    press(office)

    office.wait_for_page("No request was sent. Try again in a minute.", AGENT)
    assert requests(office) == []


# --- what may go wrong --------------------------------------------------------------------------------


def test_a_channel_that_the_bot_is_not_in_is_explained_and_costs_no_day(empty_office: Office) -> None:
    office = empty_office
    office.slack.add_channel("C_HELP", "help", bot_is_member=False)
    office.open(HELP_CONTACT="C_HELP")
    denied(office)
    view = office.slack.modal(AGENT)

    press(office)

    office.wait_for_page("couldn't send your request (not_in_channel). It isn't in <#C_HELP>.", AGENT)
    office.slack.channels["C_HELP"]["is_member"] = True
    office.slack.send("block_actions", clicked(office, view))
    office.wait_for_page("Request sent to <#C_HELP>", AGENT)
    assert len(requests(office, "C_HELP")) == 1


@pytest.mark.parametrize("trouble", ["lose_answer", "error:internal_error", "500"])
def test_a_request_that_may_have_arrived_counts(office: Office, trouble: str) -> None:
    office.slack.fault("chat.postMessage", trouble)
    denied(office)
    view = office.slack.modal(AGENT)

    press(office)

    office.wait_for_page("may not have arrived. Ask <@U_ROOT> yourself", AGENT)
    office.slack.send("block_actions", clicked(office, view))
    office.wait_for_page("You asked ", AGENT)
    assert len(requests(office)) == (1 if trouble == "lose_answer" else 0)


def test_a_closed_page_is_answered_by_direct_message(office: Office) -> None:
    denied(office)
    office.evo.fault("/users", "slow", times=None, seconds=0.5)
    office.pass_time(seconds=11)

    press(office)
    office.slack.close_modal(AGENT)

    office.wait_until_told("Request sent to <@U_ROOT>", AGENT)


def test_without_a_database_nothing_is_sent_and_that_is_said(office: Office) -> None:
    denied(office)
    with database_away(office):
        press(office)
        office.wait_for_page(BROKE, AGENT)

    assert requests(office) == []


def test_a_bot_that_was_killed_while_sending_does_not_use_up_the_day(office: Office) -> None:
    denied(office)
    view = office.slack.modal(AGENT)
    press(office)
    office.wait_for_page("Request sent", AGENT)
    path = office.database_url.removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE access_requests SET sent_at = NULL")  # as if killed before it was marked
    office.pass_time(minutes=2)

    office.slack.send("block_actions", clicked(office, view))

    office.slack.wait_for(lambda: len(requests(office)) == 2)
    office.wait_for_page("Request sent", AGENT)


# --- in other places ----------------------------------------------------------------------------------


def at_home(office: Office, who: str = AGENT) -> None:
    office.slack.open_home(who)
    office.slack.wait_for(lambda: REQUEST_ACCESS in buttons(office.slack.home(who)))


def test_the_home_tab_of_a_person_without_access_has_the_button(office: Office) -> None:
    at_home(office)
    assert PLACE not in buttons(office.slack.home(AGENT))

    assert press(office).acked

    office.wait_for_page("Request sent to <@U_ROOT>", AGENT)
    assert len(requests(office)) == 1
    assert office.told(AGENT) == []


def test_after_the_request_the_home_tab_says_so_until_they_may_ask_again(office: Office) -> None:
    at_home(office)
    press(office)
    office.wait_for_page("Request sent to <@U_ROOT>", AGENT)

    office.slack.wait_for(lambda: "You asked <@U_ROOT>" in str(office.slack.home(AGENT)))
    assert buttons(office.slack.home(AGENT)) == []
    office.slack.close_modal(AGENT)
    office.pass_time(hours=24, minutes=1)
    office.bot.wake()

    office.slack.wait_for(lambda: REQUEST_ACCESS in buttons(office.slack.home(AGENT)))


def test_who_has_access_by_now_finds_their_calls_in_the_home_tab(office: Office) -> None:
    at_home(office)
    office.evo.world.logins["agent@acme.test"].roles = ("Manager",)
    office.pass_time(seconds=11)

    press(office)

    office.wait_for_page("You can place calls now", AGENT)
    office.slack.wait_for(lambda: "No calls yet" in str(office.slack.home(AGENT)))


def test_a_request_from_another_place_opens_no_home_tab(office: Office) -> None:
    denied(office)
    press(office)
    office.wait_for_page("Request sent", AGENT)
    office.slack.open_home(SARA)
    office.slack.wait_for(lambda: office.slack.home(SARA))

    assert office.slack.home(AGENT) is None


def test_the_note_form_that_does_not_open_has_the_button(office: Office) -> None:
    after_a_call(office)
    open_note(office, AGENT)
    office.wait_for_page("Notes are for people who can place calls. You need the Manager role", AGENT)

    press(office)

    office.wait_for_page("Request sent to <@U_ROOT>", AGENT)
    assert len(requests(office)) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        lambda office: setattr(office.slack, "trigger_lifetime_s", 0),
        lambda office: office.slack.fault("views.open", "cut"),
        lambda office: office.slack.fault("views.open", "hang"),
    ],
    ids=["expired", "cut", "hang"],
)
def test_in_the_home_tab_an_answer_without_a_page_comes_directly(
    office: Office, trouble: Callable[[Office], None]
) -> None:
    at_home(office)
    trouble(office)

    press(office)

    office.wait_until_told("Request sent to <@U_ROOT>", AGENT)
    assert len(requests(office)) == 1


def test_a_role_lost_while_the_form_was_open_has_the_button_too(office: Office) -> None:
    office.form()
    office.fill()
    office.evo.world.logins["sara@acme.test"].roles = ("User",)
    office.pass_time(seconds=61)
    office.press()
    office.wait_for_page("need the Manager role")

    press(office, SARA)

    office.wait_for_page("Request sent")
    assert (office.rings, len(requests(office))) == (0, 1)


def test_cards_and_private_messages_name_the_contact(office: Office) -> None:
    office.evo.fault("/sessions/outgoing", "403_json")
    office.call()

    office.wait_for_card("rejected")
    office.let_time_pass_until(lambda: "Tell <@U_ROOT>" in str(office.cards()[0]["blocks"]))
    assert "EvoSlack admin" not in str(office.cards()[0])
    office.wait_until_told("<@U_ROOT>")
