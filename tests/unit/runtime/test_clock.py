"""The bot's sense of time, while the clocks of the machine are changed."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest

from evoslack.runtime.clock import FOLLOWS_S, STEP_S, TRUSTED_AFTER_S, Clock, Moment

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HISTORY = timedelta(days=30)
HOUR = timedelta(hours=1)
STEPS = [HOUR, -HOUR, HISTORY, -HISTORY]
EVERY = 10.0  # seconds between two adjustments


class Machine:
    """A machine with two clocks that can be set apart, and the bot's clock on it."""

    def __init__(self) -> None:
        self.wall, self.monotonic_s = T0, 500.0
        self.clock = Clock(lambda: self.wall, lambda: self.monotonic_s)

    def run(self, seconds: float, *, drift: float = 0.0) -> None:
        """Time goes by; by `drift` the wall clock is faster."""
        self.monotonic_s += seconds
        self.wall += timedelta(seconds=seconds * (1 + drift))

    def follow(self, times: int, *, drift: float = 0.0) -> None:
        """Look at the wall clock as often as the bot does."""
        for _ in range(times):
            self.run(EVERY, drift=drift)
            self.clock.follow()

    @property
    def off_s(self) -> float:
        """How far `now` is behind the wall clock."""
        return (self.wall - self.clock.now()).total_seconds()


@pytest.fixture
def machine() -> Machine:
    return Machine()


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_now_does_not_jump_with_the_wall_clock(machine: Machine, step: timedelta) -> None:
    before = machine.clock.now()
    machine.wall += step
    machine.run(7)

    assert machine.clock.now() - before == timedelta(seconds=7)


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_now_follows_a_step_one_second_in_ten(machine: Machine, step: timedelta) -> None:
    machine.wall += step
    before = machine.clock.now()

    machine.follow(6)

    moved = machine.clock.now() - before - timedelta(seconds=6 * EVERY)
    assert moved == timedelta(seconds=6 * FOLLOWS_S) * (1 if step > timedelta() else -1)


def test_now_goes_on_while_it_follows_a_clock_that_was_put_back(machine: Machine) -> None:
    machine.wall -= HISTORY
    seen = [machine.clock.now()]
    for _ in range(30):
        machine.follow(1)
        seen.append(machine.clock.now())

    assert seen == sorted(seen)


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_until_it_has_followed_it_may_be_either_time(machine: Machine, step: timedelta) -> None:
    assert machine.clock.possible() == (machine.clock.now(),)
    machine.wall += step
    machine.follow(1)

    now, other = machine.clock.possible()
    assert now == machine.clock.now()
    assert other == machine.wall

    machine.follow(3600)
    assert machine.clock.possible() == (machine.clock.now(),)


def test_a_small_difference_is_made_up_at_once(machine: Machine) -> None:
    machine.wall += timedelta(seconds=0.8)
    machine.follow(1)

    assert machine.off_s == pytest.approx(0, abs=0.001)


def test_the_databases_time_can_be_taken_at_the_start(machine: Machine) -> None:
    machine.clock.set(T0 - HOUR)
    machine.run(3)

    assert machine.clock.now() == T0 - HOUR + timedelta(seconds=3)


def test_the_databases_clock_is_followed_instead_of_the_machines(machine: Machine) -> None:
    machine.wall += HOUR  # which does not matter then
    for _ in range(5):
        machine.run(EVERY)
        machine.clock.follow(machine.clock.now() + timedelta(seconds=0.3))

    assert machine.clock.now() == T0 + timedelta(seconds=5 * EVERY + 5 * 0.3)


# --- what the log says


@pytest.mark.parametrize(
    ("step", "words"),
    [(HOUR, "forward by 3600 s"), (-HOUR, "back by 3600 s"), (HISTORY, "forward by 2592000 s")],
    ids=["forward", "back", "history"],
)
def test_a_step_is_one_line_however_long_it_takes_to_follow(
    machine: Machine, caplog: pytest.LogCaptureFixture, step: timedelta, words: str
) -> None:
    machine.wall += step
    machine.follow(400)

    (line,) = lines(caplog)
    assert f"the system clock was moved {words}" in line
    assert caplog.records[0].levelno == logging.WARNING


def test_forward_and_back_again_is_two_lines(machine: Machine, caplog: pytest.LogCaptureFixture) -> None:
    machine.wall += HOUR
    machine.follow(3)
    machine.wall -= HOUR
    machine.follow(30)

    assert ["forward" in line for line in lines(caplog)] == [True, False]
    assert machine.off_s == pytest.approx(0, abs=0.001)


def test_a_step_of_the_databases_clock_is_named_as_such(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    machine.clock.follow(machine.clock.now() + HOUR)

    assert "the database's clock was moved forward" in caplog.text


@pytest.mark.parametrize("drift", [1e-3, -1e-3, 0.2])
def test_drift_is_no_line(machine: Machine, caplog: pytest.LogCaptureFixture, drift: float) -> None:
    """Also a terrible one, of one second in five, which is more than is followed."""
    machine.follow(40, drift=drift)

    assert lines(caplog) == []


# --- how long something took


@pytest.mark.parametrize(("monotonic_s", "wall_s"), [(8, 2), (2, 8), (8, -3600), (8, 8)])
def test_what_took_long_by_either_clock_took_long(
    machine: Machine, monotonic_s: float, wall_s: float
) -> None:
    since = machine.clock.moment()
    machine.monotonic_s += monotonic_s
    machine.wall += timedelta(seconds=wall_s)

    assert machine.clock.elapsed_s(since) == pytest.approx(8)


def test_a_moment_is_both_clocks(machine: Machine) -> None:
    assert machine.clock.moment() == Moment(500.0, T0.timestamp())


# --- whether anything may be deleted by it


def test_a_clock_is_trusted_after_an_hour_of_agreement(machine: Machine) -> None:
    hour = int(TRUSTED_AFTER_S / EVERY)
    machine.follow(hour - 1)
    assert not machine.clock.is_trusted()
    machine.follow(1)

    assert machine.clock.is_trusted()


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_a_clock_that_just_jumped_is_not_trusted_for_an_hour_after_they_agree_again(
    machine: Machine, step: timedelta
) -> None:
    machine.follow(400)
    assert machine.clock.is_trusted()

    machine.wall += step
    machine.follow(1)
    assert not machine.clock.is_trusted()
    machine.wall -= step  # and back
    machine.follow(359)
    assert not machine.clock.is_trusted(), "the hour begins when they agree"
    machine.follow(1)

    assert machine.clock.is_trusted()


def test_while_it_follows_a_step_of_an_hour_it_is_not_trusted(machine: Machine) -> None:
    machine.wall += HOUR
    follows_for = int((HOUR.total_seconds() - STEP_S) / FOLLOWS_S)
    for _ in range(follows_for + 300):
        machine.follow(1)
        assert not machine.clock.is_trusted()


def test_drift_costs_no_trust(machine: Machine) -> None:
    machine.follow(int(TRUSTED_AFTER_S / EVERY), drift=1e-3)

    assert machine.clock.is_trusted()


def test_the_real_clock_goes_on() -> None:
    clock = Clock()
    first = clock.now()

    assert first.tzinfo is UTC
    assert abs(first - datetime.now(UTC)) < timedelta(seconds=1)
    assert clock.now() >= first
    assert clock.elapsed_s(clock.moment()) < 5
