"""`--check` names a clock that is off."""

from __future__ import annotations

import pytest

from evoslack.check.receiver import clock_finding


@pytest.mark.parametrize(
    ("ahead_s", "is_ok", "words"),
    [
        (0.9, True, "agrees with Slack's"),
        (-312.4, False, "This machine's clock is 312 s behind Slack's; set it, best with NTP."),
        (7.0, False, "This machine's clock is 7 s ahead of Slack's; set it, best with NTP."),
    ],
)
def test_a_clock_that_is_off_is_named(ahead_s: float, is_ok: bool, words: str) -> None:
    found = clock_finding(ahead_s, over_http=False)

    assert found is not None
    assert (found.is_ok, found.words) == (is_ok, words)


def test_over_http_a_clock_that_is_off_ends_everything() -> None:
    found = clock_finding(400, over_http=True)

    assert found is not None
    assert found.words.endswith("Requests from Slack are denied if it is off by 300 s.")


def test_without_an_answer_nothing_is_said_about_the_clock() -> None:
    assert clock_finding(None, over_http=True) is None
