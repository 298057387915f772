"""Calls that wait for their time: asked for, shown, canceled, moved, and never dialed in between.

What happens when the time comes is told elsewhere; here people press buttons.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from evoslack.calling.calls import State
from evoslack.ledger.scheduled_calls import ScheduledCallLedger
from evoslack.slack.rendering import cards, schedule_page
from tests.scenario.office import BOSS, ROOT, SARA, SHOWN, Office, as_read, headline_of, says_placed

THERE = ZoneInfo("America/New_York")  # of the number, and of everyone in the office
LATER = "they asked for the early morning"


def hours_from_now(begin_h: int, length_h: int = 3) -> str:
    """Calling hours that begin in so many hours, where the number is."""
    begins = datetime.now(THERE) + timedelta(hours=begin_h)
    return f"{begins:%H}:00-{begins + timedelta(hours=length_h):%H}:00"


@pytest.fixture
def closed(empty_office: Office) -> Office:
    """Nobody may be called for the next hours."""
    empty_office.open(CALLING_HOURS=hours_from_now(3))
    return empty_office


def ask_for_later(office: Office, who: str = SARA) -> None:
    """Fill the form, choose *Later…* and press."""
    office.form(who)
    office.fill(who)
    office.slack.fill(who, {"when": "later"})
    assert office.press(who).acked
    office.slack.wait_for_modal(who, "schedule")


def fill_time(office: Office, at: datetime, who: str = SARA, **more: str) -> None:
    """Fill in date and time in the reader's own zone, or in UTC if the page says that it is unknown."""
    page = office.slack.modal(who) or {}
    zone = json.loads(page["private_metadata"]).get(
        "zone"
    )  # empty: the press was too old to ask Slack for it
    local = at.astimezone(ZoneInfo(zone or "UTC"))
    office.slack.fill(who, {"schedule_date": f"{local:%Y-%m-%d}", "schedule_time": f"{local:%H:%M}", **more})


def tomorrow() -> datetime:
    """A time a day ahead, to the minute."""
    return (datetime.now(UTC) + timedelta(days=1)).replace(second=0, microsecond=0)


def schedule(office: Office, who: str = SARA) -> datetime:
    """The whole way to a call that waits."""
    at = tomorrow()
    ask_for_later(office, who)
    fill_time(office, at, who)
    assert office.press(who).acked
    office.wait_for_page("scheduled", who)
    office.wait_for_card("scheduled")
    return at


def click(office: Office, action_id: str, who: str) -> None:
    (card,) = office.cards()
    office.slack.click(who, action_id, "C_CALLS", card["ts"])


def buttons(office: Office) -> list[str]:
    (card,) = office.cards()
    elements = [each for block in card["blocks"] for each in block.get("elements", [])]
    return [each["action_id"] for each in elements if "action_id" in each]


def errors(answer: Any) -> str:
    return as_read(str(answer["errors"]))


def test_a_call_for_later_waits_on_its_card_and_nothing_rings(office: Office) -> None:
    at = schedule(office)

    (call,) = office.ledger()
    assert (call.state, call.request.due_at, office.rings) == (State.SCHEDULED, at, 0)
    assert buttons(office) == [cards.CANCEL, cards.CHANGE_TIME]
    card, local = office.cards()[0]["text"], at.astimezone(THERE)
    assert f"{local:%b} {local.day}, {local.hour % 12 or 12}:{local:%M} {local:%p} in " in card
    assert "Scheduled by <@U_SARA>" in card
    assert f"<!date^{int(at.timestamp())}^" in card
    assert office.told() == []
    assert office.slack.complaints == []


def test_pressing_twice_schedules_once_and_a_late_copy_gets_the_same_answer(office: Office) -> None:
    ask_for_later(office)
    fill_time(office, tomorrow())
    delivery = office.slack.submit(SARA, times=2)
    assert headline_of(delivery.payload).startswith("*🕗"), "never that it is being dialed"
    office.wait_for_page("scheduled")
    again = office.slack.redeliver(delivery)

    assert headline_of(again.payload).startswith("*🕗")
    assert len(office.ledger()) == 1
    assert office.slack.complaints == []


def test_outside_the_hours_the_next_possible_time_is_one_press_away(closed: Office) -> None:
    office = closed
    office.call()
    view = office.slack.wait_for_modal(SARA, "schedule")
    assert "Nothing was dialed. It's" in office.page()
    assert "Calling hours there are" in office.page()
    assert office.ledger() == []
    offered = view["state"]["values"]["schedule_choice"]["schedule_choice"]["selected_option"]
    assert offered["value"] == "opening"
    assert "Now" not in str(view["blocks"]), "only administrators pass the hours"

    assert office.press().acked
    office.wait_for_page("scheduled")
    (call,) = office.ledger()
    assert call.request.due_at is not None
    local = call.request.due_at.astimezone(THERE)
    assert f"{local.hour % 12 or 12}:00" in as_read(offered["text"]["text"])
    assert office.rings == 0
    assert office.slack.complaints == []


def test_an_administrator_calls_at_once_with_a_reason_that_everyone_sees(closed: Office) -> None:
    office = closed
    office.call(ROOT)
    office.slack.wait_for_modal(ROOT, "schedule")
    office.slack.fill(ROOT, {"schedule_choice": "now"})
    assert "Give a reason" in errors(office.press(ROOT).payload)

    office.slack.fill(ROOT, {"schedule_reason": f"  {LATER}\n"})
    assert office.press(ROOT).acked
    card = office.wait_for_card(f"Outside calling hours: {LATER}")
    assert SHOWN in card["text"]
    (call,) = office.ledger()
    assert call.request.hours_reason == LATER
    office.slack.wait_for(lambda: office.rings == 1)


def test_a_reason_from_a_manager_is_worth_nothing(closed: Office) -> None:
    office = closed
    office.call(BOSS)
    view = office.slack.wait_for_modal(BOSS, "schedule")
    forged = {"selected_option": {"value": "now"}, "type": "radio_buttons"}
    values = view["state"]["values"] | {
        "schedule_choice": {"schedule_choice": forged},
        "schedule_reason": {"schedule_reason": {"value": "because", "type": "plain_text_input"}},
    }
    answer = send(office, view | {"state": {"values": values}}, BOSS)

    assert "Only an administrator" in errors(answer)
    assert office.ledger() == []


@pytest.mark.parametrize(
    ("shift", "words"),
    [
        (timedelta(days=-1), "That time has passed."),
        (timedelta(days=400), "Choose a time in the next 30 days."),
    ],
)
def test_a_time_that_cannot_be_is_denied_at_its_field(office: Office, shift: timedelta, words: str) -> None:
    ask_for_later(office)
    fill_time(office, datetime.now(UTC) + shift)

    assert words in errors(office.press().payload)
    assert office.ledger() == []


def test_a_time_outside_the_hours_says_what_time_that_is_there(closed: Office) -> None:
    office = closed
    office.call()
    office.slack.wait_for_modal(SARA, "schedule")
    office.slack.fill(SARA, {"schedule_choice": "other"})
    fill_time(office, datetime.now(UTC) + timedelta(hours=1))
    said = errors(office.press().payload)

    assert said.startswith("{'schedule_time': \"That's ")
    assert "Calling hours there are" in said
    assert office.ledger() == []


def test_a_time_filled_in_beside_the_offer_is_asked_about(closed: Office) -> None:
    office = closed
    office.call()
    office.slack.wait_for_modal(SARA, "schedule")
    fill_time(office, tomorrow())

    assert "Choose “Another time”" in errors(office.press().payload)
    assert office.ledger() == []


@pytest.mark.parametrize("metadata", ["", "{}", '{"form":"{}"}', '{"form":"x","zone":"Moon/Crater"}'])
def test_a_page_that_was_forged_becomes_no_call(office: Office, metadata: str) -> None:
    ask_for_later(office)
    fill_time(office, tomorrow())
    view = office.slack.wait_for_modal(SARA, "schedule")
    answer = send(office, view | {"private_metadata": metadata})

    assert "This form no longer works" in str(answer)
    assert office.ledger() == []


def test_a_forged_zone_is_denied(office: Office) -> None:
    ask_for_later(office)
    fill_time(office, tomorrow())
    view = office.slack.wait_for_modal(SARA, "schedule")
    view["state"]["values"]["schedule_zone"]["schedule_zone"]["selected_option"]["value"] = "Asia/Tokyo"
    answer = send(office, view)

    assert list(answer["errors"]) == [schedule_page.ZONE]
    assert office.ledger() == []


def send(office: Office, view: dict[str, Any], who: str = SARA) -> Any:
    """A submission that was tampered with on its way."""
    payload = {"user": {"id": who, "team_id": office.slack.team_id}, "team": {"id": office.slack.team_id}}
    payload |= {"trigger_id": office.slack.new_trigger(who, in_modal=True), "view": view}
    delivery = office.slack.send("view_submission", payload)
    assert delivery.acked
    return delivery.payload


def test_the_caller_cancels_and_is_not_told_what_they_did(office: Office) -> None:
    schedule(office)
    click(office, cards.CANCEL, SARA)

    office.wait_for_card("canceled by <@U_SARA>")
    office.wait_until_settled()
    assert office.told() == []
    assert buttons(office) == []
    assert office.rings == 0
    menu = office.cards()[0]["blocks"][0]["accessory"]["options"]
    assert [each["text"]["text"] for each in menu] == ["Call again"]


def test_ones_own_cancel_counts_before_it_is_acknowledged_even_if_slack_and_evo_voice_are_down(
    office: Office,
) -> None:
    schedule(office)
    office.pass_time(seconds=61)  # her role is no longer remembered
    office.slack.fault("users.info", "500", times=None)
    office.evo.stop()
    (card,) = office.cards()

    assert office.slack.click(SARA, cards.CANCEL, "C_CALLS", card["ts"]).acked

    assert office.ledger()[0].state is State.CANCELED


def test_whoever_lost_the_role_can_still_take_their_own_call_back(office: Office) -> None:
    schedule(office)
    office.evo.world.logins["sara@acme.test"].roles = ("User",)
    office.pass_time(seconds=61)
    click(office, cards.CHANGE_TIME, SARA)
    office.wait_for_page("You can still cancel the call", SARA)
    office.slack.close_modal(SARA)
    click(office, cards.CANCEL, SARA)

    office.wait_for_card("canceled by <@U_SARA>")
    assert office.rings == 0


def test_an_administrator_cancels_and_the_caller_hears_of_it_once(office: Office) -> None:
    schedule(office)
    click(office, cards.CANCEL, ROOT)

    office.wait_until_told("canceled by <@U_ROOT>")
    office.wait_until_settled()
    assert len(office.told()) == 1


def test_a_colleague_can_neither_cancel_nor_move_it(office: Office) -> None:
    schedule(office)
    for action_id in (cards.CANCEL, cards.CHANGE_TIME):
        click(office, action_id, BOSS)
        office.wait_for_page("Only <@U_SARA> or an Evo Voice administrator", BOSS)
        office.slack.close_modal(BOSS)

    assert office.ledger()[0].state is State.SCHEDULED


def test_a_time_that_an_administrator_changed_is_told_to_the_caller(office: Office) -> None:
    schedule(office)
    click(office, cards.CHANGE_TIME, ROOT)
    office.slack.wait_for_modal(ROOT, schedule_page.CHANGE)
    later = tomorrow() + timedelta(hours=5)
    fill_time(office, later, ROOT)
    assert office.press(ROOT).acked

    assert office.slack.modal(ROOT) is None
    assert office.ledger()[0].request.due_at == later
    office.wait_until_told("<@U_ROOT> rescheduled your call")
    office.wait_for_card(f"<!date^{int(later.timestamp())}^")


def test_nobody_moves_a_managers_call_to_where_it_would_be_denied_at_its_time(closed: Office) -> None:
    office = closed
    office.call()
    office.slack.wait_for_modal(SARA, "schedule")
    assert office.press().acked
    office.wait_for_card("scheduled")
    before = office.ledger()[0].request
    click(office, cards.CHANGE_TIME, ROOT)
    view = office.slack.wait_for_modal(ROOT, schedule_page.CHANGE)
    assert not schedule_page.has_field(view, "schedule_reason"), "the reason would be worth nothing then"

    local = (tomorrow() - timedelta(hours=2)).astimezone(THERE)
    typed = {"schedule_date": {"selected_date": f"{local:%Y-%m-%d}", "type": "datepicker"}}
    typed["schedule_time"] = {"selected_time": f"{local:%H:%M}", "type": "timepicker"}
    typed["schedule_reason"] = {"value": "because", "type": "plain_text_input"}
    values = view["state"]["values"] | {name: {name: each} for name, each in typed.items()}
    answer = send(office, view | {"state": {"values": values}}, ROOT)

    assert "Calling hours there are" in errors(answer)
    assert office.ledger()[0].request == before


def test_an_administrator_keeps_the_time_and_adds_the_reason_that_it_needs(closed: Office) -> None:
    office = closed
    office.call(ROOT)
    office.slack.wait_for_modal(ROOT, "schedule")
    assert office.press(ROOT).acked
    office.wait_for_card("scheduled")
    (call,) = office.ledger()
    early = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(hours=1)
    # The hours have changed since: its time is not among them anymore.
    ScheduledCallLedger(office.bot.store).move(call, early, hours_reason="", at=datetime.now(UTC))
    click(office, cards.CHANGE_TIME, ROOT)
    office.slack.wait_for_modal(ROOT, schedule_page.CHANGE)
    office.slack.fill(ROOT, {"schedule_reason": LATER})
    assert office.press(ROOT).acked

    assert office.slack.modal(ROOT) is None
    request = office.ledger()[0].request
    assert (request.due_at, request.hours_reason) == (early, LATER)


def test_who_comes_too_late_hears_what_became_of_the_call(office: Office) -> None:
    schedule(office)
    click(office, cards.CHANGE_TIME, ROOT)
    office.slack.wait_for_modal(ROOT, schedule_page.CHANGE)
    fill_time(office, tomorrow() + timedelta(hours=5), ROOT)
    (card,) = office.cards()
    click(office, cards.CANCEL, SARA)
    office.wait_for_card("canceled by <@U_SARA>")
    office.press(ROOT)

    office.wait_for_page("no longer scheduled", ROOT)
    assert "canceled by <@U_SARA>" in office.page(ROOT)
    assert card["ts"] == office.cards()[0]["ts"]


def test_who_cannot_read_the_channel_is_told_when_it_waits_and_when_it_was_dialed(office: Office) -> None:
    office.slack.channels["C_CALLS"]["is_private"] = True
    office.slack.leave(SARA, "C_CALLS")
    schedule(office)

    told = office.wait_until_told("scheduled")
    office.wait_until_settled()
    assert office.told() == [told], "once"

    (call,) = office.ledger()
    now = datetime.now(UTC)
    ScheduledCallLedger(office.bot.store).move(call, now, hours_reason="", at=now)
    office.bot.wake()
    office.wait_until_told(says_placed)
    office.slack.wait_for(lambda: office.rings == 1)


def test_home_shows_what_waits_with_cancel(office: Office) -> None:
    schedule(office)
    office.slack.open_home(SARA)
    office.slack.wait_for(lambda: "*Scheduled*" in str(office.slack.home(SARA)))
    office.slack.close_modal(SARA, everything=True)
    office.slack.click(SARA, cards.CANCEL, block_id=f"home_waiting_{office.ledger()[0].id}", where="home")

    office.wait_for_card("canceled by <@U_SARA>")
    office.slack.wait_for(lambda: "*Scheduled*" not in str(office.slack.home(SARA)))
    assert office.slack.complaints == []
