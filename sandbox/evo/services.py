"""The operations of the stand-in Evo Voice: their routes and roles, and logging in.

Section numbers are those of evo-voice-api.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from aiohttp import web

from sandbox.evo import listings, sessions
from sandbox.evo.gate import Ask, Gate
from sandbox.evo.servicestack import Params, Refused, Request, refuse, reply
from sandbox.evo.world import ADMINISTRATOR, Login, World

Row = dict[str, Any]
Service = Callable[[Ask], Row | web.Response | None]


def authenticate(ask: Ask) -> Row:
    """Authenticate: log in with a password, log out, or tell who is logged in (3.2, 3.4)."""
    provider = ask.route.get("provider") or ask.params.text("provider")
    if provider == "logout" or ask.request.method == "DELETE":
        ask.gate.sign_out(ask.request)
        ask.request.fresh_cookies |= dict.fromkeys(("ss-id", "ss-pid", "ss-opt", "X-UAId"), "")
        return {}
    email, password = ask.params.text("userName"), ask.params.text("password")
    if ask.request.method == "GET" and (email or password):
        raise refuse(405, "NotSupportedException", "GET Authenticate requests are disabled")
    if provider not in ("credentials", ""):
        raise refuse(404, "NotFound", f"No configuration was added for OAuth provider '{provider}'")
    if ask.request.method == "GET" or not provider:
        return _signed_in(ask.who, "")
    for name, value in (("UserName", email), ("Password", password)):
        if not value:
            raise refuse(400, "NotEmpty", f"'{name}' must not be empty.", name)
    login = ask.gate.check(email, password)
    return _signed_in(login, ask.gate.sign_in(login, ask.request, ask.params.flag("rememberMe")))


def _signed_in(login: Login, session_id: str) -> Row:
    """AuthenticateResponse (3.2)."""
    ids = {
        "userId": login.id,
        "sessionId": session_id,
        "userName": login.email,
        "displayName": login.name,
    }
    return ids | {"roles": list(login.roles), "permissions": []}


def status(ask: Ask) -> Row | None:
    """GetAuthStatus (3.3)."""
    if ask.login is not None:
        return listings.user_row(ask.world, ask.login, ask.reach) | {"isAuthenticated": True}
    if ask.world.quirks.signed_out_status == "empty":
        return None
    return {"isAuthenticated": False, "roles": [], "accountIds": [], "accountNames": []}


SENIOR = (ADMINISTRATOR, "Manager")
# Method, path, service, roles of which one is needed: () = any login, None = nobody needs to sign in (4).
ROUTES: list[tuple[str, str, Service, tuple[str, ...] | None]] = [
    ("POST GET DELETE", "/auth", authenticate, None),
    ("GET", "/auth/status", status, None),
    ("POST GET DELETE", "/auth/{provider}", authenticate, None),
    ("GET", "/users", listings.users, SENIOR),
    ("GET", "/accounts", listings.accounts, ()),
    ("GET", "/accounts/{id}", listings.account, ()),
    ("GET", "/flows", listings.flows, (*SENIOR, "Customer")),
    ("GET", "/flows/{id}", listings.flow, (*SENIOR, "Customer")),
    ("GET", "/endpoints", listings.endpoints, (*SENIOR, "Customer")),
    ("POST", "/sessions/outgoing", sessions.outgoing, SENIOR),
    ("GET", "/sessions", sessions.listed, ()),
    ("DELETE", "/sessions", sessions.delete_history, ()),
    ("GET", "/sessions/{id}", sessions.session, ()),  # GET /sessions/outgoing lands here (2.1)
    ("DELETE", "/sessions/{id}", sessions.end, ()),  # role User, unless a quirk says otherwise
    ("GET", "/calls/active", sessions.active, (*SENIOR, "CallCenterDashboard")),
]


def answer(world: World, gate: Gate, request: Request) -> web.Response:
    """The proper answer to a request; call it with the world's lock held."""
    if world.quirks.curl_refused and "curl" in request.headers.get("User-Agent", "").lower():
        page = "<html><body>Forbidden</body></html>"
        return web.Response(status=403, text=page, content_type="text/html")
    for methods, path, service, roles in ROUTES:
        pattern = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path) + "/?"
        match = re.fullmatch(pattern, request.path, re.IGNORECASE)
        if match and request.method in methods.split():
            try:
                ask = Ask(world, gate, request, Params(request), gate.who(request), match.groupdict())
                return _served(ask, service, roles)
            except Refused as no:
                # Errors of this one service have its own answer's shape (5.6).
                bare = service == sessions.active and world.quirks.bare_active_errors and no.by_service
                return reply({"calls": []}, no.response.status) if bare else no.response
    return web.Response(status=404, text="404")


def _served(ask: Ask, service: Service, roles: tuple[str, ...] | None) -> web.Response:
    if roles is not None:
        ask.need(*roles)
    result = service(ask)
    if result is None:
        return web.Response(status=204)
    return result if isinstance(result, web.Response) else reply(result)
