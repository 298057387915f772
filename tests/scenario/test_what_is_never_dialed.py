"""Rules before a ring: what the form says, that the press is denied all the same, and that no phone rings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from evoslack.calling.calls import State
from evoslack.calling.outcomes import Reason
from evoslack.calling.places import place_of
from evoslack.ledger.rules import RuleLedger
from tests.scenario.office import BOSS, NUMBER, SARA, TYPED, Office, says_placed


def closed() -> dict[str, str]:
    """Settings of an office that calls nobody on these days; Canada and pagers are allowed."""
    today = datetime.now(UTC).date()
    return {
        "CALLING_HOURS": "00:00-24:00",
        "NO_CALL_DATES": ",".join(str(today + timedelta(days=day)) for day in range(-2, 4)),
        "ALLOWED_COUNTRIES": "US,CA",
        "ALLOWED_NUMBER_KINDS": "pager",
    }


@pytest.fixture(scope="module")
def closed_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One for the stories in which nothing is dialed."""
    place_of(NUMBER)  # otherwise the first form may open before the places are loaded, and without its line
    office = Office(tmp_path_factory.mktemp("closed"))
    office.open(**closed())
    office.slack.wait_for(office.bot.catalog.refresh, what="flows to offer")
    yield office
    office.close()


def test_a_day_without_calls_is_said_as_the_form_opens_and_again_after_the_press(
    closed_office: Office,
) -> None:
    office = closed_office
    office.form(SARA, TYPED)
    assert "in Pennsylvania, a no-call date." in office.page(SARA)

    office.fill(SARA)
    assert office.press(SARA).acked

    said = office.under("number", SARA) or office.page(SARA)
    assert "Nothing was dialed" in said
    assert "in Pennsylvania" in said
    assert (office.rings, office.evo.posts, office.ledger()) == (0, 0, [])


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("1 (900) 555-1234", "Calls to premium-rate numbers are turned off"),
        ("212-976-1234", "Calls to premium-rate numbers are turned off"),
        ("tel:+1-500-555-0143", "Calls to personal numbers such as +1 500 are turned off"),
        ("011 870 773 111 632", "never dials satellite phones"),
        ("+1.876.555.0143", "Calls to Jamaica are turned off"),
        ("(809) 555-0143", "Calls to the Dominican Republic are turned off"),
        ("７８７ ２３４ ５６７８", "Calls to Puerto Rico are turned off"),
    ],
)
def test_no_spelling_gets_a_number_dialed_that_is_never_called(
    closed_office: Office, typed: str, words: str
) -> None:
    office = closed_office
    office.form(BOSS)
    office.fill(BOSS, typed)

    assert office.press(BOSS).acked

    assert words in office.under("number", BOSS) + office.page(BOSS)
    assert (office.rings, office.evo.posts, office.ledger()) == (0, 0, [])


def test_a_toll_free_number_is_called_on_any_day(empty_office: Office) -> None:
    """It is nowhere, so it has no local time."""
    office = empty_office
    office.open(**closed())
    office.call(SARA, "1-800-555-0143")
    office.wait_for_card(says_placed)

    assert [ring.number for ring in office.evo.world.rings] == ["+18005550143"]


def test_a_call_that_waits_its_turn_is_not_dialed_if_a_rule_says_no_by_then(empty_office: Office) -> None:
    office = empty_office
    office.open(MAX_CALLS_AT_ONCE="1")
    office.evo.fault("/sessions/outgoing", "slow", seconds=1.5)
    office.call(SARA, "814 404 3001")
    office.evo.wait_for(lambda: office.evo.posts == 1)
    office.call(BOSS, "814 404 3002")

    rules, only_canada = RuleLedger(office.bot.store), {"countries": ["CA"]}
    assert rules.change("countries", only_canada, revision=0, by="U_ROOT", at=datetime.now(UTC))

    office.wait_until_told("turned off", BOSS)
    denied = office.ledger()[0]
    assert (denied.state, denied.reason) == (State.NOT_SENT, Reason.NUMBER_DENIED)
    office.wait_until_settled()
    assert [ring.number for ring in office.evo.world.rings] == ["+18144043001"]
