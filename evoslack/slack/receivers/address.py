"""The address that the HTTP receiver listens on: whether it could, and whether one of us does already."""

from __future__ import annotations

import contextlib
import socket
from http.client import HTTPConnection, HTTPException

from evoslack.slack.receivers.wsgi import HEALTH_PATH

SERVER_NAME = "EvoSlack"  # in the Server header of every answer
_ANSWER_TIMEOUT_S = 2.0
_LOCAL = {"0.0.0.0": "127.0.0.1", "*": "127.0.0.1", "::": "::1"}  # where one that listens everywhere is found


def listen_problem(host: str, port: int, setting: str = "HOST") -> str | None:
    """Why nobody can listen there, as a sentence; None if it works. Binds each address for an instant.

    `setting` is the one that names the host.
    """
    where = f"{host}:{port}"
    try:
        found = socket.getaddrinfo(
            None if host == "*" else host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (socket.gaierror, UnicodeError):
        return f"Cannot listen on {where}: {setting} is not a name or an address of this machine."
    for family, kind, protocol, _name, target in found:
        try:
            with socket.socket(family, kind, protocol) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.bind(target)
        except OSError as error:
            return f"Cannot listen on {where}: {error.strerror}."
    return None


def is_one_of_us(host: str, port: int) -> bool:
    """Whether an EvoSlack listens there, by the name in its answer."""
    connection = HTTPConnection(_LOCAL.get(host, host), port, timeout=_ANSWER_TIMEOUT_S)
    with contextlib.closing(connection), contextlib.suppress(OSError, HTTPException):
        connection.request("HEAD", HEALTH_PATH)
        return connection.getresponse().getheader("Server") == SERVER_NAME
    return False
