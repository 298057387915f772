"""The do-not-call list: what is on it is never dialed, however it is spelled, and everybody learns why."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest

from evoslack.calling.calls import State
from evoslack.calling.do_not_call import DO_NOT_CALL
from evoslack.calling.outcomes import Reason
from evoslack.calling.rulebook import BlockedNumber
from evoslack.ledger.blocked_numbers import BlockedNumberLedger
from evoslack.ledger.rules import RuleLedger
from evoslack.slack.rendering import blocked_form, cards, note_form
from evoslack.slack.rendering.form_messages import ANOTHER_NUMBER
from tests.scenario.office import AGENT, BOSS, NUMBER, ROOT, SARA, SHOWN, TYPED, Office

OTHER_SPELLINGS = ["(814) 404-3093", "+1 814.404.3093", "tel:+1-814-404-3093", "８１４４０４３０９３"]


@pytest.fixture
def office(empty_office: Office) -> Office:
    """A bot that already knows its account."""
    empty_office.open()
    empty_office.slack.wait_for(empty_office.bot.catalog.refresh)
    return empty_office


@pytest.fixture(scope="module")
def shared(shared_office: Office) -> Office:
    return shared_office


def listed(office: Office) -> BlockedNumberLedger:
    return BlockedNumberLedger(office.bot.store)


def typed(office: Office, words: str, who: str = SARA) -> str:
    """Type the command; what only this person is told."""
    before = len(office.told(who))
    assert office.slack.type_command(who, words).acked
    return str(office.slack.wait_for(lambda: office.told(who)[before:], what=f"an answer to {words}")[0])


def open_import(office: Office, who: str = ROOT) -> None:
    assert office.slack.type_command(who, "block import").acked
    office.slack.wait_for_modal(who, blocked_form.IMPORT_FORM)


def import_file(office: Office, content: str | bytes, reason: str = "", name: str = "list.csv") -> str:
    """Import a file as an administrator; the direct message with the result."""
    open_import(office)
    sent = content.encode() if isinstance(content, str) else content
    office.slack.attach_file(ROOT, blocked_form.FILE, name, sent)
    if reason:
        office.slack.fill(ROOT, {blocked_form.REASON: reason})
    before = len(office.told(ROOT))
    assert office.slack.submit(ROOT).acked
    office.wait_for_page(f"Checking “{name}”", ROOT)
    office.slack.close_modal(ROOT, everything=True)
    return str(office.slack.wait_for(lambda: office.told(ROOT)[before:], what="the result of an import")[0])


def audit_log(office: Office) -> list[tuple[str, str]]:
    """The rule and the person of each change."""
    return [(change.rule, change.by) for change in RuleLedger(office.bot.store).changes()]


def test_a_blocked_number_is_not_dialed_in_any_spelling(office: Office) -> None:
    answer = typed(office, f"block {TYPED} asked by email")
    assert answer.startswith(f"*{SHOWN}* is on the do-not-call list now: asked by email")

    office.form(BOSS)
    for spelling in OTHER_SPELLINGS:
        office.fill(BOSS, spelling)
        office.press(BOSS)
        said = office.under("number", BOSS)  # by the line as well if that was there first
        assert "“asked by email”" in said or (
            said == ANOTHER_NUMBER and "“asked by email”" in office.page(BOSS)
        )

    assert (office.ledger(), office.rings) == ([], 0)
    assert "off the do-not-call list" in typed(office, f"unblock {OTHER_SPELLINGS[2]}", ROOT)
    office.press(BOSS)
    office.wait_for_card("calling")
    assert audit_log(office) == [(DO_NOT_CALL, SARA), (DO_NOT_CALL, ROOT)]


def test_why_a_number_is_blocked_is_said_once(shared: Office) -> None:
    office = shared
    listed(office).block(BlockedNumber("+18144043029", "asked <b>y email & phone", ROOT, datetime.now(UTC)))
    office.form(BOSS, text="814 404 3029 survey")
    assert "&amp; phone”. Added by <@U_ROOT>" in office.page(BOSS)
    assert office.press(BOSS).acked

    assert office.under("number", BOSS) == ANOTHER_NUMBER
    office.slack.close_modal(BOSS, everything=True)


def test_a_number_blocked_between_submit_and_dialing_stays_silent(office: Office) -> None:
    # The one dialing worker is busy with another call while the number is blocked.
    office.bot.stop()
    bot = office.open(MAX_CALLS_AT_ONCE="1")
    office.slack.wait_for(bot.catalog.refresh)
    office.evo.fault("/sessions/outgoing", "slow", seconds=2)
    office.call(BOSS, "814 404 3094")
    office.call(SARA)
    listed(office).block(BlockedNumber(NUMBER, "asked just now", ROOT, datetime.now(UTC)))

    office.wait_until_settled(15)

    (denied,) = [call for call in office.ledger() if call.request.number == NUMBER]
    assert (denied.state, denied.reason) == (State.NOT_SENT, Reason.BLOCKED)
    assert [ring.number for ring in office.evo.world.rings if ring.number == NUMBER] == []
    (card,) = [card for card in office.cards() if SHOWN in card["text"]]
    assert "This number is on the do-not-call list" in card["text"]


def test_a_number_blocked_while_evo_voice_wants_a_new_login_stays_silent(office: Office) -> None:
    """The request gets a 401, which dials nothing; before it is sent again, the number is blocked."""
    office.wait_until_settled()
    office.evo.fault("/sessions/outgoing", "401_empty")
    office.evo.fault("/auth/credentials", "slow", seconds=1)
    logins = office.evo.count("POST", "/auth/credentials")
    office.call(SARA)
    office.evo.wait_for(lambda: office.evo.count("POST", "/auth/credentials") > logins)
    listed(office).block(BlockedNumber(NUMBER, "asked just now", ROOT, datetime.now(UTC)))

    office.wait_until_settled(15)

    (call,) = office.ledger()
    assert (call.state, call.reason) == (State.NOT_SENT, Reason.BLOCKED)
    assert (office.evo.count("POST", "/sessions/outgoing"), office.rings) == (1, 0)
    assert "This number is on the do-not-call list" in office.cards()[0]["text"]


def test_the_result_of_a_call_blocks_its_number_and_says_so(office: Office) -> None:
    office.call()
    card = office.wait_for_card("calling")
    (call,) = office.ledger()

    def write(result: str, text: str | None) -> str:
        office.slack.click(BOSS, cards.MORE, "C_CALLS", card["ts"], value=f"note:{call.id}")
        office.slack.wait_for_modal(BOSS, note_form.FORM)
        office.slack.fill(BOSS, {note_form.RESULT: result, note_form.NOTE: text})
        assert office.slack.submit(BOSS).acked
        return office.page(BOSS)

    said = write("do_not_call", "Don't call\nagain!")

    assert f"Your note is saved. *{SHOWN}* is on the do-not-call list now: Don't call again!" in said
    entry = listed(office).find(NUMBER)
    assert entry is not None
    assert (entry.by, entry.reason, entry.call_id) == (BOSS, "Don't call again!", call.id)
    office.slack.close_modal(BOSS)
    said = write("reached", None)  # that was a mistake
    assert "stays on the do-not-call list" in said
    assert f"/call unblock {SHOWN}" in said
    assert listed(office).find(NUMBER) == entry
    assert audit_log(office) == [(DO_NOT_CALL, BOSS)]


def test_who_may_not_call_learns_nothing_and_changes_nothing(shared: Office) -> None:
    listed(shared).block(BlockedNumber("+18144043001", "secret", ROOT, datetime.now(UTC)))

    for words in ("block 8144043002 x", "unblock 8144043001", "blocked", "blocked export"):
        answer = typed(shared, words, AGENT)
        assert "You need the Manager role" in answer
        assert "secret" not in answer
    assert shared.slack.type_command(AGENT, "block import").acked
    shared.wait_for_page("You need the Manager role", AGENT)

    assert listed(shared).find("+18144043002") is None
    assert listed(shared).find("+18144043001") is not None


def test_managers_block_and_read_and_administrators_do_the_rest(shared: Office) -> None:
    assert "is on the do-not-call list now" in typed(shared, "block 8144043011 x")
    assert "(814) 404-3011" in typed(shared, "blocked")
    assert "Only an Evo Voice administrator" in typed(shared, "unblock 8144043011")
    assert "Only an Evo Voice administrator" in typed(shared, "blocked export")
    assert shared.slack.type_command(SARA, "block import").acked
    shared.wait_for_page("Only an Evo Voice administrator can import")

    assert listed(shared).find("+18144043011") is not None


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("block", "Type a number and why: */call block"),
        ("block asked by email", "Type a number and why"),
        ("block 8144043021", "Nothing was blocked yet. Say why, too: */call block (814) 404-3021 asked by"),
        ("block 814404302 x", "That number is too short"),
        ("block 911 x", "never dials emergency numbers"),
        ("block 1-800-FLOWERS x", "Use digits only"),
        ("block 8144043021 8144043022 x", "Enter one number"),
        (f"block 8144043021 {'r' * 301}", "301 characters"),
    ],
)
def test_what_is_missing_is_asked_for(shared: Office, words: str, answer: str) -> None:
    assert answer in typed(shared, words)
    assert listed(shared).find("+18144043021") is None


def test_who_blocked_first_is_named_and_stays(shared: Office) -> None:
    typed(shared, "BLOCK 8144043031 <!channel> & co")  # in any case

    answer = typed(shared, "block +1-814-404-3031 another reason", BOSS)

    assert "is already on the do-not-call list: &lt;!channel&gt; &amp; co" in answer
    assert f"Blocked by <@{SARA}>" in answer
    assert "Nothing was changed" in answer
    entry = listed(shared).find("+18144043031")
    assert entry is not None
    assert (entry.by, entry.reason) == (SARA, "<!channel> & co")


def test_a_number_of_a_country_that_is_not_called_can_be_blocked(shared: Office) -> None:
    assert "+44 20 7183 8750" in typed(shared, "block +44 20 7183 8750 of a customer")


def test_an_import_adds_all_and_can_be_exported_again(office: Office) -> None:
    typed(office, f"block {TYPED} was first")
    file = f'Reason;Phone Number\r\nby letter;{SHOWN}\r\n"asked; twice";+44 20 7183 8750\r\n;8144043094\r\n'

    answer = import_file(office, b"\xff\xfe" + file.encode("utf-16-le"), reason="from the old system")

    assert answer == (
        "“list.csv” is imported. 2 numbers were added. 1 was already on the list and keeps its first entry."
    )
    assert typed(office, "blocked export", ROOT).startswith("Exporting the do-not-call list: 3 numbers.")
    (sent,) = office.slack.wait_for(lambda: office.slack.files(ROOT))
    rows = {row["number"]: row for row in csv.DictReader(io.StringIO(sent.content.decode("utf-8-sig")))}
    assert {number: row["reason"] for number, row in rows.items()} == {
        NUMBER: "was first",
        "+442071838750": "asked; twice",
        "+18144043094": "from the old system",
    }
    assert rows["+18144043094"]["blocked by (Slack id)"] == ROOT
    assert "All 3 numbers were already on the list" in import_file(office, sent.content)
    assert audit_log(office) == [(DO_NOT_CALL, SARA), (DO_NOT_CALL, ROOT), (DO_NOT_CALL, ROOT)]


def test_nothing_is_imported_if_a_line_is_wrong(office: Office) -> None:
    answer = import_file(office, f"{TYPED},x\n814404309,y\n8144043094,\n{SHOWN},another\n911,z\n")

    assert answer.splitlines() == [
        "*Nothing was imported* from “list.csv”: 4 lines are wrong. Fix them, then import the file again.",
        "• Line 2 (814404309): That number is too short. Include the area code. Example: (201) 555-0123",
        "• Line 3 (8144043094): The reason is missing.",
        f"• Line 4 ({SHOWN}): Line 1 has another reason for this number. Keep one.",
        "• Line 5 (911): EvoSlack never dials emergency numbers anyway. Remove this line.",
    ]
    assert listed(office).newest(1) == ([], 0)
    assert audit_log(office) == []
    assert office.slack.files(ROOT) == []


def test_many_wrong_lines_come_as_a_file(office: Office) -> None:
    lines = [f"8144043{each:03},x" for each in range(100)] + ["12,=cmd"] * 37

    answer = import_file(office, "\n".join(lines))

    assert "37 lines are wrong" in answer
    assert "Line 101 (12)" in answer
    assert "Line 121" not in answer
    (sent,) = office.slack.files(ROOT)
    rows = list(csv.DictReader(io.StringIO(sent.content.decode("utf-8-sig"))))
    assert [row["line"] for row in rows] == [str(each) for each in range(101, 138)]
    assert listed(office).newest(1) == ([], 0)


def test_a_file_that_cannot_be_read_says_why(office: Office) -> None:
    assert "isn't a CSV file" in import_file(office, b"PK\x03\x04....")
    office.slack.bot_scopes.discard("files:read")
    assert "needs the scope files:read" in import_file(office, f"{TYPED},x")

    assert listed(office).newest(1) == ([], 0)


def test_a_role_that_was_taken_away_imports_nothing(office: Office) -> None:
    open_import(office)
    office.slack.attach_file(ROOT, blocked_form.FILE, "list.csv", f"{TYPED},x".encode())
    office.evo.world.logins["root@acme.test"].roles = ("User",)
    office.pass_time(seconds=61)

    office.slack.submit(ROOT)

    assert office.under(blocked_form.FILE, ROOT).startswith("Nothing was imported. You need the Manager role")
    assert listed(office).newest(1) == ([], 0)


def test_a_double_press_imports_once(office: Office) -> None:
    open_import(office)
    office.slack.attach_file(ROOT, blocked_form.FILE, "list.csv", f"{TYPED},x".encode())
    office.slack.fault("download", "slow", times=None, seconds=0.5)

    office.slack.submit(ROOT, times=2)

    office.wait_until_told("1 number was added", ROOT)
    assert len(office.slack.api_calls("download")) == 1
    assert audit_log(office) == [(DO_NOT_CALL, ROOT)]
