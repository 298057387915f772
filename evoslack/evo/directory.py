"""Who may call, according to Evo Voice: the login with an email address, its role, account and access.

Evo Voice's email filter matches parts of addresses, so every answer is compared here with the whole address,
trimmed and regardless of case. What cannot be found out counts as no.
"""

from __future__ import annotations

import logging
import time

from evoslack.calling.calls import Role
from evoslack.calling.refusals import CannotCheck, Denial, NotAllowed, Source
from evoslack.evo.client import EvoClient
from evoslack.evo.errors import EvoError
from evoslack.evo.transport import seconds_until
from evoslack.evo.wire import Login, login_of

log = logging.getLogger(__name__)

ADMINISTRATOR = "SystemAdministrator"
CALLING_ROLES = frozenset({"Manager", ADMINISTRATOR})
MISREAD_AS_PATTERN = frozenset("+*?^$()[{\\")  # a dot also matches itself
ACCESS_TO_CALL = (None, "ReadWrite", "ReadWriteDelete")  # None: older servers do not say (evo-voice-api 3.3)


class Directory:
    """The logins at Evo Voice; nothing is remembered here."""

    def __init__(self, client: EvoClient) -> None:
        self._client = client

    def require_caller(self, email: str, account_id: str, budget_s: float) -> Role:
        """The role of the login with that email, if it may place calls for the account.

        Raises `NotAllowed` with the reason, or `CannotCheck` if Evo Voice does not say in time.
        """
        try:
            logins = self._logins(email, account_id, budget_s)
        except EvoError as error:
            log.warning("a role could not be checked at Evo Voice: %s", error)
            raise CannotCheck(Source.EVO_VOICE) from error
        if not logins:
            raise NotAllowed(Denial.NO_LOGIN)
        if len(logins) > 1:
            raise NotAllowed(Denial.SEVERAL_LOGINS)
        return _role(logins[0], account_id)

    def _logins(self, email: str, account_id: str, budget_s: float) -> list[Login]:
        """Every login with exactly that email (evo-voice-api 5.10), by up to three queries."""
        ends = time.monotonic() + budget_s
        with_filter = {"emailFilter": email.strip()}
        queries = [{**with_filter, "accountIds": account_id}, with_filter]
        if MISREAD_AS_PATTERN & set(email):  # such a filter may not match the address itself
            queries.append({"accountIds": account_id})
        for query in queries:
            items = self._client.items("/users", query, budget_s=seconds_until(ends))
            found = [login for login in map(login_of, items) if _same(login.email, email)]
            if found:
                return found
        return []


def _role(login: Login, account_id: str) -> Role:
    if not login.roles & CALLING_ROLES:
        raise NotAllowed(Denial.ROLE)
    # A system administrator belongs to no particular account and may list none or all.
    if ADMINISTRATOR not in login.roles and account_id not in login.account_ids:
        raise NotAllowed(Denial.ACCOUNT)
    if login.manager_access not in ACCESS_TO_CALL:
        raise NotAllowed(Denial.READ_ONLY)
    return Role.ADMINISTRATOR if ADMINISTRATOR in login.roles else Role.MANAGER


def _same(one: str, other: str) -> bool:
    """Whether two addresses are the same: whole, trimmed, and within ASCII regardless of case.

    Beyond ASCII, case folding would equate different domains, such as straße.de and strasse.de.
    """
    one, other = one.strip(), other.strip()
    if one.isascii() and other.isascii():
        one, other = one.casefold(), other.casefold()
    return bool(one) and one == other
