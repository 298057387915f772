"""Why requests are refused: one line with the reason, however many there are."""

from __future__ import annotations

import hashlib
import hmac
from email.utils import formatdate

import pytest

from evoslack.slack.receivers.denied_requests import QUIET_S, DeniedBecause, DeniedRequests
from evoslack.slack.receivers.slack_time import SlackTime

NOW_S = 1_795_947_648.0
BODY = b"text=help"
SECRET = "the-secret"


class Door:
    """A receiver's check, with clocks that the test sets."""

    def __init__(self, *, slack_is_ahead_s: float | None = None) -> None:
        self.s = 100.0
        self.counted: list[str] = []
        slack_time = SlackTime(lambda: self.s)
        if slack_is_ahead_s is not None:
            slack_time.note(formatdate(NOW_S + slack_is_ahead_s, usegmt=True))
        self.requests = DeniedRequests(
            SECRET,
            slack_time,
            lambda: NOW_S + self.s - 100,
            on_denied=self.counted.append,
            clock_s=lambda: self.s,
        )

    def knock(self, *, at_s: float = NOW_S, secret: str = SECRET) -> DeniedBecause:
        timestamp = str(int(at_s))
        content = f"v0:{timestamp}:".encode() + BODY
        digest = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
        return self.requests.denied(timestamp, f"v0={digest}", BODY)


def test_a_wrong_secret_is_named(caplog: pytest.LogCaptureFixture) -> None:
    door = Door()

    assert door.knock(secret="another") is DeniedBecause.SIGNATURE
    assert "SLACK_SIGNING_SECRET" in caplog.text
    assert SECRET not in caplog.text
    assert door.counted == ["signature_differs"]


@pytest.mark.parametrize(
    ("ahead_s", "reason", "words"),
    [
        (-312, DeniedBecause.TOO_OLD, "its timestamp is 312 s old (at most 300). This machine's clock is "),
        (312, DeniedBecause.TOO_FAR_AHEAD, "its timestamp is 312 s ahead (at most 300). This machine's "),
    ],
)
def test_a_wrong_clock_is_named_and_by_how_much(
    ahead_s: float, reason: DeniedBecause, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    door = Door(slack_is_ahead_s=ahead_s)

    assert door.knock(at_s=NOW_S + ahead_s) is reason
    assert words in caplog.text
    behind = "behind" if ahead_s > 0 else "ahead of"
    assert f"clock is 312 s {behind} Slack's. Set the clock (NTP)" in caplog.text


def test_a_request_that_was_held_up_does_not_blame_the_clock(caplog: pytest.LogCaptureFixture) -> None:
    Door(slack_is_ahead_s=0).knock(at_s=NOW_S - 400)

    assert "400 s old (at most 300). This clock is right, so it was held up" in caplog.text


@pytest.mark.parametrize("timestamp", ["", "soon", "1" * 13])
def test_what_is_not_signed_at_all_is_not_from_slack(timestamp: str) -> None:
    assert Door().requests.denied(timestamp, "v0=abc", BODY) is DeniedBecause.UNSIGNED


def test_an_attacker_cannot_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """A thousand different lies, with Slack's own requests in between."""
    door = Door(slack_is_ahead_s=0)
    for number in range(1000):
        door.knock(secret=f"guess {number}")
        door.knock(at_s=NOW_S - 301 - number)
        door.knock(at_s=NOW_S + 301 + number)
        door.requests.denied(f"x{number}", "", BODY)
        door.requests.passed()
        door.s += 0.01

    assert len(caplog.records) == 4, "one for each reason"
    assert len(door.counted) == 4000

    door.s += QUIET_S
    door.requests.passed()
    assert [line for line in caplog.messages if "works again" in line and "failures: 1000" in line]
    assert len(caplog.records) == 8
