"""When Slack says 429, everybody queues; until then nobody does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from evoslack.slack.pace import Pace


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def test_nobody_waits_until_slack_says_so() -> None:
    pace = Pace(1.0, Clock())

    assert [pace.turn_s() for _ in range(100)] == [0.0] * 100


def test_after_a_refusal_everybody_gets_a_turn_of_their_own() -> None:
    pace = Pace(1.5, Clock())

    assert pace.refused_s(30) == 30
    assert [pace.turn_s() for _ in range(3)] == [31.5, 33.0, 34.5]


def test_who_is_refused_again_goes_to_the_end_of_the_queue() -> None:
    clock = Clock()
    pace = Pace(1.0, clock)
    assert [pace.refused_s(10), pace.turn_s(), pace.turn_s()] == [10, 11, 12]

    clock.pass_s(10)

    assert pace.refused_s(1) == 3, "two others wait for their turns at 1 and 2"
    assert pace.refused_s(60) == 60, "Slack's newest wish counts when it is longer"


def test_when_the_last_turn_is_over_everybody_goes_at_once_again() -> None:
    clock = Clock()
    pace = Pace(1.0, clock)
    pace.refused_s(5)
    clock.pass_s(5)
    assert pace.turn_s() == 1.0, "the one whose turn it is now writes just now"

    clock.pass_s(2)

    assert [pace.turn_s(), pace.turn_s()] == [0.0, 0.0]


def test_those_whose_turn_came_late_do_not_meet_the_next_ones() -> None:
    clock = [datetime(2026, 3, 2, 9, 30, tzinfo=UTC)]
    pace = Pace(1.0, lambda: clock[0])
    pace.refused_s(1.0)

    assert pace.slot_s() == 0.0
    clock[0] += timedelta(seconds=0.25)
    assert pace.slot_s() == 0.75, "somebody wrote a quarter of a second ago"
    clock[0] += timedelta(seconds=0.75)
    assert pace.slot_s() == 0.0
