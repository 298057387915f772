"""Who may call is asked at every door, remembered for a minute, and a no whenever in doubt."""

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
    """Knows everybody's email, or says no. Answering takes `takes_s`."""

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
    """Lets everybody call, or says no."""

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


class House:
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
def house() -> House:
    return House()


def test_slack_is_asked_for_the_address_and_evo_voice_for_its_role(house: House) -> None:
    house.permission.require(*SARA)

    assert house.slack.asked == [("U_SARA", "T1", True)]
    assert house.evo.asked == [("u_sara@acme.test", "acc1")]


def test_a_yes_is_remembered_for_a_minute_and_no_longer(house: House) -> None:
    house.permission.require(*SARA)
    house.clock.now_s += YES_REMEMBERED_S - 0.001
    assert house.permission.is_known(*SARA)
    house.permission.require(*SARA)
    assert house.both_asked() == (1, 1)

    house.clock.now_s += 0.001
    assert not house.permission.is_known(*SARA)
    house.permission.require(*SARA)
    assert house.both_asked() == (2, 2)


def test_the_minute_counts_from_the_question(house: House) -> None:
    """What Evo Voice said may have been true only when it was asked."""
    house.evo.takes_s = 1.5
    house.permission.require(*SARA)
    house.clock.now_s += YES_REMEMBERED_S - 1.5

    assert not house.permission.is_known(*SARA)


def test_using_it_does_not_make_it_last_longer(house: House) -> None:
    house.permission.require(*SARA)
    for _ in range(4):
        house.clock.now_s += YES_REMEMBERED_S / 4
        house.permission.require(*SARA)

    assert house.both_asked() == (2, 2)


def test_a_role_that_was_taken_away_stops_working_within_a_minute(house: House) -> None:
    house.permission.require(*SARA)
    house.evo.no = NotAllowed(Denial.ROLE)
    house.clock.now_s += YES_REMEMBERED_S

    with pytest.raises(NotAllowed):
        house.permission.require(*SARA)
    assert not house.permission.is_known(*SARA)


@pytest.mark.parametrize(
    "other", [("U_BOSS", "T1", "acc1"), ("U_SARA", "T2", "acc1"), ("U_SARA", "T1", "acc2")]
)
def test_a_yes_is_for_this_person_this_workspace_and_this_account(
    house: House, other: tuple[str, str, str]
) -> None:
    house.permission.require(*SARA)

    assert not house.permission.is_known(*other)
    house.permission.require(*other)
    assert house.both_asked() == (2, 2)


def slack_says(house: House, no: Refusal) -> None:
    house.slack.no = no


def evo_says(house: House, no: Refusal) -> None:
    house.evo.no = no


def refused(house: House, who: tuple[str, str, str] = SARA) -> Denial:
    with pytest.raises(NotAllowed) as no:
        house.permission.require(*who)
    return no.value.denial


@pytest.mark.parametrize("says", [slack_says, evo_says])
@pytest.mark.parametrize("no", [CannotCheck(source) for source in Source], ids=str)
def test_what_could_not_be_checked_is_asked_again_the_next_time(
    house: House, says: Callable[[House, Refusal], None], no: Refusal
) -> None:
    says(house, no)
    for _ in range(2):
        with pytest.raises(CannotCheck) as not_checked:
            house.permission.require(*SARA)
        assert not_checked.value is no
    assert not house.permission.is_known(*SARA)
    assert len(house.slack.asked) == 2

    house.slack.no = house.evo.no = None
    house.permission.require(*SARA)
    assert house.permission.is_known(*SARA)


@pytest.mark.parametrize("says", [slack_says, evo_says])
@pytest.mark.parametrize("denial", Denial)
def test_a_no_is_remembered_for_ten_seconds_and_no_longer(
    house: House, says: Callable[[House, Refusal], None], denial: Denial
) -> None:
    """Whoever presses on and on does not make Evo Voice look through its logins each time."""
    says(house, NotAllowed(denial))
    assert [refused(house) for _ in range(50)] == [denial] * 50
    assert len(house.slack.asked) == 1
    assert not house.permission.is_known(*SARA)

    house.slack.no = house.evo.no = None
    house.clock.now_s += NO_REMEMBERED_S - 0.001
    assert refused(house) is denial
    house.clock.now_s += 0.001
    house.permission.require(*SARA)
    assert house.permission.is_known(*SARA)


@pytest.mark.parametrize(
    "other", [("U_BOSS", "T1", "acc1"), ("U_SARA", "T2", "acc1"), ("U_SARA", "T1", "acc2")]
)
def test_a_no_is_for_this_person_this_workspace_and_this_account(
    house: House, other: tuple[str, str, str]
) -> None:
    house.evo.no = NotAllowed(Denial.ROLE)
    refused(house)
    house.evo.no = None

    house.permission.require(*other)
    assert house.both_asked() == (2, 2)


def test_a_no_counts_from_the_question(house: House) -> None:
    house.evo.no, house.evo.takes_s = NotAllowed(Denial.ROLE), 1.5
    refused(house)
    house.evo.no = None
    house.clock.now_s += NO_REMEMBERED_S - 1.5

    house.permission.require(*SARA)


def test_what_is_remembered_does_not_grow_without_end(house: House) -> None:
    """However many people press: the oldest answer goes, and is asked for again."""
    house.evo.no = NotAllowed(Denial.ROLE)
    for index in range(MAX_REMEMBERED + 1):
        refused(house, (f"U_{index}", "T1", "acc1"))
    asked = len(house.slack.asked)

    refused(house, (f"U_{MAX_REMEMBERED}", "T1", "acc1"))
    refused(house, ("U_1", "T1", "acc1"))
    assert len(house.slack.asked) == asked, "these are known"
    refused(house, ("U_0", "T1", "acc1"))
    assert len(house.slack.asked) == asked + 1


def test_whoever_is_no_member_is_not_even_looked_up_in_evo_voice(house: House) -> None:
    house.slack.no = NotAllowed(Denial.NOT_A_MEMBER)

    with pytest.raises(NotAllowed):
        house.permission.require(*SARA)
    assert house.evo.asked == []


def test_a_mapped_person_needs_no_address_in_slack_but_still_must_be_a_member() -> None:
    house = House({"U_SARA": "alice@example.com"})
    house.permission.require(*SARA)
    assert house.slack.asked == [("U_SARA", "T1", False)]
    assert house.evo.asked == [("alice@example.com", "acc1")]

    house.slack.no = NotAllowed(Denial.NOT_A_MEMBER)
    house.clock.now_s += YES_REMEMBERED_S
    with pytest.raises(NotAllowed):
        house.permission.require(*SARA)


@pytest.mark.parametrize(("slack_takes_s", "left_s"), [(0.0, BUDGET_S), (0.5, BUDGET_S - 0.5)])
def test_both_questions_share_one_budget(house: House, slack_takes_s: float, left_s: float) -> None:
    """Slack gives a listener three seconds in all."""
    house.slack.takes_s = slack_takes_s
    house.permission.require(*SARA)

    assert house.evo.budgets_s == [pytest.approx(left_s)]


@pytest.mark.parametrize("slack_takes_s", [BUDGET_S, 90.0])
def test_an_answer_that_comes_too_late_is_a_no(house: House, slack_takes_s: float) -> None:
    """Slack has told the person by then that it failed; a call minutes later would come out of nowhere."""
    house.slack.takes_s = slack_takes_s

    with pytest.raises(CannotCheck) as no:
        house.permission.require(*SARA)

    assert no.value.source is Source.SLACK
    assert house.evo.budgets_s == []


def test_what_is_known_is_told_without_asking_anybody(house: House) -> None:
    assert not house.permission.is_known(*SARA)
    assert house.both_asked() == (0, 0)


@pytest.mark.parametrize("role", list(Role))
def test_the_role_is_told_and_remembered_with_the_permission(house: House, role: Role) -> None:
    house.evo.role = role

    assert house.permission.require(*SARA) is role

    house.evo.role = Role.MANAGER
    assert house.permission.require(*SARA) is role, "remembered, like the permission itself"
    house.clock.now_s += YES_REMEMBERED_S
    assert house.permission.require(*SARA) is Role.MANAGER
