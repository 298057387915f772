"""A process that stood still knows for how long what it reads may have waited."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from evoslack.clock import Clock
from evoslack.heartbeat import BEAT_EVERY_S, STOOD_STILL_S, Heartbeat
from evoslack.slack.arrival import ANSWER_WITHIN_S

SLACK_GIVES_UP_S = 3.0


class Time:
    """Two clocks that are moved by hand."""

    def __init__(self) -> None:
        self.wall_s = self.monotonic_s = 0.0
        self.heart = Heartbeat(
            Clock(lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.wall_s), self._monotonic)
        )

    def _monotonic(self) -> float:
        return self.monotonic_s

    def passes(self, seconds: float) -> None:
        self.wall_s += seconds
        self.monotonic_s += seconds

    def beats_for(self, seconds: float) -> None:
        for _ in range(round(seconds / BEAT_EVERY_S)):
            self.passes(BEAT_EVERY_S)
            self.heart.beat()


def test_what_is_read_while_it_runs_did_not_wait() -> None:
    time = Time()
    time.beats_for(5)

    assert time.heart.waited_s() == 0


@pytest.mark.parametrize("stood_s", [0.6, 0.95, 4.5, 3600])
def test_what_is_read_right_after_a_standstill_may_have_waited_through_it(stood_s: float) -> None:
    time = Time()
    time.beats_for(1)
    time.passes(stood_s)

    assert time.heart.waited_s() >= stood_s  # also before the first beat
    time.heart.beat()
    assert time.heart.waited_s() >= stood_s
    time.beats_for(1)
    assert time.heart.waited_s() == 0


def test_a_suspended_machine_may_stop_one_of_the_clocks() -> None:
    time = Time()
    time.wall_s += 60

    assert time.heart.waited_s() == 60


def test_a_standstill_is_not_forgotten_over_a_shorter_one_right_after_it() -> None:
    time = Time()
    time.passes(8)
    time.heart.beat()
    time.passes(0.4)

    assert time.heart.waited_s() > 8
    time.heart.beat()
    assert time.heart.waited_s() > 8


def test_what_is_not_noticed_and_the_time_for_an_answer_are_less_than_slack_waits() -> None:
    assert ANSWER_WITHIN_S + STOOD_STILL_S < SLACK_GIVES_UP_S
