"""What the settings about queues and history do to people's calls."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from evoslack.calling.calls import State
from evoslack.calling.outcomes import Reason
from evoslack.ledger.rules import RuleLedger
from tests.scenario.office import BOSS, SARA, Office

OUTGOING = "/sessions/outgoing"


def test_only_so_many_calls_go_out_side_by_side_and_the_rest_waits_its_turn(empty_office: Office) -> None:
    office = empty_office
    office.open(MAX_CALLS_AT_ONCE="1")
    office.evo.fault(OUTGOING, "slow", seconds=0.5)
    office.call(SARA, "814 404 3001")
    office.evo.wait_for(lambda: office.evo.posts == 1)

    office.call(BOSS, "814 404 3002")

    assert [call.state for call in office.ledger()] == [State.ACCEPTED, State.PLACING]
    calls = office.wait_until_settled()
    assert [call.state for call in calls] == [State.PLACED, State.PLACED]
    second, first = calls
    assert first.finished_at is not None
    assert second.began_at is not None
    assert second.began_at >= first.finished_at


def test_a_call_whose_turn_does_not_come_in_time_is_never_dialed_and_says_so(empty_office: Office) -> None:
    office = empty_office
    office.open(MAX_CALLS_AT_ONCE="1", MAX_WAIT_SECONDS="10")
    held = office.evo.fault(OUTGOING, "hang")
    office.call(SARA, "814 404 3001")
    office.evo.wait_for(lambda: held.hits)
    office.call(BOSS, "814 404 3002")

    office.pass_time(seconds=11)
    office.bot.wake()

    assert "Nothing was dialed" in office.wait_until_told("too late", BOSS)
    late = office.ledger()[0]
    assert (late.state, late.reason, late.began_at) == (State.EXPIRED, Reason.WAITED, None)
    assert office.rings == 0


def test_after_so_many_days_the_record_of_a_call_is_deleted(empty_office: Office) -> None:
    office = empty_office
    office.open(HISTORY_DAYS="30")
    office.call(SARA, "814 404 3001")
    office.wait_until_settled()
    office.pass_time(days=29)
    office.call(BOSS, "814 404 3002")
    office.wait_until_settled()
    assert len(office.ledger()) == 2

    office.pass_time(days=1, seconds=1)

    # Looked for once an hour, and kept as long as something of it is still to be told.
    office.let_time_pass_until(lambda: len(office.ledger()) == 1, step_s=3601)
    assert office.ledger()[0].request.user_id == BOSS
    assert len(office.cards()) == 2, "cards belong to the channel"


# --- how many calls are allowed ----------------------------------------------------------------------


def over_the_limit(office: Office, who: str = SARA) -> str:
    """What `/call` opens for a person who has placed as many calls as are allowed."""
    if office.slack.modal(who) is not None:  # a form there may say the same under its number
        office.slack.close_modal(who, everything=True)
    assert office.slack.type_command(who).acked
    office.slack.wait_for(lambda: "the most that's allowed" in office.page(who), what="the limit")
    return office.page(who)


def placed_elsewhere(office: Office, number: str) -> None:
    """One more call of Sara, from somewhere else than the form that she has open."""
    request = replace(office.ledger()[-1].request, key=number, number=number, view_id="")
    office.bot.calls.accept(request, at=datetime.now(UTC) + office.passed)
    office.bot.wake()
    office.wait_until_settled()


def test_the_third_press_is_denied_and_says_when_and_then_it_is_possible(empty_office: Office) -> None:
    office = empty_office
    office.open(MAX_CALLS_PER_HOUR="2")
    office.call(SARA, "814 404 3001")
    office.wait_until_settled()
    office.pass_time(minutes=20)
    office.form(SARA)  # there is room for one more
    office.fill(SARA, "814 404 3003")
    placed_elsewhere(office, "+18144043002")

    assert office.press(SARA).acked

    assert "You've placed 2 calls in the last hour, the most that's allowed." in office.under("number")
    assert "You can call again in 40 minutes." in office.under("number")
    assert office.rings == 2
    assert "in 40 minutes (" in over_the_limit(office)
    office.form(BOSS)  # it is one person's limit

    office.pass_time(minutes=40)
    office.slack.close_modal(SARA)
    office.call(SARA, "814 404 3003")
    office.wait_until_settled()
    assert office.rings == 3
    assert "the most that's allowed" in over_the_limit(office), "the second one still counts"


def test_a_call_that_waits_its_turn_counts_and_so_does_everyone_elses(empty_office: Office) -> None:
    office = empty_office
    office.open(MAX_CALLS_PER_DAY_ALL="2", MAX_CALLS_AT_ONCE="1")
    held = office.evo.fault(OUTGOING, "slow", seconds=1)
    office.call(SARA, "814 404 3001")
    office.evo.wait_for(lambda: held.hits)
    office.call(BOSS, "814 404 3002")

    assert "Your team has placed 2 calls in the last 24 hours" in over_the_limit(office)
    assert [call.state for call in office.wait_until_settled()] == [State.PLACED, State.PLACED]


def test_a_call_that_waited_is_not_dialed_if_the_limit_is_lower_by_then(empty_office: Office) -> None:
    office = empty_office
    office.open(MAX_CALLS_PER_HOUR="2", MAX_CALLS_AT_ONCE="1")
    held = office.evo.fault(OUTGOING, "slow", seconds=0.5)
    office.call(SARA, "814 404 3001")
    office.evo.wait_for(lambda: held.hits)
    office.call(SARA, "814 404 3002")

    rules = RuleLedger(office.bot.store)
    assert rules.change("limits", {"person_hour": 1}, revision=0, by=BOSS, at=datetime.now(UTC))

    second, first = office.wait_until_settled()
    assert (first.state, second.state) == (State.PLACED, State.NOT_SENT)
    assert second.reason is Reason.LIMIT_REACHED
    assert "The call limit was reached" in office.wait_until_told("404-3002")
    assert office.rings == 1
