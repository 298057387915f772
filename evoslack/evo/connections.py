"""HTTP connections that keep a deadline and know whether a byte of the request may have left.

An HTTP library does neither (docs/decisions/0002). Here the socket is shut down at the deadline, whatever it
is doing (see `deadline`), and each connection notes the moment before its first byte is sent.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from evoslack.runtime.deadline import Deadline
from evoslack.runtime.network import tls_context


class Attempt(Deadline):
    """One request: its deadline, and whether a byte of it may have left.

    `may_leave` is asked right before the first byte is sent; if it returns False, none is.
    """

    def __init__(self, budget_s: float, may_leave: Callable[[], bool] = lambda: True) -> None:
        super().__init__(budget_s)
        self._may_leave = may_leave
        self._connecting = False
        self._left = False
        self.was_held_back = False

    @property
    def proves_unsent(self) -> bool:
        """Whether it is certain that no byte left: a connection of ours was opened, and nothing was sent."""
        return self._connecting and not self._left

    def connecting(self) -> None:
        """A connection of ours is being opened, so `leaving` will be called before any byte is sent."""
        self._connecting = True

    def leaving(self, sock: socket.socket) -> None:
        """Called right before the first byte is sent. Raises `TimeoutError` to prevent that."""
        if not self._left:
            if self.is_over:
                raise TimeoutError("timed out before anything was sent")
            self.watch(sock)
            if not self._may_leave():
                self.was_held_back = True
                raise TimeoutError("held back right before the first byte")
            self._left = True


class _Current(threading.local):
    """The request that this thread is making. The library gives its connections no other way to know."""

    attempt: Attempt | None = None


current = _Current()


class _Watched(HTTPConnection):
    """A connection that reports to the current attempt."""

    _asking_proxy = False

    def _new_conn(self) -> socket.socket:
        if current.attempt is not None:
            current.attempt.connecting()
        sock = super()._new_conn()
        if current.attempt is not None:
            current.attempt.watch(sock)
        return sock

    def _tunnel(self) -> None:
        """Asking a proxy for a tunnel sends bytes, but none of the request."""
        self._asking_proxy = True
        try:
            super()._tunnel()
        finally:
            self._asking_proxy = False

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        if current.attempt is not None and not self._asking_proxy:
            current.attempt.leaving(self.sock)
        super().send(data)


class _WatchedTls(_Watched, HTTPSConnection):
    """The same over TLS."""


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


_WATCHED_POOLS = {"http": _HttpPool, "https": _HttpsPool}


class WatchedAdapter(HTTPAdapter):
    """Opens watched connections and never retries."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=tls_context(), **kwargs)
        self.poolmanager.pool_classes_by_scheme = _WATCHED_POOLS

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, ssl_context=tls_context(), **kwargs)
        if proxy.lower().startswith("http"):  # SOCKS brings its own connections: an error there ends in doubt
            manager.pool_classes_by_scheme = _WATCHED_POOLS
        return manager

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ARG002
        """Trust what `network` says; requests would load its own list of authorities on top of that."""
        conn.cert_reqs = "CERT_REQUIRED"
