"""A publisher that was held up must not publish an older view over a newer one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evoslack.calling.calls import Call, Role
from evoslack.calling.history_filter import HistoryFilter, HomeTab, OutcomeGroup
from evoslack.slack.background.home_publisher import LEASE, HomePublisher

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


class Office:
    """One tab that is due, a clock, and everything the view is built from."""

    def __init__(self, role_takes: timedelta) -> None:
        self.now = T0
        self.role_takes = role_takes
        self.published: list[str] = []
        self.released: list[datetime] = []

    def purge_unopened(self, *, since: datetime) -> None:
        pass

    def claim(self, *, at: datetime, until: datetime, shown_before: datetime) -> HomeTab:
        return HomeTab("T1", "U_SARA", HistoryFilter(), at)

    def mark_shown(self, tab: HomeTab, *, lease: datetime, at: datetime) -> None:
        self.released.append(lease)

    def role_of(self, user_id: str, team_id: str) -> Role:
        self.now += self.role_takes
        return Role.MANAGER

    def page(
        self, team_id: str, user_id: str | None, wanted: HistoryFilter, **part: int
    ) -> tuple[list[Call], int]:
        return [], 0

    def live(self, team_id: str, user_id: str | None, **part: Any) -> tuple[list[Call], int]:
        return [], 0

    def totals(self, team_id: str, user_id: str | None, *, since: datetime) -> dict[OutcomeGroup, int]:
        return {}

    def views_publish(self, *, user_id: str, view: dict[str, Any]) -> None:
        self.published.append(user_id)


@pytest.mark.parametrize(("held_up_s", "is_published"), [(0, True), (17, True), (19, False), (600, False)])
def test_a_tab_is_published_only_while_the_lease_is_long_enough(held_up_s: float, is_published: bool) -> None:
    office = Office(timedelta(seconds=held_up_s))
    publisher = HomePublisher(
        office,
        office,
        office,
        office.role_of,
        bool,
        links_of=lambda calls: {},
        can_end=bool,
        region="US",
        now=lambda: office.now,
    )  # type: ignore[arg-type]

    assert publisher.publish_next()

    assert office.published == (["U_SARA"] if is_published else [])
    assert office.released == ([T0 + LEASE] if is_published else []), (
        "otherwise the lease runs out and the tab is claimed again"
    )
