"""Presses that Slack's own form would never send: answered in time, and nothing rings that may not.

Each forgery is a real press of Sara's with something changed in it, and a form of its own. It meets the bot
in both modes: Socket Mode with SQLite, and HTTP with PostgreSQL.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from sandbox.slack.delivery import Delivery
from tests.scenario.office import BOSS, SARA, Office

Payload = dict[str, Any]

HUGE = "x" * 100_000
STRANGE = [["flow2"], {"flow2": 1}, 7, 3.5, True, None]  # where a text should stand
FORMS = count(1)


@pytest.fixture(scope="module", params=["Socket Mode", "HTTP"])
def office(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One office for all forgers; of its account's flows only two are offered."""
    over_http, database_url = request.param == "HTTP", None
    if over_http:
        server = request.getfixturevalue("postgres_server")
        server.empty()
        database_url = server.url
    office = Office(tmp_path_factory.mktemp("forgers"), database_url)
    office.evo.world.add_flow("theirs", "Theirs", account_id="acc2")
    office.evo.world.add_number("+12025550300", account_id="acc2")
    office.open(over_http=over_http, EVO_FLOWS="flow1,flow2")
    yield office
    office.close()


@pytest.fixture(scope="module")
def real_press(office: Office) -> Payload:
    """What Slack delivers for a press that became no call."""
    office.form()
    office.fill(number="911")
    return office.press().sent


@pytest.fixture
def press(real_press: Payload) -> Payload:
    """A good press of a new form, for a number that nobody called yet."""
    press, form = copy.deepcopy(real_press), next(FORMS)
    remember(press, key=f"form{form}")
    press["view"]["id"] = f"V_FORM{form}"
    entry(press, "number")["value"] = f"+1814404{form:04}"
    return press


def remember(press: Payload, **values: Any) -> None:
    origin = json.loads(press["view"]["private_metadata"])
    press["view"]["private_metadata"] = json.dumps(origin | values)


def entry(press: Payload, field: str) -> Payload:
    return press["view"]["state"]["values"][field][field]


def said(delivery: Delivery) -> str:
    """What the answer puts on the screen."""
    assert delivery.acked, delivery
    answer = delivery.payload
    assert answer["response_action"] in {"errors", "update"}
    return str(answer.get("errors") or answer["view"]["blocks"])


def deliver(office: Office, press: Payload) -> tuple[str, int]:
    """What was said, and how many phones rang for it."""
    rings = office.rings
    words = said(office.slack.send("view_submission", press))
    office.wait_until_settled()
    return words, office.rings - rings


def test_the_press_that_is_forged_below_would_ring(office: Office, press: Payload) -> None:
    words, rings = deliver(office, press)

    assert "⏳" in words
    assert rings == 1


NOT_ON_OFFER = {
    "flow": ["flow3", "flow4", "theirs", "FLOW2", "flow2\n"],
    "caller_id": ["+12025550300", "+12025550199", "(202) 555-0100", "+12025550100;ext=1", "+1202555010"],
}


@pytest.mark.parametrize(
    ("field", "value"),
    [(field, value) for field in NOT_ON_OFFER for value in (*NOT_ON_OFFER[field], "", HUGE, *STRANGE)],
)
def test_only_a_flow_on_offer_and_an_owned_number_ring(
    office: Office, press: Payload, field: str, value: object
) -> None:
    entry(press, field)["selected_option"]["value"] = value

    words, rings = deliver(office, press)

    assert "no longer available" in words
    assert rings == 0


@pytest.mark.parametrize(
    "number",
    [
        *("8144043093" * 10_000, "+" * 100_000, "(" * 100_000, HUGE, "814 404 3093\n814 404 3094"),
        *("814 404 3093\x00", "814 404 3093\ud800", "814 404 30933", "814 404 309x", "sip:a@evil.test", ""),
        *STRANGE,
    ],
)
def test_only_one_good_number_rings(office: Office, press: Payload, number: object) -> None:
    entry(press, "number")["value"] = number

    words, rings = deliver(office, press)

    assert "'number':" in words or "no longer works" in words
    assert "Something broke" not in words
    assert rings == 0


@pytest.mark.parametrize("field", ["flow", "number", "caller_id"])
@pytest.mark.parametrize("lack", [{}, None, [], "flow2", 7])
def test_a_form_with_a_field_missing_is_refused(
    office: Office, press: Payload, field: str, lack: object
) -> None:
    press["view"]["state"]["values"][field] = lack

    words, rings = deliver(office, press)

    assert f"'{field}':" in words or "no longer works" in words
    assert "Something broke" not in words
    assert rings == 0


def loses(*path: str) -> Callable[[Payload], None]:
    """Leave something out of a press."""

    def spoil(press: Payload) -> None:
        for name in path[:-1]:
            press = press[name]
        del press[path[-1]]

    return spoil


def has(value: Any, *path: str) -> Callable[[Payload], None]:
    """Put something else into a press."""

    def spoil(press: Payload) -> None:
        for name in path[:-1]:
            press = press[name]
        press[path[-1]] = value

    return spoil


UNREADABLE = {
    "no state": loses("view", "state"),
    "empty state": has({}, "view", "state"),
    "state is nothing": has(None, "view", "state"),
    "values are a list": has([], "view", "state", "values"),
    "no metadata": loses("view", "private_metadata"),
    "metadata is nothing": has(None, "view", "private_metadata"),
    "metadata is an object": has({"key": "k"}, "view", "private_metadata"),
    "metadata is deep": has("[" * 100_000, "view", "private_metadata"),
    "metadata is huge": has(HUGE, "view", "private_metadata"),
    "key is a list": lambda press: remember(press, key=["k"]),
    "key is empty": lambda press: remember(press, key=""),
    "key is too long": lambda press: remember(press, key="k" * 65),
    "key is huge": lambda press: remember(press, key=HUGE),
    "key with NUL": lambda press: remember(press, key="k\x00"),
    "key with half a character": lambda press: remember(press, key="k\ud800"),
    "channel is too long": lambda press: remember(press, channel_id="C" * 33),
    "channel with NUL": lambda press: remember(press, channel_id="C\x00"),
    "channel is a number": lambda press: remember(press, channel_id=7),
}


@pytest.mark.parametrize("forgery", UNREADABLE)
def test_what_this_bot_did_not_put_into_the_form_is_refused(
    office: Office, press: Payload, forgery: str
) -> None:
    UNREADABLE[forgery](press)

    words, rings = deliver(office, press)

    assert "no longer works" in words
    assert rings == 0


STRANGERS = {
    "nobody": has("U_NOBODY", "user", "id"),
    "a person with a huge name": has("U" * 100_000, "user", "id"),
    "user is a list": has(["U_SARA"], "user", "id"),
    "user is nothing": has(None, "user", "id"),
    "user with NUL": has("U_SARA\x00", "user", "id"),
    "no user id": loses("user", "id"),
    "another team": has("T_OTHER", "user", "team_id"),
    "team is a list": has(["T0SANDBOX"], "user", "team_id"),
}


@pytest.mark.parametrize("forgery", STRANGERS)
def test_a_press_of_nobody_in_particular_is_refused(office: Office, press: Payload, forgery: str) -> None:
    STRANGERS[forgery](press)

    words, rings = deliver(office, press)

    assert "Only full members" in words or "no longer works" in words
    assert rings == 0


OTHER_VIEWS = {
    "another form": has("another_form", "view", "callback_id"),
    "the loading page": has("call_loading", "view", "callback_id"),
    "no view": loses("view"),
    "a closed form": has("view_closed", "type"),
    "a click": has("block_actions", "type"),
    "a shortcut": has("shortcut", "type"),
    "something new": has("something_new", "type"),
}


@pytest.mark.parametrize("forgery", OTHER_VIEWS)
def test_what_no_form_of_this_bot_sends_is_acknowledged_and_rings_nothing(
    office: Office, press: Payload, forgery: str
) -> None:
    OTHER_VIEWS[forgery](press)
    before = (office.rings, len(office.ledger()))

    delivery = office.slack.send("view_submission", press)

    assert delivery.acked, delivery.failure
    office.wait_until_settled()
    assert (office.rings, len(office.ledger())) == before


@pytest.mark.parametrize("kind", ["home", "workflow_step", "", HUGE, *STRANGE])
def test_a_press_in_another_type_of_view_is_still_one_press(
    office: Office, press: Payload, kind: object
) -> None:
    press |= {"workflow_step": {"workflow_id": "W1"}}  # what came along when such a view was sent
    press["view"]["type"] = kind

    answers = [deliver(office, press) for _ in range(2)]

    assert [rings for _words, rings in answers] == [1, 0]


SEARCHES = {
    "huge": has(HUGE, "value"),
    "a list": has(["pay"], "value"),
    "nothing": has(None, "value"),
    "half a character": has("\ud800", "value"),
    "without a view": loses("view"),
    "in another field": has("another_field", "action_id"),
    "of nobody": has("U_NOBODY", "user", "id"),
}


@pytest.mark.parametrize("forgery", SEARCHES)
def test_a_strange_search_is_answered(office: Office, press: Payload, forgery: str) -> None:
    search = press | {"type": "block_suggestion", "block_id": "flow", "action_id": "flow", "value": ""}
    SEARCHES[forgery](search)

    assert office.slack.send("block_suggestion", search).acked


COMMANDS = {
    "huge": has(HUGE, "text"),
    "without a trigger": has("", "trigger_id"),
    "of nobody": has("U_NOBODY", "user_id"),
    "of another team": has("T_OTHER", "team_id"),
    "with a huge address": has("https://hooks.slack.com/" + HUGE, "response_url"),
    "with half an address": has("http://[", "response_url"),
}


@pytest.mark.parametrize("forgery", COMMANDS)
def test_a_strange_command_is_answered(office: Office, forgery: str) -> None:
    command = {"command": "/call", "text": "", "user_id": SARA, "team_id": office.slack.team_id}
    command |= {"channel_id": "C_GENERAL", "trigger_id": office.slack.new_trigger(SARA), "response_url": ""}
    COMMANDS[forgery](command)
    before = (office.rings, len(office.ledger()))

    delivery = office.slack.send("slash_commands", command)

    assert delivery.acked, delivery.failure
    assert "Something broke" not in str(delivery.payload)
    assert (office.rings, len(office.ledger())) == before


def test_a_fresh_key_of_ones_own_is_one_call_however_often_it_is_sent(office: Office, press: Payload) -> None:
    remember(press, key="made-up", response_url="https://hooks.slack.com.evil.test/", channel_id="C_NOWHERE")

    answers = [deliver(office, press) for _ in range(3)]

    assert [rings for _words, rings in answers] == [1, 0, 0]
    under_way = (" · dialing", " · calling", " · ringing", " · on the call")
    assert [any(each in words for each in under_way) for words, _rings in answers] == [True] * 3
    assert office.ledger()[0].request.response_url == ""


@pytest.mark.parametrize("address", ["http://[", "//[::", "https://hooks.slack.com/" + HUGE[:2000], "\x00"])
def test_an_address_that_is_none_is_left_out(office: Office, press: Payload, address: str) -> None:
    remember(press, response_url=address)

    words, rings = deliver(office, press)

    assert "⏳" in words
    assert rings == 1
    assert office.ledger()[0].request.response_url == ""


def test_a_key_is_not_guessed_by_a_person_who_may_call(office: Office, press: Payload) -> None:
    deliver(office, press)
    press["user"]["id"] = BOSS

    words, rings = deliver(office, press)

    assert "belongs to someone else" in words
    assert str(entry(press, "number")["value"]) not in words
    assert rings == 0


def test_after_all_of_that_sara_can_still_call(office: Office) -> None:
    rings = office.rings
    office.call(SARA, "814 404 9999")

    office.wait_until_settled()
    assert office.rings == rings + 1
