"""Slack in trouble: broken connections, rate limits that last for minutes, lost channels and cards."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from evoslack.calling.calls import State
from sandbox.evo.calls import Script
from sandbox.slack.delivery import Delivery
from tests.scenario.office import BOSS, SARA, Office, says_placed

OUTGOING = "/sessions/outgoing"


@pytest.fixture
def connected(office: Office) -> Iterator[Office]:
    """The bot, with both of its connections open."""
    office.slack.wait_for(lambda: office.slack.connections == 2, what="the second connection")
    yield office
    assert office.slack.complaints == []


# --- Socket Mode -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["warning", "disconnect_message", "close_frame", "fin", "reset"])
def test_a_broken_connection_is_replaced_while_the_other_carries_on(connected: Office, kind: str) -> None:
    slack = connected.slack
    slack.disconnect(kind, "oldest")

    commands = [slack.type_command(SARA, "help") for _ in range(10)]

    assert all(command.acked for command in commands), "no command was lost"
    slack.wait_for(lambda: slack.connections >= 2, 5, "the connection to be replaced")


@pytest.mark.parametrize("kind", ["disconnect_message", "close_frame", "fin", "reset"])
def test_when_all_connections_break_at_once_they_are_soon_replaced(connected: Office, kind: str) -> None:
    broke_at = time.monotonic()
    connected.slack.disconnect(kind)

    connected.slack.wait_for(lambda: connected.slack.connections == 2, 5, "two new connections")

    assert time.monotonic() - broke_at < 5
    assert connected.slack.type_command(SARA, "help").acked


def test_a_deaf_connection_is_noticed_and_replaced(
    connected: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """With the SDK's defaults this would take 58 s."""
    connected.slack.disconnect("deaf", "newest")

    connected.slack.wait_for(lambda: connected.slack.connections == 2, 15, "the deaf one to be replaced")

    assert "lost a connection to Slack: timed out: no pong for 6 s; reconnecting" in caplog.text
    assert all(connected.slack.type_command(SARA, "help").acked for _ in range(5))


@pytest.mark.parametrize("kind", ["token_revoked", "link_disabled"])
def test_a_revoked_token_is_logged_and_running_calls_are_finished(
    connected: Office, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    connected.evo.fault(OUTGOING, "slow", seconds=0.5)
    connected.call()
    connected.slack.disconnect(kind)

    connected.wait_for_card(says_placed)
    connected.slack.wait_for(
        lambda: "no longer accepts SLACK_APP_TOKEN" in caplog.text, what="a line in the log"
    )
    assert "no command comes in" in caplog.text
    assert not connected.bot.receiver.is_open()
    assert caplog.text.count("no command comes in") == 1, "not with every retry"

    connected.slack.unlock()
    connected.slack.wait_for_connection()
    assert connected.slack.type_command(SARA, "help").acked


# --- forms -------------------------------------------------------------------------------------------


def test_a_form_that_comes_too_late_for_slack_is_explained(office: Office) -> None:
    office.slack.trigger_lifetime_s = 0

    assert office.slack.type_command(SARA).acked

    office.wait_until_told("The form couldn't open in time. Try again.")


@pytest.mark.parametrize("trouble", ["cut", "500", "429"])
def test_a_form_that_slack_does_not_open_is_explained(office: Office, trouble: str) -> None:
    office.slack.fault("views.open", trouble)

    assert office.slack.type_command(SARA).acked

    office.wait_until_told("ry again")
    assert len(office.told()) == 1
    office.slack.type_command(SARA)
    office.slack.wait_for_modal(SARA, "call_form")


# --- cards -------------------------------------------------------------------------------------------


def test_while_slack_limits_cards_for_minutes_everyone_is_told_and_slack_is_not_flooded(
    empty_office: Office,
) -> None:
    office = empty_office
    office.evo.world.default_script = Script(ring_s=0, talk_s=3600)  # an end would be told, too
    office.open()
    office.slack.fault("chat.postMessage", "429", times=None, retry_after=30)
    office.evo.fault(OUTGOING, "400_json", times=1)
    office.call(SARA, "(814) 404-3001")  # is rejected
    office.wait_until_told("checking whether the phone rang", SARA)  # even though its card has to wait
    numbers = [f"(814) 404-30{index:02}" for index in range(2, 8)]
    for number in numbers:
        office.call(BOSS, number)
    office.slack.wait_for(lambda: all(not call.is_open for call in office.ledger()))

    office.let_time_pass_until(lambda: len(office.told(BOSS)) >= 6, within_s=20)

    assert all(says_placed(text) for text in office.told(BOSS))
    assert [sum(number in text for text in office.told(BOSS)) for number in numbers] == [1] * 6
    assert all("The card in <#C_CALLS> is missing" in text for text in office.told(BOSS))
    attempts = len(office.slack.api_calls("chat.postMessage"))
    minutes = office.passed.total_seconds() / 60
    assert attempts <= 3 + 60 * minutes, f"{attempts} attempts in {minutes} minutes"

    office.slack.clear_faults()
    office.let_time_pass_until(lambda: office.bot.notifications.count_untold() == 0, within_s=20)
    assert len(office.cards()) == 7
    assert sum(says_placed(card["text"]) for card in office.cards()) == 6
    assert office.rings == 6


def test_at_one_card_a_second_every_card_arrives_eventually(office: Office) -> None:
    """Slack's real limit, a hundred times faster; the bot's clocks are put forward instead."""
    office.slack.limits.posts_per_s = 100
    for index in range(10):
        office.form(SARA)
        office.fill(SARA, f"(814) 404-31{index:02}")
        assert office.press(SARA).acked

    office.let_time_pass_until(lambda: office.bot.notifications.count_untold() == 0, within_s=20)

    cards = office.cards()
    assert len({card["metadata"]["event_payload"]["call_id"] for card in cards}) == len(cards) == 10
    assert all(says_placed(card["text"]) for card in cards)


@pytest.mark.parametrize("problem", ["edit_window_closed", "cant_update_message", "message_not_found"])
def test_the_caller_is_told_that_the_card_can_no_longer_be_updated(office: Office, problem: str) -> None:
    office.evo.fault(OUTGOING, "slow", seconds=0.4)
    office.slack.fault("chat.update", f"error:{problem}", times=None)
    office.call()

    text = office.wait_until_told("missing or out of date")

    assert says_placed(text)
    office.wait_until_settled()
    assert len(office.cards()) == 1, "a new card would be a second one"


def test_an_archived_channel_stops_no_calls_and_the_callers_are_told(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.slack.channels["C_CALLS"]["is_archived"] = True
    office.call()

    text = office.wait_until_told(says_placed)

    assert "is_archived" in text
    assert "choose another CALLS_CHANNEL" in caplog.text
    assert office.ledger()[0].state is State.PLACED
    office.slack.channels["C_CALLS"]["is_archived"] = False
    office.let_time_pass_until(office.cards)
    office.wait_for_card(says_placed)


@pytest.mark.parametrize("trouble", ["lose_answer", "500", "cut"])
def test_a_lost_reply_is_sent_as_a_direct_message(office: Office, trouble: str) -> None:
    office.evo.fault(OUTGOING, "400_json")
    office.slack.fault("response_url", trouble)
    office.call()

    office.let_time_pass_until(lambda: any("· rejected" in text for text in office.told()), within_s=15)
    office.wait_until_settled(15)


def test_redelivered_presses_ring_once_while_a_connection_breaks(connected: Office) -> None:
    connected.form(SARA)
    connected.fill(SARA)
    connected.slack.disconnect("reset", "newest")

    presses: list[Delivery] = [connected.press(SARA)]
    presses += [connected.slack.redeliver(presses[0]) for _ in range(5)]

    assert any(press.acked for press in presses)
    connected.wait_until_settled()
    assert connected.rings == 1
    assert len(connected.cards()) == 1


def test_a_refreshed_connection_is_not_logged_as_a_warning(
    connected: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """Slack refreshes connections every few hours; that is nothing to page anyone about."""
    caplog.clear()
    connected.slack.disconnect("disconnect_message", "oldest")

    connected.slack.wait_for(lambda: connected.slack.connections == 2, what="the refreshed connection")

    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_bot_that_is_stopping_answers_what_has_arrived(connected: Office) -> None:
    """Through the last connection; the others are already closed."""
    office = connected
    for who in (SARA, BOSS):
        office.form(who)
        office.fill(who, "814 404 3001" if who == SARA else "814 404 3002")
    office.pass_time(seconds=61)  # so the press is checked with Slack and Evo Voice again
    office.slack.fault("users.info", "slow", times=None, seconds=0.6)
    with ThreadPoolExecutor(2) as hands:
        presses = [hands.submit(office.press, who) for who in (SARA, BOSS)]
        office.slack.wait_for(
            lambda: len(office.slack.api_calls("users.info")) >= 4, what="both people to be looked up"
        )
        office.bot.stop()
        assert [press.result().acked for press in presses] == [True, True]

    office.open()
    office.wait_until_settled()
    assert office.rings == 2
