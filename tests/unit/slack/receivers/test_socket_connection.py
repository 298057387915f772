"""A connection to Slack reads hundreds of waiting payloads, knows what has arrived, and says goodbye."""

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
    connection = SocketConnection(
        "xapp-sandbox", WebClient(), lambda _connection, _request: None, lambda: None
    )
    ours, slacks = socket.socketpair()
    burst = (b"\x81\x7e" + struct.pack("!H", BYTES) + b"x" * BYTES) * PAYLOADS
    slack = threading.Thread(target=slacks.sendall, args=[burst], daemon=True)
    slack.start()
    ours.settimeout(10)

    found = 0
    while found < PAYLOADS:
        found += len(
            _receive_messages(
                ours, threading.Lock(), logging.getLogger("sdk"), connection.receive_buffer_size
            )
        )

    assert found == PAYLOADS
    slack.join(10)
    connection.close()
    ours.close()
    slacks.close()


class Session:
    """The part of an SDK session that a connection sends on."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sock_send_lock = threading.Lock()


def connected(sock: socket.socket) -> SocketConnection:
    connection = SocketConnection(
        "xapp-sandbox", WebClient(), lambda _connection, _request: None, lambda: None
    )
    connection.current_session = Session(sock)  # type: ignore[assignment]
    return connection


def test_an_answer_counts_as_delivered_only_when_the_other_machine_has_it() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    ours = socket.create_connection(listener.getsockname())
    slacks, _ = listener.accept()
    connection = connected(ours)

    ours.sendall(b"an ack")
    assert connection.was_delivered(lambda: False)

    ours.setblocking(False)
    checks: list[None] = []
    while True:  # until the network takes nothing more
        try:
            ours.send(b"x" * 65536)
        except BlockingIOError:
            break
    assert not connection.was_delivered(lambda: len(checks) > 3 or bool(checks.append(None)))

    ours.close()
    assert not connection.was_delivered(lambda: len(checks) > 6 or bool(checks.append(None)))
    connection.close()
    slacks.close()
    listener.close()


def test_what_arrives_too_late_does_not_count_as_delivered() -> None:
    ours, slacks = socket.socketpair()
    connection = connected(ours)

    assert not connection.was_delivered(lambda: True)
    connection.close()
    ours.close()
    slacks.close()


def test_the_goodbye_is_a_masked_close_frame_with_status_1000() -> None:
    """It is built by a private function of the SDK (docs/decisions/0005)."""
    ours, slacks = socket.socketpair()
    connection = connected(ours)

    connection.send_close()

    frame = slacks.recv(100)
    assert (frame[:2], len(frame)) == (b"\x88\x82", 8)  # final close frame; masked, two bytes
    mask, status = frame[2:6], frame[6:]
    assert bytes(one ^ other for one, other in zip(status, mask, strict=False)) == b"\x03\xe8"
    assert connection.is_closing
    connection.close()
    ours.close()
    slacks.close()
