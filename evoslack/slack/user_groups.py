"""Slack's user groups and who is in them; remembered for a minute, like a role."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from slack_sdk import WebClient

from evoslack.calling.refusals import CannotCheck, Source
from evoslack.slack.workspace import SLACK_ERRORS, items_in, problem_of

log = logging.getLogger(__name__)

REMEMBERED_S = 60.0  # someone who left a group keeps its flows no longer than this
FAILURE_REMEMBERED_S = 5.0  # typing in a select does not ask Slack again with each letter


@dataclass(frozen=True, slots=True)
class UserGroup:
    """A user group that is not disabled."""

    id: str
    name: str
    handle: str
    members: frozenset[str] | None  # user ids; None: Slack did not say


class UserGroups:
    """All groups, read with one request: Slack allows about 20 a minute (slack-facts 8)."""

    def __init__(self, client: WebClient, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        """`client` gives up quickly: listeners ask."""
        self._client = client
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._read: Mapping[str, UserGroup] | None = None  # None: the last request failed
        self._until_s = float("-inf")

    def of(self, user_id: str, groups: Collection[str]) -> frozenset[str]:
        """Those of these groups (ids) that the person is in; nobody is in one that is gone.

        Raises `CannotCheck`.
        """
        known = self.all()
        return frozenset(each for each in groups if each in known and user_id in _members(known[each]))

    def have_members(self, groups: Collection[str]) -> bool:
        """Whether anyone is in one of these groups. Raises `CannotCheck`."""
        known = self.all()
        return any(_members(known[group]) for group in groups if group in known)

    def all(self) -> Mapping[str, UserGroup]:
        """Every group by its id. Takes two seconds at most. Raises `CannotCheck`."""
        with self._lock:  # those who ask meanwhile wait for the same answer
            asked_s = self._clock_s()
            if asked_s >= self._until_s:
                self._read = self._ask()
                self._until_s = asked_s + (FAILURE_REMEMBERED_S if self._read is None else REMEMBERED_S)
            if self._read is None:
                raise CannotCheck(Source.SLACK)
            return self._read

    def _ask(self) -> dict[str, UserGroup] | None:
        try:
            found = items_in(self._client.usergroups_list(include_users=True), "usergroups")
            return {group.id: group for group in map(_group_of, found) if group is not None}
        except SLACK_ERRORS as error:
            log.warning("the user groups could not be read: %s", problem_of(error))
            return None


def _members(group: UserGroup) -> frozenset[str]:
    if group.members is None:
        raise CannotCheck(Source.SLACK)
    return group.members


def _group_of(given: Any) -> UserGroup | None:
    match given:
        case {"id": str(group_id), "name": str(name)}:
            users, members = given.get("users"), None
            if isinstance(users, list):
                members = frozenset(user for user in users if isinstance(user, str))
            elif str(given.get("user_count")) == "0":
                members = frozenset()
            return UserGroup(group_id, name, str(given.get("handle") or ""), members)
    return None
