"""What a connection to Slack can read at once after the bot stood still."""

from __future__ import annotations

import logging
import socket
import struct
import threading

from slack_sdk import WebClient
from slack_sdk.socket_mode.builtin.internals import _receive_messages

from evoslack.slack.socket_line import Line

PAYLOADS, BYTES = 400, 8000


def test_hundreds_of_payloads_that_waited_are_read() -> None:
    line = Line("xapp-sandbox", WebClient(), lambda _line, _request: None, lambda: None)
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
