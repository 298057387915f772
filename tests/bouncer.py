"""A stand-in for PgBouncer in transaction mode, faithful in what matters to us.

It rejects the startup parameter `options`, or drops it where it is told to ignore it. Each transaction may
run on another connection to the server than the one before, so whatever belongs to a session is lost, or
found by another client: settings, prepared statements, locks.
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Self

from tests.sockets import accept_all, exactly, hang_up

SSL_OR_GSS = (80877103, 80877104)  # "may we encrypt?", asked before anything else
REJECTED = b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0"


class Bouncer:
    """Listens on a loopback port; `servers` connections to the server are shared, each in turn."""

    def __init__(self, upstream: Path, *, ignores_options: bool = False, servers: int = 3) -> None:
        self._upstream = str(upstream)
        self._ignores_options = ignores_options
        self._servers: SimpleQueue[socket.socket] = SimpleQueue()
        self._open: list[socket.socket] = []
        self._greeting = b""
        for _ in range(servers):
            self._servers.put(self._connect())
        self._listener = socket.create_server(("127.0.0.1", 0))
        accept_all(self._listener, self._serve)

    @property
    def url(self) -> str:
        """The address as DATABASE_URL takes it."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self._listener.getsockname()[1]}/postgres"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listener, *self._open):
            hang_up(each)

    def _connect(self) -> socket.socket:
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._upstream)
        self._open.append(server)
        words = struct.pack("!i", 196608) + b"user\0postgres\0database\0postgres\0\0"
        server.sendall(struct.pack("!i", len(words) + 4) + words)
        self._greeting, _is_idle = _answer(server)
        return server

    def _serve(self, client: socket.socket) -> None:
        self._open.append(client)
        with suppress(OSError, EOFError), client:
            if not self._greet(client):
                return
            server = None
            while (question := _question(client)) is not None:
                server = server or self._servers.get()
                server.sendall(question)
                answer, is_idle = _answer(server)
                if is_idle:  # the transaction is over, so another client may have this one
                    self._servers.put(server)
                    server = None
                client.sendall(answer)

    def _greet(self, client: socket.socket) -> bool:
        while True:
            (length,) = struct.unpack("!i", exactly(client, 4))
            body = exactly(client, length - 4)
            if struct.unpack("!i", body[:4])[0] not in SSL_OR_GSS:
                break
            client.sendall(b"N")
        if b"\0options\0" in body and not self._ignores_options:
            client.sendall(b"E" + struct.pack("!i", len(REJECTED) + 4) + REJECTED)
            return False
        client.sendall(self._greeting)
        return True


def _question(client: socket.socket) -> bytes | None:
    """All messages up to the one after which the server answers; None at the end."""
    found = b""
    while True:
        kind, length = struct.unpack("!ci", head := exactly(client, 5))
        found += head + exactly(client, length - 4)
        if kind == b"X":
            return None
        if kind in {b"Q", b"S"}:
            return found


def _answer(server: socket.socket) -> tuple[bytes, bool]:
    """All messages until the server is ready again, and whether no transaction is open then."""
    found = b""
    while True:
        kind, length = struct.unpack("!ci", head := exactly(server, 5))
        found += head + (body := exactly(server, length - 4))
        if kind == b"Z":
            return found, body == b"I"
