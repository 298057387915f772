"""Who is asking the stand-in Evo Voice, and how far they may see.

Logins by cookie or HTTP Basic (evo-voice-api 3), roles and accounts (4).
"""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from sandbox.evo.servicestack import (
    Params,
    Refused,
    Request,
    not_signed_in,
    page,
    refuse,
    role_missing,
)
from sandbox.evo.world import ADMINISTRATOR, Login, World

Row = dict[str, Any]

TWENTY_YEARS_S = 20 * 365 * 24 * 3600


class Gate:
    """Who is asking: server-side sessions found through cookies, or HTTP Basic (3)."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sessions: dict[str, str] = {}  # session id -> email

    def forget(self) -> None:
        """Lose every session, as a restarted cache does."""
        self._sessions.clear()

    def who(self, request: Request) -> Login | None:
        """The login behind a request, None for a stranger; a wrong Basic password is refused."""
        basic = self._basic(request)
        if basic is None:
            return self._world.logins.get(self._sessions.get(self._session_id(request), ""))
        login = self.check(*basic)
        # Basic keeps no session, hands out new ids and ends the session that came along (3.1).
        self.sign_out(request)
        request.fresh_cookies |= {"ss-id": uuid.uuid4().hex, "ss-pid": uuid.uuid4().hex}
        return login

    def check(self, email: str, password: str) -> Login:
        """The login with this password, or 401 as JSON."""
        login = self._world.logins.get(email)
        if not self._world.quirks.exact_email:
            same = (one for key, one in self._world.logins.items() if key.lower() == email.lower())
            login = next(same, None)
        if login is None or login.password != password:
            raise refuse(401, "Unauthorized", "Invalid Username or Password")
        if login.locked:
            raise refuse(401, "Unauthorized", "This account has been locked")
        return login

    def sign_in(self, login: Login, request: Request, remember: bool) -> str:
        """Start a session and hand out its cookies; returns its id. A remembered one lives under ss-pid."""
        self.sign_out(request)
        temporary, permanent = uuid.uuid4().hex, uuid.uuid4().hex
        session_id = permanent if remember else temporary
        self._sessions[session_id] = login.email
        request.fresh_cookies |= {"ss-id": temporary, "ss-pid": permanent}
        request.fresh_cookies |= {"ss-opt": "perm" if remember else "temp", "X-UAId": login.id}
        return session_id

    def sign_out(self, request: Request) -> None:
        """End the session whose cookies came with the request, if any."""
        self._sessions.pop(self._session_id(request), None)

    @staticmethod
    def _session_id(request: Request) -> str:
        return request.cookie("ss-pid" if request.cookie("ss-opt") == "perm" else "ss-id")

    @staticmethod
    def _basic(request: Request) -> tuple[str, str] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            email, _, password = base64.b64decode(token).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return (email, password) if email and password else None


def set_cookies(response: web.Response, request: Request) -> None:
    """Put the request's fresh cookies on its answer."""
    for name, value in request.fresh_cookies.items():
        age = None if name == "ss-id" else TWENTY_YEARS_S
        if value:
            response.set_cookie(name, value, max_age=age, path="/", httponly=True, samesite="Lax")
        else:
            response.del_cookie(name, path="/")


@dataclass
class Ask:
    """One request on its way through a service; `route` holds the parts of the path."""

    world: World
    gate: Gate
    request: Request
    params: Params
    login: Login | None
    route: dict[str, str]

    @property
    def who(self) -> Login:
        """The login of a service that needs one."""
        if self.login is None:
            raise Refused(not_signed_in())
        return self.login

    def need(self, *roles: str) -> None:
        """Refuse a stranger, and a login with none of these roles, if any are named."""
        if not self.who.has(*roles) and roles:
            raise Refused(role_missing(self.request))

    @property
    def reach(self) -> list[str]:
        """The accounts of the login; a system administrator gets all (3.3)."""
        return list(self.world.accounts if self.who.has(ADMINISTRATOR) else self.who.account_ids)

    def within(self, *account_ids: str) -> None:
        """Refuse accounts out of reach."""
        if not set(account_ids) <= set(self.reach):
            raise refuse(403, "Forbidden", "You do not have access to this account")

    @property
    def accounts(self) -> list[str]:
        """The accounts asked for, by default all within reach."""
        wanted = self.params.listed("accountIds")
        self.within(*wanted)
        return wanted or self.reach

    def page(self, rows: Iterable[Row]) -> Row:
        """The page of rows that was asked for."""
        return page(list(rows), self.params, self.world.quirks.largest_page)
