"""Every no is one line that says who was told it and which rule said so, however many doors it passes."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from evoslack.calling.access import Access
from evoslack.calling.denial_log import denial_name, log_denial
from evoslack.calling.numbers import BadNumber, Problem
from evoslack.calling.permission import Permission
from evoslack.calling.refusals import (
    CannotCheck,
    Denial,
    Lack,
    LimitReached,
    NotAllowed,
    NothingToOffer,
    NumberBlocked,
    Refusal,
    Source,
)
from evoslack.calling.rulebook import HOUR, BlockedNumber, Limit
from tests.calls import NUMBER, T0


@pytest.mark.parametrize(
    ("refusal", "name"),
    [
        (NotAllowed(Denial.ROLE), "not_allowed:role"),
        (CannotCheck(Source.EVO_VOICE), "cannot_check:evo_voice"),
        (NothingToOffer(Lack.LOGIN), "nothing_to_offer:login"),
        (BadNumber(Problem.COUNTRY, country="GB"), "bad_number:country"),
        (NumberBlocked(BlockedNumber(NUMBER, "asked us", "U1", T0)), "number_blocked"),
        (LimitReached(Limit(60, HOUR, True), T0 + timedelta(hours=1), T0), "limit_reached"),
    ],
)
def test_a_denial_has_a_stable_name_without_the_number(refusal: Refusal, name: str) -> None:
    assert denial_name(refusal) == name


def test_one_refusal_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "evoslack")
    refusal = NotAllowed(Denial.ROLE)
    for _ in range(3):
        log_denial(refusal, "U_SARA")

    (line,) = caplog.records
    assert (line.getMessage(), line.levelno) == ("denied U_SARA: not_allowed:role", logging.INFO)
    assert (vars(line)["user_id"], vars(line)["denial"]) == ("U_SARA", "not_allowed:role")


def test_permission_is_logged_at_every_door(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "evoslack")

    def nothing() -> None:
        raise NothingToOffer(Lack.FLOWS)

    def never(*_: object) -> str:
        raise AssertionError("nobody is asked")

    access = Access(Permission(never, never, user_map={}), nothing)  # type: ignore[arg-type]
    for door in (access.offer_to, access.role_of):
        with pytest.raises(NothingToOffer):
            door("U_SARA", "T1")

    assert caplog.messages == ["denied U_SARA: nothing_to_offer:flows"] * 2
