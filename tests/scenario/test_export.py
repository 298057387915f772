"""An administrator can export the calls of a period as a file; nobody else can."""

from __future__ import annotations

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from evoslack.calling.history_filter import HistoryFilter, Scope
from evoslack.ledger.home_tabs import HomeTabLedger
from evoslack.ledger.schema import calls
from evoslack.slack.rendering.call_csv import HEADER
from evoslack.slack.rendering.home_filters import EXPORT
from sandbox.evo.calls import Script
from sandbox.slack.team import TEAM_ID
from tests.scenario.office import AGENT, BOSS, NUMBER, ROOT, SARA, Office

SHORT = Script(ring_s=1, talk_s=2, session="at_once", outcome="=HYPERLINK(1)")


@pytest.fixture
def office(empty_office: Office) -> Office:
    """A bot that already knows its account."""
    empty_office.open()
    empty_office.slack.wait_for(empty_office.bot.catalog.refresh)
    return empty_office


def export(office: Office, words: str = "", who: str = ROOT) -> str:
    """Type the command; its immediate answer."""
    before = len(office.told(who))
    assert office.slack.type_command(who, f"export {words}").acked
    return " ".join(map(str, office.slack.wait_for(lambda: office.told(who)[before:])))


def sent(office: Office, who: str = ROOT) -> list[dict[str, str]]:
    """The rows of the one file this person received."""
    (file,) = office.slack.wait_for(lambda: office.slack.files(who))
    assert file.content.startswith(b"\xef\xbb\xbf")  # otherwise Excel garbles names
    return list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))


def test_an_administrator_gets_everyones_calls_as_a_file(office: Office) -> None:
    office.evo.world.script(NUMBER, SHORT)
    office.call(SARA)
    office.wait_for_card("talked", within_s=15)
    office.evo.fault("/sessions/outgoing", "404_json")
    office.call(BOSS, "814 404 3094")
    office.wait_until_settled()

    answer = export(office)

    assert "as a direct message" in answer
    first, second = sent(office)
    newest, oldest = office.ledger()
    assert tuple(first) == HEADER
    assert (first["call id"], second["call id"]) == (oldest.id, newest.id)  # oldest first
    assert (first["person (Slack id)"], second["person (Slack id)"]) == (SARA, BOSS)
    assert (first["number called"], first["caller ID"]) == (NUMBER, "+12025550100")
    assert (first["flow"], first["state"], first["reason"]) == ("Customer survey", "placed", "")
    assert (first["progress"], first["outcome"], second["outcome"]) == ("ended", "ended", "rejected")
    assert (first["name"], first["email"]) == ("Sara Lind", "sara@acme.test")
    assert first["caller ID label"] == "Main office"
    assert first["local time zone"] == "America/New_York"
    assert first["Evo Voice's words"] == "'=HYPERLINK(1)"  # as text, not as a formula
    assert int(first["talked (seconds)"]) <= 3
    assert (second["state"], second["reason"]) == ("rejected", "not found")
    asked_at = datetime.fromisoformat(first["asked at (UTC)"])
    assert asked_at == oldest.accepted_at.replace(microsecond=0)


def test_the_file_comes_as_a_direct_message_and_names_its_days(office: Office) -> None:
    office.call()
    office.wait_until_settled()
    today = datetime.now(UTC).date()
    first = today - timedelta(days=29)
    export(office)

    (file,) = office.slack.wait_for(lambda: office.slack.files(ROOT))

    assert file.name == f"calls-{first}-to-{today}-utc.csv"
    assert file.channel_id.startswith("D")
    assert f"1 call from {first} to {today} (UTC)" in file.comment
    assert not office.slack.files("C_GENERAL")


@pytest.mark.parametrize("words", ["{month}", "{day} {day}", "{before} {day}"])
def test_a_period_is_a_month_or_a_range_of_days(office: Office, words: str) -> None:
    office.call()
    office.wait_until_settled()
    today = office.ledger()[0].accepted_at.date()
    period = words.format(month=f"{today:%Y-%m}", day=today, before=today - timedelta(days=400))

    export(office, period)

    assert len(sent(office)) == 1


def test_each_person_is_looked_up_once_even_if_they_left(office: Office) -> None:
    for number in ("814 404 3094", "814 404 3095"):
        office.call(BOSS, number)
    office.call(SARA)
    office.wait_until_settled()
    office.slack.add_user("U_GONE", "gone", "gone@acme.test", deleted=True)
    rename(office, BOSS, "U_GONE")
    before = len(office.slack.api_calls("users.info"))

    export(office)

    names = [(row["name"], row["person (Slack id)"]) for row in sent(office)]
    assert names == [("Gone", "U_GONE"), ("Gone", "U_GONE"), ("Sara Lind", SARA)]
    asked = [call.args["user"] for call in office.slack.api_calls("users.info")[before:]]
    assert sorted(who for who in asked if who != ROOT) == ["U_GONE", SARA]


def test_a_file_comes_without_names_while_slack_does_not_tell_them(office: Office) -> None:
    office.call()
    office.wait_until_settled()
    export(office, "2020-02")  # so that the role is remembered
    office.wait_until_told("No calls from", ROOT)
    office.slack.fault("users.info", "500", times=None)

    export(office)

    (row,) = sent(office)
    assert (row["name"], row["email"], row["person (Slack id)"]) == ("", "", SARA)
    (file,) = office.slack.files(ROOT)
    assert "1 person is without a name" in file.comment


def rename(office: Office, before: str, after: str) -> None:
    """Calls of one person become those of another, who left."""
    with office.bot.store.engine.begin() as connection:
        connection.execute(sa.update(calls).where(calls.c.user_id == before).values(user_id=after))


# --- from the Home tab ----------------------------------------------------------------------------


def team_tab(office: Office, **wanted: str) -> None:
    """Root's Home tab shows the team's calls, narrowed down."""
    chosen = HistoryFilter.of({"scope": "team", "search": "", "person": "", "page": 0} | wanted)
    HomeTabLedger(office.bot.store).set_filter(TEAM_ID, ROOT, chosen, at=datetime.now(UTC))
    assert office.slack.open_home(ROOT).acked
    office.slack.wait_for(lambda: (office.slack.home(ROOT) or {}).get("private_metadata") == chosen.packed())


def test_the_button_in_the_home_tab_exports_what_its_filter_finds(office: Office) -> None:
    for who, number in ((SARA, "814 404 3093"), (BOSS, "814 404 3094"), (BOSS, "(202) 555-0143")):
        office.call(who, number)
    office.wait_until_settled()
    team_tab(office, person=BOSS, search="814")

    assert office.slack.click(ROOT, EXPORT, where="home").acked

    office.wait_for_page("Exporting 1 call. You'll get the file as a direct message.", ROOT)
    (row,) = sent(office)
    assert (row["number called"], row["person (Slack id)"]) == ("+18144043094", BOSS)
    (file,) = office.slack.files(ROOT)
    assert file.comment == f"Exported 1 call from the Home tab (Team calls · “814” · <@{BOSS}>)."


def test_twenty_presses_on_export_are_one_file(office: Office) -> None:
    office.call()
    office.wait_until_settled()
    team_tab(office)

    opened = len(office.slack.api_calls("views.open"))
    with ThreadPoolExecutor(20) as fingers:
        pressed = fingers.map(lambda _: office.slack.click(ROOT, EXPORT, where="home").acked, range(20))
        assert all(pressed)

    assert len(sent(office)) == 1
    assert len(office.slack.api_calls("views.open")) == opened + 1
    office.pass_time(seconds=11)
    assert office.slack.click(ROOT, EXPORT, where="home").acked
    office.slack.wait_for(lambda: len(office.slack.files(ROOT)) == 2)


def test_a_filter_that_finds_nothing_sends_no_file(office: Office) -> None:
    office.call()
    office.wait_until_settled()
    team_tab(office, outcome="busy")

    assert office.slack.click(ROOT, EXPORT, where="home").acked

    office.wait_for_page("No calls from the Home tab (Team calls · Busy).", ROOT)
    assert (office.slack.files(ROOT), office.told(ROOT)) == ([], [])


@pytest.mark.parametrize(
    ("who", "words"), [(SARA, "Only an Evo Voice administrator"), (AGENT, "need the Manager role")]
)
@pytest.mark.parametrize("has_trigger", [True, False])
def test_nobody_else_exports_with_a_forged_button(
    office: Office, who: str, words: str, has_trigger: bool
) -> None:
    """The answer stands where they pressed, if a page can open there."""
    office.call()
    office.wait_until_settled()
    payload = {
        "trigger_id": office.slack.new_trigger(who) if has_trigger else "",
        "user": {"id": who, "team_id": TEAM_ID},
        "team": {"id": TEAM_ID},
        "actions": [{"block_id": "home_tabs", "type": "button", "action_id": EXPORT}],
        "view": {"type": "home", "private_metadata": HistoryFilter(Scope.TEAM).packed()},
    }

    assert office.slack.send("block_actions", payload).acked

    if has_trigger:
        office.wait_for_page(words, who)
        assert office.told(who) == []
    else:
        office.wait_until_told(words, who)
    assert office.slack.api_calls("files.getUploadURLExternal") == []


def test_a_period_without_calls_sends_no_file(office: Office) -> None:
    office.call()
    office.wait_until_settled()
    export(office, "2020-02")

    assert "No calls from 2020-02-01 to 2020-02-29 (UTC)." in office.wait_until_told("No calls", ROOT)
    assert office.slack.files(ROOT) == []


NO_PERIODS = (
    *("2026", "2026-13", "2026-02-30 2026-03-01", "2026-03-02 2026-03-01", "last week", "2026-10 x y"),
    *("９９９９-01", "9999-12", "2026-01-01 9999-12-31", "0000-01", "2026-10-01"),
)


@pytest.mark.parametrize("words", NO_PERIODS)
def test_anything_else_is_answered_with_how_to_write_a_period(shared_office: Office, words: str) -> None:
    answer = export(shared_office, words)

    for example in ("/call export*", "/call export 2026-10*", "/call export 2026-10-01 2026-10-31*"):
        assert example in answer


@pytest.mark.parametrize(
    ("who", "words"),
    [
        (SARA, "Only an Evo Voice administrator"),
        (BOSS, "Only an Evo Voice administrator"),
        (AGENT, "need the Manager role"),
    ],
)
def test_nobody_else_gets_a_file(office: Office, who: str, words: str) -> None:
    office.call()
    office.wait_until_settled()

    assert words in export(office, who=who)
    assert office.slack.api_calls("conversations.open") == []


def test_an_app_installed_before_exports_existed_is_missing_scopes(office: Office) -> None:
    office.call()
    office.wait_until_settled()
    office.slack.bot_scopes.discard("files:write")

    export(office)

    assert "im:write and files:write" in office.wait_until_told("scopes", ROOT)


@pytest.mark.parametrize("method", ["conversations.open", "files.getUploadURLExternal", "upload"])
def test_a_file_that_slack_does_not_accept_is_explained(office: Office, method: str) -> None:
    office.call()
    office.wait_until_settled()
    office.slack.fault(method, "500")

    export(office)

    office.wait_until_told("couldn't be sent", ROOT)
    assert office.slack.files(ROOT) == []
    export(office)
    assert len(sent(office)) == 1


def test_the_log_says_who_exported_what(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    office.call()
    office.wait_until_settled()
    export(office, "2026-10-01 2099-10-31")
    sent(office)

    assert f"export: {ROOT} gets 1 calls, 2026-10-01 to 2099-10-31 (UTC)" in caplog.text


def test_the_help_mentions_the_export(office: Office) -> None:
    office.slack.type_command(ROOT, "help")

    assert "/call export" in office.told(ROOT)[0]
