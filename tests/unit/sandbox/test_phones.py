"""The phone of the playground: one picks up, declines, or lets it ring."""

from __future__ import annotations

import pytest

from sandbox.evo.calls import QUEUED_S
from sandbox.evo.voice import EvoVoice
from sandbox.evo.world import World
from sandbox.phones import Phones

NUMBER = "+18144043093"


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(clock: Clock) -> World:
    return World.standard(clock)


@pytest.fixture
def phones(world: World) -> Phones:
    return Phones(EvoVoice(world=world))


def test_at_first_a_phone_rings_until_somebody_decides(phones: Phones, world: World, clock: Clock) -> None:
    world.place("flow2", NUMBER, "+12025550100")
    clock.now = QUEUED_S + 20
    (call,) = phones.calls()
    assert (call["status"], call["caller_name"]) == ("ringing", "Main office")
    phones.answer({"sid": call["sid"]})
    clock.now += 300
    assert phones.calls()[0]["status"] == "answered", "until somebody hangs up"


def test_a_declined_call_is_busy_and_stays_so(phones: Phones, world: World, clock: Clock) -> None:
    world.place("flow2", NUMBER)
    clock.now = QUEUED_S + 3
    (call,) = phones.calls()
    phones.decline({"sid": call["sid"]})
    phones.answer({"sid": call["sid"]})
    (call,) = phones.calls()
    assert (call["status"], call["lasted"]) == ("busy", 4)


def test_what_is_not_ringing_cannot_be_declined(phones: Phones, world: World, clock: Clock) -> None:
    world.place("flow2", NUMBER)
    clock.now = QUEUED_S + 3
    (call,) = phones.calls()
    phones.answer({"sid": call["sid"]})
    phones.decline({"sid": call["sid"]})
    assert phones.calls()[0]["status"] == "answered"
