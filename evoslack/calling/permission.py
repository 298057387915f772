"""Who may call. Checked at every entry point; a yes is remembered for a minute; in doubt, the answer is no.

Slack says whether a person is a real member of the workspace, and with which email. Evo Voice says whether
that email belongs to a login that may place calls for the account (see `slack.people` and `evo.directory`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from evoslack.calling.calls import Role
from evoslack.calling.refusals import CannotCheck, Denial, NotAllowed, Source

YES_REMEMBERED_S = 60.0  # a role that was taken away works no longer than this
# Pressing again and again does not search all logins each time; a role just given works after this.
NO_REMEMBERED_S = 10.0
MAX_REMEMBERED = 1000  # answers; older ones are asked for again
BUDGET_S = 2.0  # for both questions together; Slack gives a listener three seconds

_Key = tuple[str, str, str]  # team, user, account

# (user_id, team_id, needs_email): the email of a real member of the workspace; without `needs_email` only
# the membership counts, and the answer may be empty. Raises `NotAllowed` or `CannotCheck`.
ConfirmedEmail = Callable[[str, str, bool], str]
# (email, account_id, budget_s): the role of a login that may place calls for the account. Raises the same.
RequireCaller = Callable[[str, str, float], Role]


class Permission:
    """Remembers a yes for a minute and a no for ten seconds; anything else is asked for again."""

    def __init__(
        self,
        confirmed_email: ConfirmedEmail,
        require_caller: RequireCaller,
        *,
        user_map: Mapping[str, str],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._confirmed_email = confirmed_email
        self._require_caller = require_caller
        self._user_map = dict(user_map)
        self._clock_s = clock_s
        self._known: dict[_Key, tuple[Role | Denial, float]] = {}  # with until when
        self._lock = threading.Lock()

    def is_known(self, user_id: str, team_id: str, account_id: str) -> bool:
        """Whether `require` would answer yes without asking anyone."""
        return isinstance(self._remembered((team_id, user_id, account_id)), Role)

    def require(self, user_id: str, team_id: str, account_id: str) -> Role:
        """The role of a Slack user who may place calls for the account.

        Takes two seconds at most. Raises `NotAllowed` with the reason, or `CannotCheck`.
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
        self._remember(key, role, started_s + YES_REMEMBERED_S)
        return role

    def _ask(self, user_id: str, team_id: str, account_id: str, started_s: float) -> Role:
        mapped = self._user_map.get(user_id, "")
        email = self._confirmed_email(user_id, team_id, not mapped)
        left_s = BUDGET_S - (self._clock_s() - started_s)
        if left_s <= 0:  # Slack has told the person that it failed, so nothing may be dialed anymore
            raise CannotCheck(Source.SLACK)
        return self._require_caller(mapped or email, account_id, left_s)

    def _remember(self, key: _Key, answer: Role | Denial, until_s: float) -> None:
        with self._lock:
            now_s = self._clock_s()
            self._known.pop(key, None)  # so that it counts as the newest
            fresh = [(each, known) for each, known in self._known.items() if known[1] > now_s]
            self._known = dict(fresh[-(MAX_REMEMBERED - 1) :])
            self._known[key] = answer, until_s

    def _remembered(self, key: _Key) -> Role | Denial | None:
        with self._lock:
            answer, until_s = self._known.get(key, (None, 0.0))
        return answer if self._clock_s() < until_s else None
