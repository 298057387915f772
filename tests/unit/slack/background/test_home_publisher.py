"""When tabs are published: never an older view over a newer one, and again when a doubt ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evoslack.calling.calls import DOUBT_WINDOW, Call, Progress, Role, State
from evoslack.calling.history_filter import HistoryFilter, HomeTab, OutcomeGroup, Scope
from evoslack.calling.history_page import HistoryPage
from evoslack.calling.refusals import Denial, NotAllowed
from evoslack.slack.background.home_publisher import LEASE, HomePublisher
from evoslack.slack.rendering.help_contact import HelpContact
from tests.calls import call_request

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


class Office:
    """One tab that is due, a clock, and everything the view is built from."""

    def __init__(self, role_takes: timedelta = timedelta(0), role: Role = Role.MANAGER) -> None:
        self.now = T0
        self.role = role
        self.chosen: HistoryFilter | None = HistoryFilter()
        self.live_calls: list[Call] = []
        self.found_for: list[str | None] = []
        self.again_at: datetime | None = None
        self.role_takes = role_takes
        self.denial: Denial | None = None
        self.asked_at: datetime | None = None
        self.published: list[str] = []
        self.words = ""
        self.released: list[datetime] = []

    def purge_unopened(self, *, since: datetime) -> None:
        pass

    def claim(self, *, at: datetime, until: datetime, shown_before: datetime) -> HomeTab:
        return HomeTab("T1", "U_SARA", self.chosen, at, sees_all=self.role is Role.ADMINISTRATOR)

    def mark_shown(
        self, tab: HomeTab, *, lease: datetime, at: datetime, again_at: datetime | None = None
    ) -> None:
        self.released.append(lease)
        self.again_at = again_at

    def role_of(self, user_id: str, team_id: str) -> Role:
        self.now += self.role_takes
        if self.denial is not None:
            raise NotAllowed(self.denial)
        return self.role

    def page(self, team_id: str, user_id: str | None, wanted: HistoryFilter, *, limit: int) -> HistoryPage:
        self.found_for.append(user_id)
        return HistoryPage()

    def live(self, team_id: str, user_id: str | None, **part: Any) -> tuple[list[Call], int]:
        return self.live_calls, len(self.live_calls)

    def waiting(self, team_id: str, user_id: str | None, *, limit: int) -> tuple[list[Call], int]:
        return [], 0

    def totals(self, team_id: str, user_id: str | None, *, since: datetime) -> dict[OutcomeGroup, int]:
        return {}

    def views_publish(self, *, user_id: str, view: dict[str, Any]) -> None:
        self.published.append(user_id)
        self.words = str(view["blocks"])

    def publisher(self) -> HomePublisher:
        everything: Any = self
        return HomePublisher(
            *(everything, everything, everything, everything, self.role_of, bool),
            asked_at=lambda team_id, user_id: self.asked_at,
            links_of=lambda calls: {},
            can_end=bool,
            region="US",
            contact=HelpContact.of("U0ADMIN"),
            now=lambda: self.now,
        )


@pytest.mark.parametrize(("held_up_s", "is_published"), [(0, True), (17, True), (19, False), (600, False)])
def test_a_tab_is_published_only_while_the_lease_is_long_enough(held_up_s: float, is_published: bool) -> None:
    office = Office(timedelta(seconds=held_up_s))
    assert office.publisher().publish_next()

    assert office.published == (["U_SARA"] if is_published else [])
    assert office.released == ([T0 + LEASE] if is_published else []), (
        "otherwise the lease runs out and the tab is claimed again"
    )


def test_a_tab_is_published_again_when_the_first_doubt_ends() -> None:
    """Otherwise it would show the call until its owner opens it again."""
    office = Office()
    doubts = [
        Call("d1", call_request(), State.IN_DOUBT, T0, finished_at=T0 - timedelta(minutes=2)),
        Call("d2", call_request(), State.PLACED, T0, progress=Progress.LOST, ended_at=T0),
    ]
    ringing = Call("c1", call_request(), State.PLACED, T0 - timedelta(hours=1), progress=Progress.RINGING)

    for office.live_calls, again_at in (
        ([ringing, *doubts], T0 - timedelta(minutes=2) + DOUBT_WINDOW),
        ([doubts[1]], T0 + DOUBT_WINDOW),
        ([ringing], None),
        ([], None),
    ):
        assert office.publisher().publish_next()
        assert office.again_at == again_at


@pytest.mark.parametrize(
    ("role", "chosen", "whose"),
    [
        (Role.ADMINISTRATOR, None, None),
        (Role.ADMINISTRATOR, HistoryFilter(Scope.TEAM), None),
        (Role.ADMINISTRATOR, HistoryFilter(), "U_SARA"),
        (Role.MANAGER, None, "U_SARA"),
        (Role.MANAGER, HistoryFilter(Scope.TEAM), "U_SARA"),
    ],
)
def test_an_administrator_starts_with_the_team_and_keeps_what_they_choose(
    role: Role, chosen: HistoryFilter | None, whose: str | None
) -> None:
    office = Office(role=role)
    office.chosen = chosen

    assert office.publisher().publish_next()

    assert office.found_for == [whose]


@pytest.mark.parametrize("hours_ago", [0, 23, 24, 30])
def test_who_asked_for_access_reads_that_until_they_may_ask_again(hours_ago: int) -> None:
    office = Office()
    office.denial, office.asked_at = Denial.ROLE, T0 - timedelta(hours=hours_ago)

    assert office.publisher().publish_next()

    is_recent = hours_ago < 24
    assert ("You asked <@U0ADMIN>" in office.words) is is_recent
    assert ("Request access" in office.words) is not is_recent
    assert office.again_at == (office.asked_at + timedelta(hours=24) if is_recent else None)
