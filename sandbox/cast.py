"""The people of the playground: their jobs, their rights in Evo Voice, and what EvoSlack does for them."""

from __future__ import annotations

from sandbox.evo.world import ADMINISTRATOR, Login
from sandbox.slack.block_kit import Json

ACCOUNT = "acc1"  # the account that the bot's login calls from
JOBS = {
    "U_SARA": "sales manager",
    "U_BOSS": "support manager",
    "U_ROOT": "IT administrator",
    "U_AGENT": "support agent",
    "U_READONLY": "auditor",
    "U_OTHER": "manager at another company",
}
SAYS_NO = "so EvoSlack won't call for you. Type /call and see how it says no."
# What to expect, by role; each follows the person's name and job.
EXPECT = {
    "Manager": "",
    "System administrator": "You see everyone's calls, and can export them.",
    "no Evo Voice login": f"You have no login in Evo Voice, {SAYS_NO}",
    "no calling role": f"You aren't a Manager in Evo Voice, {SAYS_NO}",
    "Manager of another account": "You manage another account of Evo Voice. "
    f"This account's flows and numbers aren't yours, {SAYS_NO}",
    "Manager, read only": f"Your Evo Voice access is read-only, {SAYS_NO}",
}
MAY_CALL = ("Manager", "System administrator")


def person(user: Json, login: Login | None) -> Json:
    """A person as the page shows them; `expects` is a sentence, empty for those who simply place calls."""
    role = role_words(login)
    about = {"id": user["id"], "name": user["real_name"], "job": JOBS.get(user["id"], ""), "role": role}
    return about | {"expects": EXPECT[role], "may_call": role in MAY_CALL}


def role_words(login: Login | None) -> str:
    """A login's role in placing calls (evo-voice-api 4)."""
    if login is None:
        return "no Evo Voice login"
    if login.has(ADMINISTRATOR):
        return "System administrator"
    if not login.has("Manager"):
        return "no calling role"
    if ACCOUNT not in login.account_ids:
        return "Manager of another account"
    return "Manager" if login.manager_access == "ReadWrite" else "Manager, read only"
