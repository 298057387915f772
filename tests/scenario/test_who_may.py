"""Who may call: every kind of person at every entry point."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.evo.world import World
from tests.scenario.office import SARA, Office, says_placed


@pytest.mark.parametrize("who", ["U_SARA", "U_BOSS", "U_ROOT"])
def test_managers_and_administrators_may_call(office: Office, who: str) -> None:
    office.call(who)

    office.wait_for_card(says_placed)
    assert office.rings == 1


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ({"deleted": True}, "Only full members"),
        ({"is_bot": True}, "Only full members"),
        ({"is_restricted": True}, "Only full members"),
        ({"is_ultra_restricted": True}, "Only full members"),
        ({"is_stranger": True}, "Only full members"),
        ({"is_invited_user": True}, "Only full members"),
        ({"team_id": "T_OTHER"}, "Only full members"),
        ({"is_email_confirmed": False}, "isn't confirmed"),
        ({"is_email_confirmed": None}, "isn't confirmed"),
        ({"profile": {}}, "can't see your email"),
        ({"profile": {"email": "  "}}, "can't see your email"),
        ({"profile": {"email": "nobody@acme.test"}}, "No Evo Voice login"),
    ],
)
def test_slack_must_know_a_real_member_with_a_confirmed_email(
    office: Office, spoil: dict, words: str
) -> None:
    office.slack.users[SARA].update(spoil)

    assert office.slack.type_command(SARA).acked
    office.wait_for_page(words)


def loses(field: str, value: object) -> Callable[[World], None]:
    def spoil(world: World) -> None:
        setattr(world.logins["sara@acme.test"], field, value)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (loses("roles", ("User",)), "need the Manager role"),
        (loses("roles", ("Customer", "Manager-of-nothing")), "need the Manager role"),
        (loses("account_ids", ("acc2",)), "No Evo Voice login"),  # invisible to the bot's own login
        (loses("manager_access", "ReadOnly"), "read-only"),
        (lambda world: world.logins.pop("sara@acme.test"), "No Evo Voice login"),
    ],
)
def test_evo_voice_must_know_a_manager_of_the_account(
    office: Office, spoil: Callable[[World], None], words: str
) -> None:
    spoil(office.evo.world)

    assert office.slack.type_command(SARA).acked
    office.wait_for_page(words)


def test_a_manager_of_another_account_reads_that(empty_office: Office) -> None:
    empty_office.evo.world.logins["bot@acme.test"].account_ids = ("acc1", "acc2")
    empty_office.open(EVO_ACCOUNT_ID="acc1")

    empty_office.slack.type_command("U_OTHER")
    empty_office.wait_for_page("not in the account", "U_OTHER")


def test_part_of_a_managers_address_is_not_that_manager(office: Office) -> None:
    office.slack.add_user("U_OSS", "oss", "oss@acme.test")  # inside boss@acme.test, as the filter finds it

    office.slack.type_command("U_OSS")
    office.wait_for_page("No Evo Voice login", "U_OSS")


def test_capitals_and_spaces_do_not_matter(office: Office) -> None:
    office.slack.users[SARA]["profile"]["email"] = " Sara@ACME.test "

    office.call()
    office.wait_for_card(says_placed)


def test_a_mapped_user_calls_with_the_mapped_login(empty_office: Office) -> None:
    empty_office.slack.add_user("U_ALICE", "alice", None)
    empty_office.open(EVO_USER_MAP="U_ALICE=boss@acme.test,U_AGENT=boss@acme.test")

    empty_office.call("U_ALICE")
    empty_office.wait_for_card(says_placed)
    empty_office.slack.users["U_AGENT"]["is_restricted"] = True
    empty_office.slack.type_command("U_AGENT")
    empty_office.wait_for_page("Only full members", "U_AGENT")  # a map lets no guests in


@pytest.mark.parametrize(
    ("cut", "words"),
    [
        (
            lambda office: office.evo.fault("/users", "502_html", times=None),
            "Evo Voice gave no usable answer",
        ),
        (lambda office: office.evo.fault("/users", "hang", times=None), "Evo Voice gave no usable answer"),
        (lambda office: office.slack.fault("users.info", "429", times=None), "Slack gave no usable answer"),
        (lambda office: office.slack.fault("users.info", "cut", times=None), "Slack gave no usable answer"),
    ],
)
def test_what_cannot_be_checked_is_a_no_that_says_so(
    office: Office, cut: Callable[[Office], None], words: str
) -> None:
    cut(office)

    office.slack.type_command(SARA)

    office.wait_for_page(words)
    assert "role" not in office.page()


def test_a_role_taken_away_while_the_form_was_open_stops_the_call(office: Office) -> None:
    office.form()
    office.fill()
    office.evo.world.logins["sara@acme.test"].roles = ("User",)
    office.pass_time(seconds=61)

    assert office.press().acked

    office.wait_for_page("need the Manager role")
    assert (office.rings, office.ledger()) == (0, [])


def test_a_permission_is_remembered_for_a_minute_and_no_longer(office: Office) -> None:
    office.form()
    asked = office.evo.count("GET", "/users")
    office.fill()
    office.slack.suggest(SARA, "flow", "pay")
    assert office.evo.count("GET", "/users") == asked

    office.pass_time(seconds=61)
    office.press()
    assert office.evo.count("GET", "/users") > asked


def test_at_submit_a_check_that_fails_keeps_the_form(office: Office) -> None:
    office.form()
    office.fill()
    office.pass_time(seconds=61)
    office.evo.fault("/users", "hang", times=None)

    delivery = office.press()

    assert delivery.acked  # within Slack's three seconds, although Evo Voice hangs
    assert "couldn't check whether you can place calls" in office.under("number")
    office.evo.clear_faults()
    office.press()
    office.wait_for_card(says_placed)
    assert office.rings == 1
