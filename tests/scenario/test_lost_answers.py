"""Answers that have nowhere to go: nothing rings after Slack's own error, and nobody waits in vain."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from evoslack.slack.listeners.shortcuts import PLACE_A_CALL
from tests.scenario.office import SARA, Office, says_placed


@pytest.mark.parametrize("kind", ["fin", "reset", "close_frame"])
def test_a_press_whose_connection_slack_closed_meanwhile_rings_nothing(office: Office, kind: str) -> None:
    office.form()
    office.fill()
    office.pass_time(seconds=61)  # the role must be looked up again
    office.slack.fault("users.info", "slow", seconds=0.5)
    asked = len(office.slack.api_calls("users.info"))

    with ThreadPoolExecutor(1) as finger:
        pressing = finger.submit(office.slack.submit, SARA)
        office.slack.wait_for(lambda: len(office.slack.api_calls("users.info")) > asked)
        office.slack.disconnect(kind)
        delivery = pressing.result()

    assert not delivery.acked
    assert (office.rings, office.ledger()) == (0, [])
    office.slack.wait_for_connection()
    assert office.press().acked
    office.wait_for_card(says_placed)
    assert office.rings == 1


def test_a_person_who_waits_for_a_form_when_the_bot_stops_is_told(office: Office) -> None:
    office.form()
    office.slack.close_modal(SARA)
    opened = len(office.slack.api_calls("views.open"))
    office.slack.fault("views.open", "slow", seconds=20)
    assert office.slack.use_shortcut(SARA, PLACE_A_CALL).acked
    office.slack.wait_for(lambda: len(office.slack.api_calls("views.open")) > opened)

    office.bot.stop()

    assert len(office.told()) == 1
