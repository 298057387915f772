"""Shows people their Home tabs: when they open them, turn to something else, or a call changes.

The listeners only write down what somebody wants to see. A thread of its own finds out who that is, and
publishes by state: whoever is behind skips to the newest.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from evoslack.calling.calls import Call, Role
from evoslack.calling.history_filter import HistoryFilter, HomeTab, Scope
from evoslack.calling.refusals import CannotCheck, NothingToOffer, Refusal
from evoslack.slack.rendering import home
from evoslack.slack.workspace import NO_ANSWER, pause_of, problem_of

log = logging.getLogger(__name__)

REST = timedelta(seconds=2.5)  # between two looks of a tab, when calls change quickly
LEASE = timedelta(seconds=30)
PUBLISHING = timedelta(seconds=12)  # at most; whoever has less left of the lease would be late
LOOKS_AGAIN = timedelta(seconds=30)  # after trouble that may pass
KEPT = timedelta(days=7)  # after that, a tab waits for its owner to open it again
FORGET_EVERY = timedelta(hours=1)

# There is no such tab, or nobody to see it.
_NOBODY = {
    "not_enabled": "; switch on the Home tab: update the app from manifest.yml",
    "user_not_found": "",
    "user_not_visible": "",
    "user_disabled": "",
}


class Book(Protocol):
    """Whose home is due; see `ledger.homes.HomeLedger`."""

    def opened(self, team_id: str, user_id: str, *, at: datetime) -> None: ...
    def turned(self, team_id: str, user_id: str, look: HistoryFilter, *, at: datetime) -> None: ...
    def claim(self, *, at: datetime, until: datetime, shown_before: datetime) -> HomeTab | None: ...
    def shown(self, home: HomeTab, *, lease: datetime, at: datetime) -> None: ...
    def postponed(self, home: HomeTab, *, lease: datetime, again_at: datetime) -> None: ...
    def forget(self, home: HomeTab, *, lease: datetime) -> None: ...
    def forget_unopened(self, *, since: datetime) -> None: ...


class History(Protocol):
    """The calls that are kept; see `ledger.history.CallHistory`."""

    def page(
        self, team_id: str, *, user_id: str | None, digits: str, limit: int, offset: int
    ) -> tuple[list[Call], int]: ...


class HomePublisher:
    """Publishes tabs, one at a time."""

    def __init__(
        self,
        client: WebClient,
        book: Book,
        history: History,
        role_of: Callable[[str, str], Role],
        refresh: Callable[[], object],
        *,
        region: str,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._book = book
        self._history = history
        self._role_of = role_of
        self._refresh = refresh
        self._region = region
        self._now = now
        self._forget_at = self._paused_until = now()
        self._troubles: dict[str, str] = {}  # of whose tab, until it can be shown again

    def show_next(self) -> bool:
        """Show the home that is due longest; whether there was one."""
        now = self._now()
        if now >= self._forget_at:
            self._book.forget_unopened(since=now - KEPT)
            self._forget_at = now + FORGET_EVERY
        if now < self._paused_until:
            return False
        lease = now + LEASE
        due = self._book.claim(at=now, until=lease, shown_before=now - REST)
        if due is None:
            return False
        view, may_change = self._view(due)
        if lease - self._now() < PUBLISHING:  # somebody else may show something newer meanwhile
            return True
        self._publish(due, view, lease, may_change)
        return True

    def _view(self, due: HomeTab) -> tuple[dict[str, Any], bool]:
        """What to show, and whether that may change without any call changing."""
        try:
            role = self._role(due)
        except Refusal as refusal:
            return home.denied(refusal, self._region), isinstance(refusal, (CannotCheck, NothingToOffer))
        sees_team = role is Role.ADMINISTRATOR
        look = due.look if sees_team else replace(due.look, scope=Scope.MINE, person="")
        user_id = (look.person or None) if look.scope is Scope.TEAM else due.user_id
        calls, total = self._page(due.team_id, user_id, look)
        if not calls and look.page:  # there are fewer calls by now
            look = replace(look, page=max(total - 1, 0) // home.PER_PAGE)
            calls, total = self._page(due.team_id, user_id, look)
        return home.view(home.Page(look, calls, total, sees_team), self._region), False

    def _role(self, due: HomeTab) -> Role:
        try:
            return self._role_of(due.user_id, due.team_id)
        except NothingToOffer:
            self._refresh()  # right after the start nothing is known yet
            return self._role_of(due.user_id, due.team_id)

    def _page(self, team_id: str, user_id: str | None, look: HistoryFilter) -> tuple[list[Call], int]:
        offset, limit = look.page * home.PER_PAGE, home.PER_PAGE
        return self._history.page(team_id, user_id=user_id, digits=look.digits, limit=limit, offset=offset)

    def _publish(self, due: HomeTab, view: dict[str, Any], lease: datetime, may_change: bool) -> None:
        try:
            self._client.views_publish(user_id=due.user_id, view=view)
        except NO_ANSWER as error:
            problem = problem_of(error)
            self._note(due, problem)
            if problem in _NOBODY:
                self._book.forget(due, lease=lease)
                return
            if isinstance(error, SlackApiError) and (pause_s := pause_of(error)) is not None:
                self._paused_until = self._now() + timedelta(seconds=pause_s)  # for all tabs alike
                self._book.postponed(due, lease=lease, again_at=self._paused_until)
                return
        else:
            if self._troubles.pop(due.user_id, "") and not self._troubles:
                log.info("Home tabs can be shown again")
            if not may_change:
                self._book.shown(due, lease=lease, at=self._now())
                return
        self._book.postponed(due, lease=lease, again_at=self._now() + LOOKS_AGAIN)

    def _note(self, due: HomeTab, problem: str) -> None:
        """Each trouble once; while it lasts, every tab may meet it."""
        if problem not in self._troubles.values():
            log.warning("a Home tab could not be shown: %s%s", problem, _NOBODY.get(problem, ""))
        self._troubles[due.user_id] = problem
