"""Whatever a person presses while something is broken: they read a reference, and it is in the log."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evoslack.slack.listeners.shortcuts import NUMBER_IN_MESSAGE, PLACE_A_CALL
from evoslack.slack.rendering.cards import CALL_AGAIN, HANG_UP
from evoslack.slack.rendering.home import PLACE
from evoslack.slack.rendering.home_filters import FilterAction
from sandbox.slack.delivery import Delivery
from tests.scenario.office import SARA, Office

BROKE = "Something broke in EvoSlack (reference "


@contextlib.contextmanager
def database_away(office: Office) -> Iterator[None]:
    folder = Path(office.database_url.removeprefix("sqlite:///")).parent
    gone = folder.with_name("gone")
    folder.rename(gone)
    try:
        yield
    finally:
        gone.rename(folder)


def is_told_a_reference(office: Office, log: pytest.LogCaptureFixture) -> None:
    """One page or message, with a reference under which the defect is in the log."""
    office.slack.wait_for(lambda: BROKE in "\n".join([office.page(), *office.told()]), what=BROKE)
    words = office.page() or office.told()[0]
    found = re.search(r"reference (\w+)", words)
    assert found and f"a listener raised an error (reference {found[1]})" in log.text
    assert [line for line in (office.page(), *office.told()) if BROKE in line] == [words]
    assert (office.rings, office.slack.complaints) == (len(office.ledger()), [])


def open_home(office: Office) -> Delivery:
    return office.slack.open_home(SARA)


def turn_a_page_at_home(office: Office) -> Delivery:
    return act(office, "block_actions", action_id=FilterAction.SEARCH, value="555", view={"type": "home"})


def call_again(office: Office) -> Delivery:
    return act(office, "block_actions", action_id=CALL_AGAIN, value="which")


def hang_up(office: Office) -> Delivery:
    return act(office, "block_actions", action_id=HANG_UP, value="which")


def act(
    office: Office, kind: str, action_id: str = "", value: str = "", callback_id: str = "", **more: Any
) -> Delivery:
    """What Slack sends when Sara presses something."""
    team = {"id": office.slack.team_id}
    payload: dict[str, Any] = {"user": {"id": SARA, "team_id": team["id"]}, "team": team}
    payload["trigger_id"] = office.slack.new_trigger(SARA)
    if action_id:
        payload["actions"] = [{"action_id": action_id, "block_id": "b", "type": "button", "value": value}]
    if callback_id:
        payload["callback_id"] = callback_id
    return office.slack.send(kind, payload | more)


NEED_THE_DATABASE = {
    "Call again": call_again,
    "Hang up": hang_up,
    "a page of the Home tab": turn_a_page_at_home,
}


@pytest.mark.parametrize("press", NEED_THE_DATABASE.values(), ids=NEED_THE_DATABASE)
def test_a_press_while_the_database_is_away_is_told(
    office: Office, press: Callable[[Office], Delivery], caplog: pytest.LogCaptureFixture
) -> None:
    office.form()  # so it is known that she may
    with database_away(office):
        assert press(office).acked

        office.wait_for_page(BROKE)
    is_told_a_reference(office, caplog)


def test_a_person_who_must_be_looked_up_before_is_told_as_well(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.slack.wait_for(office.bot.catalog.refresh)
    with database_away(office):
        assert hang_up(office).acked

        office.wait_for_page(BROKE)
    words = office.page()
    assert words[len(BROKE) : len(BROKE) + 6] in caplog.text


def test_a_person_who_opens_the_home_tab_is_told_once_and_sees_it_when_slack_asks_again(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.slack.ack_limit_s = 1
    with database_away(office):
        first = open_home(office)
        assert not first.acked, "acknowledged means written down"
        office.wait_until_told(BROKE)
        assert not office.slack.redeliver(first).acked
    is_told_a_reference(office, caplog)

    assert office.slack.redeliver(first).acked

    office.slack.wait_for(lambda: office.slack.home(SARA))
    assert len(office.told()) == 1


# What Slack never sends breaks the listener, as a defect of ours would.
ODD = {
    "the shortcut": {"kind": "shortcut", "callback_id": PLACE_A_CALL},
    "the shortcut of a message": {"kind": "message_action", "callback_id": NUMBER_IN_MESSAGE},
    "the button of the Home tab": {"kind": "block_actions", "action_id": PLACE},
    "Call again": {"kind": "block_actions", "action_id": CALL_AGAIN},
}


@pytest.mark.parametrize("press", ODD.values(), ids=ODD)
def test_a_listener_that_breaks_is_told(
    office: Office, press: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    assert act(office, **press, trigger_id=None, channel="no object").acked

    is_told_a_reference(office, caplog)


def test_an_export_that_breaks_is_told(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    office.slack.wait_for(office.bot.catalog.refresh)
    with database_away(office):
        assert office.slack.type_command("U_ROOT", "export").acked

        words = office.wait_until_told(BROKE, "U_ROOT")
    assert f"export: task failed (reference {words[len(BROKE) : len(BROKE) + 6]})" in caplog.text
