"""The HTTP endpoints of the stand-in Slack: the Web API, response_urls, and where files go and come from.

Accepts form-encoded, JSON, and query arguments as slack_sdk sends them. Every request is recorded before
anything else happens; then its token is checked and the method called, unless an injected fault applies.
Besides the bot token, a workflow step's token is valid while the step runs.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from aiohttp import web

from sandbox.slack.block_kit import Json
from sandbox.slack.errors import SlackError
from sandbox.slack.faults import Fault, drip, drip_head, hang_up
from sandbox.slack.files import Files
from sandbox.slack.limits import RateLimited
from sandbox.slack.methods import Methods
from sandbox.slack.response_urls import ResponseUrls
from sandbox.slack.steps import Steps
from sandbox.slack.team import APP_ID, Team

_JSON_FIELDS = ("view", "blocks", "metadata", "attachments", "outputs", "files")
_YES_NO_FIELDS = (
    "inclusive",
    "include_all_metadata",
    "replace_original",
    "delete_original",
    "return_im",
    "include_users",
    "include_count",
    "include_disabled",
)


@dataclass(frozen=True)
class ApiCall:
    """A request that reached Slack, whatever its outcome; `at` in Unix seconds."""

    method: str
    args: Json
    at: float
    token: str | None


@dataclass(frozen=True)
class _Answer:
    body: Json | str | bytes
    status: int = 200
    retry_after: int | None = None
    location: str = ""  # of a redirect


class Api:
    """Serves the Web API, the response_urls, and the upload URLs of one team."""

    def __init__(
        self,
        team: Team,
        methods: Methods,
        response_urls: ResponseUrls,
        steps: Steps,
        files: Files,
        tokens: tuple[str, str],
        open_socket: Callable[[], str],
    ) -> None:
        self._team = team
        self._methods = methods
        self._response_urls = response_urls
        self._steps = steps
        self._files = files
        self._bot_token, self._app_token = tokens
        self._open_socket = open_socket
        self.calls: list[ApiCall] = []
        self.faults: list[Fault] = []

    def routes(self) -> list[web.AbstractRouteDef]:
        """The routes to serve."""
        return [
            web.route("*", "/api/{method}", self._serve_method),
            web.post("/response/{key}", self._serve_response_url),
            web.post("/upload/v1/{ticket}", self._serve_upload),
            web.get("/files-pri/{file}/download/{name}", self._serve_download),
            web.get("/", self._serve_sign_in),
        ]

    async def _serve_method(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        args = await _arguments(request)
        header = request.headers.get("Authorization", "").removeprefix("Bearer ")
        token = header or args.pop("token", None)
        args.pop("token", None)
        call = ApiCall(method, args, time.time(), token)
        return await self._serve(request, call, lambda: self._perform(method, args, token))

    async def _serve_response_url(self, request: web.Request) -> web.StreamResponse:
        args = await _arguments(request)
        call = ApiCall("response_url", args, time.time(), None)
        return await self._serve(request, call, lambda: self._respond(request.match_info["key"], args))

    async def _serve_upload(self, request: web.Request) -> web.StreamResponse:
        content = await _content(request)
        call = ApiCall("upload", {"length": len(content)}, time.time(), None)
        return await self._serve(request, call, lambda: self._receive(request.match_info["ticket"], content))

    async def _serve_download(self, request: web.Request) -> web.StreamResponse:
        """A file from a form. Without the right token or scope, a browser is sent to the sign-in page."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        call = ApiCall("download", {"path": request.path}, time.time(), token)
        return await self._serve(request, call, lambda: self._download(request.rel_url.raw_path, token))

    def _download(self, path: str, token: str) -> _Answer:
        if token != self._bot_token or "files:read" not in self._team.scopes:
            return _Answer("", 302, location=f"{self._team.url}/?redir={quote(path, safe='')}")
        content = self._files.content_at(path)
        return _Answer("Not Found", 404) if content is None else _Answer(content)

    async def _serve_sign_in(self, _request: web.Request) -> web.StreamResponse:
        page = "<!DOCTYPE html><html><title>Sign in | Slack</title></html>"
        return web.Response(text=page, content_type="text/html")

    async def _serve(
        self, request: web.Request, call: ApiCall, work: Callable[[], _Answer]
    ) -> web.StreamResponse:
        with self._team.change():
            self.calls.append(call)
            fault = self._next_fault(call.method)
        kind = fault.kind if fault else ""
        if fault and kind == "429":
            return self._send(_Answer({"ok": False, "error": "ratelimited"}, 429, fault.retry_after))
        if kind == "500":
            return web.Response(status=500, text="Internal Server Error")
        if kind.startswith("error:"):
            status = 404 if call.method in {"response_url", "upload", "download"} else 200
            return self._send(_Answer({"ok": False, "error": kind.removeprefix("error:")}, status))
        if kind == "hang":
            await asyncio.Event().wait()
        if kind == "cut":
            return hang_up(request)
        answer = work()
        if kind == "lose_answer":
            return hang_up(request)
        if kind == "hang_after":
            await asyncio.Event().wait()
        if fault and kind == "slow":
            await asyncio.sleep(fault.seconds)
        if fault and kind == "drip":
            return await drip(request, self._send(answer), fault.seconds)
        if fault and kind == "drip_head":
            return await drip_head(request, fault.seconds)
        return self._send(answer)

    def _next_fault(self, method: str) -> Fault | None:
        for fault in self.faults:
            if fault.method == method:
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults.remove(fault)
                return fault
        return None

    def _perform(self, method: str, args: Json, token: str | None) -> _Answer:
        try:
            with self._team.change():
                return _Answer(self._call(method, args, token))
        except SlackError as error:
            return _Answer(error.response)
        except RateLimited as limit:
            return _Answer({"ok": False, "error": "ratelimited"}, 429, limit.retry_after)

    def _call(self, method: str, args: Json, token: str | None) -> Json:
        if method not in self._methods and method != "apps.connections.open":
            raise SlackError("unknown_method", req_method=method)
        if not token:
            raise SlackError("not_authed")
        if token not in {self._bot_token, self._app_token}:
            self._check_step_token(token, method)
        if token == self._app_token and method == "apps.connections.open":
            return {"ok": True, "url": self._open_socket()}
        if token == self._app_token and method == "auth.test":
            return {"ok": True, "app_name": "EvoSlack", "app_id": APP_ID}
        if token == self._app_token or method == "apps.connections.open":
            raise SlackError("not_allowed_token_type")
        return self._methods.call(method, args)

    def _check_step_token(self, token: str, method: str) -> None:
        """A step's token expires with the step, except for functions.*, which report that it has ended."""
        step = self._steps.owner(token)
        if step is None:
            raise SlackError("invalid_auth")
        if step.status != "running" and not method.startswith("functions."):
            raise SlackError("token_revoked")

    def _respond(self, key: str, args: Json) -> _Answer:
        try:
            with self._team.change():
                self._response_urls.respond(key, args)
            return _Answer({"ok": True})
        except SlackError as error:
            return _Answer(error.response, 404 if error.code.endswith("_url") else 400)

    def _receive(self, ticket: str, content: bytes) -> _Answer:
        try:
            with self._team.change():
                return _Answer(self._files.receive(ticket, content))
        except SlackError as error:
            return _Answer(error.code, 400)

    def _send(self, answer: _Answer) -> web.Response:
        if isinstance(answer.body, bytes):
            response = web.Response(body=answer.body, content_type="application/octet-stream")
        elif isinstance(answer.body, str):
            response = web.Response(text=answer.body, status=answer.status)
        else:
            response = web.json_response(answer.body, status=answer.status)
        response.headers["x-oauth-scopes"] = ",".join(sorted(self._team.scopes))
        if answer.retry_after is not None:
            response.headers["Retry-After"] = str(answer.retry_after)
        if answer.location:
            response.headers["Location"] = answer.location
        return response


async def _content(request: web.Request) -> bytes:
    """The bytes of an upload: the raw body, or the file in a multipart form."""
    if not request.content_type.startswith("multipart/"):  # slack_sdk labels raw bytes as a form
        return await request.read()
    parts = (await request.post()).values()
    return b"".join(part.file.read() for part in parts if isinstance(part, web.FileField))


async def _arguments(request: web.Request) -> Json:
    """The arguments from query and body, with JSON strings and booleans parsed."""
    args: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.text() or "{}")
        except ValueError:
            body = {}
        args |= body if isinstance(body, dict) else {}
    else:
        args |= dict(await request.post())
    for name in _JSON_FIELDS:
        if isinstance(args.get(name), str):
            try:
                args[name] = json.loads(args[name])
            except ValueError:
                continue  # stays a string, which fails validation
    for name in _YES_NO_FIELDS:
        if isinstance(args.get(name), str):
            args[name] = args[name].lower() in {"1", "true"}
    return args
