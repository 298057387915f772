"""Which user groups a person is in, as Slack says; remembered for a minute, like a role."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection

from slack_sdk import WebClient

from evoslack.calling.refusals import CannotCheck, Source
from evoslack.slack.workspace import SLACK_ERRORS, items_in, problem_of

log = logging.getLogger(__name__)

REMEMBERED_S = 60.0  # someone who left a group keeps its flows no longer than this


class UserGroups:
    """The members of user groups, read with `usergroups.users.list` (slack-facts 8)."""

    def __init__(self, client: WebClient, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._members: dict[str, tuple[frozenset[str], float]] = {}  # with until when

    def of(self, user_id: str, groups: Collection[str]) -> frozenset[str]:
        """Those of these groups (ids) that the person is in. Raises `CannotCheck`."""
        return frozenset(group for group in groups if user_id in self._members_of(group))

    def _members_of(self, group: str) -> frozenset[str]:
        with self._lock:
            members, until_s = self._members.get(group, (frozenset[str](), 0.0))
        asked_s = self._clock_s()
        if asked_s < until_s:
            return members
        try:
            members = frozenset(items_in(self._client.usergroups_users_list(usergroup=group), "users"))
        except SLACK_ERRORS as error:
            log.warning("the members of the user group %s could not be read: %s", group, problem_of(error))
            raise CannotCheck(Source.SLACK) from error
        with self._lock:
            self._members[group] = members, asked_s + REMEMBERED_S
        return members
