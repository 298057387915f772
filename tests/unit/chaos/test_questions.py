"""The judge of the experiments: a ring after an error, after a no, or for a person who may not call."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.evo.calls import Ring
from sandbox.slack.delivery import Delivery
from sandbox.slack.message_records import ShownMessage
from tests.chaos.questions import Verdict, answer_of, asked_of, lines_about
from tests.chaos.rights import Rights

SARA, NUMBER = "U_SARA", "+18144043093"
CALLING: dict[str, Any] = {
    "view": {"blocks": [{"text": {"text": "*⏳ (814)\u00a0404\u20113093 · dialing*"}}]}
}
MAY_NOT: dict[str, Any] = {"view": {"blocks": [{"text": {"text": "You need the Manager role."}}]}}
TOO_LATE: dict[str, Any] = {"errors": {"number": "EvoSlack took too long. Nothing was dialed."}}
TAKEN: dict[str, Any] = {
    "errors": {"number": "This form already started a call to (814) 404-3093 (📞 calling)."}
}


def press(at: float, payload: dict[str, Any] | None, seconds: float = 0.1) -> Delivery:
    """One delivery; without a payload Slack gives up after three seconds."""
    acked = payload is not None
    return Delivery(
        "view_submission", {}, acked=acked, payload=payload, sent_at=at, seconds=seconds if acked else 3
    )


def ring(at: float) -> Ring:
    return Ring(datetime.fromtimestamp(at, UTC), "flow2", NUMBER, "+12025550100", "bot@acme.test", "CA1")


def line(at: float, text: str, user_id: str = SARA, **metadata: Any) -> ShownMessage:
    return ShownMessage(at, user_id, "C", "1.0", text, {"event_payload": metadata} if metadata else {})


def judged(
    deliveries: list[Delivery],
    rings: list[float],
    lines: tuple[ShownMessage, ...] = (),
    rights: Rights | None = None,
) -> Verdict:
    return asked_of(deliveries, [ring(at) for at in rings], lines, SARA, rights or Rights())


@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        (None, "error"),
        (CALLING, "yes"),
        (MAY_NOT, "no"),
        (TOO_LATE, "no"),
        (TAKEN, "unclear"),
        ({}, "unclear"),
    ],
)
def test_an_answer_is_read_the_way_a_person_reads_it(payload: dict[str, Any] | None, answer: str) -> None:
    assert answer_of(press(0, payload)) == answer


def test_a_press_that_is_answered_and_rings_is_right() -> None:
    assert judged([press(100, CALLING)], [100.05, 101]) == Verdict()


def test_a_ring_after_slacks_own_error_is_found() -> None:
    assert judged([press(100, None)], [102.9]) == Verdict()
    assert judged([press(100, None)], [108]).after_error


def test_pressing_again_makes_it_right_only_if_it_was_answered_with_a_yes() -> None:
    assert judged([press(100, None), press(104, CALLING)], [104.2]) == Verdict()
    assert judged([press(100, None), press(104, CALLING)], [103.5]).after_error
    found = judged([press(100, None), press(104, MAY_NOT)], [108])
    assert (found.after_error, found.after_no) == (True, True)


def test_a_ring_after_a_no_is_found_wherever_the_no_was_read() -> None:
    assert judged([press(100, TOO_LATE)], [101]).after_no
    assert judged(
        [press(100, CALLING)], [130], (line(120, "⌛ (814) 404-3093 · too late. Nothing was dialed."),)
    ).after_no
    assert judged([press(100, TOO_LATE), press(102, CALLING)], [103]) == Verdict()


def test_it_is_a_lie_to_say_that_nothing_was_dialed_after_it_rang() -> None:
    found = judged(
        [press(100, CALLING)], [101], (line(102, "❌ (814) 404-3093 · rejected. Nothing was dialed."),)
    )

    assert found.lie and not found.after_no
    assert list(found.sentences)


def test_only_lines_about_this_press_count() -> None:
    about = line(1, "*📵 (814)\u00a0404\u20113093 · not sent*\nNothing was dialed.")
    shown = [
        about,
        line(1, "*📵 (814)\u00a0404\u20113094 · not sent*\nNothing was dialed."),
        line(1, "*📵 (814)\u00a0404\u20113093 · not sent*\nNothing was dialed.", user_id="U_BOSS"),
        line(1, "📵 not sent", user_id="", call_id="one"),
        line(1, "📵 not sent", user_id="", call_id="another"),
    ]

    assert lines_about(shown, SARA, NUMBER, {"one"}) == [about, shown[3]]


def test_a_role_counts_as_gone_when_nobody_may_remember_it_any_more() -> None:
    rights = Rights({SARA: 100.0})

    assert judged([press(150, CALLING)], [151], rights=rights) == Verdict()
    assert judged([press(161, CALLING)], [162], rights=rights).not_allowed
    rights.never_had_by(SARA)
    assert judged([press(1, CALLING)], [2], rights=rights).not_allowed


def test_a_message_that_tells_of_two_calls_is_read_as_two() -> None:
    words = "*📵 (814) 404-0001 · not sent*\nNothing was dialed."
    line = ShownMessage(2.0, "U1", "D1", "1.0", f"{words}\n\n☑️ (814) 404-0002 · completed", {})

    (about,) = lines_about([line], "U1", "+18144040002", set())

    assert about.text == "☑️ (814) 404-0002 · completed"
