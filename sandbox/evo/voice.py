"""A stand-in Evo Voice on a loopback port, with faults on demand.

Faithful to evo-voice-api, above all to its section 10. Its oddities are switches in `quirks`, `fault` makes
requests fail, and `world.rings` holds every phone that rang.
"""

from __future__ import annotations

import html
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import formatdate
from types import TracebackType
from typing import Self, TypeVar

from aiohttp import web

from sandbox.evo.authentication import Authenticator, set_cookies
from sandbox.evo.calls import GoodAnswer, Quirks
from sandbox.evo.faults import OUTGOING, Fault, play
from sandbox.evo.services import answer as regular_answer
from sandbox.evo.servicestack import Request
from sandbox.evo.world import World
from sandbox.server import Server

T = TypeVar("T")

POLL_S = 0.02  # calls progress without a notification, so `wait_for` polls


class EvoVoice:
    """The server, with the controls and counters that tests need.

    `speed` 10: calls run ten times faster. Thread-safe. As a context manager it starts and closes the server.
    """

    def __init__(self, port: int = 0, speed: float = 1.0, world: World | None = None) -> None:
        self.world = world or World.standard()
        self.world.speed = speed
        self.requests: list[Request] = []
        self._faults: list[Fault] = []
        self._authenticator = Authenticator(self.world)
        self._port = port
        self._server: Server | None = None

    def start(self) -> None:
        """Start listening; after `stop`, on the same port as before."""
        if self._server is None:
            app = web.Application()
            app.router.add_route("*", "/{path:.*}", self._handle)
            self._server = Server(app, self._port)
        self._server.start()
        self._port = self._server.port

    def stop(self) -> None:
        """Close the port and every connection: new connections fail. Calls go on."""
        if self._server is not None:
            self._server.stop()

    def close(self) -> None:
        """Stop permanently."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The base URL, without a trailing slash."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def quirks(self) -> Quirks:
        """The switches of the world."""
        return self.world.quirks

    @property
    def answer(self) -> GoodAnswer:
        """How a call that went out is answered."""
        return self.quirks.answer

    @answer.setter
    def answer(self, answer: GoodAnswer) -> None:
        self.quirks.answer = answer

    @property
    def posts(self) -> int:
        """How many requests to place a call arrived, whatever their outcome."""
        return self.count(*OUTGOING)

    @property
    def bulk_deletes(self) -> list[str]:
        """Requests that deleted an account's history; there must be none (5.7)."""
        return self.world.bulk_deletes

    def count(self, method: str, path: str) -> int:
        """How many requests with this method and exact path arrived."""
        return sum((request.method, request.path) == (method, path) for request in list(self.requests))

    def wait_for(self, predicate: Callable[[], T], within_s: float = 5) -> T:
        """The predicate's value once it is truthy. Raises AssertionError after `within_s` seconds."""
        deadline = time.monotonic() + within_s
        while not (value := predicate()):
            if time.monotonic() > deadline:
                seen = [f"{request.method} {request.path}" for request in list(self.requests)]
                raise AssertionError(
                    f"timed out after {within_s} s, the last value was {value!r}; "
                    f"rings: {self.world.rings}; last of {len(seen)} requests: {seen[-10:]}"
                )
            with self.world.changed:
                self.world.changed.wait(POLL_S)
        return value

    def fault(
        self,
        path: str,
        kind: str,
        times: int | None = 1,
        *,
        method: str | None = None,
        seconds: float = 5.0,
        retry_after: int = 1,
    ) -> Fault:
        """Make the next `times` requests (None: all) whose path starts with `path` fail; see `faults`.

        The oldest matching fault comes first. Raises ValueError for an unknown kind.
        """
        fault = Fault(path, kind, times, method, seconds, retry_after)
        with self.world.changed:
            self._faults.append(fault)
        return fault

    def clear_faults(self) -> None:
        """Remove all faults; requests that are hanging keep hanging."""
        with self.world.changed:
            self._faults.clear()

    def expire_logins(self) -> None:
        """Drop every cookie session: the next request that needs one gets a 401 without a body."""
        with self.world.changed:
            self._authenticator.forget_sessions()

    async def _handle(self, http: web.Request) -> web.StreamResponse:
        query = {name: ",".join(http.query.getall(name)) for name in http.query}
        request = Request(http.method, http.path, query, http.headers, datetime.now(UTC))
        with self.world.changed:
            self.requests.append(request)
            self.world.changed.notify_all()
        request.body = await http.read()
        fault = self._fault_for(request)
        return self._serve(request) if fault is None else await play(fault, http, request, self._serve)

    def _fault_for(self, request: Request) -> Fault | None:
        with self.world.changed:
            fault = next((fault for fault in self._faults if fault.meets(request)), None)
            if fault is not None:
                fault.hits += 1
                self.world.changed.notify_all()
            return fault

    def _serve(self, request: Request) -> web.Response:
        with self.world.changed:
            response = regular_answer(self.world, self._authenticator, request)
        set_cookies(response, request)
        response.headers["Date"] = formatdate(time.time() + self.quirks.clock_ahead_s, usegmt=True)
        accept = request.headers.get("Accept", "")
        asked_for_page = (
            "text/html" in accept and "json" not in accept and request.query.get("format") != "json"
        )
        return _as_page(response) if asked_for_page else response


def _as_page(response: web.Response) -> web.Response:
    """What a client that accepts HTML gets: a page instead of JSON, a login form instead of a 401 (2.2)."""
    if response.status == 401:
        return web.Response(status=302, headers={"Location": "/login"})
    if response.content_type != "application/json":
        return response
    text = f"<!doctype html><html><body><pre>{html.escape(response.text or '')}</pre></body></html>"
    return web.Response(status=response.status, text=text, content_type="text/html")
