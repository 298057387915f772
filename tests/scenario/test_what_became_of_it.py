"""A person who pressed always learns what became of the call, and the team has one card that is right."""

from __future__ import annotations

import logging

import pytest

from evoslack.calling.calls import State
from tests.scenario.office import BOSS, NUMBER, SARA, Office, says_placed

OUTGOING = "/sessions/outgoing"


@pytest.mark.parametrize(
    ("fault", "state", "words", "rings"),
    [
        ("400_json", State.REJECTED, "doesn't accept this number, flow, or caller ID", 0),
        ("403_text", State.REJECTED, "Evo Voice login isn't allowed to place calls", 0),
        ("403_json", State.REJECTED, "doesn't permit this call", 0),
        ("404_json", State.REJECTED, "couldn't find this flow", 0),
        ("404_json_after_ring", State.REJECTED, "couldn't find this flow", 1),
        ("429", State.REJECTED, "asked EvoSlack to wait 7 seconds", 0),
        ("html_200", State.IN_DOUBT, "A web page came back", 0),
        ("html_200_after_ring", State.IN_DOUBT, "A web page came back", 1),
        ("206_after_ring", State.IN_DOUBT, "answer was unclear", 1),
        ("500_after_ring", State.IN_DOUBT, "had an error while placing", 1),
        ("502_html", State.IN_DOUBT, "had an error while placing", 0),
        ("redirect", State.IN_DOUBT, "answer was unclear", 0),
        ("cut_after_ring", State.IN_DOUBT, "connection to Evo Voice broke", 1),
        ("hang_after_ring", State.IN_DOUBT, "didn't answer in time", 1),
    ],
)
def test_everything_but_placed_is_told_on_the_card_and_privately(
    empty_office: Office, fault: str, state: State, words: str, rings: int
) -> None:
    empty_office.open(dial_deadline_s=1.0)
    empty_office.hide_calls()
    empty_office.evo.fault(OUTGOING, fault, retry_after=7)
    empty_office.call()

    (call,) = empty_office.wait_until_settled()
    (card,) = empty_office.cards()
    (line,) = empty_office.slack.private(SARA)
    assert call.state is state
    assert words in card["text"]
    assert words in str(card["blocks"])
    assert words in line.text
    assert line.kind == "response_url"
    assert (empty_office.rings, empty_office.evo.posts) == (rings, 1)
    if state is State.IN_DOUBT:
        assert "may have rung, once" in line.text
    else:
        assert "EvoSlack is checking whether the phone rang" in line.text
    assert "Nothing was dialed" not in line.text + card["text"], "it is not known yet"
    assert "didn't call" not in line.text + card["text"]


def test_a_login_that_is_refused_proves_at_once_that_nothing_rang(empty_office: Office) -> None:
    empty_office.open(dial_deadline_s=1.0)
    empty_office.hide_calls()
    empty_office.evo.fault(OUTGOING, "401_empty", times=None)
    empty_office.call()

    (call,) = empty_office.wait_until_settled()
    assert (call.state, call.is_in_progress, call.is_uncertain) == (State.REJECTED, False, False)
    assert "Nothing was dialed" in empty_office.told()[0]
    assert "Nothing was dialed" in empty_office.cards()[0]["text"]


def test_evo_voice_out_of_reach_is_told_as_not_sent(office: Office) -> None:
    office.form()
    office.fill()
    office.evo.stop()
    office.press()

    (call,) = office.wait_until_settled()
    assert call.state is State.NOT_SENT
    assert "couldn't reach Evo Voice" in office.wait_for_card("not sent")["text"]
    assert "couldn't reach Evo Voice" in office.told()[0]


def test_an_expired_login_is_renewed_and_the_call_goes_out_once(office: Office) -> None:
    office.form()
    office.fill()
    office.evo.expire_logins()
    office.press()

    office.wait_for_card(says_placed)
    assert office.rings == 1


def test_a_call_that_waited_too_long_is_never_dialed(empty_office: Office) -> None:
    empty_office.open(dial_deadline_s=3.0)
    empty_office.evo.fault(OUTGOING, "hang_after_ring", times=8)
    for last in range(8):  # as many as are dialed side by side
        empty_office.call(number=f"814 404 310{last}")
    empty_office.evo.wait_for(lambda: empty_office.evo.posts == 8)

    empty_office.call()
    empty_office.pass_time(minutes=3)
    empty_office.bot.switchboard.sweep()

    empty_office.wait_until_told("waited too long for its turn")
    assert empty_office.wait_until_settled()[0].state is State.EXPIRED
    assert NUMBER not in [ring.number for ring in empty_office.evo.world.rings]


def test_a_closed_response_url_leads_to_a_direct_message(office: Office) -> None:
    office.evo.fault(OUTGOING, "400_json")
    office.slack.fault("response_url", "error:expired_url", times=None)
    office.call()

    office.wait_until_settled()
    (line,) = office.slack.private(SARA)
    assert (line.kind, "rejected" in line.text) == ("dm", True)


def test_foreign_text_cannot_mention_anybody_or_plant_links(office: Office) -> None:
    office.evo.world.flows["flow2"]["name"] = "<!channel> <http://evil.test|bank> & *bold* @here"
    office.bot.catalog.refresh()
    office.form()
    office.fill()
    office.press()

    card = office.wait_for_card(says_placed)
    shown = card["text"] + str(card["blocks"])
    assert "<!channel>" not in shown
    assert "<http" not in shown
    assert "&lt;!channel&gt;" in shown
    texts = [field for block in card["blocks"] for field in block.get("fields", [])]
    assert all(text["verbatim"] for text in texts)


def test_without_a_seat_in_the_channel_the_call_is_placed_and_the_caller_told(
    empty_office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    empty_office.slack.channels["C_CALLS"]["is_member"] = False
    empty_office.open()
    with caplog.at_level(logging.ERROR, "evoslack"):
        empty_office.call()
        line = empty_office.wait_until_told("(814) 404-3093")

    assert says_placed(line)
    assert "EvoSlack isn't in <#C_CALLS>, so there's no card yet" in line
    assert "invite the bot to CALLS_CHANNEL" in caplog.text
    assert (empty_office.rings, empty_office.cards()) == (1, [])

    empty_office.slack.channels["C_CALLS"]["is_member"] = True
    empty_office.let_time_pass_until(empty_office.cards)
    (card,) = empty_office.cards()
    assert says_placed(card["text"])
    assert len(empty_office.told()) == 1


@pytest.mark.parametrize("trouble", ["429", "500", "error:internal_error", "cut"])
def test_slack_in_trouble_while_posting_leads_to_one_card_later(office: Office, trouble: str) -> None:
    office.slack.fault("chat.postMessage", trouble, times=2)
    office.call()
    office.slack.wait_for(lambda: office.ledger()[0].state is State.PLACED)

    office.let_time_pass_until(lambda: any(says_placed(card["text"]) for card in office.cards()))
    office.wait_until_settled()
    assert len(office.cards()) == 1


def test_a_card_whose_posting_was_not_answered_is_found_again_and_not_doubled(office: Office) -> None:
    office.slack.fault("chat.postMessage", "lose_answer")
    office.evo.fault(OUTGOING, "400_json")
    office.call()

    office.let_time_pass_until(lambda: any("rejected" in card["text"] for card in office.cards()))
    office.wait_until_settled()
    assert len(office.cards()) == 1


def test_a_card_that_cannot_be_looked_for_is_not_posted_twice_and_the_caller_knows(office: Office) -> None:
    office.slack.bot_scopes.discard("channels:history")
    office.slack.fault("chat.postMessage", "lose_answer")
    office.call()
    office.let_time_pass_until(office.told)

    office.wait_until_told("missing or out of date (missing_scope)")
    assert len(office.cards()) == 1


def test_a_deleted_card_is_not_posted_again(empty_office: Office) -> None:
    office = empty_office
    office.open(dial_deadline_s=1.5)
    office.evo.fault(OUTGOING, "hang_after_ring")
    office.call()
    card = office.wait_for_card("· dialing")
    office.slack.delete_message("C_CALLS", card["ts"])

    office.wait_until_told("message_not_found", within_s=10)
    assert office.cards() == []


def test_many_calls_at_once_each_get_their_own_card(office: Office) -> None:
    office.form()
    for last in range(20):
        office.form()
        office.fill(number=f"814 404 31{last:02}")
        office.press()

    calls = office.wait_until_settled(within_s=20)
    assert [call.state for call in calls] == [State.PLACED] * 20
    assert sorted(ring.number for ring in office.evo.world.rings) == [f"+181440431{n:02}" for n in range(20)]
    assert len(office.cards()) == 20


def test_logs_hold_no_full_number_and_no_secret(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "evoslack"):
        office.call()
        office.evo.fault(OUTGOING, "403_text")
        office.call(number="814 404 3094")
        office.wait_until_settled()

    assert "placed" in caplog.text
    for secret in (NUMBER[1:], "8144043094", "404-3093", "xoxb-", "xapp-", "let-me-in"):
        assert secret not in caplog.text


def test_a_person_who_cannot_read_a_private_channel_is_told_of_a_good_call_too(empty_office: Office) -> None:
    empty_office.slack.add_channel("C_SECRET", "secret", is_private=True)
    empty_office.slack.leave(SARA, "C_SECRET")
    empty_office.open(CALLS_CHANNEL="C_SECRET")

    empty_office.call(SARA)
    assert "(814) 404-3093 · placed" in empty_office.wait_until_told(says_placed)
    empty_office.call(BOSS, number="814 404 3094")

    empty_office.wait_until_settled()
    assert (len(empty_office.told(SARA)), empty_office.told(BOSS)) == (1, [])  # the boss is a member
    assert len(empty_office.cards("C_SECRET")) == 2


def test_a_card_that_is_in_trouble_for_long_is_told_to_the_caller(office: Office) -> None:
    office.slack.fault("chat.postMessage", "500", times=None)
    office.call()

    office.let_time_pass_until(office.told)

    (line,) = office.told()
    assert says_placed(line)
    assert "The card in <#C_CALLS> is missing or out of date" in line


def test_a_flow_with_an_endless_name_still_gets_its_card(office: Office) -> None:
    office.evo.world.flows["flow2"]["name"] = "Survey " + "&" * 6000
    office.bot.catalog.refresh()
    office.call()

    assert len(office.wait_for_card(says_placed)["text"]) < 4000
