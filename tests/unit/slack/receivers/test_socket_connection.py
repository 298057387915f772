"""What a connection to Slack can read at once after the bot stood still."""

from __future__ import annotations

import logging
import socket
import struct
import threading

from slack_sdk import WebClient
from slack_sdk.socket_mode.builtin.internals import _receive_messages

from evoslack.slack.receivers.socket_connection import SocketConnection

PAYLOADS, BYTES = 400, 8000


def test_hundreds_of_payloads_that_waited_are_read() -> None:
    line = SocketConnection("xapp-sandbox", WebClient(), lambda _line, _request: None, lambda: None)
    ours, slacks = socket.socketpair()
    burst = (b"\x81\x7e" + struct.pack("!H", BYTES) + b"x" * BYTES) * PAYLOADS
    slack = threading.Thread(target=slacks.sendall, args=[burst], daemon=True)
    slack.start()
    ours.settimeout(10)

    found = 0
    while found < PAYLOADS:
        found += len(
            _receive_messages(ours, threading.Lock(), logging.getLogger("sdk"), line.receive_buffer_size)
        )

    assert found == PAYLOADS
    slack.join(10)
    line.close()
    ours.close()
    slacks.close()


class Session:
    """What a line sends on, as far as it looks at it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock


def connected(sock: socket.socket) -> SocketConnection:
    line = SocketConnection("xapp-sandbox", WebClient(), lambda _line, _request: None, lambda: None)
    line.current_session = Session(sock)  # type: ignore[assignment]
    return line


def test_an_answer_is_only_taken_for_sent_when_the_other_machine_has_it() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    ours = socket.create_connection(listener.getsockname())
    slacks, _ = listener.accept()
    line = connected(ours)

    ours.sendall(b"an ack")
    assert line.was_taken(lambda: False)

    ours.setblocking(False)
    glances: list[None] = []
    while True:  # as on a network that takes nothing any more
        try:
            ours.send(b"x" * 65536)
        except BlockingIOError:
            break
    assert not line.was_taken(lambda: len(glances) > 3 or bool(glances.append(None)))

    ours.close()
    assert not line.was_taken(lambda: len(glances) > 6 or bool(glances.append(None)))
    line.close()
    slacks.close()
    listener.close()


def test_what_arrived_too_late_was_not_taken_in_time() -> None:
    ours, slacks = socket.socketpair()
    line = connected(ours)

    assert not line.was_taken(lambda: True)
    line.close()
    ours.close()
    slacks.close()
