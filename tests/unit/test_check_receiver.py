"""`--check` says what it cannot test, and names a clock that is off."""

from __future__ import annotations

import pytest

from evoslack.check.receiver import clock_finding, http_findings
from evoslack.settings import Settings

ENV = {
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_SIGNING_SECRET": "the-secret",
    "EVO_USERNAME": "bot",
    "EVO_PASSWORD": "hunter2",
    "CALLS_CHANNEL": "C0123456789",
}


def test_the_signing_secret_cannot_be_tested_from_here() -> None:
    _receiver, secret = http_findings(Settings.from_env(ENV))

    assert secret.is_ok
    assert "cannot be tested from here" in secret.words
    assert "the-secret" not in secret.words


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
