"""A person presses the button: what is checked, what is written down, and how often a phone rings."""

from __future__ import annotations

import copy
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from evoslack.calling.calls import State
from evoslack.slack.rendering.form_messages import ANOTHER_NUMBER
from tests.scenario.office import BOSS, NUMBER, SARA, SHOWN, Office, as_read, headline_of, says_placed

TYPED_WELL = "٨١٤ ٤٠٤ ٣٠٩٣"  # the same number in Arabic digits


def test_a_good_call_rings_once_and_everybody_learns_of_it(office: Office) -> None:
    office.form()
    office.fill()
    assert office.press().acked
    office.wait_for_page("· dialing")

    card = office.wait_for_card(says_placed)
    (ring,) = office.evo.world.rings
    assert (ring.number, ring.flow_id, ring.caller_id) == (NUMBER, "flow2", "+12025550100")
    (call,) = office.wait_until_settled()
    assert call.state is State.PLACED
    for words in (SHOWN, "<@U_SARA>", "Customer survey", "(202) 555-0100", "Pennsylvania"):
        assert words in card["text"]
        assert words in as_read(json.dumps(card["blocks"], ensure_ascii=False))
    assert f"<!date^{int(call.accepted_at.timestamp())}^" in str(card["blocks"])
    assert office.told() == []
    assert not office.slack.complaints


@pytest.mark.parametrize("presses", [2, 10])
def test_pressed_several_times_at_once_rings_once(office: Office, presses: int) -> None:
    office.form()
    payload = pressed(office)

    with ThreadPoolExecutor(presses) as fingers:
        deliveries = list(
            fingers.map(lambda _: office.slack.send("view_submission", payload), range(presses))
        )

    assert [delivery.payload["response_action"] for delivery in deliveries] == ["update"] * presses
    office.wait_until_settled()
    assert (office.rings, len(office.cards()), len(office.ledger())) == (1, 1, 1)


def test_the_same_envelope_delivered_again_rings_once(office: Office) -> None:
    delivery = office.call()
    office.wait_for_card(says_placed)

    again = office.slack.redeliver(delivery)

    assert again.acked
    assert "(814) 404-3093" in headline_of(again.payload)
    office.wait_until_settled()
    assert (office.rings, len(office.cards())) == (1, 1)


def test_a_press_whose_ack_was_lost_can_be_repeated_even_after_the_role_was_lost(office: Office) -> None:
    delivery = office.call()
    office.wait_for_card(says_placed)
    office.evo.world.logins["sara@acme.test"].roles = ("User",)
    office.pass_time(minutes=2)

    again = office.slack.redeliver(delivery)

    assert "Your call" in str(again.payload["view"])
    assert office.rings == 1


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("hello", "isn't a phone number"),
        ("9" * 80, "too long for a number"),
        ("☎️ 😀", "isn't a phone number"),
        ("814 404 3093, 814 404 3094", "Enter one number"),
        ("814-404-3093 x12", "Extensions and codes"),
        ("1-800-FLOWERS", "Did you mean (800) 356-9377?"),
        ("911", "never dials emergency numbers"),
        ("112", "never dials emergency numbers"),
        ("411", "can't dial short numbers"),
        ("404-3093", "Include the area code"),
        ("814 404 3093 55", "too long"),
        ("+1 000 000 0000", "isn't a valid number"),
        ("1-900-555-1234", "premium-rate"),
        ("+44 20 7946 0018", "Calls to the United Kingdom are turned off"),
    ],
)
def test_a_bad_number_gets_its_own_sentence_under_the_field(office: Office, typed: str, words: str) -> None:
    office.form()
    office.fill(number=typed)

    assert office.press().acked

    said = [office.under("number"), office.page()]  # in the line as well if that was there first
    assert words in said[0] or (words in said[1] and said[0] == ANOTHER_NUMBER)
    assert (office.rings, office.ledger(), office.slack.complaints) == (0, [], [])
    office.slack.fill(SARA, {"number": TYPED_WELL})
    assert office.press().acked  # the form was not lost
    office.wait_for_card(says_placed)


def test_what_the_line_under_the_number_says_is_not_said_again_by_the_error(office: Office) -> None:
    office.form(text="911 survey")
    assert "EvoSlack never dials emergency numbers." in office.page()

    assert office.press().acked

    assert office.under("number") == "Nothing was dialed. Enter another number."
    assert (office.rings, office.ledger()) == (0, [])


def test_a_bad_number_is_an_error_even_if_no_flow_is_chosen(office: Office) -> None:
    """Slack itself asks for the flow; should it not, both fields are named."""
    office.form(text="12")
    office.slack.fill(SARA, {"flow": "flow2"})
    payload = copy.deepcopy(office.slack.submit(SARA).sent)
    payload["view"]["state"]["values"]["flow"]["flow"]["selected_option"] = None

    delivery = office.slack.send("view_submission", payload)

    assert delivery.payload["response_action"] == "errors"
    assert set(delivery.payload["errors"]) == {"number", "flow"}


@pytest.mark.parametrize("typed", [TYPED_WELL, "tel:+1-814-404-3093", "<tel:+18144043093|(814) 404-3093>"])
def test_every_usual_spelling_is_dialed_as_e164(office: Office, typed: str) -> None:
    office.call(number=typed)
    office.wait_for_card(says_placed)

    assert [ring.number for ring in office.evo.world.rings] == [NUMBER]


def test_another_country_can_be_allowed(empty_office: Office) -> None:
    empty_office.open(ALLOWED_COUNTRIES="US,GB")
    empty_office.call(number="+44 20 7946 0018")

    assert "+44 20 7946 0018" in empty_office.wait_for_card(says_placed)["text"]


def pressed(office: Office, number: str = "911") -> dict:
    """What Slack delivers for a press that became no call yet; tests change it and deliver it again."""
    office.fill(number=number)
    payload = copy.deepcopy(office.slack.submit(SARA).sent)
    payload["view"]["state"]["values"]["number"]["number"]["value"] = TYPED_WELL
    return payload


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"flow": "flow_of_another_account"}, "flow", "no longer available"),
        ({"flow": "flow4"}, "flow", "no longer available"),  # has no nodes
        ({"caller_id": "+18005551234"}, "caller_id", "no longer available"),
        ({"caller_id": "+12025550199"}, "caller_id", "no longer available"),  # virtual, never bought
    ],
)
def test_a_forged_choice_is_refused_under_its_field(
    office: Office, values: dict, field: str, words: str
) -> None:
    office.evo.world.add_flow("flow_of_another_account", "Theirs", account_id="acc2")
    office.form()
    payload = pressed(office)
    for block, value in values.items():
        payload["view"]["state"]["values"][block][block]["selected_option"]["value"] = value

    answer = office.slack.send("view_submission", payload).payload

    assert words in answer["errors"][field]
    assert (office.rings, office.ledger()) == (0, [])


def test_an_empty_field_is_refused_by_slack_itself(office: Office) -> None:
    office.form()

    assert office.press().invalid_inputs == ("number", "flow")


def test_the_same_form_with_other_content_is_refused_and_the_first_call_stands(office: Office) -> None:
    delivery = office.call()
    office.wait_for_card(says_placed)
    payload = copy.deepcopy(delivery.sent)
    payload["view"]["state"]["values"]["number"]["number"]["value"] = "814 404 3094"

    answer = office.slack.send("view_submission", payload).payload

    assert "already started a call to (814) 404-3093" in answer["errors"]["number"]
    assert [ring.number for ring in office.evo.world.rings] == [NUMBER]


def test_another_persons_request_key_is_refused_and_tells_nothing(office: Office) -> None:
    delivery = office.call()
    payload = copy.deepcopy(delivery.sent)
    payload["user"] = {"id": BOSS, "team_id": office.slack.team_id}

    answer = office.slack.send("view_submission", payload).payload

    assert "belongs to someone else" in str(answer["view"])
    assert SHOWN not in str(answer)


@pytest.mark.parametrize("metadata", ["", "nonsense", "[]", '{"key": 7}', '{"key":"a","stranger":"b"}', "{}"])
def test_an_unreadable_form_is_refused(office: Office, metadata: str) -> None:
    office.form()
    payload = pressed(office)
    payload["view"]["private_metadata"] = metadata

    answer = office.slack.send("view_submission", payload).payload

    assert "no longer works" in str(answer["view"])
    assert (office.rings, office.ledger()) == (0, [])


def test_two_people_want_the_same_number_at_once_and_it_rings_once(empty_office: Office) -> None:
    office = empty_office
    office.open(dial_deadline_s=1.5)
    office.hide_calls()
    office.evo.fault("/sessions/outgoing", "hang_after_ring")  # Sara's call is under way
    for who in (SARA, BOSS):
        office.form(who)
        office.fill(who)
    assert office.press(SARA).acked
    office.evo.wait_for(lambda: office.rings)

    assert office.press(BOSS).acked

    assert "<@U_SARA> started a call to this number seconds ago" in office.page(BOSS)
    assert office.rings == 1
    office.wait_for_card("not certain", within_s=10)
    office.press(BOSS)
    assert "EvoSlack can't tell whether the call is still going on" in office.page(BOSS)
    office.pass_time(seconds=2)
    office.press(BOSS)  # now the boss knows, and decides to call
    office.slack.wait_for(lambda: office.rings == 2)


def test_a_broken_ledger_is_told_honestly_and_nothing_rings(office: Office) -> None:
    office.form()
    office.fill()
    office.bot.store.engine.dispose()
    with office.bot.store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE notifications RENAME TO gone")

    delivery = office.press()

    assert delivery.acked
    assert "Something broke in EvoSlack (reference " in office.under("number")
    assert (office.rings, office.ledger()) == (0, [])
    with office.bot.store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE gone RENAME TO notifications")
    assert office.press().acked
    office.wait_for_card(says_placed)
    assert office.rings == 1


def test_private_lines_are_never_posted_to_a_strange_address(office: Office) -> None:
    office.form()
    payload = pressed(office)
    payload["view"]["private_metadata"] = (
        f'{{"key":"forged","made_at":"{int(time.time())}","channel_id":"C","response_url":"http://evil.test/"}}'
    )

    assert office.slack.send("view_submission", payload).acked

    assert office.ledger()[0].request.response_url == ""


def test_a_form_from_yesterday_is_refused_because_its_call_may_be_forgotten(office: Office) -> None:
    """The row that keeps a form from calling twice is deleted one day, and the form may still be open."""
    office.form()
    office.fill()
    office.pass_time(hours=12, seconds=1)

    assert office.press().acked

    assert "no longer works" in office.page()
    assert (office.rings, office.ledger()) == (0, [])


def test_a_form_that_became_a_call_yesterday_still_says_so(office: Office) -> None:
    delivery = office.call()
    office.wait_until_settled()
    office.pass_time(hours=13)

    again = office.slack.redeliver(delivery)

    assert "(814) 404-3093" in headline_of(again.payload)
    assert office.rings == 1
