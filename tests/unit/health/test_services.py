"""What requests say about the two logins of the bot."""

from __future__ import annotations

import pytest

from evoslack.health.services import BotToken, EvoLogin
from evoslack.runtime.request_result import Result


class Slack:
    def __init__(self) -> None:
        self.at_s = 0.0
        self.asked = 0
        self.answer = Result.OK
        self.token = BotToken(self.auth_test, clock_s=lambda: self.at_s)

    def auth_test(self) -> None:
        self.asked += 1
        self.token.observe("auth.test", self.answer, 0.1)
        if self.answer is not Result.OK:
            raise OSError

    def reason(self) -> str:
        return self.token.check(5.0).reason


@pytest.fixture
def slack() -> Slack:
    return Slack()


def test_slack_is_asked_only_if_no_other_request_has_used_the_token_for_a_minute(slack: Slack) -> None:
    slack.token.observe("chat.update", Result.REJECTED, 0.1)  # channel_not_found: the token was accepted
    slack.at_s += 60
    assert (slack.reason(), slack.asked) == ("", 0)

    slack.at_s += 1
    assert (slack.reason(), slack.asked) == ("", 1)


def test_a_token_that_slack_rejects_is_named_at_once_and_asked_for_until_it_works(slack: Slack) -> None:
    slack.token.observe("chat.update", Result.OK, 0.1)
    slack.answer = Result.NOT_LOGGED_IN
    slack.token.observe("chat.update", Result.NOT_LOGGED_IN, 0.1)
    assert "rejects SLACK_BOT_TOKEN" in slack.reason()

    slack.answer = Result.OK
    slack.at_s += 16
    assert slack.reason() == ""


def test_a_slack_that_does_not_answer_is_believed_for_five_minutes(slack: Slack) -> None:
    slack.token.observe("auth.test", Result.OK, 0.1)
    slack.answer = Result.TIMEOUT
    slack.at_s += 299
    assert slack.reason() == ""
    slack.at_s += 20
    assert "does not answer" in slack.reason()


@pytest.mark.parametrize("operation", ["apps.connections.open", "response_url"])
def test_requests_without_the_bot_token_say_nothing_about_it(slack: Slack, operation: str) -> None:
    slack.token.observe("auth.test", Result.OK, 0.1)
    slack.token.observe(operation, Result.NOT_LOGGED_IN, 0.1)
    assert (slack.reason(), slack.asked) == ("", 0)


@pytest.mark.parametrize(
    ("operation", "result", "words"),
    [
        ("login", Result.OK, ""),
        ("hang_up", Result.REJECTED, ""),
        ("login", Result.NOT_LOGGED_IN, "rejects the login"),
        ("flows", Result.TIMEOUT, "cannot be reached"),
        ("flows", Result.UNREACHABLE, "cannot be reached"),
        ("flows", Result.ERROR, "answers with errors"),
        ("flows", Result.RATE_LIMITED, "busy"),
        ("flows", Result.NOT_LOGGED_IN, "not asked yet"),  # its session has ended; it logs in again
        ("dial", Result.HELD_BACK, "not asked yet"),
    ],
)
def test_the_login_at_evo_voice(operation: str, result: Result, words: str) -> None:
    login = EvoLogin()
    login.observe(operation, result, 0.1)
    assert words in login.check().reason
    assert login.check().is_ok == (words == "")
