"""Administrators see every rule in App Home, change it, and it holds at once; nobody else can."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evoslack.calling.rulebook import RuleName, flow_rule_name
from evoslack.ledger.rules import RuleLedger
from evoslack.slack.rendering import home, rule_form_messages, rules_page
from evoslack.slack.rendering.rule_csv import HEADER
from evoslack.slack.rendering.rule_forms import FORM, RuleMetadata
from sandbox.slack.delivery import Delivery
from tests.scenario.office import AGENT, BOSS, ROOT, SARA, Office

LIMITS = {"MAX_CALLS_PER_HOUR": "60", "ALLOWED_COUNTRIES": "US,CA", "CALLING_HOURS": "00:00-24:00"}
SURVEY = flow_rule_name("flow2")


@pytest.fixture
def office(empty_office: Office) -> Office:
    """A bot with rules in its settings, which already knows its account."""
    empty_office.open(**LIMITS)
    empty_office.slack.wait_for(empty_office.bot.catalog.refresh)
    return empty_office


def open_home(office: Office, who: str = ROOT) -> dict[str, Any]:
    office.slack.open_home(who)
    return office.slack.wait_for(lambda: office.slack.home(who), what="a Home tab")


def open_rules(office: Office, who: str = ROOT) -> None:
    if office.slack.modal(who):
        office.slack.close_modal(who, everything=True)
    office.pass_time(seconds=2)  # else it would be a double press
    open_home(office, who)
    assert office.slack.click(who, home.RULES, where="home").acked
    office.slack.wait_for_modal(who, rules_page.PAGE)


def block_of(office: Office, action: str, value: str, who: str = ROOT) -> str:
    """The block of the page with this button."""
    view = office.slack.modal(who)
    assert view is not None
    for block in view["blocks"]:
        for each in (block.get("accessory", {}), *block.get("elements", [])):
            if each.get("action_id") == action and value in each.get("value", ""):
                return str(block["block_id"])
    raise LookupError(f"no button {action} for {value}")


def press(office: Office, action: str, value: str = "", who: str = ROOT) -> Delivery:
    office.pass_time(seconds=2)  # else it would be a double press
    delivery = office.slack.click(who, action, block_id=block_of(office, action, value, who))
    assert delivery.acked
    return delivery


def change(office: Office, name: str, who: str = ROOT) -> dict[str, Any]:
    press(office, rules_page.CHANGE if ":" not in name else rules_page.ADD_FLOW, name.partition(":")[0]
          if ":" not in name else "", who)  # fmt: skip
    return office.slack.wait_for_modal(who, FORM)


def save(office: Office, who: str = ROOT, /, **fields: Any) -> None:
    office.slack.fill(who, {f"rule_{field}": answer for field, answer in fields.items()})
    delivery = office.slack.submit(who)
    assert delivery.acked, delivery.invalid_inputs


def change_to(office: Office, name: str, **fields: Any) -> None:
    """Open the page and the form, fill it in, and save."""
    open_rules(office)
    change(office, name)
    save(office, **fields)
    office.slack.wait_for_modal(ROOT, rules_page.PAGE)


def options(office: Office, who: str, block: str = "flow") -> list[str]:
    return [option["value"] for option in office.slack.suggest(who, block)]


def test_an_administrator_reads_every_rule_in_plain_words(office: Office) -> None:
    open_rules(office)

    page = office.page(ROOT)
    for words in (
        "Countries*\nCanada and United States",
        "Never called: emergency and short numbers, premium rate",
        "Limits*\n60 calls an hour per person",
        "Cards in channels shared with other companies show only the last four digits",
        "Everyone who can place calls can use every flow.",
        "/call export rules",
    ):
        assert words in page
    assert office.slack.complaints == []


def test_a_change_holds_at_once_and_the_page_below_shows_it(office: Office) -> None:
    change_to(office, RuleName.COUNTRIES, countries=["CA"])

    office.wait_for_page("Countries*\nCanada\n", ROOT)
    assert f"Changed by <@{ROOT}>" in office.page(ROOT)
    office.form(SARA)
    office.fill(SARA)
    office.press(SARA)
    said = office.under("number") + office.page(SARA)  # the line under the number may have said it first
    assert "Calls to the United States are turned off" in said
    assert office.rings == 0
    office.slack.close_modal(SARA)
    press(office, rules_page.REMOVE, RuleName.COUNTRIES)
    office.wait_for_page("Canada and United States", ROOT)
    office.call(SARA)
    office.slack.wait_for(lambda: office.rings == 1)
    assert office.slack.complaints == []


def test_each_rule_is_saved_with_what_was_filled_in(office: Office) -> None:
    change_to(office, RuleName.LIMITS, person_hour="20", all_day="500")
    office.wait_for_page("20 calls an hour per person · 500 calls in 24 hours in total", ROOT)
    change_to(office, RuleName.MASKING, masking="always")
    office.wait_for_page("only the last four digits in every channel", ROOT)
    change_to(office, RuleName.HOURS, start="20:00", end="04:00", days=["0", "1", "2"], dates_off="12-25")
    hours = "8:00 PM to 4:00 AM the next day, Monday to Wednesday; no calls on Dec 25 every year"
    office.wait_for_page(hours, ROOT)

    stored = {each.name: each.value for each in RuleLedger(office.bot.store).stored()}
    assert stored[RuleName.LIMITS] == {"person_hour": 20, "all_day": 500}
    assert stored[RuleName.MASKING] == {"masking": "always"}
    assert stored[RuleName.HOURS] == {
        "start_min": 1200,
        "end_min": 240,
        "days": [0, 1, 2],
        "dates_off": ["12-25"],
    }
    assert office.slack.complaints == []


def test_mistakes_are_told_at_their_fields_and_nothing_is_saved(office: Office) -> None:
    open_rules(office)
    change(office, RuleName.LIMITS)
    save(office, person_hour="61")
    assert office.under("rule_person_hour", ROOT) == "The settings allow 60 at most."
    office.slack.close_modal(ROOT)
    change(office, RuleName.HOURS)
    save(office, start="09:00", end="09:00", dates_off="2026-02-30, soon")
    assert "also the start" in office.under("rule_end", ROOT)
    assert "Not a date: 2026-02-30, soon." in office.under("rule_dates_off", ROOT)
    save(office, end="17:00", days=["6"], dates_off=all_sundays())
    assert "no call would be possible in the next month" in office.under("rule_dates_off", ROOT)
    office.slack.close_modal(ROOT)
    press(office, rules_page.ADD_FLOW)
    office.slack.wait_for_modal(ROOT, FORM)
    office.slack.user_groups.add("S_EMPTY", "empty", "Empty")
    office.pass_time(seconds=61)
    save(office, flow="flow2", groups=["S_EMPTY"])
    assert "Nobody is in these groups" in office.under("rule_groups", ROOT)

    assert RuleLedger(office.bot.store).stored() == []
    assert office.slack.complaints == []


def all_sundays() -> str:
    today = datetime.now(UTC).date()
    days = (today + timedelta(days=count) for count in range(-1, 45))
    return "\n".join(str(day) for day in days if day.weekday() == 6)


def test_of_two_administrators_the_second_sees_what_the_first_saved_and_presses_again(
    office: Office,
) -> None:
    make_administrator(office, BOSS)
    for who in (ROOT, BOSS):
        open_rules(office, who)
        press(office, rules_page.CHANGE, RuleName.LIMITS, who)
        office.slack.wait_for_modal(who, FORM)
    save(office, ROOT, person_hour="20")
    save(office, BOSS, person_hour="30")

    page = office.page(BOSS)
    assert f"*Not saved yet.* <@{ROOT}> changed this while you had it open." in page
    assert "20 calls an hour per person" in page
    view = office.slack.modal(BOSS)
    assert view is not None
    assert view["submit"]["text"] == rule_form_messages.SAVE_MINE
    save(office, BOSS)
    office.wait_for_page("30 calls an hour per person", BOSS)
    press(office, rules_page.REMOVE, RuleName.LIMITS, ROOT)
    office.wait_for_page(f"*Not removed.* <@{BOSS}> changed “Limits” meanwhile", ROOT)
    press(office, rules_page.REMOVE, RuleName.LIMITS, ROOT)
    office.slack.wait_for(lambda: RuleLedger(office.bot.store).stored() == [])
    assert office.slack.complaints == []


def make_administrator(office: Office, who: str) -> None:
    """In Evo Voice."""
    login = office.evo.world.logins[office.slack.users[who]["profile"]["email"]]
    login.roles = ["SystemAdministrator"]


def keep_survey_to(office: Office, *groups: str, **more: Any) -> None:
    """Root keeps the survey to some user groups."""
    open_rules(office)
    press(office, rules_page.ADD_FLOW)
    office.slack.wait_for_modal(ROOT, FORM)
    save(office, flow="flow2", groups=list(groups), **more)
    office.wait_for_page(f"Only <!subteam^{groups[0]}>", ROOT)


def test_a_flow_that_is_kept_to_a_group_is_offered_to_its_members_alone(office: Office) -> None:
    keep_survey_to(office, "S_SUPPORT")

    office.form(BOSS)
    assert options(office, BOSS) == ["flow1", "flow2", "flow3"]
    office.slack.close_modal(ROOT, everything=True)
    for who in (SARA, ROOT):  # administrators are subject to it too
        assert not preset(office.form(who, "survey"), "flow")
        assert options(office, who) == ["flow1", "flow3"]
    office.slack.user_groups.by_id["S_SUPPORT"].members.add(SARA)
    office.pass_time(seconds=61)
    assert preset(office.form(SARA, "survey"), "flow") == "flow2"
    assert office.slack.complaints == []


def preset(view: dict[str, Any], field: str) -> str:
    """What a select in the call form begins with; empty for nothing."""
    element = next(block["element"] for block in view["blocks"] if block["block_id"] == field)
    return str(element.get("initial_option", {}).get("value", ""))


def test_a_flow_that_was_chosen_before_it_was_restricted_is_denied_at_submit(office: Office) -> None:
    office.form(SARA)
    office.fill(SARA)
    keep_survey_to(office, "S_SUPPORT")
    office.press(SARA)

    assert "You don't have access to this flow" in office.under("flow")
    assert office.rings == 0


def test_while_slack_does_not_say_who_is_in_a_group_its_flow_is_not_offered(office: Office) -> None:
    keep_survey_to(office, "S_SALES")
    office.pass_time(seconds=61)
    office.slack.fault("usergroups.list", "error:internal_error", times=None)

    office.form(SARA)
    assert options(office, SARA) == ["flow1", "flow3"]
    open_rules(office)
    press(office, rules_page.CHANGE, SURVEY)
    office.slack.wait_for_modal(ROOT, FORM)
    assert "can't read Slack's user groups" in office.page(ROOT)
    office.slack.submit(ROOT)
    assert "didn't say who is in these groups" in office.under("rule_groups", ROOT)
    assert office.slack.complaints == []


def test_a_flows_caller_id_is_preset_until_the_person_chose_another_one_for_it(office: Office) -> None:
    keep_survey_to(office, "S_SALES", caller_id="+12025550101")

    assert preset(office.form(SARA, "survey"), "caller_id") == "+12025550101"
    assert preset(office.form(SARA, "appointment"), "caller_id") == "+12025550100"
    office.form(SARA, "survey")
    office.slack.fill(SARA, {"caller_id": "+12025550100", "number": "814 404 3093"})
    office.press(SARA)
    office.wait_until_settled()
    assert preset(office.form(SARA, "survey"), "caller_id") == "+12025550100"


def test_workflows_offer_and_use_only_what_a_person_may_use(office: Office) -> None:
    keep_survey_to(office, "S_SALES", caller_id="+12025550101")

    def flows(inputs: dict[str, Any]) -> list[str]:
        return [option["value"] for option in office.slack.step_options("list_flows", inputs)]

    everything, others = ["flow1", "flow2", "flow3"], ["flow1", "flow3"]
    assert flows({"query": "", "person": {"id": SARA}}) == everything
    assert flows({"query": "", "person": {"id": ROOT}}) == others
    assert flows({}) == others, "nobody knows who builds the workflow"
    step = {"flow": "flow2", "number": "814 404 3093", "caller_id": ""}
    denied = office.slack.run_step("place_call", step | {"person": {"id": ROOT}})
    assert "You don't have access to this flow" in str(
        office.slack.wait_for_execution(denied.id, "failed").error
    )
    office.slack.run_step("place_call", step | {"person": {"id": SARA}})
    office.slack.wait_for(lambda: office.rings == 1)
    (ring,) = office.evo.world.rings
    assert ring.caller_id == "+12025550101"


def test_managers_get_no_button_and_a_forged_press_is_denied_at_every_door(office: Office) -> None:
    open_rules(office)
    page = office.slack.modal(ROOT)
    assert page is not None
    for who in (SARA, AGENT):
        assert home.RULES not in str(open_home(office, who))
        pressed = [(home.RULES, ""), (rules_page.CHANGE, "limits"), (rules_page.ADD_FLOW, "")]
        pressed += [(rules_page.REMOVE, '["limits",1]'), (rules_page.TURN, "1")]
        for action, value in pressed:
            office.pass_time(seconds=2)
            forge_press(office, who, action, value)
            told = "Only an Evo Voice administrator" if who == SARA else "Manager role"
            office.wait_for_page(told, who)
            office.slack.close_modal(who, everything=True)
        answer = forge_save(office, who, RuleMetadata("masking").packed(), {"rule_masking": "always"})
        assert "Not saved." in str(answer.payload)
        assert suggested(office, who) == []
    assert RuleLedger(office.bot.store).stored() == []
    assert "60 calls" not in office.page(SARA)


def forge_press(office: Office, who: str, action: str, value: str) -> None:
    body = {
        "user": {"id": who, "team_id": office.slack.team_id},
        "trigger_id": office.slack.new_trigger(who),
        "view": {"type": "home", "id": "V1"},
        "actions": [{"type": "button", "action_id": action, "block_id": "b", "value": value}],
    }
    assert office.slack.send("block_actions", body).acked


def forge_save(office: Office, who: str, metadata: str, options: dict[str, str]) -> Delivery:
    values = {block: {block: {"selected_option": {"value": value}}} for block, value in options.items()}
    blocks = [{"type": "input", "block_id": block} for block in values]
    view = {"type": "modal", "callback_id": FORM, "private_metadata": metadata, "blocks": blocks}
    view |= {"id": "V2", "state": {"values": values}}
    user = {"id": who, "team_id": office.slack.team_id}
    delivery = office.slack.send("view_submission", {"user": user, "view": view})
    assert delivery.acked
    return delivery


def suggested(office: Office, who: str) -> Any:
    body = {"user": {"id": who, "team_id": office.slack.team_id}, "action_id": "rule_flow"}
    body |= {"block_id": "rule_flow", "value": "", "view": {"type": "modal"}}
    delivery = office.slack.send("block_suggestion", body)
    assert delivery.acked
    return (delivery.payload or {}).get("options")


def test_a_rule_of_another_version_is_named_and_can_be_removed(office: Office) -> None:
    ledger = RuleLedger(office.bot.store)
    assert ledger.change("hours", {"moon": "full"}, revision=0, by=BOSS, at=datetime.now(UTC))
    assert ledger.change("moods", {}, revision=0, by=BOSS, at=datetime.now(UTC))

    office.slack.type_command(SARA)
    office.wait_for_page("can't read the rule", SARA)
    open_rules(office)
    page = office.page(ROOT)
    assert "can't read the rule “Calling hours”, so no call is placed" in page
    assert "can't read the rule “moods”" in page
    assert "60 calls an hour per person" in page
    for name in ("hours", "moods"):
        press(office, rules_page.REMOVE, name)
        office.slack.wait_for(lambda: name not in {each.name for each in ledger.stored()})  # noqa: B023
    office.slack.wait_for(lambda: "can't read" not in office.page(ROOT))
    office.slack.close_modal(SARA, everything=True)
    office.call(SARA)
    office.slack.wait_for(lambda: office.rings == 1)
    assert office.slack.complaints == []


def test_every_change_is_exported_and_no_text_becomes_a_formula(office: Office) -> None:
    answer = export(office, SARA)
    assert "Only an Evo Voice administrator" in answer
    assert "direct message" in export(office, ROOT)
    office.wait_until_told("No rule has been changed", ROOT)
    change_to(office, RuleName.LIMITS, person_hour="20")
    ledger = RuleLedger(office.bot.store)
    assert ledger.change(
        "=cmd", {"a": "=1+1"}, revision=0, by=BOSS, at=datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    )
    export(office, ROOT)

    (file,) = office.slack.wait_for(lambda: office.slack.files(ROOT))
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert tuple(rows[0]) == HEADER
    assert (rows[0]["changed by (Slack id)"], rows[0]["name"], rows[0]["rule"]) == (
        ROOT,
        "Rut Dahl",
        "limits",
    )
    assert (rows[0]["before"], json.loads(rows[0]["after"])) == ("", {"person_hour": 20})
    assert rows[1]["changed at (UTC)"] == "2026-03-02T09:30:00Z"
    assert (rows[1]["rule"], rows[1]["after"]) == ("'=cmd", '{"a": "\'=1+1"}')


def export(office: Office, who: str) -> str:
    before = len(office.told(who))
    assert office.slack.type_command(who, "export rules").acked
    return " ".join(map(str, office.slack.wait_for(lambda: office.told(who)[before:])))
