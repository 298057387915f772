"""Pauses double up to a limit, and a pause that the server asks for wins."""

from __future__ import annotations

import pytest

from evoslack.runtime.backoff import Backoff

BACKOFF = Backoff(first_s=2, longest_s=60, longest_asked_s=300)


@pytest.mark.parametrize(("attempt", "pause_s"), [(0, 2), (1, 4), (4, 32), (5, 60), (100_000, 60)])
def test_the_pause_doubles_up_to_the_longest(attempt: int, pause_s: float) -> None:
    assert BACKOFF.pause_s(attempt) == pause_s


@pytest.mark.parametrize(("asked_s", "pause_s"), [(0.5, 0.5), (120, 120), (9000, 300)])
def test_what_the_server_asks_for_wins_within_reason(asked_s: float, pause_s: float) -> None:
    assert BACKOFF.pause_s(5, asked_s) == pause_s
