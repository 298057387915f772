"""`--check` says which rules are in force, and at once when they forbid every call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from evoslack.calling.offer import CallerId, Flow, Offer
from evoslack.check.rules import gone_caller_ids, rule_lines
from evoslack.ledger.rules import RuleLedger
from evoslack.ledger.store import Store
from evoslack.settings import Settings
from tests.databases import new_sqlite

ENOUGH = {
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_APP_TOKEN": "xapp-1",
    "EVO_USERNAME": "bot",
    "EVO_PASSWORD": "x",
    "CALLS_CHANNEL": "C1",
}
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def lines(url: str, **settings: str) -> list[tuple[bool, str]]:
    return list(rule_lines(Settings.from_env({**ENOUGH, "DATABASE_URL": url, **settings})))


@pytest.fixture
def url(tmp_path: Path) -> str:
    return new_sqlite(tmp_path / "ledger.db")


def change(url: str, name: str, **value: object) -> None:
    store = Store(url)
    assert RuleLedger(store).change(name, value, revision=0, by="U_ROOT", at=NOW)
    store.engine.dispose()


def test_the_defaults_are_said_in_one_line(tmp_path: Path) -> None:
    ((is_ok, words),) = lines(f"sqlite:///{tmp_path}/new.db")
    assert is_ok
    assert words == (
        "calls to US; 8:00 AM to 9:00 PM, their time; at most 60 calls an hour per person; "
        "numbers are masked in channels shared with other companies"
    )
    assert list(tmp_path.iterdir()) == [], "checking creates nothing"


def test_every_rule_is_said(url: str) -> None:
    settings = {
        "ALLOWED_COUNTRIES": "*",
        "ALLOWED_NUMBER_KINDS": "premium,shared_cost",
        "CALLING_DAYS": "Mon-Fri",
        "NO_CALL_DATES": "12-25",
        "MAX_CALLS_PER_HOUR": "0",
        "MAX_CALLS_PER_DAY_ALL": "500",
        "MASK_NUMBERS": "always",
    }
    ((is_ok, words),) = lines(url, **settings)
    assert is_ok
    assert words == (
        "calls to every country; 8:00 AM to 9:00 PM, Monday to Friday, their time; not on 12-25; "
        "at most 500 calls a day in all; also to premium, shared_cost numbers; "
        "numbers are masked on every card"
    )
    assert lines(url, CALLING_HOURS="", MAX_CALLS_PER_HOUR="0", MASK_NUMBERS="never") == [
        (True, "calls to US; at any hour; no limits; numbers are never masked")
    ]


def test_what_administrators_changed_is_in_force_and_named(url: str) -> None:
    change(url, "hours", start_min=540, end_min=1020)

    first, second = lines(url)

    assert "8:00 AM to 9:00 PM and 9:00 AM to 5:00 PM, their time" in first[1]
    assert second == (True, "changed in App Home: hours")


def test_rules_that_forbid_every_call_are_a_problem(url: str) -> None:
    change(url, "countries", countries=["CA"])
    ((is_ok, words),) = lines(url)
    assert not is_ok
    assert words.startswith("no call is possible: no country is left to call; change ALLOWED_COUNTRIES")
    assert lines(url, ALLOWED_COUNTRIES="US,CA")[0][0]


def test_hours_that_never_open_are_a_problem(tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    off = ",".join(str(today + timedelta(days=day)) for day in range(-1, 35))

    ((is_ok, words),) = lines(f"sqlite:///{tmp_path}/new.db", NO_CALL_DATES=off)
    assert not is_ok
    assert words.startswith("no call is possible: calling hours do not open in the next month;")


def test_a_rule_that_cannot_be_read_is_a_problem(url: str) -> None:
    change(url, "hours", start_min="nine")
    assert lines(url) == [
        (
            False,
            "the rule “hours” cannot be read, so nothing is dialed; remove it in App Home (Rules).",
        )
    ]


def test_a_flows_caller_id_that_the_account_no_longer_owns_is_a_problem(url: str) -> None:
    owned = CallerId("+12025550100")
    offer = Offer("acc1", (Flow("flow1", "Survey"), Flow("flow2", "Reminder")), (owned,), owned)
    settings = Settings.from_env({**ENOUGH, "DATABASE_URL": url})
    change(url, "flow:flow2", caller_id=owned.number)
    change(url, "flow:gone", caller_id="+12025550198")
    assert list(gone_caller_ids(settings, offer)) == []

    change(url, "flow:flow1", caller_id="+12025550199")
    (words,) = gone_caller_ids(settings, offer)
    assert words == (
        "+12025550199, the default of the flow “Survey”, is not a number the account owns, so it isn't used; "
        "change it in Rules in App Home."
    )

    change(url, "hours", start_min="nine")
    assert list(gone_caller_ids(settings, offer)) == [], "the rules themselves are the problem"
