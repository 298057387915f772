"""What the latest requests to Slack and Evo Voice say about the bot's two logins."""

from __future__ import annotations

import time
from collections.abc import Callable

from evoslack.evo.observed_transport import LOGIN
from evoslack.health.check import Check
from evoslack.health.latest_answer import LatestAnswer
from evoslack.runtime.request_result import Result
from evoslack.slack.request_results import OPENS_CONNECTION, RESPONSE_URL

ASK_AFTER_S = 60.0  # without any other request, Slack is asked this often
ASK_EVERY_S = 15.0  # while it does not answer
LATELY_S = 300.0
_PROVES_LOGIN = frozenset({Result.OK, Result.REJECTED})
_WITHOUT_TOKEN = frozenset({OPENS_CONNECTION, RESPONSE_URL})


class BotToken:
    """Whether Slack takes the bot token. `ask` is `auth.test`, or any request that is observed; may raise."""

    def __init__(self, ask: Callable[[], object], *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._clock_s = clock_s
        self._latest = LatestAnswer("token-health", self._asked, fresh_s=ASK_EVERY_S, clock_s=clock_s)
        self._accepted_s: float | None = None
        self._is_rejected = False

    def observe(self, operation: str, result: Result, _seconds: float) -> None:
        """A request to Slack has ended."""
        if operation in _WITHOUT_TOKEN:
            return
        if result is Result.NOT_LOGGED_IN:
            self._is_rejected = True
        elif result in _PROVES_LOGIN:
            self._is_rejected, self._accepted_s = False, self._clock_s()

    def check(self, within_s: float) -> Check:
        """Whether Slack has accepted the token lately; asks it if no other request has."""
        if self._is_rejected or self._age_s() > ASK_AFTER_S:
            self._latest.get(within_s)
        if self._is_rejected:
            return Check.failed("Slack rejects SLACK_BOT_TOKEN. Install the app again and set the new token.")
        if self._age_s() > LATELY_S:
            return Check.failed("Slack has not accepted SLACK_BOT_TOKEN lately: it does not answer.")
        return Check.OK

    def _age_s(self) -> float:
        return float("inf") if self._accepted_s is None else self._clock_s() - self._accepted_s

    def _asked(self) -> bool:
        try:
            self._ask()
        except Exception:  # noqa: BLE001 - `observe` has noted how it went
            return False
        return True


class EvoLogin:
    """Whether Evo Voice takes the bot's login. `is_working` is None before it was asked."""

    def __init__(self) -> None:
        self.is_working: bool | None = None
        self._result = Result.OK

    def observe(self, operation: str, result: Result, _seconds: float) -> None:
        """A request to Evo Voice has ended."""
        if result is Result.HELD_BACK or (result is Result.NOT_LOGGED_IN and operation != LOGIN):
            return  # a session has ended, and the bot logs in again
        self._result = result
        self.is_working = result in _PROVES_LOGIN

    def check(self) -> Check:
        """How the latest request went."""
        if self.is_working is None:
            return Check.failed("Evo Voice was not asked yet.")
        if self.is_working:
            return Check.OK
        if self._result is Result.NOT_LOGGED_IN:
            return Check.failed("Evo Voice rejects the login. Check EVO_USERNAME and EVO_PASSWORD.")
        if self._result is Result.RATE_LIMITED:
            return Check.failed("Evo Voice is busy (rate limited).")
        if self._result is Result.ERROR:
            return Check.failed("Evo Voice answers with errors.")
        return Check.failed("Evo Voice cannot be reached. Check EVO_BASE_URL and the network.")
