"""The rules of a call hold whatever uses them: above all, nothing leads back to being dialed."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from evoslack.calling.calls import OPEN_STATES, STATE_OF, TRANSITIONS, UNANSWERED, Call, CallNote, State
from evoslack.calling.offer import CallerId, Flow, Offer
from evoslack.calling.outcomes import Outcome
from evoslack.calling.refusals import KeyTaken, NotYourForm, require_same
from tests.calls import call_request

REQUEST = call_request(channel_id="C1", response_url="https://hooks.slack.com/x")
LABELS = {"account_id", "flow_name", "channel_id", "response_url"}


def reachable(start: State) -> set[State]:
    found: set[State] = set()
    ahead = set(TRANSITIONS[start])
    while ahead - found:
        found |= ahead
        ahead = {after for state in found for after in TRANSITIONS[state]}
    return found


def test_every_state_has_its_transitions() -> None:
    assert set(TRANSITIONS) == set(State)


@pytest.mark.parametrize("state", State)
def test_no_state_is_ever_entered_twice(state: State) -> None:
    """So a call is accepted once, begun once, and dialed at most once."""
    assert state not in reachable(state)


def test_dialing_begins_only_from_accepted() -> None:
    assert [state for state in State if State.PLACING in TRANSITIONS[state]] == [State.ACCEPTED]


def test_only_an_answered_press_is_accepted_and_nothing_leads_back() -> None:
    before = [state for state in State if State.ACCEPTED in TRANSITIONS[state]]
    assert before == [State.RECEIVED, State.SCHEDULED]
    assert [state for state in State if State.SCHEDULED in TRANSITIONS[state]] == [State.RECEIVED_LATER]
    assert [state for state in State if UNANSWERED & TRANSITIONS[state]] == []


def test_an_expired_call_was_never_dialed() -> None:
    assert [state for state in State if State.EXPIRED in TRANSITIONS[state]] == [
        State.RECEIVED,
        State.RECEIVED_LATER,
        State.SCHEDULED,
        State.ACCEPTED,
    ]
    assert reachable(State.EXPIRED) == set()


def test_a_canceled_call_was_never_dialed() -> None:
    assert [state for state in State if State.CANCELED in TRANSITIONS[state]] == [State.SCHEDULED]
    assert reachable(State.CANCELED) == set()


def test_doubt_can_be_settled_and_certainty_cannot_be_doubted() -> None:
    assert TRANSITIONS[State.IN_DOUBT] == {State.PLACED, State.REJECTED, State.NOT_SENT}
    assert [state for state in State if State.IN_DOUBT in TRANSITIONS[state]] == [State.PLACING]


def test_a_call_is_open_until_it_has_ended() -> None:
    assert {State.RECEIVED, State.ACCEPTED, State.PLACING} == OPEN_STATES
    for state in State:
        call = Call("id", REQUEST, state, accepted_at=datetime(2026, 1, 1, tzinfo=UTC))
        assert call.is_open is (state in OPEN_STATES)


def test_every_outcome_is_a_state_that_may_follow_placing() -> None:
    assert set(STATE_OF) == set(get_args(Outcome))
    assert set(STATE_OF.values()) == TRANSITIONS[State.PLACING]


@pytest.mark.parametrize("field", ["team_id", "user_id", "flow_id", "number", "caller_id"])
def test_the_same_form_from_another_person_or_with_other_content_is_another_press(field: str) -> None:
    first = Call("id", REQUEST, State.PLACED, accepted_at=datetime(2026, 1, 1, tzinfo=UTC))
    names = ("team_id", "user_id", "flow_id", "number", "caller_id")
    same = {name: getattr(REQUEST, name) for name in names}

    assert require_same(first, **same) is first
    with pytest.raises(NotYourForm if field in {"team_id", "user_id"} else KeyTaken):
        require_same(first, **{**same, field: "other"})


def test_a_request_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        REQUEST.number = "+12025550144"  # type: ignore[misc]


def test_an_offer_knows_its_flows_and_caller_ids_and_nothing_else() -> None:
    flow, caller_id = Flow("flow1", "Reminder"), CallerId("+12025550100")
    offer = Offer("acc1", (flow, Flow("flow2", "Survey")), (caller_id,), caller_id)

    assert offer.flow("flow1") is flow
    assert offer.caller_id("+12025550100") is caller_id
    assert [offer.flow("Reminder"), offer.flow(""), offer.caller_id(""), offer.caller_id("12025550100")] == (
        [None] * 4
    )


def test_a_call_changed_when_the_newest_of_what_people_are_told_happened() -> None:
    start = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    call = Call("id", REQUEST, State.PLACED, start)
    assert call.changed_at == start

    for hours, field in enumerate(("finished_at", "answered_at", "ended_at"), start=1):
        call = replace(call, **{field: start + timedelta(hours=hours)})
        assert call.changed_at == start + timedelta(hours=hours)
    late = start + timedelta(days=3)
    assert replace(call, note=CallNote(text="called back", at=late, revision=1)).changed_at == late
