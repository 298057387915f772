"""A proxy in front of PostgreSQL that loses exactly one COMMIT, or exactly its answer, or makes it slow.

It reads what the driver says, message by message (a type, a length, a body), so that the connection can be
cut after a certain statement, at the moment that counts.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.sockets import accept_all, exactly, hang_up

SSL_OR_GSS = (80877103, 80877104)  # "may we encrypt?", asked before anything else


@dataclass
class Cut:
    """Cut the connection at the first COMMIT after a statement with these words that changed a row."""

    words: str
    answer_only: bool  # the COMMIT arrives and is carried out; only its answer is lost
    holds: bool = False  # nothing is cut, but the answer never comes
    done: bool = False


class DatabaseProxy:
    """Listens on a loopback port and forwards to the socket of a server."""

    def __init__(self, upstream: Path) -> None:
        self._upstream = str(upstream)
        self._cut: Cut | None = None
        self.delay_s = 0.0  # of every question that the server is asked
        self._held_words = ""
        self._released = threading.Event()
        self.holding = threading.Event()  # whether a statement is held right now
        self._taking = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        accept_all(self._listener, self._serve)

    @property
    def url(self) -> str:
        """The address as DATABASE_URL takes it."""
        return f"postgresql://postgres@127.0.0.1:{self._listener.getsockname()[1]}/postgres"

    def cut(self, words: str, *, answer_only: bool, holds: bool = False) -> Cut:
        """Cut the next connection that commits a statement with these words, once."""
        self._cut = Cut(words, answer_only, holds)
        return self._cut

    def hold(self, words: str) -> None:
        """Let statements with these words wait until `release`."""
        self._released.clear()
        self._held_words = words

    def release(self) -> None:
        """Let everything through again."""
        self._held_words = ""
        self._released.set()

    def wait_for_turn(self, statement: str) -> None:
        """Returns once this statement may go on."""
        if self._held_words and self._held_words in statement:
            self.holding.set()
            self._released.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listener, *self._open):
            hang_up(each)

    def _serve(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._upstream)
        self._open |= {client, server}
        _Link(self, client, server).carry()

    def take(self, statements: set[str]) -> Cut | None:
        """The cut that matches one of these statements, unless another connection took it."""
        with self._taking:
            cut = self._cut
            if cut is None or not any(cut.words in statement for statement in statements):
                return None
            self._cut = None
            return cut


class _Link:
    """One connection of the bot's."""

    def __init__(self, proxy: DatabaseProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._prepared: dict[bytes, str] = {}
        self._statements: set[str] = set()  # of the transaction that is open
        self._changed = False  # anything, in that transaction
        self._lost_answer: Cut | None = None

    def carry(self) -> None:
        """Carry both ways until one side, or a cut, ends it."""
        threading.Thread(target=self._carry_answers, daemon=True).start()
        with suppress(OSError, EOFError):
            self._greet()
            while self._carry_message():
                pass
        self._end()

    def _greet(self) -> None:
        while True:
            (length,) = struct.unpack("!i", head := exactly(self._client, 4))
            body = exactly(self._client, length - 4)
            if struct.unpack("!i", body[:4])[0] not in SSL_OR_GSS:
                self._server.sendall(head + body)
                return
            self._client.sendall(b"N")

    def _carry_message(self) -> bool:
        """One message; whether the connection goes on."""
        kind, length = struct.unpack("!ci", head := exactly(self._client, 5))
        body = exactly(self._client, length - 4)
        self._note(kind, body)
        if kind == b"Q" and body.startswith((b"COMMIT", b"ROLLBACK")):
            counts = self._changed and body.startswith(b"COMMIT")
            cut = self._proxy.take(self._statements) if counts else None
            self._statements.clear()
            self._changed = False
            if cut is not None and not cut.answer_only:
                self._end()
                cut.done = True
                return False
            self._lost_answer = cut
        if kind in {b"Q", b"S"}:  # the end of a question, which may come in several messages
            time.sleep(self._proxy.delay_s)
        self._server.sendall(head + body)
        return True

    def _note(self, kind: bytes, body: bytes) -> None:
        """A statement comes whole at first; when it comes often, it gets a name and comes by that."""
        if kind == b"P":
            name, statement, _types = body.split(b"\0", 2)
            self._prepared[name] = statement.decode()
            self._proxy.wait_for_turn(self._prepared[name])
        elif kind == b"B":
            _portal, name, _values = body.split(b"\0", 2)
            self._statements.add(self._prepared[name])
            self._proxy.wait_for_turn(self._prepared[name])

    def _carry_answers(self) -> None:
        with suppress(OSError):
            while data := self._server.recv(65536):
                if self._lost_answer is not None:
                    self._lost_answer.done = True
                    if self._lost_answer.holds:
                        continue
                    break
                self._changed |= any(tag in data for tag in (b"UPDATE 1\0", b"INSERT 0 1\0"))
                self._client.sendall(data)
        self._end()

    def _end(self) -> None:
        for each in (self._client, self._server):
            hang_up(each)
