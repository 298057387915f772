"""The small web server of the health pages. It has threads of its own, so it holds nothing else up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from waitress import wasyncore
from waitress.server import create_server
from waitress.task import ThreadedTaskDispatcher

THREADS = 4  # side by side; none answers slower than within two seconds
CONNECTIONS = 50
SILENT_S = 10  # then an idle connection is closed
LAST_ANSWERS_S = 1  # when stopping; idle threads end at once
LOOP_S = 0.2  # how soon the server notices that it is told to stop


class HealthServer:
    """Listens at once, and answers from `start` on. `OSError` if it cannot listen."""

    def __init__(self, application: Callable[..., Any], host: str, port: int) -> None:
        self._connections: dict[int, Any] = {}
        self._host = host
        self._dispatcher = ThreadedTaskDispatcher()
        try:
            self._server = create_server(
                application,
                map=self._connections,
                _dispatcher=self._dispatcher,
                host=host,
                port=port,
                connection_limit=CONNECTIONS,
                channel_timeout=SILENT_S,
                max_request_body_size=1024,
                max_request_header_size=16 * 1024,
                clear_untrusted_proxy_headers=True,
                ident="EvoSlack",
            )
        except BaseException:
            self._close()
            raise
        self._dispatcher.set_thread_count(THREADS)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="health", daemon=True)

    @property
    def port(self) -> int:
        """The port in use; it differs from the setting when that is 0."""
        servers = getattr(self._server, "effective_listen", [])
        return int(servers[0][1] if servers else self._server.effective_port)  # type: ignore[union-attr]

    @property
    def url(self) -> str:
        """The address, without a path."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    def start(self) -> None:
        """Serve in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection."""
        self._stopping.set()
        if self._thread.ident is None:  # it never served
            self._close()
        else:
            self._thread.join(2 * LAST_ANSWERS_S)

    def _serve(self) -> None:
        """The server's loop. It also closes what it owns, because only this thread uses it."""
        while not self._stopping.is_set():
            # poll instead of select, which takes no more than a thousand file handles.
            wasyncore.loop(timeout=LOOP_S, use_poll=True, map=self._connections, count=1)
        self._close()

    def _close(self) -> None:
        self._dispatcher.shutdown(cancel_pending=True, timeout=LAST_ANSWERS_S)
        wasyncore.close_all(self._connections, ignore_all=True)
