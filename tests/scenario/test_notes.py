"""Result and note: a manager says what came of a call; nothing that was typed is ever lost."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from evoslack.calling.calls import Call, Result
from evoslack.ledger.retention import CallRetention
from evoslack.slack.rendering import note_messages
from evoslack.slack.rendering.cards import CALL_AGAIN, MORE, NOTE
from evoslack.slack.rendering.note_form import FORM, RESULT
from evoslack.slack.rendering.note_form import NOTE as TEXT
from sandbox.bot_process import BotProcess
from sandbox.evo.calls import Script
from sandbox.slack.delivery import Delivery
from tests.scenario.office import AGENT, BOSS, ROOT, SARA, Office
from tests.scenario.test_broken_buttons import database_away

HOSTILE = (
    "<!channel> *bold* <http://evil.test|bank> &amp; <@U_BOSS> `code`\n"
    "\u202egnihton\u2066 \u05d0\u200f\u05d1 \U0001f469\u200d\U0001f4bb"
)


@pytest.fixture
def called(office: Office) -> Office:
    """Sara's call is over, and its card says so."""
    return after_a_call(office)


@pytest.fixture
def on_postgres(tmp_path: Path, postgres_url: str) -> Iterator[Office]:
    """The same with PostgreSQL, which does not take every text."""
    office = Office(tmp_path, postgres_url)
    office.open()
    yield after_a_call(office)
    office.close()


def after_a_call(office: Office) -> Office:
    office.evo.world.default_script = Script(ring_s=0, talk_s=0)
    office.call()
    office.let_time_pass_until(lambda: "completed" in str(office.cards()) and on_card(office))
    office.slack.close_modal(SARA)
    return office


def on_card(office: Office) -> str:
    """The value of the line *Result and note* in the menu on the card; empty while there is none."""
    blocks = [block for card in office.cards() for block in card["blocks"]]
    elements = [each for block in blocks for each in (block.get("accessory", {}), *block.get("elements", []))]
    options = [option for each in elements if each.get("action_id") == MORE for option in each["options"]]
    return next((option["value"] for option in options if option["value"].startswith("note:")), "")


def press(office: Office, who: str = SARA) -> Delivery:
    """Choose it in the menu on the card."""
    (card,) = office.cards()
    return office.slack.click(who, MORE, "C_CALLS", card["ts"], value=on_card(office))


def open_form(office: Office, who: str = SARA) -> dict[str, Any]:
    """Choose it and wait for the form."""
    assert press(office, who).acked
    return office.slack.wait_for_modal(who, FORM)


def write(office: Office, text: str | None, result: str | None = None, who: str = SARA) -> None:
    """Fill in the open form."""
    office.slack.fill(who, {TEXT: text} | ({RESULT: result} if result else {}))


def save(office: Office, who: str = SARA) -> Delivery:
    """Press Save."""
    return office.slack.submit(who)


def typed(office: Office, who: str = SARA) -> str | None:
    """What stands in the open form."""
    view = office.slack.modal(who)
    assert view is not None, "the form is gone"
    return view["state"]["values"][TEXT][TEXT]["value"]


def call_of(office: Office) -> Call:
    (call,) = office.ledger()
    return call


def test_a_note_and_a_result_are_kept_with_who_wrote_them(
    called: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    posts = len(called.slack.api_calls("chat.postMessage"))
    view = open_form(called, BOSS)
    assert "(814)\u00a0404\u20113093* · called by <@U_SARA>" in view["blocks"][0]["text"]["text"]
    write(called, "Wants a quote by Friday", "voicemail", BOSS)
    assert save(called, BOSS).acked

    note = call_of(called).note
    assert (note.result, note.text, note.by, note.revision) == (
        Result.VOICEMAIL,
        "Wants a quote by Friday",
        BOSS,
        1,
    )
    assert note.at is not None
    assert called.slack.modal(BOSS) is None, "the form closes"
    (line,) = [line for line in caplog.messages if "voicemail" in line]
    assert line == f"call {call_of(called).id}: voicemail by {BOSS}, with a note"
    assert "Friday" not in caplog.text
    called.wait_until_settled()
    assert len(called.slack.api_calls("chat.postMessage")) == posts, "the thread belongs to people"
    assert called.slack.complaints == []


def test_the_form_opens_with_what_is_there_and_can_empty_it(called: Office) -> None:
    open_form(called)
    write(called, "Call back", "other")
    save(called)

    open_form(called, BOSS)
    assert typed(called, BOSS) == "Call back"
    write(called, None, "none", BOSS)
    save(called, BOSS)

    note = call_of(called).note
    assert (note.result, note.text, note.by, note.revision) == (None, "", BOSS, 2)


def test_an_empty_form_just_closes_and_so_does_one_that_changes_nothing(called: Office) -> None:
    open_form(called)
    save(called)
    assert (called.slack.modal(SARA), call_of(called).note.revision) == (None, 0)

    open_form(called)
    write(called, "  ", "reached")
    save(called)
    open_form(called, BOSS)
    save(called, BOSS)

    note = call_of(called).note
    assert (note.by, note.text, note.revision) == (SARA, "", 1), "who pressed Save on the same is no author"


@pytest.mark.parametrize("text", ["n" * 3000, "\U0001f4de" * 3000, "<" * 3000])
def test_a_note_of_3000_characters_is_kept_whole_and_opens_again(called: Office, text: str) -> None:
    open_form(called)
    write(called, text)
    assert save(called).acked

    assert call_of(called).note.text == text
    open_form(called, BOSS)
    assert typed(called, BOSS) == text


def test_one_character_more_is_an_error_that_keeps_the_text(called: Office) -> None:
    open_form(called)
    write(called, "n" * 3000)
    forged = save_forged(called, lambda view: view["state"]["values"][TEXT][TEXT].update(value="n" * 3001))

    assert "3,001 characters" in forged.payload["errors"][TEXT]
    assert (typed(called), call_of(called).note.revision) == ("n" * 3000, 0)


def save_forged(office: Office, change: Any, who: str = SARA) -> Delivery:
    """Press Save of the open form, with something changed in what Slack would send."""
    view = office.slack.modal(who)
    assert view is not None
    change(view)
    view["id"] = "V_FORGED"
    team = {"id": office.slack.team_id}
    payload = {"user": {"id": who, "team_id": team["id"]}, "team": team, "view": view}
    return office.slack.send("view_submission", payload | {"type": "view_submission"})


@pytest.mark.parametrize("database", ["called", "on_postgres"])
def test_hostile_text_comes_back_as_it_was_typed_and_mentions_nobody(
    database: str, request: pytest.FixtureRequest
) -> None:
    called: Office = request.getfixturevalue(database)
    open_form(called)
    write(called, HOSTILE + "\x00\x1b\ud800")
    assert save(called).acked

    kept = call_of(called).note.text
    assert kept == HOSTILE.replace("\u202e", "").replace("\u2066", "") + "\ufffd"
    open_form(called, BOSS)
    assert typed(called, BOSS) == kept
    write(called, "mine", who=BOSS)
    open_form(called, SARA)
    write(called, "theirs")
    save(called, SARA)
    save(called, BOSS)
    assert called.slack.complaints == []


def test_two_at_once_lose_nothing_and_the_second_overwrites_knowingly(called: Office) -> None:
    open_form(called, SARA)
    open_form(called, BOSS)
    write(called, "Hung up on me <!channel>", "wrong_number", BOSS)
    write(called, "Left a message", "voicemail", SARA)
    save(called, BOSS)
    save(called, SARA)

    page = called.page()
    assert "*Not saved yet.* <@U_BOSS> saved this while you were typing: *Wrong number*" in page
    assert "press *Save mine*" in page
    view = called.slack.modal(SARA)
    assert view["submit"]["text"] == "Save mine", "the next press is a knowing one"
    quoted = [block["text"] for block in view["blocks"] if "Hung up" in str(block)]
    assert [(each["type"], each["text"]) for each in quoted] == [("plain_text", "Hung up on me <!channel>")]
    assert typed(called) == "Left a message"
    assert (call_of(called).note.by, call_of(called).note.revision) == (BOSS, 1)

    save(called, SARA)
    note = call_of(called).note
    assert (note.by, note.text, note.result, note.revision) == (
        SARA,
        "Left a message",
        Result.VOICEMAIL,
        2,
    )
    assert called.slack.modal(SARA) is None


def test_a_third_person_in_between_is_shown_as_well(called: Office) -> None:
    for who in (SARA, BOSS, ROOT):
        open_form(called, who)
        write(called, f"by {who}", who=who)
    save(called, BOSS)
    save(called, SARA)
    assert "<@U_BOSS> saved this while you were typing" in called.page()
    save(called, ROOT)
    save(called, ROOT)

    save(called, SARA)

    assert "<@U_ROOT> saved this while you were typing" in called.page()
    assert (typed(called), call_of(called).note.text) == ("by U_SARA", "by U_ROOT")


def test_a_note_that_was_removed_meanwhile_is_said(called: Office) -> None:
    open_form(called)
    write(called, "first")
    save(called)
    open_form(called)
    write(called, "second")
    open_form(called, BOSS)
    write(called, None, who=BOSS)
    save(called, BOSS)

    save(called)
    assert "<@U_BOSS> removed the note while you were typing" in called.page()
    save(called)
    assert call_of(called).note.text == "second"


def test_twenty_presses_on_save_write_one_note(called: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    open_form(called)
    write(called, "once", "reached")

    called.slack.submit(SARA, times=20)

    called.slack.wait_for(lambda: called.slack.modal(SARA) is None)
    assert (call_of(called).note.text, call_of(called).note.revision) == ("once", 1)
    assert len([line for line in caplog.messages if "reached by" in line]) == 1


def test_twenty_presses_on_the_button_keep_what_is_typed_after_the_first(called: Office) -> None:
    called.bot.catalog.refresh()
    with ThreadPoolExecutor(20) as fingers:
        deliveries = list(fingers.map(lambda _: press(called), range(20)))
    assert all(each.acked for each in deliveries)
    called.slack.wait_for_modal(SARA, FORM)
    write(called, "typed after the first")

    save(called)

    assert call_of(called).note.text == "typed after the first"
    assert called.told() == []


def test_a_person_whose_role_must_be_looked_up_sees_a_loading_page_first(called: Office) -> None:
    called.pass_time(minutes=2)
    before = len(called.slack.api_calls("views.open"))

    open_form(called, BOSS)

    (opened,) = called.slack.api_calls("views.open")[before:]
    assert opened.args["view"]["callback_id"] == "note_loading"
    assert opened.args["view"]["title"]["text"] == note_messages.TITLE


@pytest.mark.parametrize(
    ("who", "words"),
    [(AGENT, "You need the Manager role"), ("U_FOREIGN", "Only full members of this workspace")],
)
def test_nobody_else_gets_the_form(called: Office, who: str, words: str) -> None:
    called.slack.add_user("U_FOREIGN", "partner", "boss@acme.test", team_id="T_PARTNER")  # a shared channel
    assert press(called, who).acked

    called.wait_for_page(words, who)
    assert "Notes are for people who can place calls." in called.page(who)
    assert "3093" not in called.page(who)
    assert called.told(who) == []


def test_a_person_who_left_meanwhile_saves_nothing_and_keeps_the_text(called: Office) -> None:
    open_form(called, BOSS)
    write(called, "my last words", who=BOSS)
    called.slack.users[BOSS]["deleted"] = True
    called.pass_time(minutes=2)

    save(called, BOSS)

    assert called.under(TEXT, BOSS).startswith("Not saved. Notes are for people who can place calls.")
    assert typed(called, BOSS) == "my last words"
    assert call_of(called).note.revision == 0


def test_when_the_role_cannot_be_checked_the_text_stays_and_saving_again_works(called: Office) -> None:
    open_form(called)
    write(called, "still here")
    called.pass_time(minutes=2)
    called.slack.fault("users.info", "500", times=1)

    save(called)
    words = called.under(TEXT)
    assert words.startswith("Not saved. EvoSlack couldn't check who you are") and "dialed" not in words
    save(called)

    assert call_of(called).note.text == "still here"


def test_a_call_that_was_purged_leaves_the_text_to_copy(called: Office) -> None:
    open_form(called)
    write(called, "two hours of work <!here>")
    purge(called)

    save(called)

    assert "no longer has a record of this call" in called.page()
    assert "two hours of work <!here>" in called.page(), "to copy"
    assert called.slack.complaints == []
    press(called, BOSS)
    called.wait_for_page("no longer has a record of this call", BOSS)
    assert "wasn't saved" not in called.page(BOSS)


def purge(office: Office) -> None:
    """Delete everything that is over."""
    office.wait_until_settled()
    at = datetime.now(UTC) + office.passed + timedelta(minutes=1)
    assert CallRetention(office.bot.store, lambda: at).purge_calls(accepted_before=at, at=at) == 1


def test_a_card_that_was_deleted_while_the_note_was_written_does_not_matter(called: Office) -> None:
    open_form(called)
    write(called, "kept")
    (card,) = called.cards()
    called.slack.delete_message("C_CALLS", card["ts"])

    assert save(called).acked

    assert call_of(called).note.text == "kept"
    assert called.slack.modal(SARA) is None
    called.wait_until_settled()


def test_the_database_away_while_saving_keeps_the_text(
    called: Office, caplog: pytest.LogCaptureFixture
) -> None:
    open_form(called)
    write(called, "do not lose me")
    with database_away(called):
        save(called)

        words = called.under(TEXT)
        assert words.startswith("Something broke in EvoSlack (reference ")
        assert typed(called) == "do not lose me"
    assert words[39:45] in caplog.text
    save(called)

    assert call_of(called).note.text == "do not lose me"


def test_the_database_away_at_the_press_is_said_on_the_page(called: Office) -> None:
    open_form(called)
    called.slack.close_modal(SARA)
    called.pass_time(seconds=2)
    with database_away(called):
        assert press(called).acked
        called.wait_for_page("Something broke in EvoSlack (reference ")
    assert called.told() == []


def test_an_answer_that_never_arrived_is_no_conflict_with_oneself(called: Office) -> None:
    open_form(called)
    write(called, "saved twice", "reached")
    first = called.slack.modal(SARA)
    save(called)
    assert first is not None

    again = called.slack.send("view_submission", saved(called, first))

    assert again.payload in (None, "", {}), again.payload
    assert call_of(called).note.revision == 1


def saved(office: Office, view: dict[str, Any], who: str = SARA) -> dict[str, Any]:
    """What Slack sends for Save."""
    team = {"id": office.slack.team_id}
    return {"user": {"id": who, "team_id": team["id"]}, "team": team, "view": view}


def test_a_form_that_was_closed_meanwhile_is_saved_all_the_same(called: Office) -> None:
    open_form(called)
    write(called, "closed")
    view = called.slack.modal(SARA)
    called.slack.close_modal(SARA)
    assert view is not None

    assert called.slack.send("view_submission", saved(called, view)).acked

    assert call_of(called).note.text == "closed"
    assert called.slack.complaints == []


FORGED = [
    "",
    "null",
    "[]",
    "x" * 5000,
    '{"call_id":"which"}',
    '{"call_id":7,"revision":0}',
    '{"call_id":"a\\u0000b","revision":0}',
    '{"call_id":"abc","revision":true}',
    '{"call_id":"abc","revision":-1}',
    '{"call_id":"abc","revision":99999999999999999999}',
    '{"call_id":"abc","revision":0,"more":1}',
]


@pytest.mark.parametrize("metadata", FORGED)
def test_forged_metadata_saves_nothing_and_shows_the_text(shared: Office, metadata: str) -> None:
    forged = save_forged(shared, lambda view: view.update(private_metadata=metadata))

    assert forged.acked
    words = json.dumps(forged.payload)
    assert "no longer works" in words and "kept to copy" in words
    assert call_of(shared).note.revision == 0


def test_a_call_id_of_another_kind_is_no_call(shared: Office) -> None:
    metadata = json.dumps({"call_id": "nobody", "revision": 0})

    forged = save_forged(shared, lambda view: view.update(private_metadata=metadata))

    assert "no longer has a record" in json.dumps(forged.payload)


@pytest.mark.parametrize("value", ["reach", "", 7, ["reached"]])
def test_a_result_that_is_not_on_offer_is_not_saved(shared: Office, value: Any) -> None:
    option = {"text": {"type": "plain_text", "text": "x"}, "value": value}
    forged = save_forged(
        shared, lambda view: view["state"]["values"][RESULT][RESULT].update(selected_option=option)
    )

    assert "no longer works" in json.dumps(forged.payload)
    assert call_of(shared).note.revision == 0


@pytest.fixture(scope="module")
def shared(shared_office: Office) -> Office:
    """A form that is open, for forgers."""
    after_a_call(shared_office)
    open_form(shared_office)
    write(shared_office, "kept to copy")
    return shared_office


def test_the_line_in_a_menu_opens_the_form_and_other_lines_do_not(called: Office) -> None:
    call_id = call_of(called).id
    assert choose_in_menu(called, f"again:{call_id}", BOSS).acked
    assert choose_in_menu(called, f"note:{call_id}").acked

    view = called.slack.wait_for_modal(SARA, FORM)
    assert json.loads(view["private_metadata"]) == {"call_id": call_id, "revision": 0}
    called.slack.wait_for_modal(BOSS, "call_form")


@pytest.mark.parametrize("value", ["note:", "note:nobody", "note:a\x00b", "note:note:", "note:again:x"])
def test_a_line_in_a_menu_of_a_call_that_is_gone_says_so(called: Office, value: str) -> None:
    assert choose_in_menu(called, value).acked

    called.wait_for_page("no longer has a record of this call")


def choose_in_menu(office: Office, value: str, who: str = SARA) -> Delivery:
    """What Slack sends for a choice in the overflow menu of a card."""
    option = {"text": {"type": "plain_text", "text": "x"}, "value": value}
    action = {"action_id": MORE, "block_id": "b", "type": "overflow", "selected_option": option}
    return office.slack.send("block_actions", pressed(office, action, who))


def pressed(office: Office, action: dict[str, Any], who: str = SARA) -> dict[str, Any]:
    team = {"id": office.slack.team_id}
    payload = {"user": {"id": who, "team_id": team["id"]}, "team": team, "actions": [action]}
    return payload | {"trigger_id": office.slack.new_trigger(who)}


@pytest.mark.parametrize("value", ["", "nobody", "a\x00b", "x" * 2000])
def test_a_button_of_a_call_that_is_gone_says_so(called: Office, value: str) -> None:
    action = {"action_id": NOTE, "block_id": "b", "type": "button", "value": value}
    assert called.slack.send("block_actions", pressed(called, action)).acked

    called.wait_for_page("no longer has a record of this call")


@pytest.mark.parametrize("known", [True, False])
def test_inside_a_modal_the_form_lies_on_top_and_saving_leads_back(called: Office, known: bool) -> None:
    called.form(BOSS)
    if not known:
        called.pass_time(minutes=2)
    assert press_in_modal(called, BOSS).acked
    called.slack.wait_for_modal(BOSS, FORM)
    write(called, "on top", who=BOSS)

    assert save(called, BOSS).acked

    assert called.slack.modal(BOSS)["callback_id"] == "call_form"
    assert call_of(called).note.text == "on top"
    assert called.slack.complaints == []


def press_in_modal(office: Office, who: str) -> Delivery:
    """Press the button inside the modal that is open."""
    action = {"action_id": NOTE, "block_id": "b", "type": "button", "value": call_of(office).id}
    team = {"id": office.slack.team_id}
    payload = {"user": {"id": who, "team_id": team["id"]}, "team": team, "actions": [action]}
    trigger = {"trigger_id": office.slack.new_trigger(who, in_modal=True)}
    return office.slack.send("block_actions", payload | trigger | {"view": {"type": "modal"}})


def test_twenty_presses_inside_a_modal_tell_nobody_that_it_failed(called: Office) -> None:
    called.form()
    with ThreadPoolExecutor(20) as fingers:
        deliveries = list(fingers.map(lambda _: press_in_modal(called, SARA), range(20)))

    assert all(each.acked for each in deliveries)
    called.slack.wait_for_modal(SARA, FORM)
    assert called.told() == []


def test_a_page_that_was_closed_before_the_form_came_is_explained(called: Office) -> None:
    press_in_modal(called, SARA)

    called.wait_until_told("The form couldn't open in time. Try again.")


def test_a_note_about_a_doubt_tells_its_caller_nothing_new(office: Office) -> None:
    office.hide_calls()
    office.evo.fault("/sessions/outgoing", "cut")
    office.call()
    office.wait_until_told("not certain")
    office.slack.close_modal(SARA)
    office.let_time_pass_until(lambda: CALL_AGAIN in str(office.cards()))
    assert "not certain" in office.cards()[0]["text"], "it stays a doubt"
    office.wait_until_settled()
    told = office.told()
    open_form(office, BOSS)
    write(office, "She says it rang", who=BOSS)
    save(office, BOSS)
    office.wait_until_settled()

    assert office.told() == told


def test_a_form_outlives_the_bot_that_opened_it(empty_office: Office, process: BotProcess) -> None:
    office = empty_office
    office.evo.world.default_script = Script(ring_s=0, talk_s=0)
    process.start()
    office.slack.wait_for_connection()
    office.call()
    office.wait_for_card("completed", within_s=20)
    open_form(office)
    write(office, "older than the bot", "reached")
    process.kill()
    assert not save(office).acked
    assert typed(office) == "older than the bot"

    office.open()
    office.slack.wait_for(office.bot.catalog.refresh)
    assert save(office).acked

    note = call_of(office).note
    assert (note.text, note.result, note.by) == ("older than the bot", Result.REACHED, SARA)
    assert office.slack.modal(SARA) is None
