"""A hard deadline for one request, however slowly its answer drips.

The timeouts of an HTTP library start again with each byte, so an answer that drips never times out. Here the
socket itself is shut down at the deadline, whatever it is doing: connecting through a proxy, TLS, headers or
body. Only resolving a host name cannot be cut short; if that takes too long, nothing is sent.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import socket
import threading
import time
from types import TracebackType
from typing import Any, Self


class Deadline:
    """`budget_s` seconds from now; the watched socket is shut down then. Use it as a context manager."""

    def __init__(self, budget_s: float) -> None:
        self.ends_s = time.monotonic() + budget_s
        self._handle: socket.socket | None = None
        self._lock = threading.Lock()
        self._is_closed = False
        _timer.add(self)

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return time.monotonic() >= self.ends_s

    @property
    def is_closed(self) -> bool:
        """Whether the request has ended, so that nothing is shut down anymore."""
        return self._is_closed

    @property
    def left_s(self) -> float:
        """Seconds left; never zero, which a socket would take as "do not block"."""
        return max(self.ends_s - time.monotonic(), 0.001)

    def watch(self, sock: socket.socket) -> None:
        """Shut this socket down at the deadline; the copied handle also covers the TLS socket around it."""
        with self._lock:
            if self._handle is not None:
                self._handle.close()
            self._handle = socket.socket(fileno=os.dup(sock.fileno()))
        if self.is_over:
            self.shut()

    def connect(
        self,
        address: tuple[str, int],
        timeout: float | None = None,
        source_address: tuple[str, int] | None = None,
    ) -> socket.socket:
        """Like `socket.create_connection`, but watched; all addresses of a host share the deadline."""
        trouble: OSError | None = None
        for family, kind, protocol, _name, target in socket.getaddrinfo(*address, 0, socket.SOCK_STREAM):
            if self.is_over:
                break
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(self.left_s)
                if source_address is not None:
                    sock.bind(source_address)
                sock.connect(target)
                sock.settimeout(timeout)
                self.watch(sock)
            except OSError as error:
                trouble = error
                sock.close()
            else:
                return sock
        raise trouble or TimeoutError("timed out before there was a connection")

    def shut(self) -> None:
        """Shut the connection down now; a blocked read or write ends with an error or end of stream."""
        with self._lock, contextlib.suppress(OSError):
            if self._handle is not None:
                self._handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """The request ended; its connection may be kept."""
        self._is_closed = True
        with self._lock:
            if self._handle is not None:
                self._handle.close()
                self._handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()


class _Timer:
    """One thread for all deadlines; a thread for each would cost more than the request itself."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._pending: list[tuple[float, int, Deadline]] = []  # a heap by time
        self._order = itertools.count()  # breaks ties, because deadlines cannot be compared
        self._thread: threading.Thread | None = None

    def add(self, deadline: Deadline) -> None:
        with self._changed:
            entry: tuple[float, int, Any] = (deadline.ends_s, next(self._order), deadline)
            heapq.heappush(self._pending, entry)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            elif self._pending[0] is entry:
                self._changed.notify()

    def _run(self) -> None:
        while True:
            self._next().shut()

    def _next(self) -> Deadline:
        """Wait for the next deadline that passes while its request is still running."""
        with self._changed:
            while True:
                while self._pending and self._pending[0][2].is_closed:
                    heapq.heappop(self._pending)
                if not self._pending:
                    self._changed.wait()
                elif self._pending[0][2].is_over:
                    return heapq.heappop(self._pending)[2]
                else:
                    self._changed.wait(self._pending[0][0] - time.monotonic())


_timer = _Timer()
