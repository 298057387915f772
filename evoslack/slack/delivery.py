"""How payloads reach the bot as signed HTTP requests; `socket_mode` is the other way in."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from slack_bolt import App
from slack_bolt.adapter.wsgi import SlackRequestHandler
from slack_sdk.signature import SignatureVerifier
from waitress import wasyncore
from waitress.server import create_server

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

log = logging.getLogger(__name__)

THREADS = 32  # a listener waits for `views.open`: 100 a second at 300 ms of Slack's latency
EVENTS_PATH = "/slack/events"
HEALTH_PATH = "/healthz"
LARGEST_BODY = 1024 * 1024  # bytes; Slack's payloads are below 300 kB (a view is 250 kB at most)
LARGEST_HEAD = 32 * 1024
LAST_ACKS_S = 3  # when stopping; Slack waits no longer either
LOOP_S = 0.2  # how soon the server notices that it shall stop


class Door(Protocol):
    """A way in for payloads."""

    def start(self) -> str:
        """Begin to take payloads; returns words for the ready line."""

    def stop(self) -> None:
        """Take no more."""

    def is_open(self) -> bool:
        """Whether payloads can come in right now."""


class HttpDoor:
    """HTTP: Slack posts to `/slack/events`, and `/healthz` answers whoever watches the bot."""

    def __init__(
        self, app: App, signing_secret: str, host: str, port: int, is_healthy: Callable[[], dict[str, bool]]
    ) -> None:
        self._connections: dict[int, Any] = {}
        self._server = create_server(
            wsgi(app, signing_secret, is_healthy),
            map=self._connections,
            host=host,
            port=port,
            threads=THREADS,
            connection_limit=1000,  # a hundred silent ones would close the door for Slack
            channel_timeout=20,
            max_request_body_size=LARGEST_BODY,
            max_request_header_size=LARGEST_HEAD,
            clear_untrusted_proxy_headers=True,
            ident="EvoSlack",
        )
        self._host = host
        self._stopping, self._drained = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._serve, name="http", daemon=True)

    @property
    def port(self) -> int:
        """The port in use, also when any free one was asked for."""
        # A host name may stand for several addresses; each has a server then.
        servers = getattr(self._server, "effective_listen", [])
        return int(servers[0][1] if servers else self._server.effective_port)  # type: ignore[union-attr]

    def start(self) -> str:
        """Serve in the background."""
        self._thread.start()
        return f"HTTP on http://{self._host}:{self.port}{EVENTS_PATH}"

    def stop(self) -> None:
        """Close the port, finish the requests that are being answered, then close every connection."""
        self._stopping.set()
        self._server.task_dispatcher.shutdown(cancel_pending=False, timeout=LAST_ACKS_S)
        self._drained.set()
        if self._thread.ident is None:  # it never served
            wasyncore.close_all(self._connections, ignore_all=True)
        else:
            self._thread.join(3)

    def is_open(self) -> bool:
        """Whether the server runs."""
        return self._thread.is_alive()

    def _serve(self) -> None:
        """The server's loop; whatever it owns is also closed here, by the one thread that uses it."""
        while not self._stopping.is_set():
            self._look(LOOP_S)
        # Only the port: the server's own `close` also closes the pipe that finishing requests write to.
        for listener in [one for one in self._connections.values() if one.accepting]:
            wasyncore.dispatcher.close(listener)
        while not self._drained.is_set():
            self._look(LOOP_S)
            self._drained.wait(0.01)  # without connections the loop returns at once
        self._look(0)  # the last answers go out
        if not self._server.task_dispatcher.threads:
            wasyncore.close_all(self._connections, ignore_all=True)

    def _look(self, within_s: float) -> None:
        # By poll: select has no room for more than a thousand connections.
        wasyncore.loop(timeout=within_s, use_poll=True, map=self._connections, count=1)


def wsgi(
    app: App, signing_secret: str, is_healthy: Callable[[], dict[str, bool]]
) -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]:
    """The WSGI application around a Bolt app.

    The signature is checked before anything is parsed: Bolt parses first, and answers an odd timestamp or
    a signature that is not ASCII with 500 instead of 401 (slack-facts 10).
    """
    bolt = SlackRequestHandler(app, path=EVENTS_PATH)
    verifier = SignatureVerifier(signing_secret)

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path, method = environ.get("PATH_INFO"), environ.get("REQUEST_METHOD")
        if path == HEALTH_PATH and method in {"GET", "HEAD"}:
            parts = is_healthy()
            status = "200 OK" if all(parts.values()) else "503 Service Unavailable"
            return _answer(start_response, status, json.dumps(parts), "application/json")
        if path != EVENTS_PATH:
            return _answer(start_response, "404 Not Found", "Not found")
        if method != "POST":
            return _answer(start_response, "405 Method Not Allowed", "Only POST")
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if not _is_signed(verifier, environ, body):
            return _answer(start_response, "401 Unauthorized", "Invalid signature")
        environ["wsgi.input"] = _Reread(body)
        try:
            return bolt(environ, start_response)
        except Exception:  # listeners never raise, so it is the payload that Bolt could not read
            log.warning("a signed request could not be read", exc_info=True)
            return _answer(start_response, "400 Bad Request", "Cannot be read")

    return application


class _Reread:
    """A request body that can be read once more."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def read(self, _size: int = -1) -> bytes:
        """The whole body."""
        return self._body


def _is_signed(verifier: SignatureVerifier, environ: WSGIEnvironment, body: bytes) -> bool:
    timestamp = environ.get("HTTP_X_SLACK_REQUEST_TIMESTAMP", "")
    signature = environ.get("HTTP_X_SLACK_SIGNATURE", "")
    if not re.fullmatch(r"\d{1,12}", timestamp, re.ASCII) or not signature.isascii():
        return False
    try:
        return verifier.is_valid(body, timestamp, signature)
    except UnicodeDecodeError:
        return False


def _answer(start_response: StartResponse, status: str, body: str, kind: str = "text/plain") -> list[bytes]:
    content = body.encode()
    start_response(status, [("Content-Type", kind), ("Content-Length", str(len(content)))])
    return [content]
