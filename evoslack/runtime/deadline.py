"""A hard deadline around one request, whatever its answer does.

The timeouts of an HTTP library count from byte to byte, so an answer that drips lives forever. Here the
socket itself is shut when the time is up, in the middle of anything: connecting through a proxy, TLS, headers
or body. Only resolving a host name cannot be cut short; nothing is sent when it comes back too late.
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
    """`budget_s` seconds from now; whatever socket is watched is shut then. Use it as a context manager."""

    def __init__(self, budget_s: float) -> None:
        self.ends_s = time.monotonic() + budget_s
        self._handle: socket.socket | None = None
        self._lock = threading.Lock()
        self._is_closed = False
        _timer.add(self)

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self.ends_s

    @property
    def is_closed(self) -> bool:
        """Whether the request ended and nothing is to be shut any more."""
        return self._is_closed

    @property
    def left_s(self) -> float:
        """Seconds that are left; never quite zero, which a socket would take for "do not block"."""
        return max(self.ends_s - time.monotonic(), 0.001)

    def watch(self, sock: socket.socket) -> None:
        """Have this connection shut when the time is up; a copy of its handle survives TLS wrapping."""
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
        """Like `socket.create_connection`, for a watched socket; all addresses of a host share the time."""
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
        raise trouble or TimeoutError("the time was up before there was a connection")

    def shut(self) -> None:
        """End the connection now; whoever reads or writes is woken by an error or the end of the stream."""
        with self._lock, contextlib.suppress(OSError):
            if self._handle is not None:
                self._handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """The request ended; its connection may go on living."""
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
    """One thread for all deadlines; a thread of its own for each would cost more than the request's work."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._pending: list[tuple[float, int, Deadline]] = []  # a heap by time
        self._order = itertools.count()  # deadlines of the same moment need not be comparable
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
        """Wait for the next deadline whose time is up while its request is still under way."""
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
