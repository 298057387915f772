"""Hang up on a card: for the caller and administrators, and only while it is certain which session to end."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from evoslack.calling.calls import CallNote, HangUp, Progress, Result
from evoslack.ledger.notes import NoteLedger
from evoslack.slack.rendering.cards import HANG_UP
from sandbox.evo.calls import Script
from tests.scenario.office import AGENT, BOSS, ROOT, SARA, SHOWN, Office
from tests.scenario.test_tracking import at_the_phone, see, until

ONLY_SARA = "Only <@U_SARA> or an Evo Voice administrator can hang up this call."
TALKING = Script(ring_s=0, talk_s=3600)


@pytest.fixture
def talking(office: Office) -> Office:
    """Sara's call was answered, and the card says so."""
    office.evo.world.default_script = TALKING
    office.call()
    see(office, "on the call")
    until(office, lambda: button(office))
    return office


def button(office: Office) -> dict[str, Any] | None:
    """The button on the card."""
    (card,) = office.cards()
    elements = [each for block in card["blocks"] for each in block.get("elements", [])]
    return next((each for each in elements if each.get("action_id") == HANG_UP), None)


def press(office: Office, who: str = SARA) -> None:
    """Press it and confirm."""
    (card,) = office.cards()
    office.slack.click(who, HANG_UP, "C_CALLS", card["ts"])


def hang_up_requests(office: Office) -> list[str]:
    """The paths of everything Evo Voice was asked to end."""
    return [request.path for request in office.evo.requests if request.method == "DELETE"]


@pytest.mark.parametrize("who", [SARA, ROOT])
def test_the_caller_and_an_administrator_can_hang_up(talking: Office, who: str) -> None:
    found = button(talking)
    assert found is not None and "can't be undone" in found["confirm"]["text"]["text"]

    press(talking, who)
    talking.slack.wait_for(lambda: hang_up_requests(talking))

    text = see(talking, f"hung up by <@{who}> · talked")
    assert text.startswith(f"✋ {SHOWN} · ")
    assert hang_up_requests(talking) == [f"/sessions/{at_the_phone(talking).session_id}"]
    assert talking.evo.world.bulk_deletes == []
    assert button(talking) is None
    assert talking.told(who) == []


def test_a_caller_hears_once_that_an_administrator_hung_up(talking: Office) -> None:
    press(talking, ROOT)
    talking.slack.wait_for(lambda: hang_up_requests(talking))
    see(talking, "hung up by <@U_ROOT>")

    line = talking.wait_until_told("hung up by <@U_ROOT>* · talked")

    assert line.startswith(f"*✋ {SHOWN} · ") and "\n" not in line
    (call,) = talking.ledger()
    note = CallNote(Result.REACHED, "called back", SARA)
    NoteLedger(talking.bot.store).write_note(call.id, note, at=datetime.now(UTC))
    talking.bot.wake()
    see(talking, "called back")
    talking.wait_until_settled()
    assert len(talking.told(SARA)) == 1
    assert talking.told(ROOT) == []


@pytest.mark.parametrize(
    ("who", "words"),
    [(BOSS, ONLY_SARA), (AGENT, ONLY_SARA), ("U_GUEST", ONLY_SARA), ("U_ELSEWHERE", ONLY_SARA)],
)
def test_nobody_else_can_hang_up(talking: Office, who: str, words: str) -> None:
    talking.slack.add_user("U_GUEST", "guest", "sara@acme.test", is_restricted=True)
    talking.slack.add_user("U_ELSEWHERE", "elsewhere", "sara@acme.test", team_id="T_ELSEWHERE")

    press(talking, who)

    talking.wait_for_page(words, who)
    assert talking.told(who) == []
    assert hang_up_requests(talking) == []
    assert at_the_phone(talking).hung_up_s is None


def test_a_caller_who_lost_the_role_reads_that_rather_than_only_sara(talking: Office) -> None:
    talking.evo.world.logins["sara@acme.test"].roles = ("User",)
    talking.pass_time(seconds=61)

    press(talking)

    talking.wait_for_page("you no longer have access to EvoSlack. An Evo Voice administrator can hang it up.")
    assert hang_up_requests(talking) == []


@pytest.mark.parametrize(
    ("cut", "words"),
    [
        (lambda office: office.slack.fault("users.info", "429", times=None), "couldn't check who you are"),
        (lambda office: office.evo.fault("/users", "502_html", times=None), "couldn't check your role"),
    ],
)
def test_when_it_cannot_be_checked_who_pressed_that_is_said(
    talking: Office, cut: Callable[[Office], None], words: str
) -> None:
    talking.pass_time(seconds=61)
    cut(talking)

    press(talking)

    talking.wait_for_page(words)
    assert "didn't hang up" in talking.page()
    assert hang_up_requests(talking) == []


@pytest.mark.parametrize(
    ("fault", "is_shown"), [("cut", False), ("lose_answer", True), ("error:ratelimited", False)]
)
def test_an_answer_whose_page_does_not_open_comes_directly(
    talking: Office, fault: str, is_shown: bool
) -> None:
    talking.slack.fault("views.open", fault)

    press(talking, BOSS)

    talking.wait_until_told(ONLY_SARA, BOSS)
    assert (ONLY_SARA in talking.page(BOSS)) == is_shown


def test_there_is_no_button_if_the_login_may_not_end_calls(empty_office: Office) -> None:
    empty_office.evo.world.logins["bot@acme.test"].roles = ("Manager",)
    empty_office.evo.world.default_script = TALKING
    empty_office.open()
    empty_office.call()
    see(empty_office, "on the call")
    empty_office.wait_until_settled()

    assert button(empty_office) is None


def test_a_403_is_explained_and_the_call_goes_on(talking: Office) -> None:
    talking.evo.world.logins["bot@acme.test"].roles = ("Manager",)

    press(talking)

    talking.wait_for_page("needs the User role")
    (call,) = talking.ledger()
    assert (call.progress, call.hang_up) == (Progress.ANSWERED, None)


def test_a_hang_up_without_effect_is_reported_as_such(talking: Office) -> None:
    talking.evo.fault("/sessions/", "204", method="DELETE")

    press(talking)
    talking.slack.wait_for(lambda: "hasn't confirmed the end" in str(talking.cards()[0]["blocks"]))
    assert button(talking) is None, "it is being ended already"
    until(talking, lambda: "the call is still going" in str(talking.cards()[0]["blocks"]))

    (call,) = talking.ledger()
    assert (call.progress, call.hang_up) == (Progress.ANSWERED, HangUp.NO_EFFECT)
    assert button(talking) is not None, "she can try again"
    press(talking)
    see(talking, "hung up by <@U_SARA>")


def test_when_evo_voice_does_not_answer_the_person_is_told_and_the_button_comes_back(talking: Office) -> None:
    talking.evo.fault("/sessions/", "cut", times=None, method="DELETE")

    press(talking)

    talking.wait_for_page("the call is probably still going")
    talking.wait_until_settled()
    assert button(talking) is not None


def test_pressing_the_button_of_a_call_that_is_over_ends_nothing(talking: Office) -> None:
    talking.evo.world.hang_up(at_the_phone(talking))
    card = talking.cards()[0]
    see(talking, "ended · talked")

    payload = {"actions": [{"action_id": HANG_UP, "type": "button", "value": talking.ledger()[0].id}]}
    payload |= {"user": {"id": SARA, "team_id": talking.slack.team_id}, "trigger_id": "1.2"}
    payload |= {"container": {"type": "message", "message_ts": card["ts"], "channel_id": "C_CALLS"}}
    assert talking.slack.send("block_actions", payload).acked

    talking.wait_until_told("Nothing to hang up")
    assert hang_up_requests(talking) == []


def test_there_is_no_button_while_the_session_is_unknown(office: Office) -> None:
    """It can be seen ringing, but which session it is cannot be told."""
    office.evo.world.default_script = Script(ring_s=0, talk_s=3600, session="never")
    office.call()

    see(office, "on the call")

    office.wait_until_settled()
    assert button(office) is None


# --- nothing else holds it up -----------------------------------------------------------------------------

AT_ONCE_S = 1.0
OUTSIDERS = [f"U_OUTSIDER{number}" for number in range(6)]


def delay_s(office: Office, who: str = SARA) -> float:
    """Seconds from the press until Evo Voice is asked to end the call; the press is acknowledged at once."""
    pressed = time.monotonic()
    press(office, who)
    answered = time.monotonic()
    office.slack.wait_for(lambda: hang_up_requests(office), what="the request to end the call")
    assert answered - pressed < AT_ONCE_S
    return time.monotonic() - pressed


def test_slow_exports_do_not_hold_it_up(talking: Office) -> None:
    """More of them than are sent at once, and Slack answers each upload drop by drop."""
    talking.slack.fault("upload", "drip", times=None, seconds=0.2)
    for _ in range(6):
        assert talking.slack.type_command(ROOT, "export").acked
    talking.slack.wait_for(lambda: len(talking.slack.api_calls("upload")) == 4)

    assert delay_s(talking) < AT_ONCE_S

    assert talking.slack.files(ROOT) == [], "they are still being sent"
    see(talking, "hung up by <@U_SARA>")


def test_outsiders_who_press_everything_do_not_hold_up_a_manager(talking: Office) -> None:
    for number, who in enumerate(OUTSIDERS):
        talking.slack.add_user(who, "outsider", f"outsider{number}@elsewhere.test")
    talking.slack.fault("users.info", "slow", times=None, seconds=1.5)
    with ThreadPoolExecutor(len(OUTSIDERS)) as fingers:
        started = time.monotonic()
        for _ in range(5):
            list(fingers.map(lambda who: press(talking, who), OUTSIDERS))
        assert time.monotonic() - started < 5 * AT_ONCE_S, "each press is acknowledged at once"

    assert delay_s(talking) < AT_ONCE_S

    for who in OUTSIDERS:
        talking.wait_for_page(ONLY_SARA, who)


def test_one_person_is_looked_up_once_at_a_time(talking: Office) -> None:
    """So a manager who must be looked up too waits for one lookup, not for twenty."""
    talking.slack.fault("users.info", "slow", times=None, seconds=1.0)
    talking.pass_time(seconds=61)  # no role is cached any more
    asked = len(talking.slack.api_calls("users.info"))
    for _ in range(20):
        press(talking, AGENT)

    assert delay_s(talking) < 3

    talking.wait_for_page(ONLY_SARA, AGENT)
    assert talking.told(AGENT) == []
    assert len(talking.slack.api_calls("users.info")) - asked <= 5


# --- with the database in trouble -------------------------------------------------------------------------


def break_hang_up_updates(office: Office, when: str) -> None:
    """The database fails to update `hang_up` in these cases."""
    with contextlib.closing(sqlite3.connect(office.database_url.removeprefix("sqlite:///"))) as database:
        database.execute(
            f"CREATE TRIGGER trouble BEFORE UPDATE OF hang_up ON calls WHEN {when}"
            " BEGIN SELECT RAISE(ABORT, 'broken'); END"
        )


def repair_hang_up_updates(office: Office) -> None:
    with contextlib.closing(sqlite3.connect(office.database_url.removeprefix("sqlite:///"))) as database:
        database.execute("DROP TRIGGER trouble")


def test_a_hang_up_that_cannot_be_recorded_is_explained_and_works_later(
    talking: Office, caplog: pytest.LogCaptureFixture
) -> None:
    break_hang_up_updates(talking, "NEW.hang_up = 'asked'")

    press(talking)

    talking.wait_for_page("Something broke in EvoSlack (reference ")
    reference = talking.page().partition("reference ")[2][:6]
    assert f"hang-up: task failed (reference {reference})" in caplog.text
    assert hang_up_requests(talking) == [], "nothing is asked before it is recorded"
    repair_hang_up_updates(talking)
    press(talking)
    see(talking, "hung up by <@U_SARA>")


def test_a_failed_hang_up_that_cannot_be_withdrawn_is_explained(
    talking: Office, caplog: pytest.LogCaptureFixture
) -> None:
    talking.evo.fault("/sessions/", "cut", times=None, method="DELETE")
    break_hang_up_updates(talking, "NEW.hang_up IS NULL AND OLD.hang_up IS NOT NULL")

    press(talking)

    talking.wait_for_page("the call is probably still going")
    assert any(
        record.levelno == logging.ERROR and "could not write down" in record.message
        for record in caplog.records
    )
    repair_hang_up_updates(talking)
    talking.evo.clear_faults()
    until(talking, lambda: "the call is still going" in str(talking.cards()[0]["blocks"]))
    press(talking)
    see(talking, "hung up by <@U_SARA>")
