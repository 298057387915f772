"""Tells an observer of every request to Evo Voice: what it was for, how it went, and how long it took."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from evoslack.evo.transport import HeldBack, Reply, Transport, TransportError, Unsent
from evoslack.runtime.request_result import Observe, Result

OTHER = "other"
LOGIN = "login"
_OPERATIONS = {
    ("POST", "/auth/credentials"): LOGIN,
    ("GET", "/auth/status"): "whoami",
    ("GET", "/users"): "users",
    ("GET", "/flows"): "flows",
    ("GET", "/endpoints"): "numbers",
    ("GET", "/calls/active"): "active_calls",
    ("GET", "/sessions"): "sessions",
    ("POST", "/sessions/outgoing"): "dial",
}
_HANG_UP = "hang_up"
OPERATIONS = frozenset({*_OPERATIONS.values(), _HANG_UP, OTHER})


class ObservedTransport(Transport):
    """A `Transport` that reports every request to `observe`."""

    def __init__(self, base_url: str, observe: Observe, on_end: Callable[[str], None]) -> None:
        super().__init__(base_url, on_end)
        self._observe = observe

    def exchange(self, method: str, path: str, **options: Any) -> Reply:
        """Like `Transport.exchange`."""
        operation, began_s = operation_of(method, path), time.monotonic()
        try:
            reply = super().exchange(method, path, **options)
        except TransportError as error:
            self._observe(operation, result_without_answer(error), time.monotonic() - began_s)
            raise
        self._observe(operation, result_of(operation, reply), time.monotonic() - began_s)
        return reply


def operation_of(method: str, path: str) -> str:
    """What a request is for; ids in the path leave no trace."""
    if method == "DELETE" and path.startswith("/sessions/"):
        return _HANG_UP
    return _OPERATIONS.get((method, path), OTHER)


def result_of(operation: str, reply: Reply) -> Result:
    """What the status of an answer means."""
    if 200 <= reply.status < 300:
        return Result.OK
    if reply.status == 401 or (operation == LOGIN and reply.status in {400, 403}):
        return Result.NOT_LOGGED_IN
    if reply.status == 429:
        return Result.RATE_LIMITED
    return Result.REJECTED if 400 <= reply.status < 500 else Result.ERROR


def result_without_answer(error: TransportError) -> Result:
    """What it means that no answer came."""
    if isinstance(error, HeldBack):
        return Result.HELD_BACK
    if error.timed_out:
        return Result.TIMEOUT
    return Result.UNREACHABLE if isinstance(error, Unsent) else Result.CUT_OFF
