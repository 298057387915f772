"""More ways to the form: shortcuts, numbers in messages, `/call last`, and Call again on a card."""

from __future__ import annotations

from typing import Any

import pytest

from evoslack.calling.calls import Progress
from evoslack.slack.listeners.shortcuts import NUMBER_IN_MESSAGE, PLACE_A_CALL
from evoslack.slack.rendering.cards import CALL_AGAIN, MORE
from evoslack.slack.rendering.live_page import LIVE_PAGE
from sandbox.evo.calls import Script
from sandbox.slack.delivery import Delivery
from tests.scenario.office import AGENT, BOSS, NUMBER, SARA, SHOWN, TYPED, Office, as_read, says_placed

BUSY = Script(ring_s=0, answer=False, outcome="Busy", session="late")


def in_form(office: Office, who: str = SARA) -> dict[str, str]:
    """What stands in the form on a person's screen: block id to value."""
    office.slack.wait_for_modal(who, "call_form")
    values = office.slack.modal(who)["state"]["values"]
    found = {}
    for block, elements in values.items():
        (element,) = elements.values()
        option = element.get("selected_option")
        found[block] = option["value"] if option else element.get("value") or ""
    return found


def call_number_in(office: Office, text: str, who: str = SARA, **more: Any) -> None:
    ts = office.slack.say(BOSS, "C_GENERAL", text, **more)
    assert office.slack.use_message_shortcut(who, NUMBER_IN_MESSAGE, "C_GENERAL", ts).acked


@pytest.fixture(autouse=True)
def _slack_understood_everything(office: Office) -> Any:
    yield
    assert office.slack.complaints == []


def test_the_shortcut_opens_an_empty_form_and_the_call_is_told_by_direct_message(office: Office) -> None:
    office.evo.fault("/sessions/outgoing", "400_json")
    assert office.slack.use_shortcut(SARA, PLACE_A_CALL).acked
    assert in_form(office)["number"] == ""
    office.fill()

    assert office.press().acked

    office.wait_until_told("checking whether the phone rang")
    (line,) = office.slack.private(SARA)
    assert line.kind == "dm", "a shortcut has no place to answer in"


def test_one_number_in_a_message_fills_the_form(office: Office) -> None:
    call_number_in(office, f"Please call <tel:{NUMBER}|{SHOWN}> about order 4155550143 by 2026-03-02")

    assert in_form(office)["number"] == NUMBER
    office.fill(number=TYPED)
    office.press()
    office.wait_for_card(says_placed)
    assert office.rings == 1


def test_several_numbers_are_a_choice(office: Office) -> None:
    call_number_in(office, f"{SHOWN} or 202-555-0143 or +44 20 7946 0958")
    view = office.slack.wait_for_modal(SARA, "call_choice")
    options = view["blocks"][0]["element"]["options"]
    assert [option["text"]["text"] for option in options] == [SHOWN, "(202) 555-0143", "+44 20 7946 0958"]

    office.slack.fill(SARA, {"number": "+12025550143"})
    assert office.slack.submit(SARA).acked

    assert in_form(office)["number"] == "+12025550143"
    assert office.rings == 0, "choosing dials nothing"


def test_a_message_without_a_number_says_so(office: Office) -> None:
    call_number_in(office, "Invoice #4155550143 costs $415,555.01 <https://x.test/4155550143> <@U4155550143>")

    assert in_form(office)["number"] == ""
    assert "This message has no number EvoSlack can call. Enter one." in office.page()


def test_a_message_made_to_hold_the_bot_up_is_answered_like_any_other(office: Office) -> None:
    call_number_in(office, f"{'<tel:' * 6000}{'&#' + '1' * 5000} call {SHOWN}")

    assert in_form(office)["number"] == NUMBER


def test_a_message_with_two_hundred_numbers_offers_a_hundred_of_them(office: Office) -> None:
    call_number_in(office, ", ".join(f"(202) 555-{index:04}" for index in range(100, 300)))

    view = office.slack.wait_for_modal(SARA, "call_choice")
    assert len(view["blocks"][0]["element"]["options"]) == 100
    hint = view["blocks"][0]["hint"]["text"]
    assert "This message has more than 100 numbers. These are the first 100." in hint


def test_numbers_in_blocks_and_attachments_are_found(office: Office) -> None:
    link = {"type": "link", "url": f"tel:{NUMBER}", "text": "call me"}
    rich = [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [link]}]}]
    call_number_in(office, "see below", blocks=rich, attachments=[{"fallback": "202-555-0143"}])

    view = office.slack.wait_for_modal(SARA, "call_choice")
    values = [option["value"] for option in view["blocks"][0]["element"]["options"]]
    assert values == [NUMBER, "+12025550143"]


def test_call_last_fills_in_what_was_called_last(office: Office) -> None:
    office.call(SARA)
    office.wait_until_settled()
    office.call(BOSS, "202 555 0143")
    office.wait_until_settled()

    office.form(SARA, "last")

    assert in_form(office) == {"flow": "flow2", "number": SHOWN, "caller_id": "+12025550100", "when": "now"}
    assert office.rings == 2, "nothing is dialed without a press"


def test_call_last_without_a_last_call_says_so(office: Office) -> None:
    assert office.slack.type_command(SARA, " LAST ").acked

    assert office.told() == ["No calls yet, so there's nothing to call again."]


def finished(office: Office, script: Script, words: str) -> dict[str, Any]:
    """The card of Sara's call that ended like this."""
    office.evo.world.default_script = script
    office.call(SARA)
    wait_for_words(office, words)
    (card,) = office.cards()
    return card


def wait_for_words(office: Office, words: str) -> None:
    """Wait until a card says this, while time passes quickly once the call is dialed."""
    if not any(words in card["text"] for card in office.cards()):
        office.slack.wait_for(office.cards)
        office.let_time_pass_until(lambda: any(words in card["text"] for card in office.cards()), step_s=3)


def call_again(office: Office, who: str, card: dict[str, Any]) -> Delivery:
    """Press *Call again*: a button where it is the next step, else an option in the menu."""
    (call,) = office.ledger()
    if CALL_AGAIN in str(card["blocks"]):
        return office.slack.click(who, CALL_AGAIN, "C_CALLS", card["ts"])
    return office.slack.click(who, MORE, "C_CALLS", card["ts"], value=f"again:{call.id}")


@pytest.mark.parametrize(
    ("script", "words"),
    [(BUSY, "· busy"), (Script(ring_s=0, talk_s=1), "completed")],
    ids=["button", "menu"],
)
def test_call_again_on_a_card_opens_the_same_form_for_people_who_may_call(
    office: Office, script: Script, words: str
) -> None:
    card = finished(office, script, words)

    assert call_again(office, BOSS, card).acked

    assert in_form(office, BOSS) == {
        "flow": "flow2",
        "number": SHOWN,
        "caller_id": "+12025550100",
        "when": "now",
    }
    office.pass_time(seconds=11)  # who calls sooner is asked whether they know of the call before
    assert office.press(BOSS).acked
    office.slack.wait_for(lambda: office.rings == 2)
    assert office.slack.modal(BOSS)["callback_id"] == LIVE_PAGE


def test_a_menu_that_is_pressed_twenty_times_dials_nothing(office: Office) -> None:
    card = finished(office, Script(ring_s=0, talk_s=1), "completed")

    for _ in range(20):
        assert call_again(office, SARA, card).acked

    assert in_form(office)["number"] == SHOWN
    assert office.rings == 1


def test_a_person_without_the_role_gets_no_form_from_the_menu(office: Office) -> None:
    card = finished(office, Script(ring_s=0, talk_s=1), "completed")

    assert call_again(office, AGENT, card).acked

    office.slack.wait_for(
        lambda: any("Manager role" in words for words in [*office.told(AGENT), office.page(AGENT)])
    )
    assert office.rings == 1


def test_a_card_has_no_call_again_until_the_call_is_over(office: Office) -> None:
    office.evo.world.default_script = Script(ring_s=0, talk_s=3600)
    office.evo.fault("/sessions/outgoing", "slow", seconds=1.5)
    office.call()
    office.slack.wait_for(lambda: any("· dialing" in card["text"] for card in office.cards()))
    assert "Call again" not in str(office.cards()), "while it is being dialed"
    wait_for_words(office, "· on the call")
    assert "Call again" not in str(office.cards()), "while they talk"

    (at_the_phone,) = office.evo.world.calls
    office.evo.world.hang_up(at_the_phone)

    wait_for_words(office, "· ended")
    assert "Call again" in str(office.cards())


def test_call_again_for_a_call_that_was_forgotten_says_so(office: Office) -> None:
    card = finished(office, BUSY, "· busy")
    office.wait_until_settled()
    office.pass_time(days=366)
    office.let_time_pass_until(lambda: not office.ledger(), step_s=3601)

    office.slack.click(SARA, CALL_AGAIN, "C_CALLS", card["ts"])

    office.wait_for_page("no longer has a record of this call")
    assert office.told() == []


@pytest.mark.parametrize("trouble", ["expired", "cut"])
def test_a_shortcut_whose_form_does_not_open_is_explained(office: Office, trouble: str) -> None:
    if trouble == "expired":
        office.slack.trigger_lifetime_s = 0
    else:
        office.slack.fault("views.open", "cut")

    assert office.slack.use_shortcut(SARA, PLACE_A_CALL).acked

    assert office.wait_until_told("ry again")


def test_a_forged_choice_cannot_be_read(office: Office) -> None:
    call_number_in(office, f"{SHOWN} or 202-555-0143")
    office.slack.wait_for_modal(SARA, "call_choice")
    view = office.slack.modal(SARA)
    for state in ({"values": {}}, {"values": {"number": {"number": {"selected_option": {"value": 7}}}}}):
        delivery = office.slack.send(
            "view_submission",
            {"user": {"id": SARA, "team_id": office.slack.team_id}, "view": {**view, "state": state}},
        )
        assert "no longer works" in str(delivery.payload)


def test_after_a_doubt_call_again_asks_first_whether_a_person_checked(office: Office) -> None:
    office.hide_calls()
    office.evo.fault("/sessions/outgoing", "cut_after_ring")
    office.call()
    office.let_time_pass_until(lambda: CALL_AGAIN in str(office.cards()), step_s=31)
    (card,) = office.cards()

    assert "not certain" in card["text"]
    button = card["blocks"][-1]["elements"][0]
    assert "rings the same phone a second time" in button["confirm"]["text"]["text"]
    office.slack.click(SARA, CALL_AGAIN, "C_CALLS", card["ts"])  # and says yes
    assert in_form(office)["number"] == SHOWN
    assert office.rings == 1


def test_history_shows_ones_own_latest_calls_with_call_again(office: Office) -> None:
    office.evo.fault("/sessions/outgoing", "400_json")
    office.call(SARA, "202 555 0143")
    office.let_time_pass_until(lambda: office.ledger()[0].progress is Progress.LOST, step_s=5)
    office.call(BOSS, "202 555 0144")
    office.call(SARA)
    office.wait_until_settled()

    assert office.slack.type_command(SARA, "history").acked

    note = office.slack.private(SARA)[-1]
    heading, newest, oldest = (as_read(block["text"]["text"]) for block in note.blocks)
    assert heading == "*Your latest calls*"
    assert "· calling" in newest and SHOWN in newest and "Customer survey" in newest
    assert "rejected" in oldest and "(202) 555-0143" in oldest
    assert "555-0144" not in str(note.blocks), "another person's call"
    again = note.blocks[2]["accessory"]
    office.slack.click(SARA, again["action_id"], note.channel_id, note.ts, note.blocks[2]["block_id"])
    assert in_form(office)["number"] == "(202) 555-0143"


def test_history_without_calls_or_without_the_role_says_so(office: Office) -> None:
    office.slack.type_command(SARA, "history")
    office.slack.type_command("U_AGENT", "history")

    office.wait_until_told("No calls yet.", SARA)
    office.wait_until_told("need the Manager role", "U_AGENT")


def test_history_is_ten_calls_long(office: Office) -> None:
    for index in range(12):
        office.call(SARA, f"(202) 555-01{index:02}")
        office.wait_until_settled()

    office.slack.type_command(SARA, "history")

    note = office.slack.private(SARA)[-1]
    assert len(note.blocks) == 11
    assert "555-0111" in as_read(note.blocks[1]["text"]["text"])
