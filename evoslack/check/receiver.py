"""What `--check` says about this machine's clock, which decides whether requests from Slack pass."""

from __future__ import annotations

from evoslack.check.finding import Finding
from evoslack.slack.receivers.denied_requests import LONGEST_AGE_S, clock_words


def clock_finding(ahead_s: float | None, *, over_http: bool) -> Finding | None:
    """How far this machine's clock is from Slack's, as Slack's answers tell; None if they do not."""
    words = clock_words(ahead_s)
    if words is None:
        return None
    if not words:
        return Finding("clock", True, "agrees with Slack's")
    denied = f" Requests from Slack are denied if it is off by {LONGEST_AGE_S} s." if over_http else ""
    return Finding("clock", False, f"{words}; set it, best with NTP.{denied}")
