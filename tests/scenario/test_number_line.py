"""What the form says about a number before anybody presses: as it opens, and when typing pauses."""

from __future__ import annotations

import copy
import logging

import pytest

from evoslack.calling.places import place_of
from evoslack.slack.listeners.shortcuts import PLACE_A_CALL
from evoslack.slack.rendering.live_page import LIVE_PAGE
from sandbox.evo.calls import Script
from tests.scenario.office import BOSS, NUMBER, SARA, SHOWN, TYPED, Office, says_placed

RINGING = Script(ring_s=3600)


def line(office: Office, who: str = SARA) -> str:
    """The line under the number; empty if there is none."""
    view = office.slack.modal(who)
    assert view is not None
    texts = [each["elements"][0]["text"] for each in view["blocks"] if each["block_id"] == "number_line"]
    return texts[0] if texts else ""


def see(office: Office, words: str, who: str = SARA) -> None:
    """Wait until the line says so."""
    office.slack.wait_for(lambda: words in line(office, who), what=f"{words!r}, not {line(office, who)!r}")


def notes_of(office: Office) -> str:
    """What the form says about what was typed and could not be used."""
    (notes,) = [each for each in office.slack.modal(SARA)["blocks"] if each["block_id"] == "notes"]
    assert (notes["type"], notes["text"]["type"]) == ("section", "plain_text")
    return str(notes["text"]["text"])


def typed(office: Office, number: str, who: str = SARA) -> None:
    office.slack.fill(who, {"number": number})


@pytest.fixture(autouse=True, scope="module")
def _places_are_loaded() -> None:
    """Otherwise the first form may open before they are, and without the line."""
    place_of(NUMBER)


@pytest.fixture(autouse=True)
def _slack_understood_everything(empty_office: Office) -> object:
    yield
    assert empty_office.slack.complaints == []


def test_a_number_typed_with_the_command_has_its_line_as_the_form_opens(office: Office) -> None:
    office.form(text=TYPED)

    assert line(office).startswith("Pennsylvania · ")
    assert line(office).endswith("M\u00a0there")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("911", "EvoSlack never dials emergency numbers. Use a phone."),
        ("404-3093", "Include the area code"),
        ("814 404 3093 #12", "Extensions and codes like *67 can't be dialed."),
        ("*67", "Extensions and codes like *67 can't be dialed. Enter only the number."),
        ("814 404 3093, 814 404 3094", "Enter one number. Each call is placed separately."),
        ("+44 20 7946 0018", "Calls to the United Kingdom are turned off."),
        ("9" * 500, "That's too long for a number."),
    ],
)
def test_a_number_that_cannot_be_dialed_is_said_before_anything_else_is_filled_in(
    office: Office, text: str, words: str
) -> None:
    office.form(text=text)

    assert line(office).startswith("⚠️ ")
    assert words in line(office)


def test_what_was_typed_and_could_not_be_used_is_said(office: Office) -> None:
    office.form(text=f"*67 {SHOWN} sruvey @boss <!channel>")

    assert notes_of(office) == (
        "You have no flow called “sruvey”. Did you mean Customer survey?\n“*67” can't be dialed.\n"
        "“@boss” isn't a number.\n“<!channel>” isn't a number."
    )
    (flow,) = (block for block in office.slack.modal(SARA)["blocks"] if block.get("block_id") == "flow")
    assert "initial_option" not in str(flow), "it is left open"
    assert line(office).startswith("Pennsylvania")


@pytest.mark.parametrize("number", [TYPED, SHOWN, "8144043093", "+1 814 404 3093"])
def test_a_code_before_the_number_is_said_and_the_number_alone_is_filled_in(
    office: Office, number: str
) -> None:
    office.form(text=f"*67 {number} @boss")

    assert notes_of(office) == "“*67” can't be dialed.\n“@boss” isn't a number."
    assert office.slack.modal(SARA)["state"]["values"]["number"]["number"]["value"] == number
    assert line(office).startswith("Pennsylvania")


def test_when_typing_pauses_the_line_appears_and_what_was_filled_in_stays(office: Office) -> None:
    office.slack.use_shortcut(SARA, PLACE_A_CALL)
    office.slack.wait_for_modal(SARA, "call_form")
    office.slack.fill(SARA, {"flow": "flow2"})
    before = len(office.evo.requests)

    typed(office, TYPED)
    see(office, "Pennsylvania")

    values = office.slack.modal(SARA)["state"]["values"]
    assert values["flow"]["flow"]["selected_option"]["value"] == "flow2"
    assert values["number"]["number"]["value"] == TYPED
    assert [request for request in office.evo.requests[before:] if request.method == "POST"] == []
    assert office.press().acked
    office.wait_for_card(says_placed)
    assert office.rings == 1


def test_nothing_is_said_about_a_number_that_is_not_finished_and_the_rest_is_said_at_once(
    office: Office,
) -> None:
    office.form()
    before = len(office.slack.api_calls("views.update"))
    for text in ("8", "814", "814 40"):
        typed(office, text)
    typed(office, "hello")
    see(office, "That isn't a phone number.")

    assert len(office.slack.api_calls("views.update")) == before + 1
    typed(office, "")
    office.slack.wait_for(lambda: line(office) == "")


def test_when_typing_pauses_the_line_says_who_is_on_the_phone_right_now(office: Office) -> None:
    office.evo.world.default_script = RINGING
    office.call(BOSS)
    office.wait_for_card("ringing")
    office.form()
    typed(office, TYPED)
    see(office, "🔔 <@U_BOSS> is calling this number right now · Pennsylvania · ")
    office.form(BOSS)
    typed(office, TYPED, BOSS)
    see(office, "🔔 You're calling this number right now · ", BOSS)


def test_the_line_does_not_stay_about_another_number_once_the_role_is_not_remembered(office: Office) -> None:
    office.form(text=TYPED)
    assert "Pennsylvania" in line(office)
    office.pass_time(seconds=61)

    typed(office, "415 555 2671")

    see(office, "San Francisco")


def test_an_update_that_slack_had_no_time_for_is_sent_again(office: Office) -> None:
    office.form(text=TYPED)
    office.slack.fault("views.update", "429", times=1)

    typed(office, "415 555 2671")

    office.slack.wait_for(lambda: office.slack.api_calls("views.update"))
    office.pass_time(seconds=31)
    see(office, "San Francisco")


def test_a_call_that_is_over_is_told_with_its_outcome(office: Office) -> None:
    office.evo.world.default_script = Script(ring_s=0.1, talk_s=0.1)
    office.call(BOSS)
    office.let_time_pass_until(lambda: not any(call.is_in_progress for call in office.ledger()))

    office.form(text=TYPED)

    (call,) = office.ledger()
    when = f"<!date^{int(call.accepted_at.timestamp())}^{{date_short_pretty}} at {{time}}|"
    assert f" · last call: {when}" in line(office)
    assert "> by <@U_BOSS>, " in line(office)


def test_the_last_flow_and_caller_id_make_one_press_a_call(office: Office) -> None:
    office.form(text=TYPED)
    office.slack.fill(SARA, {"flow": "flow3", "caller_id": "+12025550101"})
    office.press()
    office.wait_until_settled()

    office.form(text="415 555 2671")
    assert office.press().acked

    office.slack.wait_for(lambda: office.rings == 2)
    ring = office.evo.world.rings[-1]
    assert (ring.number, ring.flow_id, ring.caller_id) == ("+14155552671", "flow3", "+12025550101")


def test_each_person_has_a_last_flow_of_their_own(office: Office) -> None:
    office.call(SARA)
    office.wait_until_settled()

    assert "initial_option" not in str(office.form(BOSS, "415 555 2671")["blocks"][2])
    assert "flow2" in str(office.form(SARA, "415 555 2671")["blocks"][2])


def test_a_form_that_was_closed_meanwhile_is_nobodys_problem(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.form()
    office.slack.fault("views.update", "slow", seconds=0.2)
    typed(office, TYPED)
    office.slack.close_modal(SARA)
    office.form(text="415 555 2671")
    typed(office, "202 555 0143")
    see(office, "Washington")

    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert office.told() == []


def test_a_submitted_form_is_never_turned_back_into_a_form(office: Office) -> None:
    """The update was on its way when the person pressed: its hash is no longer the form's."""
    office.form()
    office.fill()
    see(office, "Pennsylvania")
    before = copy.deepcopy(office.slack.modal(SARA))
    assert office.press().acked
    office.wait_for_page("· calling")
    payload = {"user": {"id": SARA, "team_id": office.slack.team_id}, "team": {"id": office.slack.team_id}}
    before["state"]["values"]["number"]["number"]["value"] = "911"
    action = {"action_id": "number", "block_id": "number", "action_ts": "9999999999.1"}

    def forms() -> int:
        updates = [call.args["view"] for call in office.slack.api_calls("views.update")]
        return sum(view["callback_id"] == "call_form" for view in updates)

    count = forms()
    office.slack.send("block_actions", payload | {"view": before, "actions": [action]})
    office.slack.wait_for(lambda: forms() > count)

    assert "· calling" in office.page()
    assert office.slack.modal(SARA)["callback_id"] == LIVE_PAGE


def test_a_slow_slack_holds_up_neither_typing_nor_the_press(office: Office) -> None:
    office.form()
    office.slack.fault("views.update", "hang", times=None)
    office.fill()

    delivery = office.press()

    assert delivery.acked
    assert delivery.seconds < 1
    office.slack.clear_faults()
    office.wait_for_card(says_placed)
    assert office.rings == 1


def test_a_person_who_lost_the_role_reads_nothing_more(office: Office) -> None:
    office.form()
    office.evo.world.logins["sara@acme.test"].roles = ("User",)
    office.pass_time(seconds=61)
    before = len(office.slack.api_calls("views.update"))
    typed(office, TYPED)
    office.form(BOSS, TYPED)
    typed(office, "415 555 2671", BOSS)
    see(office, "San Francisco", BOSS)

    assert line(office) == ""
    assert len(office.slack.api_calls("views.update")) == before + 2  # the boss's form, and his line


@pytest.mark.parametrize("strange", [None, 7, [], {}, {"values": 7}, {"values": {"number": {"number": []}}}])
def test_typing_of_another_shape_is_acknowledged_and_nothing_comes_of_it(
    office: Office, strange: object
) -> None:
    office.form()
    view = office.slack.modal(SARA) | {"state": strange}
    payload = {"user": {"id": SARA, "team_id": office.slack.team_id}, "team": {"id": office.slack.team_id}}
    action = {"action_id": "number", "block_id": "number", "action_ts": "x"}

    delivery = office.slack.send("block_actions", payload | {"view": view, "actions": [action]})

    assert delivery.acked
    assert office.told() == []


def test_call_number_in_message_of_a_forbidden_number_says_so_at_once(office: Office) -> None:
    ts = office.slack.say(BOSS, "C_GENERAL", f"call <tel:+442079460018|London> or {SHOWN}")
    office.slack.use_message_shortcut(SARA, "call_a_number_in_this_message", "C_GENERAL", ts)
    office.slack.wait_for_modal(SARA, "call_choice")
    office.slack.fill(SARA, {"number": "+442079460018"})
    office.slack.submit(SARA)

    assert "Calls to the United Kingdom are turned off." in line(office)
    assert NUMBER not in str(office.slack.modal(SARA)["blocks"])
