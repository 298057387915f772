"""What the stand-ins between a program and its server share: they accept, read exactly, and hang up."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress


def accept_all(listener: socket.socket, serve: Callable[[socket.socket], object]) -> None:
    """Serve each connection in a thread of its own, until either end closes it, or the listener is closed."""

    def until_it_ends(client: socket.socket) -> None:
        with suppress(OSError, EOFError):
            serve(client)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _address = listener.accept()
                threading.Thread(target=until_it_ends, args=[client], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def exactly(source: socket.socket, count: int) -> bytes:
    """So many bytes. Raises `EOFError` at the end."""
    data = b""
    while len(data) < count:
        more = source.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def hang_up(side: socket.socket) -> None:
    """Close it; that also wakes the thread that is reading from it."""
    with suppress(OSError):
        side.shutdown(socket.SHUT_RDWR)
    side.close()
