"""The stand-ins' server: it stops and starts under fire, and loses no socket."""

from __future__ import annotations

import contextlib
import gc
import socket
import threading
import warnings

from aiohttp import web

from sandbox.server import Server


def test_a_connection_that_comes_as_the_server_stops_is_closed() -> None:
    server = Server(web.Application())
    server.start()
    over = threading.Event()

    def keep_connecting() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError):  # it is stopped just now
                socket.create_connection(("127.0.0.1", server.port), 1).close()

    clients = [threading.Thread(target=keep_connecting) for _ in range(3)]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", ResourceWarning)
        for client in clients:
            client.start()
        for _ in range(50):
            server.stop()
            server.start()
        over.set()
        for client in clients:
            client.join()
        server.close()
        gc.collect()

    assert [str(one.message) for one in said] == []
