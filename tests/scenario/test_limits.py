"""What the settings about queues and history do to people's calls."""

from __future__ import annotations

from evoslack.calling.calls import Reason, State
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
