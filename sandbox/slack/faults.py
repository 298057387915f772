"""Fault injection for the Web API: what a method does wrong, and responses that break off or trickle."""

from __future__ import annotations

import asyncio
import itertools
import re
from dataclasses import dataclass

from aiohttp import web

_KINDS = re.compile("429|500|error:.+|cut|lose_answer|hang|hang_after|slow|drip|drip_head")


@dataclass
class Fault:
    """A fault for the next `times` calls of a method; None: until it is cleared."""

    method: str
    kind: str
    times: int | None
    retry_after: int
    seconds: float

    def __post_init__(self) -> None:
        if not _KINDS.fullmatch(self.kind):
            raise ValueError(f"unknown kind of fault: {self.kind}")


def hang_up(request: web.Request) -> web.Response:
    """Abort the connection; the returned response is never sent."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def drip(request: web.Request, answer: web.Response, every_s: float) -> web.StreamResponse:
    """Send the headers at once, then the body, one byte every `every_s` seconds."""
    body = answer.body if isinstance(answer.body, bytes) else b""
    stream = web.StreamResponse(status=answer.status, headers=answer.headers)
    stream.content_length = len(body)
    await stream.prepare(request)
    for byte in body:
        await asyncio.sleep(every_s)
        await stream.write(bytes([byte]))
    await stream.write_eof()
    return stream


async def drip_head(request: web.Request, every_s: float) -> web.Response:
    """Send headers that never end, one byte every `every_s` seconds; the returned response is never sent."""
    line, transport = b"HTTP/1.1 200 OK\r\nX-Patience: ", request.transport
    for byte in itertools.chain(line, itertools.repeat(ord("x"))):
        if transport is None or transport.is_closing():
            break
        transport.write(bytes([byte]))
        await asyncio.sleep(every_s)
    return web.Response()
