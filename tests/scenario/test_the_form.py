"""Sara types /call: what she gets to see, and how quickly."""

from __future__ import annotations

import pytest

from tests.scenario.office import AGENT, NUMBER, SARA, Office, says_placed


def element(view: dict, block_id: str) -> dict:
    return next(block["element"] for block in view["blocks"] if block["block_id"] == block_id)


def test_the_first_command_shows_a_loading_page_and_then_the_form(office: Office) -> None:
    office.form()

    opened, updated = office.slack.api_calls("views.open"), office.slack.api_calls("views.update")
    assert [call.args["view"]["callback_id"] for call in opened] == ["call_loading"]
    assert [call.args["view"]["callback_id"] for call in updated] == ["call_form"]


def test_with_everything_known_the_form_costs_exactly_one_slack_call(office: Office) -> None:
    office.form()
    office.slack.close_modal(SARA)
    before = len(office.slack.api_calls())
    reads = len(office.evo.requests)

    office.form()

    methods = [call.method for call in office.slack.api_calls()[before:]]
    methods = [method for method in methods if method != "apps.connections.open"]  # the second connection
    assert methods == ["views.open"]
    assert len(office.evo.requests) == reads


@pytest.mark.parametrize(
    ("text", "number", "flow"),
    [
        ("", None, None),
        ("+1 814 404 3093", "+1 814 404 3093", None),
        ("(814) 404-3093 survey", "(814) 404-3093", "Customer survey"),
        ("paymnt reminder 814.404.3093", "814.404.3093", "Payment reminder"),
        ("<tel:+18144043093|(814) 404-3093>", "+18144043093", None),
        ("911", "911", None),
        ("814 404 3093, 814 404 3094", "814 404 3093, 814 404 3094", None),
    ],
)
def test_the_form_is_filled_in_with_what_was_typed(
    office: Office, text: str, number: str | None, flow: str | None
) -> None:
    view = office.form(text=text)

    chosen = element(view, "flow").get("initial_option")
    assert element(view, "number").get("initial_value") == number
    assert (chosen and chosen["text"]["text"]) == flow
    assert element(view, "caller_id")["initial_option"]["value"] == "+12025550100"
    assert not office.slack.complaints


def test_help_is_a_private_line_and_opens_nothing(office: Office) -> None:
    delivery = office.slack.type_command(SARA, "help")

    assert delivery.acked
    (line,) = office.slack.private(SARA)
    assert line.kind == "ack"
    assert "/call (201) 555-0123 survey" in line.text
    assert office.slack.api_calls("views.open") == []


def test_a_renamed_command_works_and_help_says_its_name(empty_office: Office) -> None:
    empty_office.open(SLACK_COMMAND="/dial")

    assert empty_office.slack.type_command(SARA, "help", command="/dial").acked
    assert "*/dial*" in empty_office.told()[0]


def test_a_command_that_the_settings_do_not_know_says_what_to_do(office: Office) -> None:
    assert office.slack.type_command(SARA, "", command="/dial").acked

    assert office.told() == [
        "Type /call instead of /dial. Your EvoSlack admin can change that (SLACK_COMMAND)."
    ]


def test_the_only_flow_is_chosen_already(empty_office: Office) -> None:
    for flow_id in ("flow1", "flow3"):
        empty_office.evo.world.remove_flow(flow_id)
    empty_office.open()

    assert element(empty_office.form(), "flow")["initial_option"]["value"] == "flow2"


def test_five_hundred_flows_can_be_searched(empty_office: Office) -> None:
    for number in range(500):
        empty_office.evo.world.add_flow(f"many{number}", f"Campaign {number:03}")
    empty_office.open()
    empty_office.form()

    assert len(empty_office.slack.suggest(SARA, "flow", "")) == 100
    found = empty_office.slack.suggest(SARA, "flow", "campaign 417")
    assert [option["value"] for option in found] == ["many417"]
    assert empty_office.slack.suggest(SARA, "flow", "no such flow") == []
    assert not empty_office.slack.complaints


def test_caller_ids_can_be_searched_by_digits_and_by_name(office: Office) -> None:
    office.form()

    every = office.slack.suggest(SARA, "caller_id", "")
    assert [option["value"] for option in every] == ["+12025550100", "+12025550101"]  # no virtual one
    assert [option["value"] for option in office.slack.suggest(SARA, "caller_id", "0101")] == ["+12025550101"]
    assert [option["value"] for option in office.slack.suggest(SARA, "caller_id", "main")] == ["+12025550100"]


def test_names_longer_than_slack_allows_are_cut_and_still_work(office: Office) -> None:
    office.evo.world.add_flow("long", "x" * 200)
    office.bot.catalog.refresh()
    office.form(text=NUMBER)

    (option,) = office.slack.suggest(SARA, "flow", "xxx")
    assert len(option["text"]["text"]) == 75
    office.slack.fill(SARA, {"flow": "long"})
    assert office.press().acked
    office.wait_for_card(says_placed)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            lambda world: [world.remove_flow(flow) for flow in ("flow1", "flow2", "flow3")],
            "no flows to choose",
        ),
        (
            lambda world: [world.remove_number(n) for n in ("+12025550100", "+12025550101")],
            "has no phone number",
        ),
        (
            lambda world: setattr(world.logins["bot@acme.test"], "account_ids", ("acc1", "acc2")),
            "isn't set up with",
        ),
        (
            lambda world: setattr(world.logins["bot@acme.test"], "password", "changed"),
            "doesn't accept EvoSlack",
        ),
    ],
)
def test_without_anything_to_offer_the_page_says_what_is_missing(
    empty_office: Office, spoil: object, words: str
) -> None:
    spoil(empty_office.evo.world)
    empty_office.open()

    assert empty_office.slack.type_command(SARA, NUMBER).acked
    empty_office.wait_for_page(words)


def test_an_account_that_the_login_cannot_see_is_said(empty_office: Office) -> None:
    empty_office.open(EVO_ACCOUNT_ID="acc2")

    empty_office.slack.type_command(SARA)
    empty_office.wait_for_page("can't see the Evo Voice account")


def test_with_evo_voice_down_at_start_the_bot_runs_says_so_and_recovers(empty_office: Office) -> None:
    empty_office.evo.stop()
    empty_office.open()
    empty_office.slack.type_command(SARA)
    empty_office.wait_for_page("EvoSlack can't reach Evo Voice right now")

    empty_office.evo.start()
    empty_office.call()
    empty_office.wait_for_card(says_placed)


def test_only_allowed_flows_are_offered(empty_office: Office) -> None:
    empty_office.open(EVO_FLOWS="flow3,flow1")
    empty_office.form()

    offered = [option["value"] for option in empty_office.slack.suggest(SARA, "flow", "")]
    assert sorted(offered) == ["flow1", "flow3"]


def test_slack_refusing_the_form_is_said_privately(office: Office) -> None:
    office.slack.fault("views.open", "error:expired_trigger_id")

    assert office.slack.type_command(SARA, NUMBER).acked
    office.wait_until_told("The form couldn't open in time. Try again.")


def test_an_open_form_does_not_show_flows_to_people_who_lost_the_role(office: Office) -> None:
    office.form()
    office.evo.world.logins["sara@acme.test"].roles = ("User",)
    office.pass_time(seconds=61)

    assert office.slack.suggest(SARA, "flow", "") == []


def test_a_person_who_may_not_call_sees_why_and_no_form(office: Office) -> None:
    office.slack.type_command(AGENT, NUMBER)
    office.wait_for_page("need the Manager role", AGENT)

    assert "call_form" not in str(office.slack.api_calls("views.update"))
