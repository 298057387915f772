"""Whether a Slack user is a full member of our workspace with a confirmed email address.

Every field is from slack-facts 9. A missing field counts as no.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from evoslack.calling.refusals import CannotCheck, Denial, NotAllowed, Source
from evoslack.slack.workspace import SLACK_ERRORS, problem_of

log = logging.getLogger(__name__)

_UNKNOWN_PERSON = frozenset({"user_not_found", "user_not_visible", "users_not_found"})
_MUST_BE_FALSE = ("is_bot", "is_restricted", "is_ultra_restricted")  # Slack sends these for every member
_MUST_NOT_BE_TRUE = ("deleted", "is_stranger", "is_invited_user")  # Slack sends these only when true
SLACKBOT = "USLACKBOT"  # not flagged as a bot
ZONE_REMEMBERED_S = 600.0  # people travel
MOST_ZONES = 1000  # that are remembered


class SlackPeople:
    """The members of one workspace (`team_id`), or of its Enterprise organization."""

    def __init__(self, client: WebClient, *, team_id: str, enterprise_id: str | None) -> None:
        self._client = client
        self._team_id = team_id
        self._enterprise_id = enterprise_id

    def confirmed_email(self, user_id: str, team_id: str, needs_email: bool) -> str:
        """The email address of a full member. Raises `NotAllowed` or `CannotCheck`.

        Without `needs_email` only membership is checked, and the result is empty.
        """
        if team_id != self._team_id and not self._enterprise_id:
            raise NotAllowed(Denial.NOT_A_MEMBER)
        user = self._user(user_id)
        if user.get("id") != user_id or user_id == SLACKBOT:
            raise NotAllowed(Denial.NOT_A_MEMBER)
        if not all(user.get(flag) is False for flag in _MUST_BE_FALSE) or not self._is_ours(user):
            raise NotAllowed(Denial.NOT_A_MEMBER)
        if any(user.get(flag) for flag in _MUST_NOT_BE_TRUE):
            raise NotAllowed(Denial.NOT_A_MEMBER)
        if not needs_email:
            return ""
        profile = user.get("profile")
        email = profile.get("email") if isinstance(profile, dict) else None
        if not isinstance(email, str) or not email.strip():
            raise NotAllowed(Denial.EMAIL_MISSING)
        if user.get("is_email_confirmed") is not True:
            raise NotAllowed(Denial.EMAIL_UNCONFIRMED)
        return email.strip()

    def _user(self, user_id: str) -> Mapping[str, Any]:
        try:
            user = self._client.users_info(user=user_id).get("user")
        except SlackApiError as error:
            if error.response.get("error") in _UNKNOWN_PERSON:
                raise NotAllowed(Denial.NOT_A_MEMBER) from error
            log.warning("users.info failed: %s", error.response.get("error"))
            raise CannotCheck(Source.SLACK) from error
        except SLACK_ERRORS as error:
            log.warning("users.info got no answer: %s", type(error).__name__)
            raise CannotCheck(Source.SLACK) from error
        if not isinstance(user, dict):
            raise CannotCheck(Source.SLACK)
        return user

    def _is_ours(self, user: Mapping[str, Any]) -> bool:
        if user.get("team_id") == self._team_id:
            return True
        organization = user.get("enterprise_user")
        return (
            self._enterprise_id is not None
            and isinstance(organization, dict)
            and organization.get("enterprise_id") == self._enterprise_id
        )


class TimeZones:
    """The time zones that people have set in Slack, remembered for ten minutes."""

    def __init__(self, client: WebClient, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        """`client` gives up quickly: a listener waits for the answer."""
        self._client = client
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str, float]] = {}  # with until when

    def of(self, user_id: str) -> str:
        """A person's time zone as Slack has it, not checked; empty if Slack does not say."""
        with self._lock:
            zone, until_s = self._known.get(user_id, ("", 0.0))
        if self._clock_s() < until_s:
            return zone
        try:
            user = self._client.users_info(user=user_id).get("user")
        except SLACK_ERRORS as error:
            log.warning("the time zone of %s could not be read: %s", user_id, problem_of(error))
            return ""
        found = user.get("tz") if isinstance(user, dict) else None
        zone = found if isinstance(found, str) else ""
        with self._lock:
            if len(self._known) >= MOST_ZONES:
                self._known.clear()
            self._known[user_id] = zone, self._clock_s() + ZONE_REMEMBERED_S
        return zone
