"""Delivers payloads to the app: over one of its Socket Mode connections, or as signed POSTs.

Either way Slack expects the ack within three seconds and never retries what a person did
(slack-facts 1, 6, 7 and 10). Runs on the server's event loop.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

import aiohttp

from sandbox.slack.block_kit import Json
from sandbox.slack.sockets import NoConnection, Sockets

_COMMAND_TYPES = {"slash_commands", "slash_command", "command"}
_EVENT_TYPES = {"events_api", "event_callback"}


@dataclass
class Delivery:
    """A payload for the app, and its result.

    `acked`: within the limit; `sent_at`: in Unix seconds; `seconds`: until the response or the timeout;
    `status`: of the HTTP response; `payload`: the body of the ack; `seen`: what Slack itself shows the person
    when there is no ack; `invalid_inputs`: block ids of inputs because of which nothing was sent; `failure`:
    why there is no ack (`timeout`, `unreachable`, `error_status`).
    """

    payload_type: str
    sent: Json
    envelope_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    attempt: int = 0
    over_http: bool = False
    acked: bool = False
    sent_at: float = 0.0
    seconds: float = 0.0
    status: int | None = None
    payload: Json | str | None = None
    seen: str = ""
    invalid_inputs: tuple[str, ...] = ()
    failure: str = ""

    @property
    def over_at(self) -> float:
        """When the response came or Slack gave up and showed its own error, in Unix seconds."""
        return self.sent_at + self.seconds

    @property
    def envelope_type(self) -> str:
        """The envelope type: slash_commands, events_api or interactive."""
        if self.payload_type in _COMMAND_TYPES:
            return "slash_commands"
        return "events_api" if self.payload_type in _EVENT_TYPES else "interactive"


def sign(secret: str, timestamp: str, body: str) -> str:
    """The X-Slack-Signature of a request (slack-facts 10)."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256).hexdigest()


class Courier:
    """Delivers payloads to `request_url` if it is set, otherwise over Socket Mode.

    Several URLs are used in turn, as by a load balancer in front of several bots.
    """

    def __init__(self, sockets: Sockets, signing_secret: str) -> None:
        self._sockets = sockets
        self._secret = signing_secret
        self.request_url: str | Sequence[str] | None = None
        self._turn = itertools.count()
        self.limit_s = 3.0

    async def deliver(self, delivery: Delivery) -> None:
        """Send it and record the result; never raises for what the app does."""
        started, delivery.sent_at = time.monotonic(), time.time()
        url = self._next_url()
        delivery.over_http = url is not None
        try:
            async with asyncio.timeout(self.limit_s):
                if url is None:
                    delivery.payload = await self._sockets.send(_envelope(delivery))
                    delivery.acked = True
                else:
                    await self._post(url, delivery)
        except TimeoutError:
            delivery.failure = "timeout"
        except (NoConnection, aiohttp.ClientError, OSError):
            delivery.failure = "unreachable"
        delivery.seconds = time.monotonic() - started

    def _next_url(self) -> str | None:
        if self.request_url is None or isinstance(self.request_url, str):
            return self.request_url
        return self.request_url[next(self._turn) % len(self.request_url)]

    async def _post(self, url: str, delivery: Delivery) -> None:
        kind, body = _http_body(delivery)
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": kind,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": sign(self._secret, timestamp, body),
        }
        if delivery.attempt and delivery.envelope_type == "events_api":
            headers |= {"X-Slack-Retry-Num": str(delivery.attempt), "X-Slack-Retry-Reason": "http_timeout"}
        # one connection per request: a stale kept-alive one would appear to be the app's failure
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session,
            session.post(url, data=body.encode(), headers=headers, allow_redirects=False) as answer,
        ):
            text = await answer.text()
        delivery.status = answer.status
        delivery.acked = 200 <= answer.status < 300
        delivery.failure = "" if delivery.acked else "error_status"
        delivery.payload = _parsed(text, answer.content_type)


def _parsed(text: str, content_type: str) -> Json | str | None:
    if content_type == "application/json":
        try:
            body = json.loads(text)
            return body if isinstance(body, dict) else text
        except ValueError:
            return text
    return text or None


def _http_body(delivery: Delivery) -> tuple[str, str]:
    """Content type and body of the POST."""
    if delivery.envelope_type == "events_api":
        return "application/json", json.dumps(delivery.sent)
    form = (
        delivery.sent
        if delivery.envelope_type == "slash_commands"
        else {"payload": json.dumps(delivery.sent)}
    )
    return "application/x-www-form-urlencoded", urlencode(form)


def _envelope(delivery: Delivery) -> Json:
    envelope = {
        "envelope_id": delivery.envelope_id,
        "type": delivery.envelope_type,
        "accepts_response_payload": delivery.envelope_type != "events_api",
        "payload": delivery.sent,
    }
    if delivery.envelope_type == "events_api":
        retries = {"retry_attempt": delivery.attempt, "retry_reason": "timeout" if delivery.attempt else ""}
        envelope |= retries
    return envelope
