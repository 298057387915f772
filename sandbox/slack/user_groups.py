"""User groups of the stand-in Slack, and usergroups.list and usergroups.users.list.

Both need usergroups:read (slack-facts 8). Disabled groups are left out unless they are asked for. Call it
with the team's lock held.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from sandbox.slack.block_kit import Json
from sandbox.slack.errors import SlackError, require_args
from sandbox.slack.team import TEAM_ID

_PAID_ONLY = "plan_upgrade_required"


@dataclass
class UserGroup:
    """A user group; change its members as people join and leave."""

    id: str
    handle: str
    name: str
    members: set[str] = field(default_factory=set)
    is_disabled: bool = False


class UserGroups:
    """The groups of one workspace. `are_on_plan`: free plans have none."""

    def __init__(self) -> None:
        self.by_id: dict[str, UserGroup] = {}
        self.are_on_plan = True

    def add(self, group_id: str, handle: str, name: str, members: Collection[str] = ()) -> UserGroup:
        """Add a group."""
        self.by_id[group_id] = UserGroup(group_id, handle, name, set(members))
        return self.by_id[group_id]

    def list(self, args: Json) -> Json:
        """usergroups.list: members only with `include_users`, counts only with `include_count`."""
        self._require_plan()
        groups = sorted(self.by_id.values(), key=lambda group: group.handle)
        shown = [group for group in groups if _is_shown(group, args)]
        return {"usergroups": [_as_json(group, args) for group in shown]}

    def users(self, args: Json) -> Json:
        """usergroups.users.list: the members of one group."""
        require_args(args, "usergroup")
        self._require_plan()
        group = self.by_id.get(str(args["usergroup"]))
        if group is None or not _is_shown(group, args):
            raise SlackError("no_such_subteam")
        return {"users": sorted(group.members)}

    def _require_plan(self) -> None:
        if not self.are_on_plan:
            raise SlackError(_PAID_ONLY)


def _is_shown(group: UserGroup, args: Json) -> bool:
    return not group.is_disabled or bool(args.get("include_disabled"))


def _as_json(group: UserGroup, args: Json) -> Json:
    found: Json = {
        "id": group.id,
        "team_id": TEAM_ID,
        "is_usergroup": True,
        "is_subteam": True,
        "name": group.name,
        "description": "",
        "handle": group.handle,
        "is_external": False,
        "date_create": 1_700_000_000,
        "date_update": 1_700_000_000,
        "date_delete": 1_700_000_001 if group.is_disabled else 0,
        "auto_type": None,
        "prefs": {"channels": [], "groups": []},
    }
    if args.get("include_users"):
        found["users"] = sorted(group.members)
    if args.get("include_count"):
        found["user_count"] = len(group.members)
    return found
