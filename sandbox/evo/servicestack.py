"""The wire formats of ServiceStack, the framework that Evo Voice is built with.

Request parameters, JSON responses, error responses, and paged lists. Section numbers are those of
evo-voice-api.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from typing import Any

from aiohttp import web

Row = dict[str, Any]


@dataclass
class Request:
    """A request. Repeated query parameters are joined with commas; `at` is aware UTC."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    at: datetime
    body: bytes = b""
    fresh_cookies: dict[str, str] = field(default_factory=dict)  # set by the response; "" deletes one

    def cookie(self, name: str) -> str:
        """The value of the header `X-{name}`, which takes precedence (3.2), or of the cookie."""
        try:
            cookies = SimpleCookie(self.headers.get("Cookie", ""))
        except CookieError:
            cookies = SimpleCookie()
        return self.headers.get(f"X-{name}") or (cookies[name].value if name in cookies else "")


class HttpError(Exception):
    """An error response to send."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.status)
        self.response = response

    @property
    def by_service(self) -> bool:
        """Whether it comes from a service and not from the framework (6)."""
        return self.response.content_type == "application/json"


def reply(data: Any, status: int = 200) -> web.Response:
    """JSON without nulls (2.4)."""
    return web.json_response(_without_nulls(data), status=status)


def _without_nulls(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _without_nulls(value) for key, value in data.items() if value is not None}
    return [_without_nulls(item) for item in data] if isinstance(data, list) else data


def service_error(status: int, code: str, message: str, empty_field: str = "") -> web.Response:
    """The response to an error thrown inside a service (6)."""
    errors = [{"errorCode": code, "fieldName": empty_field, "message": message}] if empty_field else []
    return reply({"responseStatus": {"errorCode": code, "message": message, "errors": errors}}, status)


def http_error(status: int, code: str, message: str, empty_field: str = "") -> HttpError:
    """A `service_error` as an exception."""
    return HttpError(service_error(status, code, message, empty_field))


def not_signed_in() -> web.Response:
    """401 with an empty body (6)."""
    return web.Response(status=401, headers={"WWW-Authenticate": 'basic realm="/auth/basic"'})


def role_missing(request: Request) -> web.Response:
    """403 as plain text that echoes the request, query string included (6)."""
    query = "&".join(f"{name}={value}" for name, value in request.query.items())
    what = {"HttpMethod": request.method, "PathInfo": request.path, "QueryString": query}
    lines = [f"Request.{name}: {value}" for name, value in what.items()]
    return web.Response(status=403, reason="Invalid Role", text="\n".join(["Forbidden", "", *lines, ""]))


class Params:
    """Bound parameters (2.3): case-insensitive, query before body, empty values ignored."""

    def __init__(self, request: Request) -> None:
        try:
            body = json.loads(request.body) if request.body.strip() else {}
        except ValueError as error:
            raise http_error(400, "SerializationException", "Unable to bind to request") from error
        if not isinstance(body, dict):
            raise http_error(400, "SerializationException", "Unable to bind to request")
        merged = [*body.items(), *((k, v) for k, v in request.query.items() if v)]
        self._values = {str(name).lower(): value for name, value in merged}

    def text(self, name: str) -> str:
        """A string, "" when missing."""
        value = self._values.get(name.lower())
        return "" if value is None else str(value)

    def listed(self, name: str) -> list[str]:
        """A list: comma-separated, repeated, or in brackets."""
        value = self._values.get(name.lower(), "")
        items = value if isinstance(value, list) else str(value).strip("[]").split(",")
        return [str(item).strip() for item in items if str(item).strip()]

    def flag(self, name: str) -> bool:
        """A boolean, false when missing."""
        return self.text(name).lower() in {"true", "1", "t", "y", "on"}

    def integer(self, name: str, default: int) -> int:
        """An integer."""
        try:
            return int(self.text(name) or default)
        except ValueError as error:
            raise http_error(400, "SerializationException", f"'{name}' is not a number") from error


def page(rows: list[Row], params: Params, largest: int) -> Row:
    """The list wrapper (2.5). `hasMorePages` needs simplifiedPaging; the totals need it off."""
    ids = params.listed("specificIds")
    rows = [row for row in rows if row["id"] in ids] if ids else rows
    per_page = max(1, min(params.integer("countPerPage", 25), largest))
    per_page = max(1, len(rows)) if params.flag("all") else per_page
    start = params.integer("page", 0) * per_page
    simplified = params.flag("simplifiedPaging")
    return {
        "items": rows[start : start + per_page],
        "totalCount": 0 if simplified else len(rows),
        "totalPages": 0 if simplified else -(-len(rows) // per_page),
        "hasMorePages": simplified and start + per_page < len(rows),
    }
