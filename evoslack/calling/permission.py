"""Who may call: asked at every door, a yes remembered for a minute, and no whenever in doubt.

Slack says whether somebody is a real member of the workspace and has which email; Evo Voice says whether
that email belongs to a login that may place calls for the account.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from evoslack.calling.calls import Role
from evoslack.calling.refusals import CannotCheck, Denial, NotAllowed, Source

REMEMBERED_S = 60.0  # a role that was taken away works no longer than this
NO_REMEMBERED_S = (
    10.0  # whoever presses on and on makes nobody look up all logins; a new role works after this
)
MOST_REMEMBERED = 1000  # answers; whoever falls out is asked about again
BUDGET_S = 2.0  # both questions together; Slack gives a listener three seconds


_Key = tuple[str, str, str]  # team, user, account


class People(Protocol):
    """The members of the workspace."""

    def confirmed_email(self, user_id: str, team_id: str, *, needs_email: bool) -> str:
        """The email of a real member; raises `NotAllowed` or `CannotCheck`.

        Without `needs_email` only the membership counts and the answer may be empty.
        """


class Logins(Protocol):
    """The logins of the phone system."""

    def require_caller(self, email: str, account_id: str, *, budget_s: float) -> Role:
        """The role of a login that may place calls for the account; else `NotAllowed` or `CannotCheck`."""


class Permission:
    """Remembers for a minute who may call, and for ten seconds who may not; asks again what is not known."""

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
        self._known: dict[_Key, tuple[Role | Denial, float]] = {}  # with until when
        self._lock = threading.Lock()

    def is_known(self, user_id: str, team_id: str, account_id: str) -> bool:
        """Whether `require` would answer yes without asking anybody."""
        return isinstance(self._remembered((team_id, user_id, account_id)), Role)

    def require(self, user_id: str, team_id: str, account_id: str) -> Role:
        """The role of a Slack user who may place calls for the account.

        Takes two seconds at the most. Raises `NotAllowed` (and it is known why) or `CannotCheck`.
        """
        key, started_s = (team_id, user_id, account_id), self._clock_s()
        remembered = self._remembered(key)
        if isinstance(remembered, Denial):
            raise NotAllowed(remembered)
        if remembered is not None:
            return remembered
        try:
            role = self._ask(user_id, team_id, account_id, started_s)
        except NotAllowed as no:
            self._remember(key, no.denial, started_s + NO_REMEMBERED_S)
            raise
        # Counted from the question, not from the answer.
        self._remember(key, role, started_s + REMEMBERED_S)
        return role

    def _ask(self, user_id: str, team_id: str, account_id: str, started_s: float) -> Role:
        mapped = self._user_map.get(user_id, "")
        email = self._people.confirmed_email(user_id, team_id, needs_email=not mapped)
        left_s = BUDGET_S - (self._clock_s() - started_s)
        if left_s <= 0:  # whoever pressed has been told by Slack that it failed, so it must not dial any more
            raise CannotCheck(Source.SLACK)
        return self._logins.require_caller(mapped or email, account_id, budget_s=left_s)

    def _remember(self, key: _Key, answer: Role | Denial, until_s: float) -> None:
        with self._lock:
            now_s = self._clock_s()
            self._known.pop(key, None)  # so that it counts as the newest
            fresh = [(each, known) for each, known in self._known.items() if known[1] > now_s]
            self._known = dict(fresh[-(MOST_REMEMBERED - 1) :])
            self._known[key] = answer, until_s

    def _remembered(self, key: _Key) -> Role | Denial | None:
        with self._lock:
            answer, until_s = self._known.get(key, (None, 0.0))
        return answer if self._clock_s() < until_s else None
