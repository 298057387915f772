"""One Socket Mode connection, for one life: opened, read until it goes, never mended.

The SDK's client reads, pings and acknowledges; what would make it reconnect is only noted here, because in
place the first payload would wait up to three seconds for the old socket.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import socket
import struct
import sys
import termios
import threading
import time
from collections.abc import Callable
from typing import Any

from slack_sdk import WebClient
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.builtin.frame_header import FrameHeader
from slack_sdk.socket_mode.builtin.internals import _build_data_frame_for_sending
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from evoslack.slack.workspace import problem_of

PING_EVERY_S = 2.0
# What is read at once. With the SDK's 1 kB, some hundred payloads that wait exceed Python's recursion limit,
# and all of them are lost.
RECEIVE_BYTES = 256 * 1024
DEAF_AFTER_S = 6.0  # without a pong; three pings in a row went unanswered
HELLO_WITHIN_S = 5.0
GLANCE_S = 0.005
_NORMAL_CLOSURE = (1000).to_bytes(2, "big")

Taker = Callable[
    ["SocketConnection", SocketModeRequest], None
]  # must not block: the connection is read meanwhile


class NoHello(Exception):
    """Slack opened a connection and did not greet; the text says why."""


class SocketConnection(SocketModeClient):
    """A connection to Slack. `trouble` says what is wrong, `is_told_to_go` that Slack wants it to end."""

    def __init__(
        self,
        app_token: str,
        web_client: WebClient,
        take: Taker,
        on_trouble: Callable[[], None],
    ) -> None:
        super().__init__(
            app_token,
            logger=logging.getLogger("slack_sdk.socket_mode"),
            web_client=web_client,
            ping_interval=PING_EVERY_S,
            receive_buffer_size=RECEIVE_BYTES,
            on_error_listeners=[self._note],
        )
        self._take = take
        self._on_trouble = on_trouble
        self._is_greeted = False
        self._first_word = threading.Event()
        self._nobody = threading.Event()  # never set: a pause
        self._pong: float | None = None
        self._heard_s = time.monotonic()
        self.opened_s = 0.0  # monotonic
        self.trouble = ""
        self.is_told_to_go = False
        self.said_goodbye = False  # nothing may be sent on it any more, but what comes is still read

    def open(self) -> None:
        """Connect and wait for Slack's hello. Raises what the SDK raises, or `NoHello`."""
        self.wss_uri = str(self.web_client.apps_connections_open(app_token=self.app_token)["url"])
        self.connect()
        self.opened_s = self._heard_s = time.monotonic()
        if self.is_connected():
            self._first_word.wait(HELLO_WITHIN_S)
        if not self._is_greeted:
            raise NoHello(self.trouble or "no hello")

    def connect_to_new_endpoint(self, force: bool = False) -> None:  # noqa: ARG002 - the SDK's signature
        """What the SDK calls when Slack says goodbye or the socket is gone: the watchman opens a new line."""
        self.is_told_to_go = True
        self._on_trouble()

    def send_socket_mode_response(self, response: Any) -> None:
        """As UTF-8: escaped, a hundred flows with names in other scripts would not fit into a frame."""
        found = response.to_dict() if isinstance(response, SocketModeResponse) else response
        self.send_message(json.dumps(found, ensure_ascii=False))

    def is_dead(self) -> bool:
        """Whether nothing will come any more: closed by either side, or silent for too long."""
        session = self.current_session
        sock = None if session is None else session.sock
        if session is None or sock is None:
            self.trouble = self.trouble or "closed"
            return True
        if session.last_ping_pong_time != self._pong:
            self._pong, self._heard_s = session.last_ping_pong_time, time.monotonic()
        if time.monotonic() - self._heard_s > DEAF_AFTER_S:
            self.trouble = f"silent for {DEAF_AFTER_S:.0f} s"
            return True
        if _is_closed_by_peer(sock):
            self.trouble = "closed by Slack without a word"
            return True
        return False

    def is_closed_by_slack(self) -> bool:
        """Whether the connection is gone, maybe not noticed yet: nothing arrives at Slack any more."""
        session = self.current_session
        sock = None if session is None else session.sock
        return sock is None or _is_closed_by_peer(sock)

    def was_taken(self, is_late: Callable[[], bool]) -> bool:
        """Whether everything that was sent here has arrived; waits for that until it is late.

        A network that died silently takes bytes for seconds. Linux tells what is still on its way; elsewhere
        the sending must do.
        """
        session = self.current_session
        sock = None if session is None else session.sock
        while sock is not None and _bytes_on_the_way(sock):
            if is_late():
                return False
            self._nobody.wait(GLANCE_S)
        return sock is not None and not is_late()

    def say_goodbye(self) -> None:
        """Ask Slack to send nothing more here; what is on its way already is still read."""
        self.said_goodbye, self.auto_reconnect_enabled = True, False
        session = self.current_session
        sock = None if session is None else session.sock  # which its own thread may take away
        if session is not None and sock is not None:
            frame = _build_data_frame_for_sending(_NORMAL_CLOSURE, FrameHeader.OPCODE_CLOSE)
            with contextlib.suppress(OSError), session.sock_send_lock:
                sock.sendall(frame)

    def close(self) -> None:
        """End the connection at once; the SDK's own `close` would wait for its read to time out."""
        self.closed = True
        self.auto_reconnect_enabled = False
        for runner in (self.current_session_runner, self.current_app_monitor, self.message_processor):
            runner.event.set()
        self.current_session_state.terminated = True
        sock = None if self.current_session is None else self.current_session.sock
        if sock is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # wakes the read that waits
        with contextlib.suppress(OSError, AttributeError):  # the reading thread may be quicker
            self.disconnect()

    def enqueue_message(self, message: str) -> None:
        """What the SDK calls in the reading thread with each message; its own queue would lose the time."""
        with contextlib.suppress(ValueError, AttributeError):
            found = json.loads(message)
            kind = found.get("type")
            if kind == "hello":
                self._is_greeted = True
            self._first_word.set()
            if kind == "disconnect":
                self.trouble = str(found.get("reason") or "disconnect")
                self.connect_to_new_endpoint()
            elif (request := SocketModeRequest.from_dict(found)) is not None:
                self._take(self, request)

    def _note(self, error: Exception) -> None:
        self.trouble = problem_of(error)
        self._on_trouble()


def _bytes_on_the_way(sock: socket.socket) -> int:
    """How many bytes the other machine has not acknowledged yet."""
    if sys.platform != "linux":
        return 0
    try:
        (count,) = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))
    except (OSError, ValueError):  # closed meanwhile
        return 1
    return int(count)


def _is_closed_by_peer(sock: socket.socket) -> bool:
    """Whether the other end is gone; asked of the bare socket, as TLS does not let us look ahead."""
    try:
        with socket.socket(fileno=os.dup(sock.fileno())) as bare:
            return bare.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
