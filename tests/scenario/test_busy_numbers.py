"""Nobody rings a person who is already on the phone: the form asks first, and one more press calls anyway."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from evoslack.calling.calls import ANY_CALL, Call
from evoslack.slack.rendering.cards import MORE
from sandbox.evo.calls import Script
from tests.scenario.office import BOSS, NUMBER, ROOT, SARA, SHOWN, TYPED, Office

RINGING, TALKING = Script(ring_s=3600), Script(ring_s=0.05, talk_s=3600)
BUSY = Script(ring_s=0, answer=False, outcome="Busy", session="late")
ON_THE_PHONE = "is on the phone with this number"


def talks(office: Office, who: str = SARA, number: str = TYPED) -> Call:
    """A person is on the phone with a number."""
    office.evo.world.default_script = TALKING
    office.call(who, number)
    office.let_time_pass_until(
        lambda: any(call.answered_at and call.request.user_id == who for call in office.ledger()), step_s=1
    )
    return next(call for call in office.ledger() if call.request.user_id == who)


def asks(office: Office, who: str = BOSS) -> str:
    """Press, and what the form asks then."""
    assert office.press(who).acked
    view = office.slack.modal(who)
    assert view is not None
    assert view["callback_id"] == "call_form"
    return str(view["blocks"][0]["text"]["text"])


def button(office: Office, who: str = BOSS) -> str:
    view = office.slack.modal(who)
    return str(view["submit"]["text"]) if view and view["submit"] else ""


def question_of(office: Office, who: str = BOSS) -> str:
    view = office.slack.modal(who)
    assert view is not None
    first = view["blocks"][0]
    return str(first["text"]["text"]) if str(first["block_id"]).startswith("busy") else ""


def filled_in(office: Office, who: str = BOSS) -> dict[str, Any]:
    view = office.slack.modal(who)
    assert view is not None
    values = view["state"]["values"]
    return {
        "number": values["number"]["number"]["value"],
        "flow": values["flow"]["flow"]["selected_option"]["value"],
        "caller_id": values["caller_id"]["caller_id"]["selected_option"]["value"],
    }


def remembered(office: Office, who: str = BOSS) -> dict[str, str]:
    view = office.slack.modal(who)
    assert view is not None
    return dict(json.loads(view["private_metadata"]))


@pytest.fixture
def talking(office: Office) -> Iterator[Office]:
    """Sara is on the phone with a number, and the boss has filled in a form for it."""
    talks(office)
    office.form(BOSS)
    office.fill(BOSS)
    office.slack.fill(BOSS, {"caller_id": "+12025550101"})
    yield office
    assert office.slack.complaints == []


def test_the_form_asks_keeps_what_was_filled_in_and_dials_nothing(talking: Office) -> None:
    key = remembered(talking)["key"]

    asked = asks(talking)

    assert f"*<@U_SARA> {ON_THE_PHONE}*" in asked
    assert "Nothing was dialed." in asked
    assert button(talking) == "Call anyway"
    assert filled_in(talking) == {"number": TYPED, "flow": "flow2", "caller_id": "+12025550101"}
    assert remembered(talking)["key"] == key
    assert (talking.rings, len(talking.ledger())) == (1, 1)


def test_the_question_links_the_card(talking: Office) -> None:
    talking.wait_for_card("· on the call")
    (card,) = talking.cards()
    address = f"{talking.slack.url}/archives/C_CALLS/p{card['ts'].replace('.', '')}"

    assert f"<{address}|Open card>" in asks(talking)


def test_one_more_press_calls_anyway_with_the_same_form(talking: Office) -> None:
    asks(talking)
    talking.pass_time(seconds=3)

    assert talking.press(BOSS).acked

    talking.slack.wait_for(lambda: talking.rings == 2)
    mine, sara = talking.ledger()
    assert (mine.request.user_id, mine.request.anyway) == (BOSS, sara.id)
    assert talking.evo.world.rings[-1].caller_id == "+12025550101"


def test_the_second_half_of_a_double_press_is_no_answer(talking: Office) -> None:
    assert "too soon" not in asks(talking)
    for _press in range(19):
        words = asks(talking)
        assert ON_THE_PHONE in words
        assert "Your last press came too soon to count, so press *Call anyway* again if you mean it." in words
    assert talking.rings == 1

    talking.pass_time(seconds=3)
    talking.press(BOSS)
    talking.slack.wait_for(lambda: talking.rings == 2)


def test_twenty_presses_at_once_call_once(talking: Office) -> None:
    asks(talking)
    talking.pass_time(seconds=3)
    view = talking.slack.modal(BOSS)
    person = {"id": BOSS, "team_id": talking.slack.team_id}
    payload = {"user": person, "team": {"id": talking.slack.team_id}, "view": view}

    with ThreadPoolExecutor(20) as fingers:
        deliveries = list(
            fingers.map(lambda _: talking.slack.send("view_submission", copy.deepcopy(payload)), range(20))
        )

    assert all(delivery.acked for delivery in deliveries)
    talking.slack.wait_for(lambda: talking.rings == 2)
    talking.slack.wait_for(lambda: not any(call.is_open for call in talking.ledger()))
    assert (talking.rings, len(talking.ledger())) == (2, 2)


def test_twenty_presses_at_once_before_the_question_call_nobody(talking: Office) -> None:
    view = talking.slack.modal(BOSS)
    person = {"id": BOSS, "team_id": talking.slack.team_id}
    payload = {"user": person, "team": {"id": talking.slack.team_id}, "view": view}

    with ThreadPoolExecutor(20) as fingers:
        deliveries = list(fingers.map(lambda _: talking.slack.send("view_submission", payload), range(20)))

    assert all(ON_THE_PHONE in str(delivery.payload) for delivery in deliveries)
    assert (talking.rings, len(talking.ledger())) == (1, 1)


def test_the_question_about_ones_own_call_says_you(office: Office) -> None:
    talks(office)
    office.form(SARA)
    office.fill(SARA)

    assert asks(office, SARA).startswith("*You're on the phone with this number*")


def test_another_number_is_dialed_without_a_question(talking: Office) -> None:
    asks(talking)
    talking.slack.fill(BOSS, {"number": "415 555 2671"})
    talking.slack.wait_for(lambda: button(talking) == "Call", what="the question to go away")
    assert ON_THE_PHONE not in talking.page(BOSS)

    talking.press(BOSS)

    talking.slack.wait_for(lambda: talking.rings == 2)
    assert talking.evo.world.rings[-1].number == "+14155552671"


def test_another_busy_number_is_asked_about_in_its_turn(talking: Office) -> None:
    talks(talking, ROOT, "415 555 2671")
    assert "<@U_SARA>" in asks(talking)
    talking.slack.fill(BOSS, {"number": "415 555 2671"})
    talking.pass_time(seconds=3)

    assert f"*<@U_ROOT> {ON_THE_PHONE}*" in asks(talking)
    assert talking.rings == 2


def test_a_call_that_came_in_between_is_asked_about_too_and_then_there_is_an_end(talking: Office) -> None:
    asks(talking)
    talking.pass_time(seconds=3)
    talking.form(ROOT, TYPED)
    talking.slack.fill(ROOT, {"flow": "flow2"})
    talking.pass_time(seconds=3)
    talking.press(ROOT)  # one more call to the same number
    talking.let_time_pass_until(
        lambda: sum(call.answered_at is not None for call in talking.ledger()) == 2, step_s=1
    )

    asked = asks(talking)
    assert f"*<@U_ROOT> {ON_THE_PHONE}*" in asked
    assert "1 earlier call to it may still be going on, too." in asked
    talking.pass_time(seconds=3)
    talking.press(BOSS)
    talking.slack.wait_for(lambda: talking.rings == 3)


def test_a_number_that_became_free_is_dialed_by_the_next_press(talking: Office) -> None:
    asks(talking)
    for call in talking.evo.world.calls:
        call.script = Script(ring_s=0.05, talk_s=0.05)
    talking.let_time_pass_until(lambda: not any(call.is_in_progress for call in talking.ledger()))
    talking.pass_time(seconds=11)

    talking.press(BOSS)

    talking.slack.wait_for(lambda: talking.rings == 2)


def test_a_number_that_was_called_a_moment_ago_is_asked_about_although_that_call_is_over(
    office: Office,
) -> None:
    office.evo.world.default_script = BUSY
    office.call()
    office.let_time_pass_until(lambda: not any(call.is_in_progress for call in office.ledger()), step_s=1)
    office.form(BOSS, TYPED)
    office.slack.fill(BOSS, {"flow": "flow2"})

    assert re.match(
        r"\*<@U_SARA> called this number \d seconds? ago\*: busy\. Nothing was dialed\.", asks(office)
    )
    assert button(office) == "Call anyway"
    office.pass_time(seconds=11)
    office.press(BOSS)
    office.slack.wait_for(lambda: office.rings == 2)


def test_a_call_that_is_being_dialed_can_only_be_waited_for(empty_office: Office) -> None:
    office = empty_office
    office.open(dial_deadline_s=3)
    office.evo.fault("/sessions/outgoing", "hang_after_ring")
    for who in (SARA, BOSS):
        office.form(who)
        office.fill(who)
    office.press(SARA)
    office.evo.wait_for(lambda: office.rings)

    assert asks(office) == (
        "*<@U_SARA> started a call to this number seconds ago.* Press *Call* again in a few seconds."
    )
    assert button(office) == "Call"
    assert "anyway" not in remembered(office)
    assert filled_in(office)["number"] == TYPED
    office.pass_time(seconds=3)
    assert "started a call to this number" in asks(office)
    assert office.rings == 1


def test_a_forged_answer_lets_nothing_pass(talking: Office) -> None:
    asks(talking)
    talking.pass_time(seconds=3)
    view = copy.deepcopy(talking.slack.modal(BOSS))
    assert view is not None
    person = {"id": BOSS, "team_id": talking.slack.team_id}
    whole = {"user": person, "team": {"id": talking.slack.team_id}, "view": view}
    real = remembered(talking)
    for anyway in (ANY_CALL, "", "f" * 32, "x" * 32, "F" * 32, talking.ledger()[0].id + "0"):
        view["private_metadata"] = json.dumps(real | {"anyway": anyway})

        delivery = talking.slack.send("view_submission", whole)

        assert delivery.acked
        assert delivery.payload["response_action"] == "update"
        talking.slack.wait_for(lambda: talking.slack.modal(BOSS) is not None)
    assert (talking.rings, len(talking.ledger())) == (1, 1)


def test_the_form_stays_usable_when_nobody_knows_the_card(talking: Office) -> None:
    """Without a card there is no link, and the question is asked all the same."""
    with talking.bot.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE notifications SET card_ts = ''")

    asked = asks(talking)

    assert ON_THE_PHONE in asked
    assert "Open card" not in asked


def test_two_people_call_anyway_in_the_same_second_and_it_rings_once(talking: Office) -> None:
    talking.form(ROOT, TYPED)
    talking.slack.fill(ROOT, {"flow": "flow2"})
    asks(talking, BOSS)
    talking.pass_time(seconds=3)

    with ThreadPoolExecutor(2) as fingers:
        list(fingers.map(talking.press, (BOSS, ROOT)))

    talking.slack.wait_for(lambda: talking.rings == 2)
    talking.slack.wait_for(lambda: not any(call.is_open for call in talking.ledger()))
    assert (talking.rings, len(talking.ledger())) == (2, 2)
    pages = [talking.slack.modal(who) for who in (BOSS, ROOT)]
    assert sum(page is not None and page["callback_id"] == "call_form" for page in pages) == 1


def test_two_bots_on_one_database_ask_as_one(tmp_path: Path, postgres_url: str) -> None:
    office = Office(tmp_path, postgres_url)
    try:
        office.open()
        office.open()
        talks(office)
        for who in (BOSS, ROOT):
            office.form(who, SHOWN)
            office.slack.fill(who, {"flow": "flow2"})
            assert ON_THE_PHONE in question_of(office, who)
        office.pass_time(seconds=3)

        with ThreadPoolExecutor(2) as fingers:
            list(fingers.map(office.press, (BOSS, ROOT)))

        office.slack.wait_for(lambda: office.rings == 2)
        office.slack.wait_for(lambda: not any(call.is_open for call in office.ledger()))
        assert (office.rings, len(office.ledger())) == (2, 2)
        assert [ring.number for ring in office.evo.world.rings] == [NUMBER, NUMBER]
        assert office.slack.complaints == []
    finally:
        office.close()


# --- a form that opens with a number that may be on the phone ---------------------------------------------


def test_a_form_that_opens_with_a_busy_number_asks_at_once_and_one_press_calls(talking: Office) -> None:
    talking.wait_for_card("· on the call")
    talking.form(BOSS, f"{TYPED} survey")

    asked = question_of(talking)
    assert asked.startswith(f"*<@U_SARA> {ON_THE_PHONE}* (")
    assert "|Open card>" in asked
    assert "Nothing was dialed" not in asked, "nobody has pressed yet"
    assert "U_SARA" not in talking.page(BOSS).replace(question_of(talking), ""), "it is said once"
    assert button(talking) == "Call anyway"
    talking.pass_time(seconds=3)

    assert talking.press(BOSS).acked

    talking.slack.wait_for(lambda: talking.rings == 2)
    assert talking.ledger()[0].request.anyway == talking.ledger()[1].id


def test_call_again_on_a_number_that_is_on_the_phone_asks_at_once(office: Office) -> None:
    office.evo.world.default_script = Script(ring_s=0.05, talk_s=0.05)
    office.call()
    office.let_time_pass_until(lambda: not any(call.is_in_progress for call in office.ledger()))
    card, (first,) = office.wait_for_card("completed"), office.ledger()
    office.pass_time(seconds=11)
    talks(office, ROOT)

    assert office.slack.click(BOSS, MORE, "C_CALLS", card["ts"], value=f"again:{first.id}").acked
    office.slack.wait_for_modal(BOSS, "call_form")

    assert f"*<@U_ROOT> {ON_THE_PHONE}*" in question_of(office)
    office.pass_time(seconds=3)
    office.press(BOSS)
    office.slack.wait_for(lambda: office.rings == 3)


def test_a_press_that_is_faster_than_anyone_reads_is_asked_once_more(talking: Office) -> None:
    talking.form(BOSS, f"{TYPED} survey")
    assert question_of(talking)

    assert "Nothing was dialed." in asks(talking)
    assert talking.rings == 1


def test_a_form_that_opens_while_the_number_is_being_dialed_opens_as_always(empty_office: Office) -> None:
    office = empty_office
    office.open(dial_deadline_s=3)
    office.evo.fault("/sessions/outgoing", "hang_after_ring")
    office.form(SARA, f"{TYPED} survey")
    office.press(SARA)
    office.evo.wait_for(lambda: office.rings)

    office.form(BOSS, f"{TYPED} survey")

    assert question_of(office) == ""
    assert button(office) == "Call"


# --- one press that is delivered twice --------------------------------------------------------------------


def is_free_again(office: Office) -> None:
    for call in office.evo.world.calls:
        call.script = Script(ring_s=0.05, talk_s=0.05)
    office.let_time_pass_until(lambda: not any(call.is_in_progress for call in office.ledger()))
    office.pass_time(seconds=11)


def test_a_press_that_was_answered_with_the_question_never_rings_when_it_is_delivered_again(
    talking: Office,
) -> None:
    first = talking.press(BOSS)
    assert "Nothing was dialed" in str(first.payload)
    is_free_again(talking)

    again = [talking.slack.redeliver(first) for _ in range(3)]

    assert all(delivery.payload == first.payload for delivery in again)
    assert (talking.rings, len(talking.ledger())) == (1, 1)
    talking.press(BOSS)  # a new press
    talking.slack.wait_for(lambda: talking.rings == 2)


def test_the_second_half_of_a_double_press_that_is_delivered_again_later_is_no_answer(
    talking: Office,
) -> None:
    asks(talking)
    half = talking.press(BOSS)
    assert "Nothing was dialed" in str(half.payload)
    talking.pass_time(seconds=3)

    assert talking.slack.redeliver(half).payload == half.payload
    assert (talking.rings, len(talking.ledger())) == (1, 1)


def test_a_press_with_an_error_under_a_field_never_rings_when_it_is_delivered_again(office: Office) -> None:
    office.form()
    office.fill()
    office.evo.world.logins["sara@acme.test"].roles = ("User",)
    office.pass_time(seconds=61)
    first = office.press()
    assert "You need the Manager role" in str(first.payload)
    office.evo.world.logins["sara@acme.test"].roles = ("Manager",)
    office.pass_time(seconds=61)

    assert office.slack.redeliver(first).payload == first.payload
    assert (office.rings, office.ledger()) == (0, [])
