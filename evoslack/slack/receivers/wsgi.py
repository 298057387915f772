"""The WSGI application around the Bolt app: check the signature, run Bolt, answer if it is in time."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from slack_bolt import App, BoltRequest, BoltResponse
from slack_bolt.adapter.wsgi.http_request import WsgiHttpRequest
from slack_bolt.adapter.wsgi.http_response import WsgiHttpResponse
from slack_sdk.signature import Clock as SignatureClock
from slack_sdk.signature import SignatureVerifier

from evoslack.calling.arrival import Arrival
from evoslack.runtime.clock import Clock, Moment
from evoslack.slack.payloads import ARRIVAL
from evoslack.slack.receivers.denied_requests import DeniedRequests
from evoslack.slack.receivers.lanes import NoteAnswer, lane_of_body, unnoted
from evoslack.slack.receivers.slack_time import SlackTime

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

log = logging.getLogger(__name__)

EVENTS_PATH = "/slack/events"
HEALTH_PATH = "/healthz"
HAS_LEFT = "evoslack.has_left"  # in the environment: tells whether the whole answer went to the kernel
ARRIVED = "evoslack.arrived"  # in the environment: the moment of reading, and seconds it may have waited


def wsgi(
    app: App,
    signing_secret: str,
    clock: Clock,
    slack_time: SlackTime,
    is_healthy: Callable[[], dict[str, bool]],
    note_answer: NoteAnswer = unnoted,
    on_denied: Callable[[str], object] = lambda _reason: None,
) -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]:
    """The WSGI application around a Bolt app.

    The signature is checked before anything is parsed. Bolt parses first, and answers 500 instead of 401 to
    an odd timestamp or a signature that is not ASCII (slack-facts 10). `on_denied` is called with the
    reason (`DeniedBecause`) of every request that is not let in.
    """
    checked = DeniedRequests(signing_secret, slack_time, lambda: clock.moment().wall_s, on_denied=on_denied)
    # Either clock may say that the signature is recent: the wall clock may have just jumped away, and `now`
    # is wrong for hours after the wall clock was corrected.
    verifiers = [
        SignatureVerifier(signing_secret, _Time(now_s))
        for now_s in (lambda: clock.now().timestamp(), lambda: clock.moment().wall_s)
    ]

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path, method = environ.get("PATH_INFO"), environ.get("REQUEST_METHOD")
        if path == HEALTH_PATH and method in {"GET", "HEAD"}:
            parts = is_healthy()
            status = "200 OK" if all(parts.values()) else "503 Service Unavailable"
            return _answer(start_response, status, json.dumps(parts), "application/json")
        if path != EVENTS_PATH:
            return _answer(start_response, "404 Not Found", "Not found")
        if method != "POST":
            return _answer(start_response, "405 Method Not Allowed", "Only POST")
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if not any(_is_signed(verifier, environ, body) for verifier in verifiers):
            timestamp = environ.get("HTTP_X_SLACK_REQUEST_TIMESTAMP", "")
            checked.denied(timestamp, environ.get("HTTP_X_SLACK_SIGNATURE", ""), body)
            return _answer(start_response, "401 Unauthorized", "Invalid signature")
        checked.passed()
        arrived: tuple[Moment, float] = environ.get(ARRIVED) or (clock.moment(), 0.0)
        at, waited_s = arrived
        sent_s = slack_time.age_s(environ["HTTP_X_SLACK_REQUEST_TIMESTAMP"]) - clock.elapsed_s(at)
        arrival = Arrival(clock, at, age_s=max(waited_s, sent_s))
        try:
            answer = _dispatched(app, environ, body, arrival)
        except Exception:  # listeners never raise, so Bolt could not parse the payload
            arrival.unanswered()
            log.warning("a signed request could not be parsed", exc_info=True)
            return _answer(start_response, "400 Bad Request", "Cannot be read")
        note_answer(lane_of_body(body), arrival.age_s)
        if arrival.awaits_answer and (arrival.is_late or client_is_gone(environ)):
            arrival.unanswered()  # too late to say "calling": the person has seen Slack's own error
            return _answer(start_response, "503 Service Unavailable", "Too late")
        start_response(answer.status, answer.get_headers())
        return _Answer(answer, arrival, environ.get(HAS_LEFT, lambda: True))

    return application


def _dispatched(app: App, environ: WSGIEnvironment, body: bytes, arrival: Arrival) -> WsgiHttpResponse:
    request = BoltRequest(
        body=body.decode(),
        query=environ.get("QUERY_STRING", ""),
        headers=WsgiHttpRequest(environ).get_headers(),
        context={ARRIVAL: arrival},
    )
    answer: BoltResponse = app.dispatch(request)
    return WsgiHttpResponse(status=answer.status, headers=answer.headers, body=answer.body)


def client_is_gone(environ: WSGIEnvironment) -> bool:
    """Whether the client has closed the connection."""
    is_gone: Callable[[], bool] = environ.get("waitress.client_disconnected", lambda: False)
    return is_gone()


class _Answer:
    """The body of an answer; it notes whether it was sent."""

    def __init__(self, answer: WsgiHttpResponse, arrival: Arrival, has_left: Callable[[], bool]) -> None:
        self._answer = answer
        self._arrival = arrival
        self._has_left = has_left
        self._was_sent = False

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.get_body()
        self._was_sent = True

    def close(self) -> None:
        """The server is done with this answer."""
        if not self._was_sent:
            self._arrival.unanswered()
        elif self._has_left():
            self._arrival.answered()
        # Otherwise nobody knows: the server also takes an answer for a broken connection.


class _Time(SignatureClock):
    """The clock for the age of a signature."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s

    def now(self) -> float:
        """Unix seconds."""
        return self._now_s()


def _is_signed(verifier: SignatureVerifier, environ: WSGIEnvironment, body: bytes) -> bool:
    timestamp = environ.get("HTTP_X_SLACK_REQUEST_TIMESTAMP", "")
    signature = environ.get("HTTP_X_SLACK_SIGNATURE", "")
    if not re.fullmatch(r"\d{1,12}", timestamp, re.ASCII) or not signature.isascii():
        return False
    try:
        return verifier.is_valid(body, timestamp, signature)
    except UnicodeDecodeError:
        return False


def _answer(start_response: StartResponse, status: str, body: str, kind: str = "text/plain") -> list[bytes]:
    content = body.encode()
    start_response(status, [("Content-Type", kind), ("Content-Length", str(len(content)))])
    return [content]
