"""Socket Mode: the app's websocket connections, envelopes out, acks in, and injected faults.

Up to ten connections; each payload goes to a random one; an ack is matched by envelope_id and only the
first one counts (slack-facts 7). Runs on the server's event loop.
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
from sandbox.slack.errors import SlackError
from sandbox.slack.team import APP_ID

MOST_CONNECTIONS = 10
# Disconnects that Slack announces, and the reason it gives.
REASONS = {"warning": "warning", "disconnect_message": "refresh_requested", "link_disabled": "link_disabled"}
LOCKED_OUT = ("link_disabled", "token_revoked")  # closed, and new connections are denied until `unlock`
KINDS = {*REASONS, *LOCKED_OUT, "close_frame", "fin", "reset", "deaf"}

Which = Literal["all", "newest", "oldest"]


class NoConnection(Exception):
    """No Socket Mode connection is open."""


@dataclass(eq=False)
class _Connection:
    """A connection. Deaf: open but unresponsive. Retiring: told to disconnect, gets no more payloads."""

    ws: web.WebSocketResponse
    request: web.Request
    deaf: bool = False
    retiring: bool = False


class Sockets:
    """The Socket Mode connections that are open now."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._tickets: set[str] = set()
        self._lockout = ""
        self._connections: list[_Connection] = []
        self._waiting: dict[str, list[asyncio.Future[Json | None]]] = {}

    @property
    def count(self) -> int:
        """Connections that can carry a payload: neither deaf nor told to disconnect."""
        return sum(not (connection.deaf or connection.retiring) for connection in self._connections)

    def new_path(self) -> str:
        """A path where the app may connect once. Raises SlackError while it is locked out."""
        if self._lockout:
            raise SlackError(self._lockout)
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
        except ConnectionResetError:  # the app has already disconnected
            return ws
        if len(self._connections) >= MOST_CONNECTIONS:
            await ws.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            return ws
        connection = _Connection(ws, request)
        self._connections.append(connection)  # before "hello": an app that has received it must be counted
        try:
            await ws.send_json(self._hello())
            self._on_change()
            await self._listen(connection)
        finally:
            self._connections.remove(connection)
            self._on_change()
        return ws

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._connections),
            "connection_info": {"app_id": APP_ID},
            "debug_info": {"host": "sandbox", "approximate_connection_time": 18060},
        }

    async def _listen(self, connection: _Connection) -> None:
        async for message in connection.ws:
            if connection.deaf:
                continue
            if message.type is WSMsgType.PING:
                with contextlib.suppress(ConnectionResetError):
                    await connection.ws.pong(message.data)
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

        Raises NoConnection. Never returns if the connection is deaf or lost: Slack does not know that.
        """
        if not self._connections:
            raise NoConnection
        connection = random.choice(
            [connection for connection in self._connections if not connection.retiring] or self._connections
        )
        ack: asyncio.Future[Json | None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(envelope["envelope_id"], [])
        waiting.append(ack)
        try:
            if not connection.deaf:
                await connection.ws.send_json(envelope)
            return await ack
        finally:
            waiting.remove(ack)
            if not waiting:
                self._waiting.pop(envelope["envelope_id"], None)

    async def disturb(self, kind: str, which: Which = "all") -> None:
        """Disturb open connections; see `SlackWorkspace.disconnect` for the kinds."""
        if kind not in KINDS:
            raise ValueError(f"unknown kind of fault: {kind}")
        if kind in LOCKED_OUT:
            self._lockout = kind
        chosen = {"all": slice(None), "newest": slice(-1, None), "oldest": slice(1)}[which]
        for connection in self._connections[chosen]:
            await self._disturb(kind, connection)
        self._on_change()

    async def _disturb(self, kind: str, connection: _Connection) -> None:
        connection.retiring = connection.retiring or kind not in {"warning", "deaf"}
        if kind in REASONS:
            await connection.ws.send_json({"type": "disconnect", "reason": REASONS[kind]})
        if kind in {"close_frame", *LOCKED_OUT}:
            await connection.ws.close()
        elif kind == "deaf":
            connection.deaf = True
        elif kind == "reset":
            self.cut(connection)
        elif kind == "fin" and connection.request.transport is not None:
            connection.request.transport.close()

    def unlock(self) -> None:
        """End a lockout."""
        self._lockout = ""

    def cut(self, connection: _Connection) -> None:
        """End a connection with a TCP reset, without a close frame."""
        transport = connection.request.transport
        if transport is not None:
            raw = transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()

    async def drop_all(self) -> None:
        """End every connection: the server stops."""
        for connection in list(self._connections):
            self.cut(connection)
