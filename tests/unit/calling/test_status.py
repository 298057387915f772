"""How a call stands, in one word: every kind of call has one, and nothing is claimed that was not seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest

from evoslack.calling.calls import OPEN_STATES, Call, HangUp, Progress, State
from evoslack.calling.status import CallStatus, status_of
from tests.calls import call_request

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ENDED = Call("id", call_request(), State.PLACED, T0, progress=Progress.ENDED)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        *((word, CallStatus.COMPLETED) for word in ("Completed", "completed", " COMPLETED ")),
        *((word, CallStatus.NO_ANSWER) for word in ("No Answer", "no-answer", "NoAnswer", "NO_ANSWER")),
        *((word, CallStatus.BUSY) for word in ("Busy", "busy")),
        *((word, CallStatus.FAILED) for word in ("Failed", "FAILED")),
        *((word, CallStatus.CANCELED) for word in ("Canceled", "cancelled")),
        *((word, CallStatus.ENDED) for word in ("", "Ended", "Voicemail", "completed by machine", "✅")),
    ],
)
def test_known_outcomes_have_a_status_and_others_are_only_ended(word: str, status: CallStatus) -> None:
    assert status_of(replace(ENDED, evo_outcome=word)) is status


def test_every_kind_of_call_has_a_status_and_only_evo_voices_word_completes_one() -> None:
    outcomes = ["", "Completed", "Busy", "odd"]
    kinds = product(State, [None, *Progress], outcomes, [None, *HangUp], ["", "U_SARA"])
    for state, progress, word, hang_up, by in kinds:
        call = replace(
            ENDED, state=state, progress=progress, evo_outcome=word, hang_up=hang_up, hung_up_by=by
        )
        status = status_of(call)
        if status is CallStatus.COMPLETED:
            assert (state, progress, word) == (State.PLACED, Progress.ENDED, "Completed")
        if status is CallStatus.HUNG_UP:
            assert (progress, hang_up, by) == (Progress.ENDED, HangUp.ASKED, "U_SARA")
        assert (status is CallStatus.DIALING) == (state in OPEN_STATES)


@pytest.mark.parametrize("word", ["Busy", "No Answer", "Failed"])
def test_a_hang_up_does_not_hide_how_a_call_had_ended_before(word: str) -> None:
    call = replace(ENDED, evo_outcome=word, hang_up=HangUp.ASKED, hung_up_by="U_SARA")

    assert status_of(call) is status_of(replace(ENDED, evo_outcome=word))


@pytest.mark.parametrize("hang_up", [HangUp.NO_EFFECT, None])
def test_a_hang_up_without_effect_ended_nothing(hang_up: HangUp | None) -> None:
    call = replace(ENDED, evo_outcome="Completed", hang_up=hang_up, hung_up_by="U_SARA")

    assert status_of(call) is CallStatus.COMPLETED


def test_of_a_call_from_before_calls_were_tracked_nothing_is_known() -> None:
    assert status_of(replace(ENDED, progress=None)) is CallStatus.LOST
