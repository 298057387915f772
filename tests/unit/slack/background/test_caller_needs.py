"""Who is told privately of a call that waits for its time, or did."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from evoslack.calling.calls import Call, State
from evoslack.calling.notification import Notification
from evoslack.slack.background import caller_needs
from evoslack.slack.background.delivery_rules import is_too_old
from tests.calls import T0, call_request


def of(state: State, canceled_by: str = "") -> Notification:
    call = Call("id", call_request(), state, T0, canceled_by=canceled_by)
    return Notification(call=call, revision=1, attempts=1)


def test_a_call_that_waits_on_a_card_everyone_reads_is_no_private_news() -> None:
    assert not caller_needs.is_needed_anyway(of(State.SCHEDULED))
    assert not caller_needs.is_bad_news(of(State.SCHEDULED).call)


def test_waiting_and_placed_are_two_things_to_tell_who_cannot_read_the_card() -> None:
    waiting, placed = of(State.SCHEDULED), of(State.PLACED)

    assert caller_needs.summary(waiting, is_edited=False) != caller_needs.summary(placed, is_edited=False)


@pytest.mark.parametrize(("by", "did"), [("U_SARA", True), ("U_ROOT", False)])
def test_only_who_canceled_another_persons_call_has_news_for_them(by: str, did: bool) -> None:
    canceled = of(State.CANCELED, by)

    assert caller_needs.did_it_themselves(canceled.call) is did
    assert caller_needs.is_needed_anyway(canceled)


def test_news_of_a_call_that_waits_for_days_is_not_given_up_before_its_time() -> None:
    """It was scheduled long ago, but its time may have been changed a moment ago."""
    due_at = T0 + timedelta(days=5)
    call = replace(of(State.SCHEDULED).call, request=replace(call_request(), due_at=due_at))

    assert not is_too_old(call.changed_at, T0 + timedelta(days=4))
    assert is_too_old(call.changed_at, due_at + timedelta(days=2))
