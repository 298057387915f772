"""The Home tab: whether I may call, my calls, and the team's calls for administrators."""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from slack_sdk.signature import SignatureVerifier

from evoslack.calling.calls import CallRequest
from evoslack.calling.outcomes import InDoubt, NotSent, Outcome, Reason
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.store import Store
from evoslack.slack.background.home_publisher import MIN_INTERVAL
from evoslack.slack.rendering.cards import CALL_AGAIN, HANG_UP
from evoslack.slack.rendering.home import PLACE
from evoslack.slack.rendering.home_filters import FilterAction
from sandbox.evo.calls import Script
from sandbox.slack.team import TEAM_ID
from tests.scenario.office import AGENT, BOSS, NUMBER, ROOT, SARA, SHOWN, Office, says_placed

MAY, MAY_NOT = "Live now", "You can't place calls"
RINGING = Script(ring_s=3600)
PUBLISH = "views.publish"
NOT_SENT = NotSent(Reason.UNREACHABLE)


def home(office: Office, who: str = SARA) -> str:
    """Everything this person reads in the tab, with plain hyphens and spaces."""
    view = office.slack.home(who)
    words = "" if view is None else json.dumps(view["blocks"], ensure_ascii=False)
    return words.replace("\u2011", "-").replace("\u00a0", " ")  # numbers are kept on one line


def eventually(office: Office, is_so: Callable[[], bool], what: Callable[[], str], *, step_s: float) -> None:
    """Wait until it is so, while time passes quickly."""
    for _try in range(40):
        try:
            office.slack.wait_for(is_so, within_s=0.25)
        except AssertionError:
            office.pass_time(seconds=step_s)
            for bot in office.bots:
                bot.wake()
        else:
            return
    raise AssertionError(what())


def wait_for_home(office: Office, words: str, who: str = SARA, *, without: str = "\0") -> str:
    """Wait until the tab says these words, and not those."""

    def says() -> bool:
        return words in home(office, who) and without not in home(office, who)

    eventually(office, says, lambda: f"{words!r} instead of {home(office, who)}", step_s=3)
    return home(office, who)


def opens(office: Office, words: str = MAY, who: str = SARA) -> str:
    """This person opens the tab and reads these words."""
    assert office.slack.open_home(who).acked
    office.slack.wait_for(lambda: words in home(office, who), what=f"{words} instead of {home(office, who)}")
    return home(office, who)


def presses(office: Office, turn: str, who: str = SARA) -> None:
    assert office.slack.click(who, turn, where="home").acked


def types(office: Office, text: str, who: str = SARA) -> None:
    """Search for a number, and press Enter."""
    view = office.slack.home(who)
    assert view is not None
    (block_id,) = [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
    delivery = office.slack.type_in_home(who, block_id, text)
    assert delivery is not None and delivery.acked


def filters(office: Office, who: str) -> str:
    """The block id of the row of filters."""
    view = office.slack.home(who)
    assert view is not None
    (block_id,) = [b["block_id"] for b in view["blocks"] if b["block_id"].startswith("home_narrow")]
    return str(block_id)


def chooses(
    office: Office, choice: str, who: str = SARA, action_id: FilterAction = FilterAction.PERSON
) -> None:
    """Choose in a filter: a person, an outcome, a flow or a day."""
    delivery = office.slack.choose_in_home(who, filters(office, who), choice, action_id=action_id)
    assert delivery is not None and delivery.acked


def published(office: Office, who: str | None = None) -> int:
    """How often publishing a tab was attempted."""
    return sum(who in {None, call.args["user_id"]} for call in office.slack.api_calls(PUBLISH))


def on_record(
    office: Office,
    *asked: tuple[str, str],
    flow: str = "Customer survey",
    ago: timedelta = timedelta(hours=1),
    flow_id: str = "flow2",
    outcome: Outcome = NOT_SENT,
) -> None:
    """Past calls whose callers know how they ended, oldest first; each is who called and which number."""
    store = Store(office.database_url)
    store.open()
    calls, notifications = CallLedger(store), NotificationLedger(store)
    begins = datetime.now(UTC) - ago
    for index, (who, number) in enumerate(asked):
        at = begins + timedelta(seconds=index)
        request = CallRequest(
            f"past{number}{index}", TEAM_ID, who, "acc1", flow_id, flow, number, "+12025550100"
        )
        call = calls.accept(request, at=at)
        calls.begin(at=at, accepted_after=begins - timedelta(seconds=1))
        calls.finish(call.id, outcome, at=at)
        told = notifications.read(call.id).revision
        notifications.mark_told(call.id, told, bad_news=True, what="not_sent")
        notifications.mark_card_shown(call.id, told, "C_CALLS", f"1.{index:06}")
    lease = datetime.now(UTC)
    while found := notifications.claim(at=lease, until=lease + timedelta(seconds=1)):
        notifications.release(found.call.id, lease=lease + timedelta(seconds=1))
    store.close()


def shown_number(last: int) -> str:
    return f"(202) 555-{last:04}"


def past(count: int, who: str = SARA) -> list[tuple[str, str]]:
    return [(who, f"+1202555{1000 + index}") for index in range(count)]


@pytest.fixture(params=["sqlite", "postgres"])
def any_office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    """An office without a bot, on each kind of database in turn."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    office = Office(tmp_path, url)
    yield office
    office.close()


# --- opening it -----------------------------------------------------------------------------------


def test_the_tab_says_that_i_may_call_and_its_button_opens_the_form(office: Office) -> None:
    assert "No calls yet" in opens(office)

    assert office.slack.click(SARA, PLACE, where="home").acked
    assert office.slack.wait_for_modal(SARA, "call_form")
    office.fill()
    office.press()
    office.wait_for_card(says_placed)
    assert office.rings == 1


@pytest.mark.parametrize(
    ("who", "reason"),
    [(AGENT, "need the Manager role"), ("U_READONLY", "read-only"), ("U_OTHER", "No Evo Voice login")],
)
def test_people_who_may_not_call_read_why_and_see_no_number(
    empty_office: Office, who: str, reason: str
) -> None:
    """Not even the numbers they called while they were allowed to."""
    on_record(empty_office, *past(3, who))
    empty_office.open()

    words = opens(empty_office, MAY_NOT, who)

    assert reason in words
    assert "555-" not in words
    assert len(empty_office.slack.home(who)["blocks"]) == 1


def test_right_after_the_start_the_tab_waits_for_evo_voice_before_it_denies_anyone(
    empty_office: Office,
) -> None:
    empty_office.evo.fault("/flows", "502_html")
    empty_office.open()
    empty_office.evo.wait_for(lambda: empty_office.evo.count("GET", "/flows") == 1)

    opens(empty_office)

    assert published(empty_office) == 1


def test_the_tab_works_over_http_too(empty_office: Office) -> None:
    on_record(empty_office, *past(11))
    empty_office.open(over_http=True)
    opens(empty_office, "1–10 of 11")

    presses(empty_office, FilterAction.OLDER)

    wait_for_home(empty_office, "11–11 of 11")


def test_slack_gets_its_challenge_back_before_it_sends_events_over_http(empty_office: Office) -> None:
    empty_office.open(over_http=True)
    body = json.dumps({"type": "url_verification", "token": "t", "challenge": "3eZbrw1aB"})
    signed = SignatureVerifier("sandbox-secret")
    now = str(int(time.time()))
    headers = {"X-Slack-Request-Timestamp": now, "Content-Type": "application/json"}
    headers["X-Slack-Signature"] = signed.generate_signature(timestamp=now, body=body) or ""

    answer = requests.post(str(empty_office.slack.request_url), data=body, headers=headers, timeout=5)

    assert (answer.status_code, answer.json()) == (200, {"challenge": "3eZbrw1aB"})


def test_opening_the_messages_tab_publishes_nothing(office: Office) -> None:
    assert office.slack.open_home(SARA, tab="messages").acked
    opens(office, who=BOSS)

    assert published(office) == 1


def test_call_again_opens_the_form_of_that_call(empty_office: Office) -> None:
    on_record(empty_office, (SARA, NUMBER))
    empty_office.open()
    opens(empty_office, SHOWN)

    assert empty_office.slack.click(SARA, CALL_AGAIN, where="home").acked

    form = empty_office.slack.wait_for_modal(SARA, "call_form")
    assert SHOWN in str(form["blocks"])
    assert empty_office.rings == 0


# --- live updates ---------------------------------------------------------------------------------


def test_the_tab_shows_my_call_as_it_progresses(office: Office) -> None:
    office.evo.world.default_script = RINGING
    opens(office)
    office.call()

    wait_for_home(office, "ringing")
    (call,) = office.evo.world.calls
    call.script = replace(call.script, ring_s=office.evo.world.age(call), talk_s=3600)
    assert CALL_AGAIN not in wait_for_home(office, "on the call")
    office.pass_time(seconds=65)
    office.evo.world.hang_up(call)
    over = wait_for_home(office, "talked")

    assert SHOWN in over
    assert "talked 1 min" in over
    assert CALL_AGAIN in over
    assert office.rings == 1


def test_another_persons_call_does_not_republish_my_tab(office: Office) -> None:
    opens(office)
    office.call(BOSS)
    opens(office, SHOWN, BOSS)
    office.wait_until_settled()

    assert published(office, SARA) == 1
    assert SHOWN not in home(office)


def test_when_calls_change_quickly_the_tab_skips_to_the_newest(office: Office) -> None:
    began = time.monotonic()
    opens(office)
    for last in range(6):  # two changes each, at least
        office.call(number=f"814 404 310{last}")
    office.wait_until_settled()
    at_most = 2 + (time.monotonic() - began) / MIN_INTERVAL.total_seconds()
    assert published(office) <= at_most, (published(office), at_most)

    for last in range(6):
        wait_for_home(office, f"(814) 404-310{last}")
    wait_for_home(office, "1–6 of 6", without="dialing")


def test_two_people_see_only_their_own(empty_office: Office) -> None:
    on_record(empty_office, (SARA, "+12025551001"), (BOSS, "+12025551002"))
    empty_office.open()

    mine, theirs = opens(empty_office), opens(empty_office, who=BOSS)

    assert shown_number(1001) in mine and shown_number(1002) not in mine
    assert shown_number(1002) in theirs and shown_number(1001) not in theirs


# --- live now and totals ---------------------------------------------------------------------------


def live(office: Office, who: str) -> list[dict[str, Any]]:
    """The rows of calls that may be on the phone now."""
    view = office.slack.home(who)
    assert view is not None
    return [block for block in view["blocks"] if block["block_id"].startswith("home_live_")]


def test_an_administrator_sees_the_teams_live_calls_and_hangs_one_up(office: Office) -> None:
    office.evo.world.default_script = Script(ring_s=0, talk_s=3600, session="at_once")
    opens(office, "No live calls", BOSS)
    office.call(SARA)
    office.slack.wait_for(lambda: office.ledger()[0].session_id)
    opens(office, f"<@{SARA}>", ROOT)
    wait_for_home(office, "Answered <!date^", ROOT)
    assert live(office, BOSS) == []

    (row,) = live(office, ROOT)
    (card,) = office.cards()
    assert f"archives/C_CALLS/p{card['ts'].replace('.', '')}|Open\u00a0card>" in row["text"]["text"]
    pressed = office.slack.click(ROOT, HANG_UP, block_id=row["block_id"], where="home")
    assert pressed.acked

    wait_for_home(office, "No live calls", ROOT)
    office.wait_until_settled()
    assert office.ledger()[0].hung_up_by == ROOT
    assert office.rings == 1


def test_an_uncertain_call_stands_apart_and_leaves_when_it_must_be_over_without_being_asked(
    any_office: Office,
) -> None:
    outcome = InDoubt(Reason.NO_ANSWER)
    on_record(any_office, (SARA, "+12025551001"), ago=timedelta(minutes=8), outcome=outcome)
    any_office.open()
    told = opens(any_office, "None confirmed")
    assert "*May still be going on*" in told

    def is_over() -> bool:
        told = home(any_office)
        return "No live calls" in told and "May still be" not in told and CALL_AGAIN in told

    eventually(any_office, is_over, lambda: home(any_office), step_s=60)
    assert any_office.rings == 0


def test_an_administrator_starts_with_the_teams_calls_and_keeps_what_they_choose(
    empty_office: Office,
) -> None:
    on_record(empty_office, (SARA, "+12025551001"), (BOSS, "+12025551002"))
    empty_office.open()
    assert "✓ Team calls" in opens(empty_office, "1–2 of 2", ROOT)

    presses(empty_office, FilterAction.MINE, ROOT)
    wait_for_home(empty_office, "✓ My calls", ROOT)
    before = published(empty_office, ROOT)
    opens(empty_office, who=ROOT)
    empty_office.slack.wait_for(lambda: published(empty_office, ROOT) > before)

    assert "✓ My calls" in wait_for_home(empty_office, "No calls yet", ROOT)


def test_twenty_presses_on_hang_up_in_the_tab_are_one_hang_up(office: Office) -> None:
    office.evo.world.default_script = Script(ring_s=3600, session="at_once")
    office.call(SARA)
    office.slack.wait_for(lambda: office.ledger()[0].session_id)
    opens(office, "Started <!date^")
    (row,) = wait_for_live(office, SARA)

    def press(_index: int) -> bool:
        with contextlib.suppress(LookupError):  # the tab was published without it meanwhile
            return office.slack.click(SARA, HANG_UP, block_id=row["block_id"], where="home").acked
        return True

    with ThreadPoolExecutor(20) as fingers:
        assert all(fingers.map(press, range(20)))

    wait_for_home(office, "No live calls")
    office.wait_until_settled()
    assert office.rings == 1


def wait_for_live(office: Office, who: str) -> list[dict[str, Any]]:
    """The live calls, once they can be hung up."""
    wait_for_home(office, HANG_UP, who)
    return live(office, who)


def test_the_last_24_hours_are_mine_or_the_whole_teams(any_office: Office) -> None:
    on_record(any_office, *past(3), (BOSS, "+13125551003"))
    on_record(any_office, (BOSS, "+13125551009"), ago=timedelta(hours=25))
    any_office.open()

    assert "*Last 24 hours:* 3 calls · 3 not placed" in opens(any_office)
    assert "*Last 24 hours:* 1 call · 1 not placed" in opens(any_office, who=BOSS)
    assert "*Last 24 hours, team:* 4 calls · 4 not placed" in opens(any_office, who=ROOT)


# --- searching and paging -------------------------------------------------------------------------


def test_an_administrator_sees_the_teams_calls_and_finds_them_by_person_and_number(
    any_office: Office,
) -> None:
    on_record(any_office, (SARA, "+12025551001"), (BOSS, "+12025551002"), (SARA, "+13125551003"))
    any_office.open()
    opens(any_office, who=ROOT)

    everything = wait_for_home(any_office, "1–3 of 3", ROOT)
    assert all(words in everything for words in (f"<@{SARA}>", f"<@{BOSS}>", shown_number(1001)))

    chooses(any_office, SARA, ROOT)
    assert shown_number(1002) not in wait_for_home(any_office, "1–2 of 2", ROOT)

    types(any_office, "312-555", ROOT)
    assert "(312) 555-1003" in wait_for_home(any_office, "1–1 of 1", ROOT)

    types(any_office, "(999) 12", ROOT)
    assert "555-1" not in wait_for_home(any_office, "No calls match “(999) 12”", ROOT)

    presses(any_office, FilterAction.CLEAR, ROOT)
    wait_for_home(any_office, "1–3 of 3", ROOT)


@pytest.mark.parametrize("nonsense", ["%%%", "___", "2_2", "Sara", "20"])
def test_a_search_without_three_digits_says_so(empty_office: Office, nonsense: str) -> None:
    on_record(empty_office, *past(2))
    empty_office.open()
    opens(empty_office)

    types(empty_office, nonsense)

    found = wait_for_home(empty_office, f"No calls match “{nonsense}”. Search by at least 3 digits")
    assert "555-1" not in found
    presses(empty_office, FilterAction.CLEAR)
    wait_for_home(empty_office, "1–2 of 2")


def test_calls_are_found_by_outcome_flow_and_day(any_office: Office) -> None:
    on_record(any_office, *past(2))
    on_record(any_office, (SARA, "+13125551003"), flow="Appointment reminder", flow_id="flow1")
    any_office.open()
    any_office.slack.wait_for(any_office.bot.catalog.refresh)
    opens(any_office, "1–3 of 3")
    today = datetime.now(UTC) - timedelta(hours=1)

    chooses(any_office, "busy", action_id=FilterAction.OUTCOME)
    wait_for_home(any_office, "No calls match Busy.")
    chooses(any_office, "not_placed", action_id=FilterAction.OUTCOME)
    wait_for_home(any_office, "1–3 of 3 · Not placed")

    options = any_office.slack.suggest_in_home(SARA, filters(any_office, SARA), FilterAction.FLOW)
    assert [option["text"]["text"] for option in options][:2] == ["Any flow", "Appointment reminder"]
    chooses(any_office, "flow1", action_id=FilterAction.FLOW)
    assert "(312) 555-1003" in wait_for_home(any_office, "1–1 of 1 · Not placed · flow Appointment reminder")

    chooses(any_office, f"{today:%Y-%m-%d}", action_id=FilterAction.FIRST_DAY)
    wait_for_home(any_office, f"from {today:%b} {today.day} (UTC)")
    chooses(any_office, f"{today - timedelta(days=1):%Y-%m-%d}", action_id=FilterAction.LAST_DAY)
    wait_for_home(any_office, "the first day is after the last day")

    presses(any_office, FilterAction.CLEAR)
    assert "Not placed ·" not in wait_for_home(any_office, "1–3 of 3")


def test_who_may_not_call_is_offered_no_flows(empty_office: Office) -> None:
    empty_office.open()
    empty_office.slack.wait_for(empty_office.bot.catalog.refresh)
    opens(empty_office)
    block_id = filters(empty_office, SARA)
    empty_office.evo.world.logins["sara@acme.test"].roles = ("User",)
    empty_office.pass_time(seconds=61)

    assert empty_office.slack.suggest_in_home(SARA, block_id, FilterAction.FLOW) == []


def test_five_hundred_flows_can_be_searched_by_name(office: Office) -> None:
    for number in range(500):
        office.evo.world.add_flow(f"more{number}", f"Survey {number}")
    office.slack.wait_for(
        lambda: office.bot.catalog.refresh() and len(office.bot.catalog.offer().flows) > 500
    )
    opens(office)

    assert len(office.slack.suggest_in_home(SARA, filters(office, SARA), FilterAction.FLOW)) == 100
    found = office.slack.suggest_in_home(SARA, filters(office, SARA), FilterAction.FLOW, "survey 499")
    assert [option["value"] for option in found] == ["more499"]


def test_forty_five_calls_are_five_pages_there_and_back(any_office: Office) -> None:
    on_record(any_office, *past(45))
    any_office.open()
    seen = [opens(any_office, "1–10 of 45")]
    for heading in ("11–20", "21–30", "31–40", "41–45"):
        presses(any_office, FilterAction.OLDER)
        seen.append(wait_for_home(any_office, f"{heading} of 45"))

    for index in range(45):
        (page,) = [at for at, words in enumerate(seen) if shown_number(1044 - index) in words]
        assert page == index // 10
    assert FilterAction.OLDER not in seen[-1]
    for heading in ("31–40", "21–30", "11–20", "1–10"):
        presses(any_office, FilterAction.NEWER)
        last = wait_for_home(any_office, f"{heading} of 45")
    assert FilterAction.NEWER not in last


def test_the_tab_is_opened_again_as_it_was_left(empty_office: Office) -> None:
    on_record(empty_office, *past(15))
    empty_office.open()
    opens(empty_office)
    presses(empty_office, FilterAction.OLDER)
    wait_for_home(empty_office, "11–15 of 15")
    before = published(empty_office)

    assert empty_office.slack.open_home(SARA).acked

    empty_office.slack.wait_for(lambda: published(empty_office) > before)
    empty_office.slack.wait_for(lambda: "11–15 of 15" in home(empty_office))


def test_a_page_beyond_the_end_shows_the_last_page(empty_office: Office) -> None:
    on_record(empty_office, *past(15))
    empty_office.open()

    beyond = "older 2001-01-01T00:00:00+00:00 c1"
    forge(empty_office, SARA, {"action_id": FilterAction.OLDER, "value": beyond})

    wait_for_home(empty_office, "6–15 of 15")


# --- who may see what -----------------------------------------------------------------------------


def forge(office: Office, who: str, action: dict[str, Any], metadata: str = "") -> None:
    """Press a button that this person's tab does not have."""
    payload = {
        "user": {"id": who, "team_id": TEAM_ID},
        "team": {"id": TEAM_ID},
        "actions": [{"block_id": "b", "type": "button"} | action],
        "view": {"type": "home", "private_metadata": metadata},
    }
    assert office.slack.send("block_actions", payload).acked


def test_a_manager_who_forges_the_team_filter_gets_their_own_calls(empty_office: Office) -> None:
    on_record(empty_office, (SARA, "+12025551001"), (BOSS, "+12025551002"))
    empty_office.open()
    opens(empty_office)
    forged = ["", '{"whose":"team","typed":"","person":"U_BOSS","page":0}']
    for metadata in forged:
        for action in (
            {"action_id": FilterAction.TEAM},
            {"action_id": FilterAction.PERSON, "selected_user": BOSS},
            {"action_id": FilterAction.SEARCH, "value": "555-1"},
        ):
            before = published(empty_office)
            forge(empty_office, SARA, action, metadata)
            empty_office.slack.wait_for(lambda before=before: published(empty_office) > before)
            words = wait_for_home(empty_office, "1–1 of 1")
            assert shown_number(1001) in words and shown_number(1002) not in words
            assert BOSS not in words and FilterAction.TEAM not in words


def test_a_former_administrator_sees_their_own_calls(empty_office: Office) -> None:
    on_record(empty_office, (SARA, "+12025551001"), (ROOT, "+12025551002"))
    empty_office.open()
    opens(empty_office, who=ROOT)
    presses(empty_office, FilterAction.TEAM, ROOT)
    wait_for_home(empty_office, "1–2 of 2", ROOT)

    login = empty_office.evo.world.logins["root@acme.test"]
    login.roles, login.account_ids, login.manager_access = ("Manager",), ("acc1",), "ReadWrite"
    empty_office.pass_time(seconds=61)
    assert empty_office.slack.open_home(ROOT).acked

    words = wait_for_home(empty_office, "1–1 of 1", ROOT)
    assert shown_number(1002) in words and shown_number(1001) not in words


def test_when_the_role_is_taken_away_the_numbers_vanish(empty_office: Office) -> None:
    on_record(empty_office, *past(3))
    empty_office.open()
    opens(empty_office, shown_number(1001))

    empty_office.evo.world.logins["sara@acme.test"].roles = ("User",)
    empty_office.pass_time(seconds=61)

    assert "555-" not in opens(empty_office, MAY_NOT)


def test_while_permission_cannot_be_checked_no_call_is_shown_and_the_tab_recovers(
    empty_office: Office,
) -> None:
    on_record(empty_office, *past(3))
    empty_office.open()
    opens(empty_office, shown_number(1001))
    empty_office.pass_time(seconds=61)
    empty_office.evo.stop()

    assert "555-" not in opens(empty_office, "EvoSlack couldn't check")
    empty_office.evo.start()

    wait_for_home(empty_office, shown_number(1001))


# --- trouble --------------------------------------------------------------------------------------


def test_when_slack_asks_for_a_pause_all_tabs_wait_and_then_show_the_newest(office: Office) -> None:
    office.slack.fault(PUBLISH, "429", retry_after=60)
    assert office.slack.open_home(SARA).acked
    office.slack.wait_for(lambda: published(office) == 1)
    assert office.slack.open_home(BOSS).acked
    office.call()
    office.wait_until_settled()
    assert published(office) == 1
    assert home(office) == ""

    office.pass_time(seconds=61)

    wait_for_home(office, SHOWN)
    wait_for_home(office, MAY, BOSS)


@pytest.mark.parametrize("trouble", ["500", "cut", "lose_answer", "error:internal_error"])
def test_a_failed_publication_is_retried_and_logged_once(
    office: Office, caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    office.slack.fault(PUBLISH, trouble, times=4)
    with caplog.at_level(logging.INFO):
        for who in (SARA, BOSS):
            assert office.slack.open_home(who).acked
        eventually(
            office, lambda: "publishing Home tabs works again" in caplog.text, lambda: caplog.text, step_s=31
        )
        wait_for_home(office, MAY, SARA)
        wait_for_home(office, MAY, BOSS)

    lines = [record for record in caplog.records if "publishing Home tabs failed" in record.message]
    assert len(lines) == 1
    assert published(office) == 6


@pytest.mark.parametrize(
    ("gone", "advice"), [("not_enabled", "turn on the Home tab"), ("user_not_found", "")]
)
def test_a_tab_that_slack_cannot_show_is_forgotten(
    office: Office, caplog: pytest.LogCaptureFixture, gone: str, advice: str
) -> None:
    office.slack.fault(PUBLISH, f"error:{gone}")
    assert office.slack.open_home(SARA).acked
    office.slack.wait_for(lambda: f"publishing Home tabs failed: {gone}" in caplog.text)
    assert advice in caplog.text

    office.call()
    office.wait_until_settled()
    office.pass_time(minutes=5)
    opens(office, who=BOSS)
    assert published(office, SARA) == 1

    opens(office, SHOWN)


def test_a_tab_that_was_not_opened_for_a_week_is_no_longer_published(office: Office) -> None:
    opens(office)
    opens(office, who=BOSS)
    office.pass_time(days=6)
    opens(office, who=BOSS)
    office.pass_time(days=2)
    before = published(office, SARA)

    office.call(number="814 404 3101")
    office.call(BOSS, number="814 404 3102")
    wait_for_home(office, "404-3102", BOSS)

    office.wait_until_settled()
    assert published(office, SARA) == before
    opens(office, "404-3101")


def test_a_tab_is_brought_up_to_date_by_the_next_bot(any_office: Office) -> None:
    any_office.evo.world.default_script = RINGING
    any_office.open()
    opens(any_office)
    any_office.call()
    wait_for_home(any_office, "ringing")
    any_office.bot.stop()
    any_office.evo.world.hang_up(any_office.evo.world.calls[0])

    any_office.open()

    wait_for_home(any_office, "ended")
    assert any_office.rings == 1


def test_two_bots_on_one_database_publish_a_tab_once(tmp_path: Path, postgres_url: str) -> None:
    office = Office(tmp_path, postgres_url)
    people = [f"U_P{index}" for index in range(12)]
    for each in people:
        office.slack.add_user(each, each.lower(), f"{each.lower()}@acme.test")
        office.evo.world.add_login(f"{each.lower()}@acme.test", "secret")
    office.open()
    office.open()

    for each in people:
        assert office.slack.open_home(each).acked
    for each in people:
        office.slack.wait_for(lambda each=each: MAY in home(office, each), what=home(office, each))
    opens(office)  # a second publication of the others would have come before this one
    office.close()

    assert {each: published(office, each) for each in people} == dict.fromkeys(people, 1)


def test_outside_text_cannot_mention_anyone_or_plant_links(empty_office: Office) -> None:
    flow = "<!channel> <http://evil.test|bank> & *bold* @here" + "<" * 5000
    on_record(empty_office, *past(12), flow=flow)
    empty_office.open()

    words = opens(empty_office, "1–10 of 12")

    assert "<!channel>" not in words and "<http://evil" not in words
    assert "&lt;!channel&gt;" in words
    texts = [b["text"] for b in empty_office.slack.home(SARA)["blocks"] if b["type"] == "section"]
    assert all(text["verbatim"] for text in texts if text["type"] == "mrkdwn")
