"""The receiver for signed HTTP requests, a waitress server; `socket_mode` is the other receiver.

Each request is stamped when its first bytes are read, then waits for a thread of its lane. Slack's own
timestamp counts too, because a request may have waited in a proxy.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Any, cast

from slack_bolt import App
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server
from waitress.task import ThreadedTaskDispatcher, WSGITask

from evoslack.runtime.clock import Clock
from evoslack.slack.receivers.address import SERVER_NAME
from evoslack.slack.receivers.lanes import THREADS, Lane, NoteAnswer, lane_of_body, unnoted
from evoslack.slack.receivers.slack_time import SlackTime
from evoslack.slack.receivers.wsgi import ARRIVED, EVENTS_PATH, HAS_LEFT, wsgi

LARGEST_BODY = 1024 * 1024  # bytes; Slack's payloads are below 300 kB (a view is 250 kB at most)
LARGEST_HEAD = 32 * 1024
LAST_ACKS_S = 3  # when stopping; Slack waits no longer for an ack
LOOP_S = 0.2  # how soon the server notices that it is told to stop


class HttpReceiver:
    """Serves `/slack/events` for Slack and `/healthz` for monitoring. `OSError` if it cannot listen."""

    def __init__(
        self,
        app: App,
        signing_secret: str,
        host: str,
        port: int,
        *,
        clock: Clock,
        slack_time: SlackTime,
        waited_s: Callable[[], float],  # see `Heartbeat.waited_s`
        is_healthy: Callable[[], dict[str, bool]],
        note_answer: NoteAnswer = unnoted,
        on_denied: Callable[[str], object] = lambda _reason: None,  # with the reason, for counters
    ) -> None:
        self._connections: dict[int, Any] = {}
        self._lanes = _Lanes()
        self._server = create_server(
            wsgi(app, signing_secret, clock, slack_time, is_healthy, note_answer, on_denied),
            map=self._connections,
            _dispatcher=cast("ThreadedTaskDispatcher", self._lanes),  # has all that waitress uses
            host=host,
            port=port,
            channel_request_lookahead=1,  # otherwise a client that hangs up goes unnoticed
            connection_limit=1000,  # waitress's 100 could be taken up by silent clients
            channel_timeout=20,
            max_request_body_size=LARGEST_BODY,
            max_request_header_size=LARGEST_HEAD,
            clear_untrusted_proxy_headers=True,
            ident=SERVER_NAME,
        )
        for listener in self._connections.values():
            if listener.accepting:
                listener.channel_class = _stamping(clock, waited_s)
        self._host = host
        self._stopping, self._drained = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._serve, name="http", daemon=True)

    @property
    def port(self) -> int:
        """The port in use; it differs from the setting when that is 0."""
        # A host name may have several addresses, with a server for each.
        servers = getattr(self._server, "effective_listen", [])
        return int(servers[0][1] if servers else self._server.effective_port)  # type: ignore[union-attr]

    def start(self) -> str:
        """Serve in the background."""
        self._thread.start()
        return f"HTTP on http://{self._host}:{self.port}{EVENTS_PATH}"

    def stop(self) -> None:
        """Close the port, finish the requests that are being answered, then close every connection."""
        self._stopping.set()
        self._lanes.shutdown(cancel_pending=False, timeout=LAST_ACKS_S)
        self._drained.set()
        if self._thread.ident is None:  # it never served
            wasyncore.close_all(self._connections, ignore_all=True)
        else:
            self._thread.join(3)

    def is_open(self) -> bool:
        """Whether the server runs."""
        return self._thread.is_alive()

    def connection_count(self) -> int:
        """One while the server runs."""
        return int(self.is_open())

    def _serve(self) -> None:
        """The server's loop. It also closes what it owns, because only this thread uses it."""
        while not self._stopping.is_set():
            self._poll(LOOP_S)
        # Only the port: the server's own `close` also closes the pipe that finishing requests write to.
        for listener in [one for one in self._connections.values() if one.accepting]:
            wasyncore.dispatcher.close(listener)
        while not self._drained.is_set():
            self._poll(LOOP_S)
            self._drained.wait(0.01)  # without connections `_poll` returns at once
        self._poll(0)  # the last answers go out
        if not self._lanes.threads:
            wasyncore.close_all(self._connections, ignore_all=True)

    def _poll(self, within_s: float) -> None:
        # poll instead of select, which takes no more than a thousand connections.
        wasyncore.loop(timeout=within_s, use_poll=True, map=self._connections, count=1)


class _Lanes:
    """The dispatcher that waitress hands its requests to: one of waitress's own for each lane."""

    def __init__(self) -> None:
        self._pools = {lane: ThreadedTaskDispatcher() for lane in Lane}
        for lane, pool in self._pools.items():
            pool.set_thread_count(THREADS[lane])

    @property
    def threads(self) -> list[Any]:
        """The threads that still run."""
        return [thread for pool in self._pools.values() for thread in pool.threads]

    def add_task(self, channel: Any) -> None:
        """Queue a complete request in its lane."""
        body = channel.requests[0].get_body_stream()
        lane = lane_of_body(body.read(LARGEST_BODY))
        body.seek(0)
        self._pools[lane].add_task(channel)

    def set_thread_count(self, _count: int) -> None:
        """Ignored: each lane has its own count."""

    def shutdown(self, *, cancel_pending: bool, timeout: float) -> None:
        """Finish what is being answered within `timeout` seconds."""
        for pool in self._pools.values():
            pool.set_thread_count(0)
        ends = time.monotonic() + timeout
        for pool in self._pools.values():
            pool.shutdown(cancel_pending, max(math.ceil(ends - time.monotonic()), 0))


def _stamping(clock: Clock, waited_s: Callable[[], float]) -> type[HTTPChannel]:
    """A waitress channel that notes when the first bytes of each request were read."""

    class Stamped(HTTPRequestParser):
        def __init__(self, adj: Any) -> None:
            super().__init__(adj)
            self.arrived = clock.moment(), waited_s()

    class Task(WSGITask):
        def get_environment(self) -> dict[str, Any]:
            mine = {ARRIVED: getattr(self.request, "arrived", None), HAS_LEFT: self._has_left}
            return {**super().get_environment(), **mine}

        def _has_left(self) -> bool:
            channel = self.channel
            return channel.connected and not channel.will_close and not channel.total_outbufs_len

    class Channel(HTTPChannel):
        parser_class = Stamped
        task_class = Task

    return Channel
