"""Who may call: asked at every door, remembered for a minute, and no whenever in doubt.

Slack says whether somebody is a real member of the workspace and has which e-mail; Evo Voice says whether
that e-mail belongs to a login that may place calls for the account.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from evoslack.calls import Role
from evoslack.refusals import CannotCheck, Source

REMEMBERED_S = 60.0  # a role that was taken away works no longer than this
BUDGET_S = 2.0  # both questions together; Slack gives a listener three seconds


class People(Protocol):
    """The members of the workspace."""

    def confirmed_email(self, user_id: str, team_id: str, *, needs_email: bool) -> str:
        """The e-mail of a real member; raises `NotAllowed` or `CannotCheck`.

        Without `needs_email` only the membership counts and the answer may be empty.
        """


class Logins(Protocol):
    """The logins of the phone system."""

    def require_caller(self, email: str, account_id: str, *, budget_s: float) -> Role:
        """The role of a login that may place calls for the account; else `NotAllowed` or `CannotCheck`."""


class Permission:
    """Remembers who was found to be allowed, and asks again after a minute."""

    def __init__(
        self,
        people: People,
        logins: Logins,
        *,
        user_map: Mapping[str, str],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._people = people
        self._logins = logins
        self._user_map = dict(user_map)
        self._clock_s = clock_s
        self._allowed: dict[tuple[str, str, str], tuple[Role, float]] = {}  # with until when
        self._lock = threading.Lock()

    def is_known(self, user_id: str, team_id: str, account_id: str) -> bool:
        """Whether `require` would answer yes without asking anybody."""
        return self._remembered(user_id, team_id, account_id) is not None

    def require(self, user_id: str, team_id: str, account_id: str) -> Role:
        """The role of a Slack user who may place calls for the account.

        Takes two seconds at the most. Raises `NotAllowed` (and it is known why) or `CannotCheck`.
        """
        if remembered := self._remembered(user_id, team_id, account_id):
            return remembered
        started_s = self._clock_s()
        mapped = self._user_map.get(user_id, "")
        email = self._people.confirmed_email(user_id, team_id, needs_email=not mapped)
        left_s = BUDGET_S - (self._clock_s() - started_s)
        if left_s <= 0:  # whoever pressed has been told by Slack that it failed, so it must not dial any more
            raise CannotCheck(Source.SLACK)
        role = self._logins.require_caller(mapped or email, account_id, budget_s=left_s)
        with self._lock:
            now_s = self._clock_s()
            self._allowed = {key: known for key, known in self._allowed.items() if known[1] > now_s}
            # Counted from the question, not from the answer.
            self._allowed[team_id, user_id, account_id] = role, started_s + REMEMBERED_S
        return role

    def _remembered(self, user_id: str, team_id: str, account_id: str) -> Role | None:
        with self._lock:
            role, until_s = self._allowed.get((team_id, user_id, account_id), (None, 0.0))
        return role if self._clock_s() < until_s else None
