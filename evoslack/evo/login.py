"""The bot's login at Evo Voice: made once, shared by all threads, renewed when Evo Voice forgets it."""

from __future__ import annotations

import threading
import time

from evoslack.evo.errors import EvoUnavailable, LoginFailed
from evoslack.evo.transport import Transport, Unanswered, Unsent, seconds_until
from evoslack.evo.wire import words_of
from evoslack.runtime.outage import Outage

PAUSE_S = 60.0  # after a failed login: more attempts might lock the account


class BotLogin:
    """Logs in through `transport`, which keeps the cookies. Safe from several threads."""

    def __init__(
        self, transport: Transport, username: str, password: str, rejected: Outage | None = None
    ) -> None:
        self._rejected = rejected or Outage(
            "Evo Voice rejects the login", "Evo Voice accepts the login again"
        )
        self._transport = transport
        self._username = username
        self._password = password
        self._lock = threading.Lock()
        self._number = 0  # which login the cookies are from; 0: none yet
        self._paused_until_s = 0.0
        self._problem = ""  # why the last login failed

    def ensure(self, ends: float, *, instead_of: int | None = None) -> int:
        """Log in unless another thread has done so since login number `instead_of`; the login's number.

        `ends` is a monotonic time. Raises `LoginFailed` or `EvoUnavailable`.
        """
        if not self._lock.acquire(timeout=seconds_until(ends)):
            raise EvoUnavailable("login: another thread is still logging in")
        try:
            if self._number and self._number != instead_of:
                return self._number
            if time.monotonic() < self._paused_until_s:
                raise LoginFailed(self._problem)  # the same words, so that the log has one line for all
            self._log_in(ends)
            self._number += 1
            self._rejected.worked()
            return self._number
        finally:
            self._lock.release()

    def failed(self, problem: str) -> LoginFailed:
        """Evo Voice rejected the login, or what was asked right after it: pause. Returns what to raise."""
        self._rejected.failed(f"check EVO_USERNAME and EVO_PASSWORD; tried again every {PAUSE_S:.0f} s")
        self._paused_until_s = time.monotonic() + PAUSE_S
        self._problem = problem
        return LoginFailed(problem)

    def _log_in(self, ends: float) -> None:
        """`POST /auth/credentials`; the cookies stay with the transport (evo-voice-api 3.2)."""
        credentials = {
            "provider": "credentials",
            "userName": self._username,
            "password": self._password,
            "rememberMe": True,
        }
        try:
            reply = self._transport.exchange(
                "POST", "/auth/credentials", body=credentials, budget_s=seconds_until(ends), logs_in=True
            )
        except (Unsent, Unanswered) as error:
            raise EvoUnavailable(f"login: {error}") from error
        if reply.status in (400, 401, 403):
            raise self.failed(f"login: status {reply.status} {words_of(reply)}")
        if reply.status != 200:
            raise EvoUnavailable(f"login: status {reply.status}")
