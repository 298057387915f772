"""The people in an export are looked up once each, as fast as Slack allows, and nobody waits forever."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from evoslack.slack.listeners.contacts import LONGEST_WAIT_S, MOST_FAILURES, Contacts
from evoslack.slack.rendering.call_csv import Contact


def problem(error: str, **headers: str) -> SlackApiError:
    answer = SlackResponse(
        client=None,
        http_verb="GET",
        api_url="",
        req_args={},
        data={"ok": False, "error": error},
        headers=headers,
        status_code=429 if headers else 200,
    )
    return SlackApiError(error, answer)


class Slack:
    """Knows some people, and has a list of troubles to get through first."""

    def __init__(self, people: dict[str, Any], *troubles: Exception) -> None:
        self.people = people
        self.troubles = list(troubles)
        self.asked: Counter[str] = Counter()
        self.waited: list[float] = []

    def users_info(self, *, user: str) -> dict[str, Any]:
        self.asked[user] += 1
        if self.troubles:
            raise self.troubles.pop(0)
        if user not in self.people:
            raise problem("user_not_found")
        return {"user": self.people[user]}

    def contacts(self) -> Contacts:
        return Contacts(self, self.waited.append)  # type: ignore[arg-type]


SARA = {"name": "sara", "real_name": "Sara S.", "profile": {"email": "sara@acme.test"}}
SLOW_DOWN = problem("ratelimited", **{"Retry-After": "20"})


def test_each_person_is_looked_up_once() -> None:
    slack = Slack({"U_SARA": SARA})
    contacts = slack.contacts()

    assert [contacts.of(who) for who in ("U_SARA", "U_X", "U_SARA", "U_X")] == [
        Contact("Sara S.", "sara@acme.test"),
        Contact(),
    ] * 2
    assert slack.asked == {"U_SARA": 1, "U_X": 1}
    assert contacts.missing == 0, "nobody will ever be able to tell who U_X is"


@pytest.mark.parametrize(
    ("user", "name", "email"),
    [
        ({"deleted": True, "name": "ann", "profile": {"real_name": "Ann"}}, "Ann", ""),
        ({"name": "ann"}, "ann", ""),
        ({"profile": {"real_name": " ", "display_name": "Annie", "email": None}}, "Annie", ""),
        ({"profile": [], "real_name": 7}, "", ""),
        (None, "", ""),
    ],
)
def test_what_slack_shows_of_a_person_is_taken(user: Any, name: str, email: str) -> None:
    assert Slack({"U": user}).contacts().of("U") == Contact(name, email)


def test_slack_may_ask_to_slow_down_for_a_while() -> None:
    slack = Slack({"U_SARA": SARA}, SLOW_DOWN, SLOW_DOWN)
    contacts = slack.contacts()

    assert contacts.of("U_SARA").name == "Sara S."
    assert slack.waited == [20.0, 20.0]
    assert contacts.missing == 0


def test_nobody_waits_longer_for_names_than_for_a_minute() -> None:
    slack = Slack({"U_SARA": SARA}, *[SLOW_DOWN] * 9)
    contacts = slack.contacts()

    assert [contacts.of(who) for who in ("U_SARA", "U_BOSS", "U_SARA")] == [Contact()] * 3
    assert sum(slack.waited) <= LONGEST_WAIT_S
    assert slack.asked == {"U_SARA": 4}, "once Slack asks for too much, the others are not asked for"
    assert contacts.missing == 2


def test_after_failures_in_a_row_the_rest_is_left_out() -> None:
    slack = Slack({}, *[problem("internal_error")] * 99)
    contacts = slack.contacts()

    assert {contacts.of(f"U{index}").name for index in range(20)} == {""}
    assert sum(slack.asked.values()) == MOST_FAILURES
    assert contacts.missing == 20


def test_a_single_failure_costs_one_name() -> None:
    slack = Slack({"U_SARA": SARA}, problem("internal_error"))
    contacts = slack.contacts()

    assert [contacts.of("U_BOSS"), contacts.of("U_SARA")] == [Contact(), Contact("Sara S.", "sara@acme.test")]
    assert contacts.missing == 1
