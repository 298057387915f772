"""What Slack has given up never rings: slow checks, a slow database, crowds, and bots that stand still.

Slack shows its own error to a person who gets no answer in three seconds. Then nothing may ring, and pressing
the same form again must work, and ring once.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
import sqlalchemy as sa
from slack_bolt.adapter.socket_mode import internals as ack

from evoslack.calling.calls import State
from evoslack.calling.outcomes import Reason
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.store import Store
from evoslack.slack.listeners.shortcuts import NUMBER_IN_MESSAGE
from sandbox.bot_process import BotProcess, sandbox_settings
from sandbox.evo.world import PASSWORD
from sandbox.slack.delivery import Delivery, sign
from tests.chaos import doomed
from tests.database_proxy import DatabaseProxy
from tests.postgres import Postgres
from tests.scenario.office import AGENT, BOSS, SARA, TYPED, Office, headline_of, says_placed

BOTH_WAYS = pytest.mark.parametrize("over_http", [False, True], ids=["socket mode", "http"])
NOTHING_RANG = "Nothing was dialed."
TOO_LONG = f"EvoSlack took too long to answer. {NOTHING_RANG}"
CROWD = 70  # more than all threads for opening forms
FORM_OPENS_IN_S = 1.9
ANSWERED_WITHIN_S = 2.0  # it takes some milliseconds; the rest is for a busy machine


def ready_to_press(office: Office, who: str = SARA) -> None:
    office.form(who)
    office.fill(who)


def anew(office: Office, payload: dict, who: str = SARA) -> dict:
    """The same form pressed once more."""
    return payload | {"trigger_id": office.slack.new_trigger(who, in_modal=True)}


def a_press(office: Office, who: str = SARA) -> dict[str, Any]:
    """What Slack delivers when this person presses Sara's form, who nobody looked up so far."""
    office.form()
    office.fill(number="911")
    payload = copy.deepcopy(office.slack.submit(SARA).sent)
    payload["view"]["state"]["values"]["number"]["number"]["value"] = TYPED
    payload["user"] = {"id": who, "team_id": office.slack.team_id}
    return payload


def works_and_rings_once(office: Office, press: Callable[[], Delivery]) -> None:
    """Nothing rang so far, and pressing again dials, once."""
    assert (office.rings, office.ledger()) == (0, [])
    delivery = press()
    assert delivery.acked
    assert isinstance(delivery.payload, dict)
    assert delivery.payload["response_action"] == "update"
    (call,) = office.wait_until_settled()
    assert (office.rings, call.state) == (1, "placed")


def nothing_is_left(office: Office) -> None:
    office.slack.wait_for(lambda: office.ledger() == [], what="the press to be forgotten")


@contextlib.contextmanager
def locked(office: Office) -> Iterator[None]:
    """Another program works in the ledger and lets nobody write."""
    file = office.database_url.removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def meanwhile(office: Office, moment: str, happens: Callable[[], object]) -> None:
    """It happens while the next press is written down, or while that is committed."""
    engine = office.bot.store.engine
    left = [happens]
    is_written = threading.local()

    def writing(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if "INSERT INTO calls" in statement:
            is_written.now = True
            if moment == "write" and left:
                left.pop()()

    def committing(_connection: object) -> None:
        if moment == "commit" and getattr(is_written, "now", False) and left:
            left.pop()()

    sa.event.listen(engine, "before_cursor_execute", writing)
    sa.event.listen(engine, "commit", committing)


# --- slow checks and slow databases


@BOTH_WAYS
@pytest.mark.parametrize("check_s", [1.7, 2.4])
def test_a_slow_role_check_and_a_locked_database(
    empty_office: Office, over_http: bool, check_s: float
) -> None:
    office = empty_office
    office.open(over_http=over_http)
    payload = a_press(office, BOSS)
    office.evo.fault("/users", "slow", None, seconds=check_s)

    with locked(office):
        delivery = office.slack.send("view_submission", payload)
        errors = str(delivery.payload)
        assert not delivery.acked or "response_action': 'errors" in errors or NOTHING_RANG in errors

    office.evo.clear_faults()
    works_and_rings_once(office, lambda: office.slack.send("view_submission", anew(office, payload, BOSS)))


def test_a_press_that_was_written_too_slowly_is_refused_in_words(office: Office) -> None:
    ready_to_press(office)
    meanwhile(office, "write", lambda: office.pass_time(seconds=3))

    assert office.press().acked

    assert TOO_LONG in office.under("number")
    works_and_rings_once(office, office.press)


def test_a_press_that_was_committed_too_late_is_taken_back(office: Office) -> None:
    ready_to_press(office)
    meanwhile(office, "commit", lambda: office.pass_time(seconds=3))
    office.slack.ack_limit_s = 1  # the clocks were put forward instead

    assert not office.press().acked, "an answer that says that it is dialed must not go out any more"

    nothing_is_left(office)
    office.slack.ack_limit_s = 3
    works_and_rings_once(office, office.press)


def test_a_client_that_hangs_up_before_the_answer(empty_office: Office) -> None:
    office = empty_office
    office.open(over_http=True)
    ready_to_press(office)
    has_hung_up = threading.Event()
    meanwhile(office, "commit", lambda: has_hung_up.wait(10))
    office.slack.ack_limit_s = 0.5  # it hangs up early, so that the bot is by no means late

    assert not office.press().acked

    has_hung_up.set()
    nothing_is_left(office)
    office.slack.ack_limit_s = 3
    works_and_rings_once(office, office.press)


def test_an_answer_that_finds_no_connection(office: Office) -> None:
    office.slack.wait_for(lambda: office.slack.connections == 2, what="the second connection")
    ready_to_press(office)
    is_writing, may_go_on = threading.Event(), threading.Event()

    def hold() -> None:
        is_writing.set()
        may_go_on.wait(10)

    meanwhile(office, "commit", hold)
    office.slack.ack_limit_s = 1
    with ThreadPoolExecutor(1) as hand:
        press = hand.submit(office.slack.submit, SARA)
        assert is_writing.wait(5)
        office.slack.disconnect("link_disabled")  # and nobody gets in any more
        office.slack.wait_for(lambda: not office.bot.receiver.is_open(), what="the end of all connections")
        may_go_on.set()
        assert not press.result().acked

    nothing_is_left(office)
    office.slack.ack_limit_s = 3
    office.slack.unlock()
    office.slack.wait_for_connection()
    works_and_rings_once(office, office.press)


# --- what waited on the way, by Slack's own clock


def posted(office: Office, payload: dict[str, Any], *, sent_ago_s: float = 0.0) -> requests.Response:
    """The press as a request that Slack signed so long ago."""
    body = urlencode({"payload": json.dumps({"type": "view_submission"} | payload)})
    timestamp = str(int(time.time() - sent_ago_s))
    headers = {
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": sign("sandbox-secret", timestamp, body),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return requests.post(str(office.slack.request_url), data=body, headers=headers, timeout=5)


@pytest.mark.parametrize("off_s", [0, 30, -30, 200])
def test_a_request_that_waited_in_a_proxy_is_refused_whatever_our_clock_says(
    empty_office: Office, off_s: float
) -> None:
    office = empty_office
    office.pass_time(seconds=off_s)  # the clocks of the bot's machine are off
    office.open(over_http=True)
    payload = a_press(office)

    assert TOO_LONG in posted(office, payload, sent_ago_s=10).text

    assert (office.rings, office.ledger()) == (0, [])
    assert TOO_LONG in posted(office, payload).text, "the same press again gets the same answer"
    assert '"update"' in posted(office, anew(office, payload)).text
    office.wait_until_settled()
    assert office.rings == 1


def test_a_press_that_is_a_call_already_is_not_denied_when_it_comes_again_late(empty_office: Office) -> None:
    office = empty_office
    office.open(over_http=True)
    delivery = office.call()
    office.wait_for_card(says_placed)

    again = posted(office, delivery.sent, sent_ago_s=10).text

    assert "(814) 404-3093 · " in headline_of(json.loads(again))
    assert NOTHING_RANG not in again
    assert office.rings == 1


# --- crowds and strangers


@BOTH_WAYS
def test_while_a_crowd_opens_forms_slowly_a_press_does_not_wait(
    empty_office: Office, over_http: bool
) -> None:
    office = empty_office
    office.open(over_http=over_http)
    ready_to_press(office)
    crowd = [f"U_CROWD{number}" for number in range(CROWD)]
    for who in crowd:
        office.slack.add_user(who, who.lower(), f"{who}@acme.test")
        office.evo.world.add_login(f"{who}@acme.test", PASSWORD, roles=("Manager",), account_ids=("acc1",))
    office.slack.fault("views.open", "slow", None, seconds=FORM_OPENS_IN_S)

    with ThreadPoolExecutor(CROWD) as hands:
        commands = list(hands.map(office.slack.type_command, crowd))
        assert all(command.acked for command in commands)
        under_way = len(office.slack.api_calls("views.open"))
        answers = [office.slack.type_command(BOSS, "help"), office.slack.type_command(BOSS), office.press()]
    assert under_way > 32, "forms are being opened meanwhile"

    assert all(answer.acked for answer in answers)
    assert max(answer.seconds for answer in answers) < ANSWERED_WITHIN_S
    office.slack.wait_for(
        lambda: all(has_heard(office, who) for who in (*crowd, BOSS)), 15, "a form or a word for everybody"
    )
    office.wait_until_settled()
    assert office.rings == 1


@BOTH_WAYS
def test_while_strangers_search_in_a_form_a_press_does_not_wait(
    empty_office: Office, over_http: bool
) -> None:
    """Each search waits for a role, up to two seconds, in threads that presses do not need."""
    office = empty_office
    office.open(over_http=over_http)
    ready_to_press(office)
    asked = office.evo.fault("/users", "slow", None, seconds=1)
    search = {"action_id": "flow", "block_id": "flow", "value": "", "view": {"callback_id": "call_form"}}
    strangers = [f"U_STRANGER{number}" for number in range(16)]
    for who in strangers:
        office.slack.add_user(who, who.lower(), f"{who}@acme.test")
        office.evo.world.add_login(f"{who}@acme.test", PASSWORD, roles=("User",), account_ids=("acc1",))

    def searches(who: str) -> Delivery:
        user = {"user": {"id": who, "team_id": office.slack.team_id}}
        return office.slack.send("block_suggestion", user | search)

    office.slack.ack_limit_s = 0.2  # nobody waits for the searches, but the bot goes on with them
    with ThreadPoolExecutor(len(strangers)) as hands:
        assert not any(delivery.acked for delivery in hands.map(searches, strangers))
    assert asked.hits
    office.slack.ack_limit_s = 3
    press = office.press()

    assert press.acked
    assert press.seconds < 1
    office.wait_until_settled()
    assert office.rings == 1


def has_heard(office: Office, who: str) -> bool:
    """Whether there is a form, or a sentence, for this person."""
    view = office.slack.modal(who)
    return bool(office.told(who)) or (view is not None and view["callback_id"] != "call_loading")


def test_a_stranger_with_a_hostile_message_is_turned_away_at_once(office: Office) -> None:
    """That no number is looked for is shown in `tests/unit/test_opening`: here it would only be quick."""
    ts = office.slack.say(BOSS, "C_GENERAL", "<tel:" * 8000)

    delivery = office.slack.use_message_shortcut(AGENT, NUMBER_IN_MESSAGE, "C_GENERAL", ts)

    assert delivery.acked
    assert delivery.seconds < ANSWERED_WITHIN_S
    office.wait_for_page("need the Manager role", AGENT)
    assert not office.slack.complaints


# --- a clock that jumps


@pytest.mark.parametrize("days", [31, -31])
def test_a_wall_clock_that_jumps_and_comes_back_forgets_no_call(
    empty_office: Office, days: int, caplog: pytest.LogCaptureFixture
) -> None:
    """More than HISTORY_DAYS, and for hours: what is old by such a clock is not old."""
    office = empty_office
    office.open(HISTORY_DAYS="30")
    delivery = office.call()
    office.wait_until_settled()
    office.pass_time(hours=2)  # the clock has every reason to be trusted
    for step in (timedelta(days=days), timedelta(0)):
        seen = caplog.text.count("the system clock was moved")
        office.wall_is_off = step
        office.bot.wake()
        office.slack.wait_for(
            lambda seen=seen: caplog.text.count("the system clock was moved") > seen, what="it to be noticed"
        )
        assert office.ledger(), "the call is still known"
        office.pass_time(hours=1)
        office.bot.wake()

    assert "(814) 404-3093 · " in headline_of(office.slack.redeliver(delivery).payload)
    office.form()  # and everything goes on
    office.fill(number="814 404 3094")
    assert office.press().acked
    office.wait_until_settled()
    assert office.rings == 2


# --- a bot that stands still


@pytest.fixture
def process(process: BotProcess, empty_office: Office) -> BotProcess:
    """The bot is running, with a form of Sara's that is ready to be pressed."""
    process.start()
    empty_office.slack.wait_for_connection()
    ready_to_press(empty_office)
    return process


def test_a_press_that_waited_while_the_bot_stood_still(empty_office: Office, process: BotProcess) -> None:
    office = empty_office
    stopped_at = time.monotonic()
    os.kill(process.pid, signal.SIGSTOP)
    try:
        assert office.slack.submit(SARA).failure == "timeout"
        threading.Event().wait(5 - (time.monotonic() - stopped_at))  # which is the story
    finally:
        os.kill(process.pid, signal.SIGCONT)

    office.slack.wait_for(
        lambda: any("EvoSlack was paused" in line for line in process.log), what="it to be noticed"
    )
    office.slack.wait_for(lambda: all(office.slack.type_command(BOSS, "help").acked for _ in range(20)))
    store = Store(office.database_url)
    assert (office.rings, CallLedger(store).newest(9)) == (0, [])

    # What is pressed in the very same moment is refused in words; nobody can know that it did not wait.
    office.slack.wait_for(lambda: office.slack.submit(SARA).acked and not office.under("number"))
    office.wait_for_card(says_placed)
    assert (office.rings, len(CallLedger(store).newest(9))) == (1, 1)
    store.close()


# --- a bot that is killed


def right_before_its_ack() -> doomed.Point:
    """The first line of what sends an ack, when the press is written down already."""
    code = ack.send_response.__code__
    return doomed.Point(
        "internals", min(line for _, _, line in code.co_lines() if line != code.co_firstlineno), 1
    )


def test_killed_between_the_press_and_its_answer(empty_office: Office, tmp_path: Path) -> None:
    office = empty_office
    settings = sandbox_settings(office.slack, office.evo, office.database_url)
    bot = doomed.start(settings, tmp_path, doom=right_before_its_ack(), notes=None)
    office.slack.wait_for_connection()
    ready_to_press(office)
    office.slack.ack_limit_s = 1
    assert not office.slack.submit(SARA).acked
    bot.join(10)
    assert bot.exitcode == -signal.SIGKILL
    office.slack.ack_limit_s = 3

    office.open()

    assert NOTHING_RANG in office.wait_until_told("stopped before it confirmed")
    (call,) = office.wait_until_settled()
    assert (office.rings, call.reason) == (0, Reason.NOT_ANSWERED)
    office.wait_for_page("too late")  # the form became that page: there is nothing left to press
    assert office.rings == 0


def test_killed_before_the_answer_and_pressed_again_at_another_bot(
    postgres_server: Postgres, tmp_path: Path
) -> None:
    """Which cannot know whether the first bot is dead, and waits before it says that nothing was dialed."""
    postgres_server.empty()
    with DatabaseProxy(postgres_server.socket) as proxy, contextlib.ExitStack() as stack:
        office = Office(tmp_path, postgres_server.url)
        stack.callback(office.close)
        bot = BotProcess(sandbox_settings(office.slack, office.evo, proxy.url), tmp_path)
        stack.callback(bot.close)
        bot.start()
        office.slack.wait_for_connection()
        ready_to_press(office)
        written = proxy.cut("INSERT INTO calls", answer_only=True, holds=True)
        office.slack.ack_limit_s = 1
        assert not office.slack.submit(SARA).acked
        assert written.done
        bot.kill()
        office.slack.ack_limit_s = 3

        office.open()
        assert [call.state for call in office.ledger()] == [State.RECEIVED]
        assert office.press().acked

        (call,) = office.wait_until_settled()
        assert (office.rings, call.state) == (1, State.PLACED)
        assert office.told() == []
