"""Fault injection for the stand-in Evo Voice: two tables of faults by name.

A fault answers instead of the service, which never sees the request; only `slow` and `late_ring` pass it on
afterwards. With the suffix `_after_ring` the service runs first: the call is placed, and then the fault
decides what the client receives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import NoReturn

from aiohttp import web

from sandbox.evo.servicestack import Request, not_signed_in, role_missing, service_error

AFTER_RING = "_after_ring"
OUTGOING = ("POST", "/sessions/outgoing")
# Padded as real gateways pad theirs, so that half of it ends inside the body.
GATEWAY_PAGE = (
    "<html><body><h1>502 Bad Gateway</h1></body></html>\n" + 6 * "<!-- nothing to see in here -->\n"
)

Service = Callable[[Request], web.Response]


@dataclass
class Fault:
    """A fault for the next `times` requests to paths that start with `path`; `hits` counts them."""

    path: str
    kind: str
    times: int | None = 1  # None: until cleared
    method: str | None = None
    seconds: float = 5.0
    retry_after: int = 1
    hits: int = 0

    def __post_init__(self) -> None:
        if self.base not in ANSWERS and self.base not in BEHAVIORS:
            raise ValueError(f"no such fault: {self.kind}; there are {sorted([*ANSWERS, *BEHAVIORS])}")

    @property
    def after_ring(self) -> bool:
        """Whether the call is placed first."""
        return self.kind.endswith(AFTER_RING)

    @property
    def base(self) -> str:
        """The kind without the suffix."""
        return self.kind.removesuffix(AFTER_RING)

    def meets(self, request: Request) -> bool:
        """Whether this fault applies to the request and is not used up."""
        return (
            (self.times is None or self.hits < self.times)
            and request.path.startswith(self.path)
            and self.method in (None, request.method)
            and (is_outgoing(request) or not self.after_ring)
        )


def is_outgoing(request: Request) -> bool:
    """Whether the request places a call."""
    return (request.method, request.path) == OUTGOING


async def play(fault: Fault, http: web.Request, request: Request, service: Service) -> web.StreamResponse:
    """Respond as the fault says; a call that the service itself rejects is rejected as usual."""
    answer = service
    if fault.after_ring:
        done = service(request)
        if done.status >= 300:
            return done
        answer = _always(done)
    elif is_outgoing(request) and fault.base not in LET_THROUGH:
        answer = _always(_html(502))  # nothing rings, so the response must not report success
    if fault.base in ANSWERS:
        return ANSWERS[fault.base](fault, request)
    return await BEHAVIORS[fault.base](fault, http, request, answer)


def _always(response: web.Response) -> Service:
    return lambda _request: response


def _html(status: int) -> web.Response:
    return web.Response(status=status, text=GATEWAY_PAGE, content_type="text/html")


def _plain(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text)


ANSWERS: dict[str, Callable[[Fault, Request], web.Response]] = {
    "204": lambda *_: web.Response(status=204),
    "206": lambda *_: web.Response(status=206),
    "redirect": lambda *_: web.Response(status=302, headers={"Location": "/elsewhere"}),
    "400_json": lambda *_: service_error(400, "ArgumentException", "The stand-in does not like this"),
    "400_text": lambda *_: _plain(400, "Bad Request"),
    "401_empty": lambda *_: not_signed_in(),
    "403_text": lambda _, request: role_missing(request),
    "403_json": lambda *_: service_error(403, "Forbidden", "You do not have access to this account"),
    "404_text": lambda *_: _plain(404, "404"),
    "404_json": lambda *_: service_error(404, "NotFound", "The stand-in does not know this"),
    "429": lambda fault, _: web.Response(
        status=429, text="Too Many Requests", headers={"Retry-After": str(fault.retry_after)}
    ),
    "500_json": lambda *_: service_error(500, "ApiException", "The carrier did not like this"),
    "502_html": lambda *_: _html(502),
    "html_200": lambda *_: _html(200),
    "garbage_200": lambda *_: web.Response(body=b'\xff\x00{"items": [', content_type="application/json"),
}
ANSWERS |= {"400": ANSWERS["400_json"], "500": ANSWERS["500_json"], "502": ANSWERS["502_html"]}


async def _silence() -> NoReturn:
    """Wait forever; the server cancels it when the client disconnects or the port closes."""
    while True:
        await asyncio.sleep(3600)


async def _hang(_f: Fault, _http: web.Request, _r: Request, _answer: Service) -> NoReturn:
    await _silence()


async def _cut(_f: Fault, http: web.Request, _r: Request, _answer: Service) -> web.StreamResponse:
    if http.transport is not None:
        http.transport.abort()
    await _silence()


async def _slow(fault: Fault, _http: web.Request, request: Request, answer: Service) -> web.StreamResponse:
    await asyncio.sleep(fault.seconds)
    return answer(request)


async def _late_ring(
    fault: Fault, _http: web.Request, request: Request, answer: Service
) -> web.StreamResponse:
    done: asyncio.Future[web.Response] = asyncio.get_running_loop().create_future()

    def serve() -> None:
        response = answer(request)
        if not done.cancelled():
            done.set_result(response)

    asyncio.get_running_loop().call_later(fault.seconds, serve)  # even if the client is gone
    return await done


async def _drip(fault: Fault, http: web.Request, request: Request, answer: Service) -> web.StreamResponse:
    for byte in _raw(answer(request)):
        _write(http, bytes([byte]))
        await asyncio.sleep(fault.seconds)
    await _hang_up(http)


async def _cut_in_answer(
    _f: Fault, http: web.Request, request: Request, answer: Service
) -> web.StreamResponse:
    raw = _raw(answer(request))
    _write(http, raw[: len(raw) // 2])
    await _hang_up(http)


async def _headers_then_silence(
    _f: Fault, http: web.Request, request: Request, answer: Service
) -> web.StreamResponse:
    length = max(2, len(_body(answer(request))))
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    _write(http, head.encode())
    await _silence()


BEHAVIORS: dict[str, Callable[[Fault, web.Request, Request, Service], Awaitable[web.StreamResponse]]] = {
    "hang": _hang,  # no response
    "cut": _cut,  # the connection breaks without a response
    "slow": _slow,  # waits, then serves, unless the client disconnects meanwhile
    "late_ring": _late_ring,  # waits, then serves even if the client has disconnected
    "drip": _drip,  # one byte of the response every `seconds`
    "cut_in_answer": _cut_in_answer,  # half of the response, then the connection closes
    "headers_then_silence": _headers_then_silence,  # a 200 whose body never comes
}
LET_THROUGH = {"slow", "late_ring"}


def _body(response: web.Response) -> bytes:
    return response.body if isinstance(response.body, bytes) else b""


def _raw(response: web.Response) -> bytes:
    """The whole response as bytes on the wire."""
    body = _body(response)
    lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    lines += [] if "Date" in response.headers else [f"Date: {formatdate(usegmt=True)}"]
    lines += ["Connection: close"]
    lines += [f"{name}: {value}" for name, value in response.headers.items() if name != "Content-Length"]
    lines += [cookie.output(header="Set-Cookie:") for cookie in response.cookies.values()]
    lines += [] if response.status == 204 else [f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _write(http: web.Request, data: bytes) -> None:
    if http.transport is not None and not http.transport.is_closing():
        http.transport.write(data)


async def _hang_up(http: web.Request) -> NoReturn:
    if http.transport is not None:
        http.transport.close()
    await _silence()
