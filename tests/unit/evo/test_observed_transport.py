"""What a request to Evo Voice was for and how it went, in words that never hold an id."""

from __future__ import annotations

import pytest

from evoslack.evo.observed_transport import ObservedTransport, operation_of, result_of
from evoslack.evo.transport import HeldBack, Reply, TransportError
from evoslack.runtime.request_result import Result
from sandbox.evo.voice import EvoVoice


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("POST", "/auth/credentials", "login"),
        ("POST", "/sessions/outgoing", "dial"),
        ("GET", "/sessions", "sessions"),
        ("DELETE", "/sessions/abc123", "hang_up"),
        ("GET", "/sessions/abc123", "other"),
    ],
)
def test_the_operation(method: str, path: str, operation: str) -> None:
    assert operation_of(method, path) == operation


@pytest.mark.parametrize(
    ("operation", "status", "result"),
    [
        ("flows", 200, Result.OK),
        ("hang_up", 204, Result.OK),
        ("flows", 401, Result.NOT_LOGGED_IN),
        ("login", 400, Result.NOT_LOGGED_IN),
        ("dial", 400, Result.REJECTED),
        ("flows", 429, Result.RATE_LIMITED),
        ("flows", 302, Result.ERROR),
        ("flows", 503, Result.ERROR),
    ],
)
def test_the_result(operation: str, status: int, result: Result) -> None:
    assert result_of(operation, Reply(status, {}, b"")) is result


def test_requests_without_an_answer_are_reported_too(evo: EvoVoice) -> None:
    seen: list[tuple[str, Result]] = []
    transport = ObservedTransport(evo.url, lambda operation, result, _s: seen.append((operation, result)))
    with pytest.raises(HeldBack):
        transport.exchange("POST", "/sessions/outgoing", budget_s=5, fresh=True, may_leave=lambda: False)
    evo.stop()
    with pytest.raises(TransportError):
        transport.exchange("GET", "/flows", budget_s=5, fresh=True)

    assert seen == [("dial", Result.HELD_BACK), ("flows", Result.UNREACHABLE)]
