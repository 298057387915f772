"""The default workspace: its people and channels, and the scopes of the bot token."""

from __future__ import annotations

from sandbox.slack.team import BOT_USER_ID, Team
from sandbox.slack.user_groups import UserGroups

BOT_SCOPES = (
    "commands",
    "chat:write",
    "users:read",
    "users:read.email",
    "channels:read",
    "groups:read",
    "channels:history",
    "groups:history",
    "im:write",
    "files:write",
    "files:read",
    "usergroups:read",
)


# User id -> full name and handle; the ids say what each is for in tests.
NAMES = {
    "U_SARA": ("Sara Lind", "sara"),
    "U_BOSS": ("Bo Berg", "bo"),
    "U_ROOT": ("Rut Dahl", "rut"),
    "U_AGENT": ("Agnes Moe", "agnes"),
    "U_READONLY": ("Rita Voss", "rita"),
    "U_OTHER": ("Otto Kern", "otto"),
}


def default_team() -> Team:
    """People whose emails are known to `World.standard`, and the channels `C_CALLS` and `C_GENERAL`."""
    team = Team()
    team.add_user(BOT_USER_ID, "evoslack", is_bot=True)
    for user_id, (full_name, handle) in NAMES.items():
        account = user_id.removeprefix("U_").lower()
        email = f"{account}@{'other' if account == 'other' else 'acme'}.test"
        team.add_user(user_id, handle, email, real_name=full_name)
        team.users[user_id]["profile"]["real_name"] = full_name
    team.add_channel("C_CALLS", "calls")
    team.add_channel("C_GENERAL", "general")
    return team


def default_groups() -> UserGroups:
    """Two user groups: `S_SALES` with Sara and the boss, `S_SUPPORT` with the boss alone."""
    groups = UserGroups()
    groups.add("S_SALES", "sales", "Sales", {"U_SARA", "U_BOSS"})
    groups.add("S_SUPPORT", "support", "Support team", {"U_BOSS"})
    return groups
