"""Sends one HTTP request within one deadline and returns its answer, or raises how far it got.

The timeouts of an HTTP library start again with each byte, so a slow drip never ends; the connections used
here are shut down at the deadline. Only resolving the host name cannot be cut short; if that takes too
long, nothing is sent.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.cookies import RequestsCookieJar
from urllib3.exceptions import HTTPError

from evoslack import __version__
from evoslack.evo.connections import Attempt, WatchedAdapter, current
from evoslack.runtime.network import problem_words, proxy_for

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 5.0
LONGEST_BODY = 8 * 1024 * 1024  # bytes; a list of all flows is far smaller
USER_AGENT = f"EvoSlack/{__version__}"  # Evo Voice rejects the names of stock clients (evo-voice-api 2.1)


class TransportError(Exception):
    """There is no answer. `timed_out` says whether the deadline had passed."""

    def __init__(self, reason: str, *, timed_out: bool) -> None:
        super().__init__(reason)
        self.timed_out = timed_out


class Unsent(TransportError):
    """Proven: no byte of the request left this machine."""


class HeldBack(Unsent):
    """No byte left, because `may_leave` returned False right before the first one."""


class Unanswered(TransportError):
    """The request may have arrived, but no status came back."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. The body may be cut short; the status is certain."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json_object(self) -> dict[str, Any] | None:
        """The body as a JSON object, or None if it is anything else."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None


def seconds_until(ends: float) -> float:
    """Seconds until that monotonic time; never zero, so that a late request fails with a timeout."""
    return max(ends - time.monotonic(), 0.001)


class Transport:
    """Sends requests to one address. Redirects are answers; nothing is sent twice."""

    def __init__(self, base_url: str, on_end: Callable[[str], None] = lambda _problem: None) -> None:
        """`on_end` is told after each request what was wrong with Evo Voice; empty if it answered."""
        self._on_end = on_end
        self._base_url = base_url.rstrip("/")
        self._session = _session(pool=16)
        self._cookies = RequestsCookieJar()  # from the last login, replaced as a whole

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
        may_leave: Callable[[], bool] = lambda: True,
    ) -> Reply:
        """Send one request and return its answer within `budget_s` seconds.

        `fresh` opens a new connection: a kept-alive one may have died silently, and an ordinary request
        would end in doubt. `logs_in` sends no cookies and keeps those of the answer; no other request
        changes them, so an old session never replaces a new one. `may_leave` is asked after name lookup,
        connect and TLS, right before the first byte is sent.
        Raises `HeldBack`, `Unsent` or `Unanswered`.
        """
        session = _session(pool=1) if fresh or logs_in else self._session
        cookies = RequestsCookieJar() if logs_in else self._cookies
        attempt = Attempt(budget_s, may_leave)
        current.attempt = attempt
        began_s, problem, status = time.monotonic(), "", 0
        try:
            with session.request(
                method,
                self._base_url + path,
                params=params,
                json=body,
                cookies=cookies,
                headers={"Connection": "close"} if session is not self._session else None,
                proxies=_proxies(self._base_url),
                timeout=(min(CONNECT_TIMEOUT_S, budget_s), budget_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                status = response.status_code
                if status >= 500:
                    problem = f"status {status}"
                if logs_in:
                    self._cookies = response.cookies
                return Reply(response.status_code, response.headers, _body(response))
        except (requests.RequestException, HTTPError, OSError) as error:
            kind: type[TransportError] = Unsent if attempt.proves_unsent else Unanswered
            if attempt.was_held_back:
                kind = HeldBack
            timed_out = attempt.is_over or isinstance(error, requests.Timeout)
            words = problem_words(error, self._base_url) or type(error).__name__
            problem = "no answer in time" if timed_out else words
            raise kind(words, timed_out=timed_out) from error
        finally:
            attempt.close()
            current.attempt = None
            took_ms = (time.monotonic() - began_s) * 1000
            log.debug("Evo Voice: %s %s: %s in %.0f ms", method, path, status or problem, took_ms)
            if not attempt.was_held_back:
                self._on_end(problem)
            if session is not self._session:
                session.close()


def _session(pool: int) -> requests.Session:
    session = requests.Session()
    session.mount("http://", WatchedAdapter(pool_connections=1, pool_maxsize=pool))
    session.mount("https://", WatchedAdapter(pool_connections=1, pool_maxsize=pool))
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # `Transport` keeps them
    # Otherwise requests reads passwords from ~/.netrc, and variables that only it knows.
    session.trust_env, session.auth = False, _as_it_is
    session.headers.update(
        {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "identity"}
    )
    return session


def _proxies(url: str) -> dict[str, str]:
    proxy = proxy_for(url)
    return {} if proxy is None else {"http": proxy, "https": proxy}


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _body(response: requests.Response) -> bytes:
    """As much of the body as comes. The status is known, so a broken body is not an error here."""
    body = io.BytesIO()
    with contextlib.suppress(requests.RequestException, OSError):
        for chunk in response.iter_content(64 * 1024):
            body.write(chunk)
            if body.tell() > LONGEST_BODY:
                break
    return body.getvalue()
