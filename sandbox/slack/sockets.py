"""Socket Mode: websocket connections of the app, envelopes out, acks in, and trouble on request.

Up to ten connections; each payload goes to any one of them; an ack is matched by its envelope_id and only
the first one counts (slack-facts 7). Runs on the server's event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import secrets
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from aiohttp import WSMsgType, web

from sandbox.slack.block_kit import Json
from sandbox.slack.team import APP_ID, Refused

MOST_CONNECTIONS = 10
# Kinds of trouble that Slack announces, and the reason that it gives.
REASONS = {"warning": "warning", "disconnect_message": "refresh_requested", "link_disabled": "link_disabled"}
LOCKED_OUT = ("link_disabled", "token_revoked")  # closed, and nobody gets in again before `unlock`
KINDS = {*REASONS, *LOCKED_OUT, "close_frame", "fin", "reset", "deaf"}

Which = Literal["all", "newest", "oldest"]


class NoConnection(Exception):
    """No Socket Mode connection is open."""


@dataclass(eq=False)
class _Line:
    """One connection. Deaf: open but lifeless. Retiring: told to go, gets no more payloads."""

    ws: web.WebSocketResponse
    request: web.Request
    deaf: bool = False
    retiring: bool = False


class Sockets:
    """The Socket Mode connections that are open now."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._tickets: set[str] = set()
        self._refusal = ""
        self._lines: list[_Line] = []
        self._waiting: dict[str, list[asyncio.Future[Json | None]]] = {}

    @property
    def count(self) -> int:
        """Connections that can carry a payload: neither deaf nor told to disconnect."""
        return sum(not (line.deaf or line.retiring) for line in self._lines)

    def new_path(self) -> str:
        """Where the app may connect, once. Raises `Refused` while it is locked out."""
        if self._refusal:
            raise Refused(self._refusal)
        ticket = secrets.token_hex(16)
        self._tickets.add(ticket)
        return f"/link?ticket={ticket}&app_id={APP_ID}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection, from the handshake to its end."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=408, text="no such ticket")
        self._tickets.discard(ticket)
        ws = web.WebSocketResponse(autoping=False, compress=False, timeout=1)
        try:
            await ws.prepare(request)
        except ConnectionResetError:  # the app is gone already
            return ws
        if len(self._lines) >= MOST_CONNECTIONS:
            await ws.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            return ws
        line = _Line(ws, request)
        self._lines.append(line)  # before the greeting, which is written at once: whoever got it counts
        try:
            await ws.send_json(self._hello())
            self._on_change()
            await self._listen(line)
        finally:
            self._lines.remove(line)
            self._on_change()
        return ws

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._lines),
            "connection_info": {"app_id": APP_ID},
            "debug_info": {"host": "sandbox", "approximate_connection_time": 18060},
        }

    async def _listen(self, line: _Line) -> None:
        async for message in line.ws:
            if line.deaf:
                continue
            if message.type is WSMsgType.PING:
                with contextlib.suppress(ConnectionResetError):
                    await line.ws.pong(message.data)
            elif message.type is WSMsgType.TEXT:
                with contextlib.suppress(ValueError):
                    self._acked(json.loads(message.data))

    def _acked(self, ack: Json) -> None:
        waiting = self._waiting.get(ack.get("envelope_id", ""), [])
        for each in waiting:
            if not each.done():
                each.set_result(ack.get("payload"))
                return

    async def send(self, envelope: Json) -> Json | None:
        """Send to one of the connections and wait for the ack; returns its payload.

        Raises NoConnection. A connection that is deaf, or lost on the way, lets the caller wait in vain:
        Slack does not know that it is deaf.
        """
        if not self._lines:
            raise NoConnection
        line = random.choice([line for line in self._lines if not line.retiring] or self._lines)
        ack: asyncio.Future[Json | None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(envelope["envelope_id"], [])
        waiting.append(ack)
        try:
            if not line.deaf:
                await line.ws.send_json(envelope)
            return await ack
        finally:
            waiting.remove(ack)
            if not waiting:
                self._waiting.pop(envelope["envelope_id"], None)

    async def trouble(self, kind: str, which: Which = "all") -> None:
        """Bring trouble over open connections; the kinds stand in `SlackWorkspace.disconnect`."""
        if kind not in KINDS:
            raise ValueError(f"unknown kind of trouble: {kind}")
        if kind in LOCKED_OUT:
            self._refusal = kind
        chosen = {"all": slice(None), "newest": slice(-1, None), "oldest": slice(1)}[which]
        for line in self._lines[chosen]:
            await self._trouble(kind, line)
        self._on_change()

    async def _trouble(self, kind: str, line: _Line) -> None:
        line.retiring = line.retiring or kind not in {"warning", "deaf"}
        if kind in REASONS:
            await line.ws.send_json({"type": "disconnect", "reason": REASONS[kind]})
        if kind in {"close_frame", *LOCKED_OUT}:
            await line.ws.close()
        elif kind == "deaf":
            line.deaf = True
        elif kind == "reset":
            self.cut(line)
        elif kind == "fin" and line.request.transport is not None:
            line.request.transport.close()

    def unlock(self) -> None:
        """Let the app connect again after it was locked out."""
        self._refusal = ""

    def cut(self, line: _Line) -> None:
        """End a connection with a TCP reset, without a close frame."""
        transport = line.request.transport
        if transport is not None:
            raw = transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()

    async def drop_all(self) -> None:
        """End every connection: the server stops."""
        for line in list(self._lines):
            self.cut(line)
