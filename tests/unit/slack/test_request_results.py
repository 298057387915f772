"""What a request to Slack was for and how it went, in words that never hold an id."""

from __future__ import annotations

import pytest
from slack_sdk.errors import SlackApiError

from evoslack.runtime.request_result import Result
from evoslack.slack.request_results import operation_of, result_of
from evoslack.slack.web_api import SlackUnanswered
from evoslack.slack.workspace import private_client, web_client
from sandbox.slack.workspace import SlackWorkspace


def test_an_unknown_method_is_none_of_the_labels() -> None:
    assert operation_of("https://slack.com/api/chat.update") == "chat.update"
    assert operation_of("https://slack.com/api/U123") == "other"


@pytest.mark.parametrize(
    ("status", "body", "result"),
    [
        (200, '{"ok": true}', Result.OK),
        (200, "ok", Result.OK),
        (200, '{"ok": false, "error": "channel_not_found"}', Result.REJECTED),
        (200, '{"ok": false, "error": "token_revoked"}', Result.NOT_LOGGED_IN),
        (200, '{"ok": false, "error": "ratelimited"}', Result.RATE_LIMITED),
        (200, '{"ok": false, "error": "internal_error"}', Result.ERROR),
        (429, "", Result.RATE_LIMITED),
        (404, "used_url", Result.REJECTED),
        (503, "<html>", Result.ERROR),
        (200, "<html>", Result.ERROR),
        (200, "[]", Result.ERROR),
    ],
)
def test_the_result(status: int, body: str, result: Result) -> None:
    assert result_of(status, body) is result


def test_every_request_is_observed(slack: SlackWorkspace) -> None:
    seen: list[tuple[str, Result]] = []

    def observe(operation: str, result: Result, _seconds: float) -> None:
        seen.append((operation, result))

    web_client("xoxb-sandbox", slack.api_url, observe=observe).auth_test()
    with pytest.raises(SlackApiError):
        web_client("xoxb-wrong", slack.api_url, observe=observe).auth_test()
    with pytest.raises(SlackUnanswered):
        private_client("http://127.0.0.1:1/x", observe=observe).send(text="x")

    assert seen == [
        ("auth.test", Result.OK),
        ("auth.test", Result.NOT_LOGGED_IN),
        ("response_url", Result.UNREACHABLE),
    ]
