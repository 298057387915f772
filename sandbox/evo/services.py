"""The routes of the stand-in Evo Voice with the roles they require, and the login service.

Section numbers are those of evo-voice-api.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from aiohttp import web

from sandbox.evo import listings, sessions
from sandbox.evo.authentication import Authenticator, Context
from sandbox.evo.servicestack import HttpError, Params, Request, http_error, reply
from sandbox.evo.world import ADMINISTRATOR, Login, World

Row = dict[str, Any]
Service = Callable[[Context], Row | web.Response | None]


def authenticate(context: Context) -> Row:
    """Authenticate: log in with a password, log out, or return the current login (3.2, 3.4)."""
    provider = context.route.get("provider") or context.params.text("provider")
    if provider == "logout" or context.request.method == "DELETE":
        context.authenticator.log_out(context.request)
        context.request.fresh_cookies |= dict.fromkeys(("ss-id", "ss-pid", "ss-opt", "X-UAId"), "")
        return {}
    email, password = context.params.text("userName"), context.params.text("password")
    if context.request.method == "GET" and (email or password):
        raise http_error(405, "NotSupportedException", "GET Authenticate requests are disabled")
    if provider not in ("credentials", ""):
        raise http_error(404, "NotFound", f"No configuration was added for OAuth provider '{provider}'")
    if context.request.method == "GET" or not provider:
        return _signed_in(context.current_login, "")
    for name, value in (("UserName", email), ("Password", password)):
        if not value:
            raise http_error(400, "NotEmpty", f"'{name}' must not be empty.", name)
    login = context.authenticator.verify_password(email, password)
    return _signed_in(
        login, context.authenticator.log_in(login, context.request, context.params.flag("rememberMe"))
    )


def _signed_in(login: Login, session_id: str) -> Row:
    """AuthenticateResponse (3.2)."""
    ids = {
        "userId": login.id,
        "sessionId": session_id,
        "userName": login.email,
        "displayName": login.name,
    }
    return ids | {"roles": list(login.roles), "permissions": []}


def status(context: Context) -> Row | None:
    """GetAuthStatus (3.3)."""
    if context.login is not None:
        return listings.user_row(context.world, context.login, context.account_ids) | {
            "isAuthenticated": True
        }
    if context.world.quirks.signed_out_status == "empty":
        return None
    return {"isAuthenticated": False, "roles": [], "accountIds": [], "accountNames": []}


MANAGERS = (ADMINISTRATOR, "Manager")
# Methods, path, service, and the roles that may use it: () = any login, None = no login required (4).
ROUTES: list[tuple[str, str, Service, tuple[str, ...] | None]] = [
    ("POST GET DELETE", "/auth", authenticate, None),
    ("GET", "/auth/status", status, None),
    ("POST GET DELETE", "/auth/{provider}", authenticate, None),
    ("GET", "/users", listings.users, MANAGERS),
    ("GET", "/accounts", listings.accounts, ()),
    ("GET", "/accounts/{id}", listings.account, ()),
    ("GET", "/flows", listings.flows, (*MANAGERS, "Customer")),
    ("GET", "/flows/{id}", listings.flow, (*MANAGERS, "Customer")),
    ("GET", "/endpoints", listings.endpoints, (*MANAGERS, "Customer")),
    ("POST", "/sessions/outgoing", sessions.outgoing, MANAGERS),
    ("GET", "/sessions", sessions.listed, ()),
    ("DELETE", "/sessions", sessions.delete_history, ()),
    ("GET", "/sessions/{id}", sessions.session, ()),  # GET /sessions/outgoing lands here (2.1)
    ("DELETE", "/sessions/{id}", sessions.end, ()),  # role User, unless a quirk says otherwise
    ("GET", "/calls/active", sessions.active, (*MANAGERS, "CallCenterDashboard")),
]


def answer(world: World, authenticator: Authenticator, request: Request) -> web.Response:
    """The regular response to a request. Call it with the world's lock held."""
    if world.quirks.curl_blocked and "curl" in request.headers.get("User-Agent", "").lower():
        page = "<html><body>Forbidden</body></html>"
        return web.Response(status=403, text=page, content_type="text/html")
    for methods, path, service, roles in ROUTES:
        pattern = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path) + "/?"
        match = re.fullmatch(pattern, request.path, re.IGNORECASE)
        if match and request.method in methods.split():
            try:
                context = Context(
                    world,
                    authenticator,
                    request,
                    Params(request),
                    authenticator.login_of(request),
                    match.groupdict(),
                )
                return _served(context, service, roles)
            except HttpError as error:
                # This service reports its errors in the format of its own response (5.6).
                bare = service == sessions.active and world.quirks.bare_active_errors and error.by_service
                return reply({"calls": []}, error.response.status) if bare else error.response
    return web.Response(status=404, text="404")


def _served(context: Context, service: Service, roles: tuple[str, ...] | None) -> web.Response:
    if roles is not None:
        context.require_role(*roles)
    result = service(context)
    if result is None:
        return web.Response(status=204)
    return result if isinstance(result, web.Response) else reply(result)
