"""Writes go out at once until Slack answers 429; from then on they queue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from evoslack.slack.background.rate_limiter import RateLimiter

CARDS = "C_CALLS"


class Clock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def test_nothing_waits_until_slack_says_so() -> None:
    limiter = RateLimiter(1.0, Clock())

    assert [limiter.reserve_s(CARDS) for _ in range(100)] == [0.0] * 100


def test_after_a_429_every_write_gets_its_own_slot() -> None:
    limiter = RateLimiter(1.5, Clock())

    assert limiter.back_off_s(CARDS, 30) == 30
    assert [limiter.reserve_s(CARDS) for _ in range(3)] == [31.5, 33.0, 34.5]


def test_a_write_that_is_rate_limited_again_goes_to_the_end_of_the_queue() -> None:
    clock = Clock()
    limiter = RateLimiter(1.0, clock)
    assert [limiter.back_off_s(CARDS, 10), limiter.reserve_s(CARDS), limiter.reserve_s(CARDS)] == [10, 11, 12]

    clock.pass_s(10)

    assert limiter.back_off_s(CARDS, 1) == 3, "two others wait for their slots at 1 and 2"
    assert limiter.back_off_s(CARDS, 60) == 60, "a longer pause from Slack replaces the shorter one"


def test_after_the_last_slot_writes_go_out_at_once_again() -> None:
    clock = Clock()
    limiter = RateLimiter(1.0, clock)
    limiter.back_off_s(CARDS, 5)
    clock.pass_s(5)
    assert limiter.reserve_s(CARDS) == 1.0, "another write has the slot that is due now"

    clock.pass_s(2)

    assert [limiter.reserve_s(CARDS), limiter.reserve_s(CARDS)] == [0.0, 0.0]


def test_a_late_write_does_not_collide_with_the_next_slot() -> None:
    clock = [datetime(2026, 3, 2, 9, 30, tzinfo=UTC)]
    limiter = RateLimiter(1.0, lambda: clock[0])
    limiter.back_off_s(CARDS, 1.0)

    assert limiter.spacing_s(CARDS) == 0.0
    clock[0] += timedelta(seconds=0.25)
    assert limiter.spacing_s(CARDS) == 0.75, "the last write was a quarter of a second ago"
    clock[0] += timedelta(seconds=0.75)
    assert limiter.spacing_s(CARDS) == 0.0


def test_a_target_is_free_again_after_the_interval() -> None:
    clock = Clock()
    limiter = RateLimiter(1.0, clock)

    assert limiter.acquire_s("U_SARA") == 0.0
    assert limiter.acquire_s("U_SARA") == 1.0
    clock.pass_s(0.25)
    assert [limiter.acquire_s("U_SARA") for _ in range(3)] == [0.75] * 3, "asking reserves nothing"
    clock.pass_s(0.75)
    assert [limiter.acquire_s("U_SARA"), limiter.acquire_s("U_SARA")] == [0.0, 1.0], (
        "one caller gets it, not both"
    )


def test_a_target_waits_as_long_as_slack_asked_and_the_others_do_not() -> None:
    clock = Clock()
    limiter = RateLimiter(1.0, clock)
    assert limiter.acquire_s("U_SARA") == 0.0

    limiter.back_off_s("U_SARA", 30)

    assert limiter.acquire_s("U_SARA") == 30
    assert limiter.acquire_s("U_BOSS") == 0.0
    assert limiter.reserve_s(CARDS) == 0.0
    clock.pass_s(30)
    assert limiter.acquire_s("U_SARA") == 0.0


def test_targets_that_are_free_again_are_dropped() -> None:
    clock = Clock()
    limiter = RateLimiter(1.0, clock)
    for index in range(1000):
        limiter.acquire_s(f"U{index}")
        clock.pass_s(0.1)
    limiter.back_off_s("U_SARA", 3600)
    clock.pass_s(60)

    limiter.acquire_s("U_BOSS")

    assert limiter.target_count == 2, "the one just written to and the paused one"
    assert limiter.acquire_s("U_SARA") == 3540
