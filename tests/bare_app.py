"""A bare Bolt app connected to a stand-in Slack, and helpers for Slack's answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.adapter.wsgi import SlackRequestHandler
from slack_sdk.errors import SlackApiError

from sandbox.slack.workspace import SlackWorkspace

BOTH_WAYS = ["socket mode", "http"]


class ThreadingWSGIServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 600


class Silent(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def connected(app: App, slack: SlackWorkspace, way: str) -> Iterator[None]:
    """Connect the app over HTTP or Socket Mode; closes the workspace afterward."""
    if way == "http":
        server = make_server("127.0.0.1", 0, SlackRequestHandler(app), ThreadingWSGIServer, Silent)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        slack.request_url = f"http://127.0.0.1:{server.server_port}/slack/events"
        yield
        server.shutdown()
        thread.join()
        server.server_close()
    else:
        handler = SocketModeHandler(app, slack.app_token)
        handler.connect()
        slack.wait_for_connection()
        yield
        handler.client.auto_reconnect_enabled = False
        slack.disconnect("close_frame")  # else the client takes three seconds to close
        slack.wait_for(lambda: not handler.client.is_connected(), what="the end of the connection")
        handler.close()
    slack.close()


def refusal(call: Callable[..., Any], **args: Any) -> Any:
    """The error response of this Web API call."""
    with pytest.raises(SlackApiError) as caught:
        call(**args)
    return caught.value.response


def why_not(call: Callable[..., Any], **args: Any) -> str:
    """The error code of this Web API call."""
    return str(refusal(call, **args)["error"])


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def option(value: str) -> dict[str, Any]:
    return {"text": plain(f"Flow {value}"), "value": value}
