"""Says why requests are denied: once when it begins, and once when requests pass again.

Anybody can send a request that is denied, so the log must not grow with them.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import time
from collections.abc import Callable
from enum import StrEnum

from evoslack.runtime.trouble_log import TroubleLog
from evoslack.slack.receivers.slack_time import SlackTime

log = logging.getLogger(__name__)

LONGEST_AGE_S = 300  # of a signed request: Slack's own advice, and the SDK's limit
QUIET_S = 60.0  # an attacker between Slack's requests must not begin a new trouble with each of his
CLOCK_OFF_S = 5.0  # less is the network


class DeniedBecause(StrEnum):
    """Why a request is denied, for counters."""

    UNSIGNED = "unsigned"
    SIGNATURE = "signature_differs"
    TOO_OLD = "timestamp_too_old"
    TOO_FAR_AHEAD = "timestamp_too_far_ahead"


class DeniedRequests:
    """Notes requests that pass and that do not. `on_denied` is called with the reason of each refusal."""

    def __init__(
        self,
        signing_secret: str,
        slack_time: SlackTime,
        wall_s: Callable[[], float],
        *,
        on_denied: Callable[[str], object] = lambda _reason: None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._secret = signing_secret.encode()
        self._slack_time = slack_time
        self._wall_s = wall_s
        self._on_denied = on_denied
        self._trouble = TroubleLog(log, "checking a request", over_after_s=QUIET_S, clock_s=clock_s)

    def passed(self) -> None:
        """A request from Slack passed."""
        self._trouble.worked()

    def denied(self, timestamp: str, signature: str, body: bytes) -> DeniedBecause:
        """A request did not pass: find out why and say so, unless that is known."""
        reason, words = self._reason(timestamp, signature, body)
        self._on_denied(reason.value)
        self._trouble.failed(reason.value, key=reason.value, words=words)
        return reason

    def _reason(self, timestamp: str, signature: str, body: bytes) -> tuple[DeniedBecause, str]:
        if not re.fullmatch(r"\d{1,12}", timestamp, re.ASCII) or not signature:
            words = "it has no signature, so it is not from Slack. Requests like it are denied"
            return DeniedBecause.UNSIGNED, words
        if not self._is_right(timestamp, signature, body):
            words = (
                "its signature differs. If people see errors in Slack, SLACK_SIGNING_SECRET is not the one "
                "under Basic Information of the app; if not, it was not from Slack"
            )
            return DeniedBecause.SIGNATURE, words
        old_s = self._wall_s() - float(timestamp)
        clock = clock_words(self._slack_time.ahead_s(self._wall_s()))
        advice = f"{clock}. Set the clock (NTP)" if clock else "This clock is right, so it was held up"
        if clock is None:
            advice = "Check this machine's clock (NTP)"
        if old_s > 0:
            words = (
                f"its signature is right, but its timestamp is {old_s:.0f} s old (at most {LONGEST_AGE_S})"
            )
            return DeniedBecause.TOO_OLD, f"{words}. {advice}"
        words = f"its signature is right, but its timestamp is {-old_s:.0f} s ahead (at most {LONGEST_AGE_S})"
        return DeniedBecause.TOO_FAR_AHEAD, f"{words}. {advice}"

    def _is_right(self, timestamp: str, signature: str, body: bytes) -> bool:
        content = f"v0:{timestamp}:".encode() + body
        right = f"v0={hmac.new(self._secret, content, hashlib.sha256).hexdigest()}"
        return hmac.compare_digest(right.encode(), signature.encode(errors="replace"))


def clock_words(ahead_s: float | None) -> str | None:
    """How far this machine's clock is off; empty if it is right, None if that is unknown."""
    if ahead_s is None:
        return None
    if abs(ahead_s) <= CLOCK_OFF_S:
        return ""
    return f"This machine's clock is {abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'} Slack's"
