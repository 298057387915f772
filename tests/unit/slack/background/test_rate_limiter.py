"""When Slack says 429, everybody queues; until then nobody does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from evoslack.slack.background.rate_limiter import RateLimiter

CARDS = "C_CALLS"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def test_nobody_waits_until_slack_says_so() -> None:
    limiter = RateLimiter(1.0, Clock())

    assert [limiter.turn_s(CARDS) for _ in range(100)] == [0.0] * 100


def test_after_a_refusal_everybody_gets_a_turn_of_their_own() -> None:
    limiter = RateLimiter(1.5, Clock())

    assert limiter.refused_s(CARDS, 30) == 30
    assert [limiter.turn_s(CARDS) for _ in range(3)] == [31.5, 33.0, 34.5]


def test_who_is_refused_again_goes_to_the_end_of_the_queue() -> None:
    clock = Clock()
    limiter = RateLimiter(1.0, clock)
    assert [limiter.refused_s(CARDS, 10), limiter.turn_s(CARDS), limiter.turn_s(CARDS)] == [10, 11, 12]

    clock.pass_s(10)

    assert limiter.refused_s(CARDS, 1) == 3, "two others wait for their turns at 1 and 2"
    assert limiter.refused_s(CARDS, 60) == 60, "Slack's newest wish counts when it is longer"


def test_when_the_last_turn_is_over_everybody_goes_at_once_again() -> None:
    clock = Clock()
    limiter = RateLimiter(1.0, clock)
    limiter.refused_s(CARDS, 5)
    clock.pass_s(5)
    assert limiter.turn_s(CARDS) == 1.0, "the one whose turn it is now writes just now"

    clock.pass_s(2)

    assert [limiter.turn_s(CARDS), limiter.turn_s(CARDS)] == [0.0, 0.0]


def test_those_whose_turn_came_late_do_not_meet_the_next_ones() -> None:
    clock = [datetime(2026, 3, 2, 9, 30, tzinfo=UTC)]
    limiter = RateLimiter(1.0, lambda: clock[0])
    limiter.refused_s(CARDS, 1.0)

    assert limiter.slot_s(CARDS) == 0.0
    clock[0] += timedelta(seconds=0.25)
    assert limiter.slot_s(CARDS) == 0.75, "somebody wrote a quarter of a second ago"
    clock[0] += timedelta(seconds=0.75)
    assert limiter.slot_s(CARDS) == 0.0


def test_a_target_is_free_again_after_the_time_between_two_messages() -> None:
    clock = Clock()
    limiter = RateLimiter(1.0, clock)

    assert limiter.free_s("U_SARA") == 0.0
    assert limiter.free_s("U_SARA") == 1.0
    clock.pass_s(0.25)
    assert [limiter.free_s("U_SARA") for _ in range(3)] == [0.75] * 3, "nobody takes a turn"
    clock.pass_s(0.75)
    assert [limiter.free_s("U_SARA"), limiter.free_s("U_SARA")] == [0.0, 1.0], "one has it, not both"


def test_a_target_waits_as_long_as_slack_asked_and_no_other_does() -> None:
    clock = Clock()
    limiter = RateLimiter(1.0, clock)
    assert limiter.free_s("U_SARA") == 0.0

    limiter.refused_s("U_SARA", 30)

    assert limiter.free_s("U_SARA") == 30
    assert limiter.free_s("U_BOSS") == 0.0
    assert limiter.turn_s(CARDS) == 0.0
    clock.pass_s(30)
    assert limiter.free_s("U_SARA") == 0.0


def test_targets_that_are_free_again_are_forgotten() -> None:
    clock = Clock()
    limiter = RateLimiter(1.0, clock)
    for index in range(1000):
        limiter.free_s(f"U{index}")
        clock.pass_s(0.1)
    limiter.refused_s("U_SARA", 3600)
    clock.pass_s(60)

    limiter.free_s("U_BOSS")

    assert limiter.targets == 2, "the one that writes and the one that waits"
    assert limiter.free_s("U_SARA") == 3540
