"""What a request to Evo Voice was for and how it went, in words that never hold an id."""

from __future__ import annotations

import pytest

from evoslack.evo.observed_transport import ObservedTransport, operation_of, result_of, result_without_answer
from evoslack.evo.transport import HeldBack, Reply, TransportError, Unanswered, Unsent
from evoslack.runtime.request_result import Result


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


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (HeldBack("late", timed_out=False), Result.HELD_BACK),
        (Unsent("no route", timed_out=False), Result.UNREACHABLE),
        (Unsent("slow", timed_out=True), Result.TIMEOUT),
        (Unanswered("slow", timed_out=True), Result.TIMEOUT),
        (Unanswered("reset", timed_out=False), Result.CUT_OFF),
    ],
)
def test_the_result_without_an_answer(error: TransportError, result: Result) -> None:
    assert result_without_answer(error) is result


def test_a_request_without_an_answer_is_reported_and_raised() -> None:
    seen: list[tuple[str, Result]] = []

    def observe(operation: str, result: Result, _seconds: float) -> None:
        seen.append((operation, result))

    problems: list[str] = []
    transport = ObservedTransport("http://127.0.0.1:1", observe, problems.append)
    with pytest.raises(Unsent):
        transport.exchange("GET", "/flows", budget_s=5, fresh=True)

    assert seen == [("flows", Result.UNREACHABLE)]
    assert problems == ["Connection refused"]
