"""Authentication and authorization of the stand-in Evo Voice.

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
    HttpError,
    Params,
    Request,
    http_error,
    not_signed_in,
    page,
    role_missing,
)
from sandbox.evo.world import ADMINISTRATOR, Login, World

Row = dict[str, Any]

TWENTY_YEARS_S = 20 * 365 * 24 * 3600


class Authenticator:
    """Authenticates requests: server-side sessions found through cookies, or HTTP Basic (3)."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sessions: dict[str, str] = {}  # session id -> email

    def forget_sessions(self) -> None:
        """Drop every session, as a restarted cache does."""
        self._sessions.clear()

    def login_of(self, request: Request) -> Login | None:
        """The login of a request, None without one. Raises HttpError for a wrong Basic password."""
        basic = self._basic(request)
        if basic is None:
            return self._world.logins.get(self._sessions.get(self._session_id(request), ""))
        login = self.verify_password(*basic)
        # Basic keeps no session: it issues new ids and ends the session that the request came with (3.1).
        self.log_out(request)
        request.fresh_cookies |= {"ss-id": uuid.uuid4().hex, "ss-pid": uuid.uuid4().hex}
        return login

    def verify_password(self, email: str, password: str) -> Login:
        """The login with this email and password. Raises HttpError: 401 with a JSON body."""
        login = self._world.logins.get(email)
        if not self._world.quirks.exact_email:
            same = (one for key, one in self._world.logins.items() if key.lower() == email.lower())
            login = next(same, None)
        if login is None or login.password != password:
            raise http_error(401, "Unauthorized", "Invalid Username or Password")
        if login.locked:
            raise http_error(401, "Unauthorized", "This account has been locked")
        return login

    def log_in(self, login: Login, request: Request, remember: bool) -> str:
        """Start a session and set its cookies; returns its id. A remembered session uses ss-pid."""
        self.log_out(request)
        temporary, permanent = uuid.uuid4().hex, uuid.uuid4().hex
        session_id = permanent if remember else temporary
        self._sessions[session_id] = login.email
        request.fresh_cookies |= {"ss-id": temporary, "ss-pid": permanent}
        request.fresh_cookies |= {"ss-opt": "perm" if remember else "temp", "X-UAId": login.id}
        return session_id

    def log_out(self, request: Request) -> None:
        """End the session that the request's cookies name, if any."""
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
    """Set the request's new cookies on its response."""
    for name, value in request.fresh_cookies.items():
        age = None if name == "ss-id" else TWENTY_YEARS_S
        if value:
            response.set_cookie(name, value, max_age=age, path="/", httponly=True, samesite="Lax")
        else:
            response.del_cookie(name, path="/")


@dataclass
class Context:
    """A request and what a service needs to answer it; `route` holds the path parameters."""

    world: World
    authenticator: Authenticator
    request: Request
    params: Params
    login: Login | None
    route: dict[str, str]

    @property
    def current_login(self) -> Login:
        """The login of the request. Raises HttpError (401) when there is none."""
        if self.login is None:
            raise HttpError(not_signed_in())
        return self.login

    def require_role(self, *roles: str) -> None:
        """Require a login, with one of these roles if any are given. Raises HttpError (401 or 403)."""
        if not self.current_login.has(*roles) and roles:
            raise HttpError(role_missing(self.request))

    @property
    def account_ids(self) -> list[str]:
        """The accounts that the login has access to; a system administrator has all (3.3)."""
        login = self.current_login
        return list(self.world.accounts if login.has(ADMINISTRATOR) else login.account_ids)

    def require_accounts(self, *account_ids: str) -> None:
        """Require access to these accounts. Raises HttpError (403)."""
        if not set(account_ids) <= set(self.account_ids):
            raise http_error(403, "Forbidden", "You do not have access to this account")

    @property
    def requested_accounts(self) -> list[str]:
        """The accounts asked for; by default all that the login has access to."""
        wanted = self.params.listed("accountIds")
        self.require_accounts(*wanted)
        return wanted or self.account_ids

    def page(self, rows: Iterable[Row]) -> Row:
        """The requested page of these rows."""
        return page(list(rows), self.params, self.world.quirks.largest_page)
