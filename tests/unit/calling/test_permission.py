"""Permission is checked at every entry point, cached for a minute, and denied when in doubt."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from evoslack.calling.calls import Role
from evoslack.calling.permission import (
    BUDGET_S,
    MAX_REMEMBERED,
    NO_REMEMBERED_S,
    YES_REMEMBERED_S,
    Permission,
)
from evoslack.calling.refusals import CannotCheck, Denial, NotAllowed, Refusal, Source

SARA = ("U_SARA", "T1", "acc1")


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Slack:
    """Knows every email, or raises `no`. Answering takes `takes_s`."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.no: Refusal | None = None
        self.takes_s = 0.0
        self.asked: list[tuple[str, str, bool]] = []

    def confirmed_email(self, user_id: str, team_id: str, needs_email: bool) -> str:
        self.asked.append((user_id, team_id, needs_email))
        self.clock.now_s += self.takes_s
        if self.no:
            raise self.no
        return f"{user_id.lower()}@acme.test" if needs_email else ""


class EvoVoice:
    """Lets everyone call, or raises `no`."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.no: Refusal | None = None
        self.takes_s = 0.0
        self.role = Role.MANAGER
        self.asked: list[tuple[str, str]] = []
        self.budgets_s: list[float] = []

    def require_caller(self, email: str, account_id: str, budget_s: float) -> Role:
        self.asked.append((email, account_id))
        self.budgets_s.append(budget_s)
        self.clock.now_s += self.takes_s
        if self.no:
            raise self.no
        return self.role


class Harness:
    def __init__(self, user_map: Mapping[str, str] | None = None) -> None:
        self.clock = Clock()
        self.slack = Slack(self.clock)
        self.evo = EvoVoice(self.clock)
        self.permission = Permission(
            self.slack.confirmed_email, self.evo.require_caller, user_map=user_map or {}, clock_s=self.clock
        )

    def both_asked(self) -> tuple[int, int]:
        return len(self.slack.asked), len(self.evo.asked)


@pytest.fixture
def harness() -> Harness:
    return Harness()


def test_slack_is_asked_for_the_email_and_evo_voice_for_the_role(harness: Harness) -> None:
    harness.permission.require(*SARA)

    assert harness.slack.asked == [("U_SARA", "T1", True)]
    assert harness.evo.asked == [("u_sara@acme.test", "acc1")]


def test_a_yes_is_cached_for_a_minute_and_no_longer(harness: Harness) -> None:
    harness.permission.require(*SARA)
    harness.clock.now_s += YES_REMEMBERED_S - 0.001
    assert harness.permission.is_known(*SARA)
    harness.permission.require(*SARA)
    assert harness.both_asked() == (1, 1)

    harness.clock.now_s += 0.001
    assert not harness.permission.is_known(*SARA)
    harness.permission.require(*SARA)
    assert harness.both_asked() == (2, 2)


def test_the_minute_counts_from_the_question(harness: Harness) -> None:
    """What Evo Voice said may have been true only when it was asked."""
    harness.evo.takes_s = 1.5
    harness.permission.require(*SARA)
    harness.clock.now_s += YES_REMEMBERED_S - 1.5

    assert not harness.permission.is_known(*SARA)


def test_using_a_cached_yes_does_not_extend_it(harness: Harness) -> None:
    harness.permission.require(*SARA)
    for _ in range(4):
        harness.clock.now_s += YES_REMEMBERED_S / 4
        harness.permission.require(*SARA)

    assert harness.both_asked() == (2, 2)


def test_a_role_that_was_taken_away_stops_working_within_a_minute(harness: Harness) -> None:
    harness.permission.require(*SARA)
    harness.evo.no = NotAllowed(Denial.ROLE)
    harness.clock.now_s += YES_REMEMBERED_S

    with pytest.raises(NotAllowed):
        harness.permission.require(*SARA)
    assert not harness.permission.is_known(*SARA)


@pytest.mark.parametrize(
    "other", [("U_BOSS", "T1", "acc1"), ("U_SARA", "T2", "acc1"), ("U_SARA", "T1", "acc2")]
)
def test_a_yes_is_for_this_person_this_workspace_and_this_account(
    harness: Harness, other: tuple[str, str, str]
) -> None:
    harness.permission.require(*SARA)

    assert not harness.permission.is_known(*other)
    harness.permission.require(*other)
    assert harness.both_asked() == (2, 2)


def slack_says(harness: Harness, no: Refusal) -> None:
    harness.slack.no = no


def evo_says(harness: Harness, no: Refusal) -> None:
    harness.evo.no = no


def denied(harness: Harness, who: tuple[str, str, str] = SARA) -> Denial:
    with pytest.raises(NotAllowed) as no:
        harness.permission.require(*who)
    return no.value.denial


@pytest.mark.parametrize("says", [slack_says, evo_says])
@pytest.mark.parametrize("no", [CannotCheck(source) for source in Source], ids=str)
def test_a_failed_check_is_repeated_the_next_time(
    harness: Harness, says: Callable[[Harness, Refusal], None], no: Refusal
) -> None:
    says(harness, no)
    for _ in range(2):
        with pytest.raises(CannotCheck) as not_checked:
            harness.permission.require(*SARA)
        assert not_checked.value is no
    assert not harness.permission.is_known(*SARA)
    assert len(harness.slack.asked) == 2

    harness.slack.no = harness.evo.no = None
    harness.permission.require(*SARA)
    assert harness.permission.is_known(*SARA)


@pytest.mark.parametrize("says", [slack_says, evo_says])
@pytest.mark.parametrize("denial", Denial)
def test_a_no_is_cached_for_ten_seconds_and_no_longer(
    harness: Harness, says: Callable[[Harness, Refusal], None], denial: Denial
) -> None:
    """Repeated presses do not make Evo Voice search its logins each time."""
    says(harness, NotAllowed(denial))
    assert [denied(harness) for _ in range(50)] == [denial] * 50
    assert len(harness.slack.asked) == 1
    assert not harness.permission.is_known(*SARA)

    harness.slack.no = harness.evo.no = None
    harness.clock.now_s += NO_REMEMBERED_S - 0.001
    assert denied(harness) is denial
    harness.clock.now_s += 0.001
    harness.permission.require(*SARA)
    assert harness.permission.is_known(*SARA)


@pytest.mark.parametrize(
    "other", [("U_BOSS", "T1", "acc1"), ("U_SARA", "T2", "acc1"), ("U_SARA", "T1", "acc2")]
)
def test_a_no_is_for_this_person_this_workspace_and_this_account(
    harness: Harness, other: tuple[str, str, str]
) -> None:
    harness.evo.no = NotAllowed(Denial.ROLE)
    denied(harness)
    harness.evo.no = None

    harness.permission.require(*other)
    assert harness.both_asked() == (2, 2)


def test_a_no_counts_from_the_question(harness: Harness) -> None:
    harness.evo.no, harness.evo.takes_s = NotAllowed(Denial.ROLE), 1.5
    denied(harness)
    harness.evo.no = None
    harness.clock.now_s += NO_REMEMBERED_S - 1.5

    harness.permission.require(*SARA)


def test_the_cache_is_bounded(harness: Harness) -> None:
    """However many people press: the oldest answer goes, and is asked for again."""
    harness.evo.no = NotAllowed(Denial.ROLE)
    for index in range(MAX_REMEMBERED + 1):
        denied(harness, (f"U_{index}", "T1", "acc1"))
    asked = len(harness.slack.asked)

    denied(harness, (f"U_{MAX_REMEMBERED}", "T1", "acc1"))
    denied(harness, ("U_1", "T1", "acc1"))
    assert len(harness.slack.asked) == asked, "these are known"
    denied(harness, ("U_0", "T1", "acc1"))
    assert len(harness.slack.asked) == asked + 1


def test_evo_voice_is_not_asked_about_a_person_who_is_not_a_member(harness: Harness) -> None:
    harness.slack.no = NotAllowed(Denial.NOT_A_MEMBER)

    with pytest.raises(NotAllowed):
        harness.permission.require(*SARA)
    assert harness.evo.asked == []


def test_a_mapped_person_needs_no_email_in_slack_but_must_be_a_member() -> None:
    harness = Harness({"U_SARA": "alice@example.com"})
    harness.permission.require(*SARA)
    assert harness.slack.asked == [("U_SARA", "T1", False)]
    assert harness.evo.asked == [("alice@example.com", "acc1")]

    harness.slack.no = NotAllowed(Denial.NOT_A_MEMBER)
    harness.clock.now_s += YES_REMEMBERED_S
    with pytest.raises(NotAllowed):
        harness.permission.require(*SARA)


@pytest.mark.parametrize(("slack_takes_s", "left_s"), [(0.0, BUDGET_S), (0.5, BUDGET_S - 0.5)])
def test_both_questions_share_one_budget(harness: Harness, slack_takes_s: float, left_s: float) -> None:
    """Slack gives a listener three seconds in all."""
    harness.slack.takes_s = slack_takes_s
    harness.permission.require(*SARA)

    assert harness.evo.budgets_s == [pytest.approx(left_s)]


@pytest.mark.parametrize("slack_takes_s", [BUDGET_S, 90.0])
def test_an_answer_that_comes_too_late_is_a_no(harness: Harness, slack_takes_s: float) -> None:
    """Slack has already told the person that it failed; a call minutes later would be a surprise."""
    harness.slack.takes_s = slack_takes_s

    with pytest.raises(CannotCheck) as no:
        harness.permission.require(*SARA)

    assert no.value.source is Source.SLACK
    assert harness.evo.budgets_s == []


def test_checking_the_cache_asks_nobody(harness: Harness) -> None:
    assert not harness.permission.is_known(*SARA)
    assert harness.both_asked() == (0, 0)


@pytest.mark.parametrize("role", list(Role))
def test_the_role_is_returned_and_cached_with_the_permission(harness: Harness, role: Role) -> None:
    harness.evo.role = role

    assert harness.permission.require(*SARA) is role

    harness.evo.role = Role.MANAGER
    assert harness.permission.require(*SARA) is role, "remembered, like the permission itself"
    harness.clock.now_s += YES_REMEMBERED_S
    assert harness.permission.require(*SARA) is Role.MANAGER
