"""A relay in front of PostgreSQL that counts round trips, and can make each of them take longer.

A round trip is what a program waits for: it begins when the program speaks after the server has answered.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.sockets import accept_all, hang_up


class Relay:
    """Listens on a loopback port and forwards to a server's socket. `delay_s` is added to each round trip."""

    def __init__(self, upstream: Path, *, delay_s: float = 0.0) -> None:
        self._upstream = str(upstream)
        self.delay_s = delay_s
        self.round_trips = 0
        self._counting = threading.Lock()
        self._open: list[socket.socket] = []
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

    def _serve(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._upstream)
        self._open += [client, server]
        _Link(self, client, server).start()

    def note_round_trip(self) -> None:
        """Count one, and let it take its time."""
        with self._counting:
            self.round_trips += 1
        if self.delay_s:
            time.sleep(self.delay_s)


class _Link:
    """One connection."""

    def __init__(self, relay: Relay, client: socket.socket, server: socket.socket) -> None:
        self._relay = relay
        self._client = client
        self._server = server
        self._has_answered = True

    def start(self) -> None:
        """Carry both ways until one side ends it."""
        for carry in (self._questions, self._answers):
            threading.Thread(target=self._until_the_end, args=[carry], daemon=True).start()

    def _until_the_end(self, carry: object) -> None:
        with suppress(OSError):
            carry()  # type: ignore[operator]
        for each in (self._client, self._server):
            hang_up(each)

    def _questions(self) -> None:
        while data := self._client.recv(65536):
            if self._has_answered:
                self._has_answered = False
                self._relay.note_round_trip()
            self._server.sendall(data)

    def _answers(self) -> None:
        while data := self._server.recv(65536):
            self._has_answered = True
            self._client.sendall(data)
