"""How a request to another service went, in one word: for counters, and to know whether a login works."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class Result(StrEnum):
    """How one request went."""

    OK = "ok"
    REJECTED = "rejected"  # the service read the request and said no
    NOT_LOGGED_IN = "not_logged_in"  # it does not take the login or the token
    RATE_LIMITED = "rate_limited"
    ERROR = "error"  # it broke, or its answer cannot be read
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"  # there was no connection
    CUT_OFF = "cut_off"  # the connection ended without an answer
    HELD_BACK = "held_back"  # nothing was sent on purpose: it was too late for it


# Is told of every request: its operation (one of a fixed few), its result, and how many seconds it took.
Observe = Callable[[str, Result, float], None]


def unobserved(_operation: str, _result: Result, _seconds: float) -> None:
    """For requests that nobody counts."""
