"""The names and email addresses of the people in an export, from Slack."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from slack_sdk import WebClient

from evoslack.slack.rendering.call_csv import Contact
from evoslack.slack.workspace import SLACK_ERRORS, pause_of, problem_of

log = logging.getLogger(__name__)

LONGEST_WAIT_S = 60.0  # for all of an export, when Slack asks to slow down
MOST_FAILURES = 3  # in a row; then nobody else is asked for
_UNKNOWN_PERSON = frozenset({"user_not_found", "user_not_visible"})


class Contacts:
    """Asks Slack for each person once.

    People whom Slack doesn't show stay without a name, and so does everyone after Slack failed several times
    in a row, or made the export wait for too long.
    """

    def __init__(self, client: WebClient, wait: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._wait = wait
        self._found: dict[str, Contact] = {}
        self._may_wait_s = LONGEST_WAIT_S
        self._failures = 0
        self.missing = 0  # people whom Slack was not able to tell about

    def of(self, user_id: str) -> Contact:
        """This person; empty if unknown. May take a moment, and never raises an error of Slack's."""
        if user_id not in self._found:
            self._found[user_id] = self._look_up(user_id)
        return self._found[user_id]

    def _look_up(self, user_id: str) -> Contact:
        while self._failures < MOST_FAILURES:
            try:
                user = self._client.users_info(user=user_id).get("user")
            except SLACK_ERRORS as error:
                if problem_of(error) in _UNKNOWN_PERSON:
                    self._failures = 0
                    return Contact()
                pause_s = pause_of(error)
                if pause_s is None:
                    log.warning("export: a person was not looked up: %s", problem_of(error))
                    self._failures += 1
                    break
                if pause_s > self._may_wait_s:
                    log.warning("export: rate limited by Slack; the other names are left out")
                    self._failures = MOST_FAILURES
                    break
                self._may_wait_s -= pause_s
                self._wait(pause_s)
            else:
                self._failures = 0
                return _contact(user)
        self.missing += 1
        return Contact()


def _contact(user: Any) -> Contact:
    """Name and email address in Slack's user object; what is missing there stays empty."""
    user = user if isinstance(user, Mapping) else {}
    profile = user.get("profile")
    profile = profile if isinstance(profile, Mapping) else {}
    names = (profile.get("real_name"), user.get("real_name"), profile.get("display_name"), user.get("name"))
    name = next((each for each in names if isinstance(each, str) and each.strip()), "")
    email = profile.get("email")
    return Contact(name.strip(), email.strip() if isinstance(email, str) else "")
