"""What is read after the process was paused may have waited, and everything else has not."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from evoslack.calling.arrival import ANSWER_WITHIN_S
from evoslack.runtime.clock import Clock
from evoslack.runtime.heartbeat import BEAT_EVERY_S, LOGGED_S, PAUSED_S, WAITED_S, Heartbeat

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
BOTH, MONOTONIC, WALL = "both", "monotonic", "wall"


class Process:
    """A process on a machine with two clocks, which runs or stands still as it is told."""

    def __init__(self) -> None:
        self.wall, self.monotonic_s = T0, 500.0
        self.heart = Heartbeat(Clock(lambda: self.wall, lambda: self.monotonic_s))

    def stands_still(self, seconds: float, by: str = BOTH) -> None:
        """Time goes by, and nothing runs."""
        if by != WALL:
            self.monotonic_s += seconds
        if by != MONOTONIC:
            self.wall += timedelta(seconds=seconds)

    def runs(self, seconds: float, beat_every_s: float = BEAT_EVERY_S) -> None:
        """Time goes by with a beat now and then."""
        while seconds > 0:
            self.stands_still(min(beat_every_s, seconds))
            self.heart.beat()
            seconds = round(seconds - beat_every_s, 6)

    @property
    def waited_s(self) -> float:
        """For how long what is read now may have waited."""
        return round(self.heart.waited_s(), 3)


@pytest.fixture
def process() -> Process:
    process = Process()
    process.runs(2)
    return process


@pytest.mark.parametrize("by", [BOTH, MONOTONIC, WALL])
@pytest.mark.parametrize("beats_first", [True, False], ids=["it beats first", "it reads first"])
def test_a_pause_is_noticed_by_either_clock(process: Process, by: str, beats_first: bool) -> None:
    process.stands_still(5, by)
    if beats_first:
        process.heart.beat()

    assert process.waited_s == 5


def test_a_standstill_that_alone_is_nothing_counts_with_the_time_for_an_answer(process: Process) -> None:
    """0.9 s and the 2.5 s for an answer are more than Slack waits."""
    process.stands_still(0.9)

    assert process.waited_s == 0.9


def test_what_is_read_soon_after_may_have_waited_all_the_time(process: Process) -> None:
    process.stands_still(5)
    process.runs(WAITED_S - 0.1)

    assert process.waited_s == 5 + WAITED_S - 0.1


def test_what_is_read_later_has_not_waited(process: Process) -> None:
    process.stands_still(5)
    process.runs(WAITED_S + 0.1)

    assert process.waited_s == 0


def test_two_standstills_with_a_breath_between_them_are_one(process: Process) -> None:
    """A processor that is taken away comes back for a moment, and what waits has not been read yet."""
    process.stands_still(5)
    process.runs(0.2)
    process.stands_still(0.6)
    assert process.waited_s == 5.8, "before a beat"
    process.heart.beat()
    assert process.waited_s == 5.8, "after it"
    process.runs(0.2)
    process.stands_still(1)

    assert process.waited_s == 7


def test_two_standstills_far_apart_are_two(process: Process) -> None:
    process.stands_still(5)
    process.runs(1)
    process.stands_still(2)
    assert process.waited_s == 2
    process.heart.beat()

    assert process.waited_s == 2


@pytest.mark.parametrize("beat_every_s", [BEAT_EVERY_S, 2 * BEAT_EVERY_S, PAUSED_S - 0.01])
def test_a_process_that_beats_never_stood_still(
    process: Process, beat_every_s: float, caplog: pytest.LogCaptureFixture
) -> None:
    """Idle, or so busy that its beats come late."""
    for _ in range(100):
        process.stands_still(beat_every_s / 2)
        assert process.waited_s == 0, "between two beats"
        process.stands_still(beat_every_s / 2)
        process.heart.beat()
        assert process.waited_s == 0

    assert caplog.text == ""


def test_a_wall_clock_that_is_put_back_is_no_standstill_and_hides_none(process: Process) -> None:
    process.stands_still(-3600, WALL)
    process.runs(0.1)
    assert process.waited_s == 0

    process.stands_still(-3600, WALL)
    process.stands_still(5)
    assert process.waited_s == 5


def test_a_long_one_is_one_line_in_the_log_and_a_short_one_none(
    process: Process, caplog: pytest.LogCaptureFixture
) -> None:
    process.stands_still(LOGGED_S - 0.2)
    process.runs(2)
    assert caplog.text == ""

    process.stands_still(5)
    process.heart.beat()
    process.runs(2)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == "EvoSlack was paused for 5.0 s; requests that arrived meanwhile count as late"


def test_starting_late_is_no_standstill() -> None:
    process = Process()
    process.stands_still(30)  # the database was opened meanwhile
    process.heart.start()
    try:
        assert process.waited_s == 0
    finally:
        process.heart.stop()


def test_it_beats_by_itself() -> None:
    """With the real clocks: as long as it beats, nothing has waited."""
    beats = threading.Semaphore(0)

    class Listening(Heartbeat):
        def beat(self) -> None:
            super().beat()
            beats.release()

    heart = Listening()
    heart.start()
    try:
        assert all(beats.acquire(timeout=5) for _ in range(3))
    finally:
        heart.stop()


def test_what_is_not_noticed_and_the_time_for_an_answer_are_less_than_slack_waits() -> None:
    assert ANSWER_WITHIN_S + PAUSED_S < 3
