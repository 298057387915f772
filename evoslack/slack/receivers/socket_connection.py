"""One Socket Mode connection. It is opened once and never reconnects; its owner replaces it.

The SDK's client reads, pings and acknowledges. What would make it reconnect is only noted here, because
after reconnecting in place the first payload waits up to three seconds for the old socket
(docs/decisions/0005).
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
from slack_sdk.socket_mode.interval_runner import IntervalRunner
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from evoslack.runtime.network import problem_words, proxy_for
from evoslack.slack.web_api import SlackUnanswered
from evoslack.slack.workspace import problem_of

PING_EVERY_S = 2.0
# Read at a time. With the SDK's 1 kB, a few hundred waiting payloads exceed Python's recursion limit, and all
# of them are lost.
RECEIVE_BYTES = 256 * 1024
PONG_TIMEOUT_S = 6.0  # three pings in a row went unanswered
HELLO_TIMEOUT_S = 5.0
CHECK_EVERY_S = 0.005  # whether sent bytes arrived
_NORMAL_CLOSURE = (1000).to_bytes(2, "big")

# Called in the thread that reads the connection, so it must not block.
OnRequest = Callable[["SocketConnection", SocketModeRequest], None]


class NoHello(Exception):
    """A connection was opened, but Slack's hello did not come; the text says why."""


class SocketConnection(SocketModeClient):
    """A connection to Slack.

    `problem` says what is wrong with it. `is_retiring`: Slack is about to close it, or has. `is_closing`: our
    close frame was sent, so nothing else may be sent; what comes is still read. `on_problem` is called when
    one of these may have changed, in any thread.
    """

    def __init__(
        self,
        app_token: str,
        web_client: WebClient,
        on_request: OnRequest,
        on_problem: Callable[[], None],
    ) -> None:
        super().__init__(
            app_token,
            logger=logging.getLogger("slack_sdk.socket_mode"),
            web_client=web_client,
            ping_interval=PING_EVERY_S,
            receive_buffer_size=RECEIVE_BYTES,
            on_error_listeners=[self._note],
        )
        # The SDK's reader would find the new connection up to 0.1 s later.
        self.current_session_runner.event.set()
        self.current_session_runner = IntervalRunner(self._run_current_session)
        self._on_request = on_request
        self._on_problem = on_problem
        self._is_greeted = False
        self._first_message = threading.Event()
        self._pong: float | None = None
        self._heard_s = time.monotonic()
        self.opened_s = 0.0  # monotonic
        self.problem = ""
        self.is_retiring = False
        self.is_closing = False

    def open(self) -> None:
        """Connect and wait for Slack's hello. Raises what the SDK raises, or `NoHello`."""
        url = self.web_client.apps_connections_open(app_token=self.app_token).get("url")
        if not isinstance(url, str):
            raise SlackUnanswered("an answer without url")
        self.wss_uri = url
        # The SDK would use HTTPS_PROXY for hosts in NO_PROXY too, and speak TLS through it even to ws://.
        self.proxy = proxy_for(self.wss_uri) if self.wss_uri.startswith("wss:") else None
        self.connect()
        self.current_session_runner.start()
        self.opened_s = self._heard_s = time.monotonic()
        if self.is_connected():
            self._first_message.wait(HELLO_TIMEOUT_S)
        if not self._is_greeted:
            raise NoHello(self.problem or "no hello")

    def connect_to_new_endpoint(self, force: bool = False) -> None:  # noqa: ARG002 - the SDK's signature
        """The SDK calls this when Slack says goodbye or the socket is gone; here it only reports that."""
        self.is_retiring = True
        self._on_problem()

    def send_socket_mode_response(self, response: Any) -> None:
        """Send an ack as UTF-8: escaped, a hundred flow names in other scripts do not fit into a frame."""
        found = response.to_dict() if isinstance(response, SocketModeResponse) else response
        self.send_message(json.dumps(found, ensure_ascii=False))

    def is_dead(self) -> bool:
        """Whether this connection is finished: closed by either side, or timed out."""
        session = self.current_session
        sock = None if session is None else session.sock
        if session is None or sock is None:
            self.problem = self.problem or "closed"
            return True
        if session.last_ping_pong_time != self._pong:
            self._pong, self._heard_s = session.last_ping_pong_time, time.monotonic()
        if time.monotonic() - self._heard_s > PONG_TIMEOUT_S:
            self.problem = f"timed out: no pong for {PONG_TIMEOUT_S:.0f} s"
            return True
        if _is_closed_by_peer(sock):
            self.problem = "closed by Slack without a close frame"
            return True
        return False

    def is_closed_by_slack(self) -> bool:
        """Whether the other end is gone, so that nothing sent now would arrive. Noticed before `is_dead`."""
        session = self.current_session
        sock = None if session is None else session.sock
        return sock is None or _is_closed_by_peer(sock)

    def was_delivered(self, is_late: Callable[[], bool]) -> bool:
        """Whether everything sent here has arrived; waits for that until it is late.

        A dead network swallows bytes for seconds. Linux tells what the other machine has not acknowledged;
        elsewhere a successful send counts.
        """
        session = self.current_session
        sock = None if session is None else session.sock
        while sock is not None and _unacknowledged_bytes(sock):
            if is_late():
                return False
            time.sleep(CHECK_EVERY_S)
        return sock is not None and not is_late()

    def send_close(self) -> None:
        """Send the close frame: Slack sends nothing more; what is on its way already is still read."""
        self.is_closing, self.auto_reconnect_enabled = True, False
        session = self.current_session
        sock = None if session is None else session.sock  # which its own thread may take away
        if session is not None and sock is not None:
            frame = _build_data_frame_for_sending(_NORMAL_CLOSURE, FrameHeader.OPCODE_CLOSE)
            with contextlib.suppress(OSError), session.sock_send_lock:
                sock.sendall(frame)

    def close(self) -> None:
        """Close at once; the SDK's own `close` would wait for its read to time out."""
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
        """The SDK calls this with each message, in the reading thread; its queue would lose the time."""
        with contextlib.suppress(ValueError, AttributeError):
            found = json.loads(message)
            kind = found.get("type")
            if kind == "hello":
                self._is_greeted = True
            self._first_message.set()
            if kind == "disconnect":
                self.problem = str(found.get("reason") or "disconnect")
                self.connect_to_new_endpoint()
            elif (request := SocketModeRequest.from_dict(found)) is not None:
                self._on_request(self, request)

    def _note(self, error: Exception) -> None:
        self.problem = problem_words(error, self.wss_uri or "") or problem_of(error)
        self._on_problem()


def _unacknowledged_bytes(sock: socket.socket) -> int:
    """How many bytes the other machine has not acknowledged yet; 0 where the kernel does not say."""
    if sys.platform != "linux":
        return 0
    try:
        (count,) = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))
    except (OSError, ValueError):  # closed meanwhile
        return 1
    return int(count)


def _is_closed_by_peer(sock: socket.socket) -> bool:
    """Whether the other end closed; peeks at the bare socket, because TLS cannot be peeked at."""
    try:
        with socket.socket(fileno=os.dup(sock.fileno())) as bare:
            return bare.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
