"""Sends one HTTP request under one deadline, and knows whether a byte of it may have left.

The timeouts of an HTTP library count from byte to byte, so a slow drip lives for ever. Here a timer shuts
the connection when the time is up, whatever happens on it. Only resolving the host name cannot be cut
short; nothing is sent when it comes back too late.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from evoslack import __version__

CONNECT_TIMEOUT_S = 5.0
LONGEST_BODY = 8 * 1024 * 1024  # bytes; a list of every flow is far below
USER_AGENT = f"EvoSlack/{__version__}"  # Evo Voice turns stock client names away (evo-voice-api 2.1)


class TransportError(Exception):
    """There is no answer. `timed_out` says whether the time was up."""

    def __init__(self, reason: str, *, timed_out: bool) -> None:
        super().__init__(reason)
        self.timed_out = timed_out


class Unsent(TransportError):
    """Proven: not one byte of the request left this machine."""


class Unanswered(TransportError):
    """The request may have arrived, but not even the status of an answer came back."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; the body may be cut short, the status is certain."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json_object(self) -> dict[str, Any] | None:
        """The body as a JSON object, or None when it is anything else."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None


def seconds_until(ends: float) -> float:
    """Seconds until that monotonic time; never quite zero, so that a late request fails as timed out."""
    return max(ends - time.monotonic(), 0.001)


class Transport:
    """Requests to one address. Redirects are answers; nothing is sent twice."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._session = _session(pool=16)
        self._cookies = RequestsCookieJar()  # of the last login, replaced as a whole

    def exchange(
        self,
        method: str,
        path: str,
        *,
        budget_s: float,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        fresh: bool = False,
        logs_in: bool = False,
    ) -> Reply:
        """Send one request and return its answer within `budget_s` seconds.

        `fresh` makes a connection of its own: a kept one may have died silently, which would turn an
        ordinary request into doubt. `logs_in` sends no cookies and keeps those of the answer; no other
        request changes them, so an old session never comes back over a new one.
        Raises `Unsent` or `Unanswered`.
        """
        session = _session(pool=1) if fresh or logs_in else self._session
        cookies = RequestsCookieJar() if logs_in else self._cookies
        attempt = _Attempt(budget_s)
        _current.attempt = attempt
        try:
            with session.request(
                method,
                self._base_url + path,
                params=params,
                json=body,
                cookies=cookies,
                headers={"Connection": "close"} if session is not self._session else None,
                timeout=(min(CONNECT_TIMEOUT_S, budget_s), budget_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                if logs_in:
                    self._cookies = response.cookies
                return Reply(response.status_code, response.headers, _body(response))
        except (requests.RequestException, HTTPError, OSError) as error:
            kind = Unsent if attempt.proves_unsent else Unanswered
            timed_out = attempt.is_over or isinstance(error, requests.Timeout)
            raise kind(type(error).__name__, timed_out=timed_out) from error
        finally:
            attempt.close()
            _current.attempt = None
            if session is not self._session:
                session.close()


class _Attempt:
    """One request: when it must be over, and whether it may have left."""

    def __init__(self, budget_s: float) -> None:
        self._ends = time.monotonic() + budget_s
        self._handle: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(budget_s, self._shut)
        self._timer.daemon = True
        self._timer.start()
        self._connecting = False
        self._left = False

    @property
    def proves_unsent(self) -> bool:
        """Whether it is certain that no byte left: one of our connections was made, and none was used."""
        return self._connecting and not self._left

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._ends

    def connecting(self) -> None:
        """One of our own connections is being made, so `leaving` will be told the truth."""
        self._connecting = True

    def watch(self, sock: socket.socket) -> None:
        """Have this connection shut when the time is up; a copy of its handle survives TLS wrapping."""
        with self._lock:
            if self._handle is not None:
                self._handle.close()
            self._handle = socket.socket(fileno=os.dup(sock.fileno()))
        if self.is_over:
            self._shut()

    def leaving(self, sock: socket.socket) -> None:
        """The last moment before the first byte goes out."""
        if not self._left:
            if self.is_over:
                raise TimeoutError("the time was up before anything was sent")
            self.watch(sock)
            self._left = True

    def close(self) -> None:
        self._timer.cancel()
        with self._lock:
            if self._handle is not None:
                self._handle.close()
                self._handle = None

    def _shut(self) -> None:
        with self._lock, contextlib.suppress(OSError):
            if self._handle is not None:
                self._handle.shutdown(socket.SHUT_RDWR)


class _Current(threading.local):
    """The request that this thread is making; connections look here, the library has no other way in."""

    attempt: _Attempt | None = None


_current = _Current()


class _Watched(HTTPConnection):
    """A connection that tells the current attempt about itself."""

    _asking_proxy = False

    def _new_conn(self) -> socket.socket:
        if _current.attempt is not None:
            _current.attempt.connecting()
        sock = super()._new_conn()
        if _current.attempt is not None:
            _current.attempt.watch(sock)
        return sock

    def _tunnel(self) -> None:
        """Asking a proxy for the way sends bytes too, but none of the request."""
        self._asking_proxy = True
        try:
            super()._tunnel()
        finally:
            self._asking_proxy = False

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        if _current.attempt is not None and not self._asking_proxy:
            _current.attempt.leaving(self.sock)
        super().send(data)


class _WatchedTls(_Watched, HTTPSConnection):
    """The same over TLS."""


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


_WATCHED_POOLS = {"http": _HttpPool, "https": _HttpsPool}


class _Adapter(HTTPAdapter):
    """Makes watched connections and never tries twice."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _WATCHED_POOLS

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        if proxy.lower().startswith("http"):  # SOCKS has connections of its own: trouble there is doubt
            manager.pool_classes_by_scheme = _WATCHED_POOLS
        return manager


def _session(pool: int) -> requests.Session:
    session = requests.Session()
    session.mount("http://", _Adapter(pool_connections=1, pool_maxsize=pool))
    session.mount("https://", _Adapter(pool_connections=1, pool_maxsize=pool))
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # the transport keeps them itself
    session.auth = _as_it_is  # or requests would look for a password in ~/.netrc
    session.headers.update(
        {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "identity"}
    )
    return session


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _body(response: requests.Response) -> bytes:
    """As much of the body as comes; the status is known, so a broken body is no failure here."""
    body = b""
    with contextlib.suppress(requests.RequestException, OSError):
        for chunk in response.iter_content(64 * 1024):
            body += chunk
            if len(body) > LONGEST_BODY:
                break
    return body
