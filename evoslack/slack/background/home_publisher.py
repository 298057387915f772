"""Publishes Home tabs: when people open or page through them, and when a call changes.

The listeners only record what someone wants to see. A worker checks what they may see and publishes the
newest state; states in between are skipped.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from slack_sdk import WebClient

from evoslack.calling.access import ASK_AGAIN_AFTER
from evoslack.calling.calls import Call, Role
from evoslack.calling.history_filter import HistoryFilter, HomeTab, Scope
from evoslack.calling.ports import CallHistory, HomeTabLedger, ScheduledCallLedger
from evoslack.calling.refusals import CannotCheck, NothingToOffer, Refusal
from evoslack.runtime.trouble_log import TroubleLog
from evoslack.slack.background.delivery_rules import is_expiring
from evoslack.slack.rendering import home
from evoslack.slack.rendering.help_contact import NO_CONTACT, HelpContact
from evoslack.slack.workspace import SLACK_ERRORS, pause_of, problem_of

log = logging.getLogger(__name__)

MIN_INTERVAL = timedelta(seconds=2.5)  # between two publications of a tab, when calls change quickly
LEASE = timedelta(seconds=30)
MIN_LEASE = timedelta(seconds=12)  # what publishing takes at most
RETRY_AFTER = timedelta(seconds=30)  # after trouble that may pass
FORGET_UNOPENED_AFTER = timedelta(days=7)  # then a tab is not published until its owner opens it again
FORGET_EVERY = timedelta(hours=1)
TOTALS_OF = timedelta(hours=24)

# There is no such tab, or nobody to see it; with advice for the log.
_UNREACHABLE = {
    "not_enabled": "; turn on the Home tab: update the app from manifest.yml",
    "user_not_found": "",
    "user_not_visible": "",
    "user_disabled": "",
}


@dataclass(frozen=True, slots=True)
class _Shown:
    """What is published."""

    view: dict[str, Any]
    may_change: bool = False  # soon, without a call changing
    again_at: datetime | None = None  # then it is outdated


class HomePublisher:
    """Publishes one due tab at a time."""

    def __init__(
        self,
        client: WebClient,
        ledger: HomeTabLedger,
        history: CallHistory,
        scheduled: ScheduledCallLedger,
        role_of: Callable[[str, str], Role],
        refresh: Callable[[], object],
        *,
        asked_at: Callable[[str, str], datetime | None],
        links_of: Callable[[Iterable[Call]], Mapping[str, str]],
        can_end: Callable[[], bool],
        region: str,
        contact: HelpContact = NO_CONTACT,
        now: Callable[[], datetime],
    ) -> None:
        """`asked_at` says when a person (team id, user id) asked for access, if they did lately."""
        self._client = client
        self._ledger = ledger
        self._history = history
        self._scheduled = scheduled
        self._role_of = role_of
        self._refresh = refresh
        self._asked_at = asked_at
        self._links_of = links_of
        self._can_end = can_end
        self._region = region
        self._contact = contact
        self._now = now
        self._forget_at = self._paused_until = now()
        self._trouble = TroubleLog(log, "publishing Home tabs")  # by user id

    def publish_next(self) -> bool:
        """Publish the tab that has been due the longest. Returns whether there was one."""
        now = self._now()
        if now >= self._forget_at:
            self._ledger.purge_unopened(since=now - FORGET_UNOPENED_AFTER)
            self._forget_at = now + FORGET_EVERY
        if now < self._paused_until:
            return False
        lease = now + LEASE
        due = self._ledger.claim(at=now, until=lease, shown_before=now - MIN_INTERVAL)
        if due is None:
            return False
        shown = self._view(due, lease)
        if is_expiring(lease, self._now(), MIN_LEASE):
            return True
        self._publish(due, shown, lease)
        return True

    def _view(self, due: HomeTab, lease: datetime) -> _Shown:
        """What to publish, and whether that changes without a call changing."""
        try:
            role = self._role(due)
        except Refusal as refusal:
            return self._denied(due, refusal)
        sees_team = role is Role.ADMINISTRATOR  # also the team's live calls, whatever the filter says
        if due.sees_all is not sees_team:
            self._ledger.set_sees_all(due, sees_team, lease=lease)
        page = self._page(due, sees_team=sees_team)
        doubts = [call.doubt_until for call in page.live if not call.is_in_progress]
        return _Shown(home.view(page, self._region), again_at=min(doubts, default=None))

    def _denied(self, due: HomeTab, refusal: Refusal) -> _Shown:
        """Why this person sees no calls, and once they asked for access, that they did."""
        asked_at = self._asked_at(due.team_id, due.user_id)
        again_at = None if asked_at is None else asked_at + ASK_AGAIN_AFTER
        if again_at is not None and again_at <= self._now():
            asked_at = again_at = None
        view = home.denied(refusal, self._region, self._contact, asked_at)
        return _Shown(view, isinstance(refusal, (CannotCheck, NothingToOffer)), again_at)

    def _page(self, due: HomeTab, *, sees_team: bool) -> home.Page:
        """What this person may see of what they want to see."""
        wanted = due.history_filter or HistoryFilter(Scope.TEAM)  # which administrators start with
        if not sees_team:
            wanted = replace(wanted, scope=Scope.MINE, person="")
        found = self._history.page(due.team_id, wanted.whose(due.user_id), wanted, limit=home.PER_PAGE)
        now, whose = self._now(), None if sees_team else due.user_id
        live, live_total = self._history.live(due.team_id, whose, at=now, limit=home.MOST_LIVE)
        waiting, waiting_total = self._scheduled.waiting(due.team_id, whose, limit=home.MOST_WAITING)
        return home.Page(
            wanted,
            found,
            sees_team,
            viewer=due.user_id,
            at=now,
            live=live,
            live_total=live_total,
            waiting=waiting,
            waiting_total=waiting_total,
            totals=self._history.totals(due.team_id, whose, since=now - TOTALS_OF),
            links=self._links_of([*live, *waiting, *found.calls]),
            can_end=self._can_end(),
        )

    def _role(self, due: HomeTab) -> Role:
        try:
            return self._role_of(due.user_id, due.team_id)
        except NothingToOffer:
            self._refresh()  # right after the start nothing is loaded yet
            return self._role_of(due.user_id, due.team_id)

    def _publish(self, due: HomeTab, shown: _Shown, lease: datetime) -> None:
        try:
            self._client.views_publish(user_id=due.user_id, view=shown.view)
        except SLACK_ERRORS as error:
            problem = problem_of(error)
            self._trouble.failed(problem + _UNREACHABLE.get(problem, ""), key=due.user_id)
            if problem in _UNREACHABLE:
                self._ledger.remove(due, lease=lease)
                return
            if (pause_s := pause_of(error)) is not None:
                self._paused_until = self._now() + timedelta(
                    seconds=pause_s
                )  # Slack limits all tabs together
                self._ledger.postpone(due, lease=lease, again_at=self._paused_until)
                return
        else:
            self._trouble.worked(due.user_id)
            if not shown.may_change:
                self._ledger.mark_shown(due, lease=lease, at=self._now(), again_at=shown.again_at)
                return
        self._ledger.postpone(due, lease=lease, again_at=self._now() + RETRY_AFTER)
