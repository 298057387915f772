"""Runs an aiohttp application in its own thread, on a loopback port.

The stand-ins are asynchronous inside, so that a hundred hanging requests cost nothing, and have a blocking
interface, so that tests and the demo read like a story.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from aiohttp import web

T = TypeVar("T")


class Server:
    """An aiohttp application behind `http://127.0.0.1:{port}`; port 0 takes a free one at start."""

    def __init__(self, app: web.Application, port: int = 0) -> None:
        self._app = app
        self.port = port
        self._loop = asyncio.new_event_loop()
        self._runner: web.AppRunner | None = None
        self._listening: socket.socket | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="sandbox-server")

    @property
    def url(self) -> str:
        """The base URL, without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start listening; a stopped server can be restarted and keeps its port."""
        if not self._thread.is_alive():
            self._thread.start()
        self.run(self._start())

    def stop(self) -> None:
        """Close the port and every connection: new connections fail."""
        self.run(self._stop())

    def close(self) -> None:
        """Stop permanently and end the thread."""
        self.stop()
        self.run(self._abort_the_rest())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T], timeout_s: float = 30) -> T:
        """Run a coroutine on the server's loop from another thread and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)

    async def _start(self) -> None:
        # handler_cancellation ends a hanging request when the client disconnects, as in a real server.
        self._runner = web.AppRunner(
            self._app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2
        )
        await self._runner.setup()
        self._listening = socket.create_server(("127.0.0.1", self.port), backlog=128)
        self._listening.setblocking(False)
        await web.SockSite(self._runner, self._listening).start()
        self.port = self._listening.getsockname()[1]

    async def _abort_the_rest(self) -> None:
        """Abort connections that aiohttp no longer tracks: none may outlive the loop."""
        for transport in list(getattr(self._loop, "_transports", {}).values()):
            transport.abort()
        for _ in range(3):
            await asyncio.sleep(0)

    async def _stop(self) -> None:
        runner, self._runner = self._runner, None
        if runner is None or self._listening is None:
            return
        # First accept no more: asyncio forgets a socket that it accepted as its server closed.
        self._loop.remove_reader(self._listening)
        for _ in range(3):  # sockets accepted just now get their connection
            await asyncio.sleep(0)
        await runner.cleanup()
