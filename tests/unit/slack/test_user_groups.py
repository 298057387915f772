"""Who is in a user group: asked once a minute for all groups, and never guessed."""

from __future__ import annotations

from typing import Any

import pytest

from evoslack.calling.refusals import CannotCheck
from evoslack.slack.user_groups import FAILURE_REMEMBERED_S, REMEMBERED_S, UserGroups
from evoslack.slack.workspace import web_client
from sandbox.slack.workspace import SlackWorkspace


class World:
    """The groups of the stand-in Slack, and a clock."""

    def __init__(self, slack: SlackWorkspace) -> None:
        self.at_s = 100.0
        self.slack = slack
        self.groups = UserGroups(web_client("xoxb-sandbox", slack.api_url), clock_s=lambda: self.at_s)

    @property
    def requests(self) -> int:
        return len(self.slack.api_calls("usergroups.list"))


@pytest.fixture
def world(slack: SlackWorkspace) -> World:
    return World(slack)


def test_all_groups_are_read_with_one_request_a_minute(world: World) -> None:
    assert world.groups.of("U_SARA", {"S_SALES", "S_SUPPORT"}) == {"S_SALES"}
    assert world.groups.of("U_BOSS", {"S_SALES", "S_SUPPORT"}) == {"S_SALES", "S_SUPPORT"}
    assert world.groups.of("U_AGENT", {"S_SALES"}) == frozenset()
    assert world.groups.have_members({"S_SUPPORT"})
    assert world.requests == 1


def test_who_leaves_a_group_keeps_it_for_a_minute_at_most(world: World) -> None:
    assert world.groups.of("U_SARA", {"S_SALES"})
    world.slack.user_groups.by_id["S_SALES"].members.discard("U_SARA")
    world.at_s += REMEMBERED_S - 1
    assert world.groups.of("U_SARA", {"S_SALES"})
    world.at_s += 1
    assert not world.groups.of("U_SARA", {"S_SALES"})


def test_nobody_is_in_a_group_that_is_disabled_gone_or_empty(world: World) -> None:
    world.slack.user_groups.by_id["S_SALES"].is_disabled = True
    world.slack.user_groups.add("S_EMPTY", "empty", "Empty")

    assert not world.groups.of("U_SARA", {"S_SALES", "S_NEVER", "S_EMPTY"})
    assert not world.groups.have_members({"S_SALES", "S_NEVER", "S_EMPTY"})


@pytest.mark.parametrize("fault", ["429", "500", "error:missing_scope", "error:plan_upgrade_required", "cut"])
def test_what_slack_does_not_say_is_not_guessed_and_not_asked_with_every_letter(
    world: World, fault: str
) -> None:
    world.slack.fault("usergroups.list", fault, times=None)
    for _letter in range(5):
        with pytest.raises(CannotCheck):
            world.groups.of("U_SARA", {"S_SALES"})
    assert world.requests == 1
    world.slack.clear_faults()
    world.at_s += FAILURE_REMEMBERED_S
    assert world.groups.of("U_SARA", {"S_SALES"})


def test_what_was_known_is_not_used_longer_because_slack_is_away(world: World) -> None:
    assert world.groups.of("U_SARA", {"S_SALES"})
    world.at_s += REMEMBERED_S
    world.slack.fault("usergroups.list", "500", times=None)
    with pytest.raises(CannotCheck):
        world.groups.of("U_SARA", {"S_SALES"})


class Answers:
    """A client that gives one answer."""

    def __init__(self, *groups: Any) -> None:
        self._groups = list(groups)

    def usergroups_list(self, *, include_users: bool) -> Any:
        assert include_users
        return [{"usergroups": self._groups}]


def groups_of(*groups: Any) -> UserGroups:
    client: Any = Answers(*groups)
    return UserGroups(client)


def test_a_group_without_its_members_is_unknown_and_the_others_are_not() -> None:
    groups = groups_of(
        {"id": "S1", "name": "A", "users": ["U1", None]},
        {"id": "S2", "name": "B", "user_count": 3},
        {"id": "S3", "name": "C", "user_count": "0"},
        *({"id": None}, "odd", None, {"name": "D"}),
    )

    assert groups.of("U1", {"S1", "S3"}) == {"S1"}
    assert list(groups.all()) == ["S1", "S2", "S3"]
    with pytest.raises(CannotCheck):
        groups.of("U1", {"S2"})
