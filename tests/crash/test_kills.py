"""kill -9 at four bad moments: no phone rings twice, no call stays open, and everyone is told the truth.

Every other moment is tried by `tests/chaos/crash_points.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evoslack.calling.calls import State
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.store import Store
from sandbox.bot_process import BotProcess, sandbox_settings
from tests.calls import call_request
from tests.scenario.office import SARA, TYPED, Office, says_placed

OUTGOING = "/sessions/outgoing"


class Crashed:
    """A bot in a process of its own that can be killed, and the ledger it leaves behind."""

    def __init__(self, office: Office, folder: Path) -> None:
        self.office = office
        self.bot = BotProcess(sandbox_settings(office.slack, office.evo, office.database_url), folder)
        self.store = Store(office.database_url)

    def press(self) -> None:
        """Start the bot, fill the form, press the button."""
        self.bot.start()
        self.office.slack.wait_for_connection()
        self.office.form(SARA, TYPED)
        self.office.fill()
        assert self.office.press().acked

    def schedule(self) -> None:
        """Sara's call waits for its time, which is now."""
        ledger, now = CallLedger(self.store), datetime.now(UTC)
        request = call_request(user_id=SARA, team_id=self.office.slack.team_id, flow_id="flow2")
        later = replace(request, due_at=now)
        received = ledger.receive(later, at=now, require_time=lambda: None)
        ledger.confirm([received.id], at=now)

    def start_again(self) -> State:
        """Start the bot once more and return where the call ends."""
        self.office.slack.clear_faults()
        self.bot.start()
        calls, notifications = CallLedger(self.store), NotificationLedger(self.store)
        self.office.slack.wait_for(
            lambda: (
                not any(call.is_open or call.is_scheduled for call in calls.newest(9))
                and not notifications.count_untold()
            ),
            within_s=40,
            what="the call to be settled and told",
        )
        (call,) = calls.newest(9)
        return call.state

    def close(self) -> None:
        """Leave nothing behind."""
        self.bot.close()
        self.store.close()


@pytest.fixture
def crashed(empty_office: Office, tmp_path: Path) -> Iterator[Crashed]:
    story = Crashed(empty_office, tmp_path)
    yield story
    story.close()


def test_killed_while_the_phone_rings_the_call_is_found_again(empty_office: Office, crashed: Crashed) -> None:
    empty_office.evo.fault(OUTGOING, "hang_after_ring")
    crashed.press()
    empty_office.evo.wait_for(lambda: empty_office.rings)
    crashed.bot.kill()

    crashed.start_again()

    empty_office.slack.wait_for(lambda: says_placed(empty_office.cards()[0]["text"]))
    assert empty_office.rings == 1


def test_killed_while_the_phone_rings_and_the_call_cannot_be_seen(
    empty_office: Office, crashed: Crashed
) -> None:
    empty_office.hide_calls()
    empty_office.evo.fault(OUTGOING, "hang_after_ring")
    crashed.press()
    empty_office.evo.wait_for(lambda: empty_office.rings)
    empty_office.slack.wait_for(
        lambda: not NotificationLedger(crashed.store).count_untold()
    )  # the card is there
    crashed.bot.kill()

    assert crashed.start_again() is State.IN_DOUBT
    assert empty_office.rings == 1
    assert "not certain" in empty_office.wait_for_card("not certain")["text"]
    assert "stopped while it was placing this call" in empty_office.told()[0]


def test_killed_before_anything_was_sent(empty_office: Office, crashed: Crashed) -> None:
    crashed.bot.start()
    empty_office.slack.wait_for_connection()
    empty_office.form(SARA, TYPED)
    empty_office.fill()
    empty_office.evo.fault(OUTGOING, "401_empty")
    login = empty_office.evo.fault("/auth/credentials", "hang")
    assert empty_office.press().acked
    empty_office.evo.wait_for(lambda: login.hits)
    empty_office.slack.wait_for(lambda: not NotificationLedger(crashed.store).count_untold())
    crashed.bot.kill()

    assert crashed.start_again() is State.IN_DOUBT  # nothing proves that it was not sent
    assert empty_office.rings == 0
    assert "may have rung" in empty_office.told()[0]


def test_killed_before_the_private_message(empty_office: Office, crashed: Crashed) -> None:
    empty_office.evo.fault(OUTGOING, "400_json")
    empty_office.slack.fault("response_url", "hang", times=None)
    crashed.press()
    empty_office.wait_for_card("rejected")
    crashed.bot.kill()

    assert crashed.start_again() is State.REJECTED
    assert any("checking whether the phone rang" in line for line in empty_office.told())
    assert len(empty_office.cards()) == 1


def test_killed_while_a_call_whose_time_has_come_is_asked_about(
    empty_office: Office, crashed: Crashed
) -> None:
    roles = empty_office.evo.fault("/users", "hang")
    crashed.bot.start()
    empty_office.slack.wait_for_connection()
    crashed.schedule()
    empty_office.evo.wait_for(lambda: roles.hits)
    crashed.bot.kill()

    assert crashed.start_again() is State.PLACED
    assert empty_office.rings == 1
    assert len(empty_office.cards()) == 1
