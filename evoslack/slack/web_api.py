"""Slack's clients with a hard deadline for each request, however slowly its answer drips.

The SDK sends with urllib, whose timeout starts again with each byte, and lets every kind of error through.
Here each request has one deadline (see `deadline`), and a missing or unreadable answer is one exception. The
methods overridden here are the SDK's last steps before urllib (slack-facts 8).
"""

from __future__ import annotations

import functools
import json
import logging
import re
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ssl import SSLContext
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import (
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError
from slack_sdk.web.file_upload_v2_result import FileUploadV2Result
from slack_sdk.webhook import WebhookClient, WebhookResponse

from evoslack.runtime.deadline import Deadline
from evoslack.runtime.network import problem_words, proxy_for
from evoslack.runtime.request_result import Observe, unobserved
from evoslack.slack import request_results

log = logging.getLogger(__name__)

UPLOAD_TIMEOUT_S = 60  # an export may be large
_RATE_LIMITED = '{"ok": false, "error": "ratelimited"}'


class SlackUnanswered(SlackClientError):
    """Slack did not answer, or not readably; the text says why. Slack may still have acted.

    `status` is that of an answer without JSON: Slack's own trouble, or another server's answer.
    """

    def __init__(self, words: str, status: int | None = None) -> None:
        super().__init__(words)
        self.status = status


class DeadlineWebClient(WebClient):
    """The Web API. `timeout` covers the whole request. Raises `SlackApiError` or `SlackUnanswered`.

    `on_date` is called with the Date header of every answer, `observe` with how every request went.
    """

    on_date: Callable[[str], None] = staticmethod(lambda _date: None)
    observe: Observe = staticmethod(unobserved)

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        """Send one request. The answer's body is a JSON object, or `SlackUnanswered` is raised."""
        status, headers, body = _observed(
            self.observe, request_results.operation_of(url), req, self.timeout, self.ssl
        )
        self.on_date(next((value for name, value in headers.items() if name.lower() == "date"), ""))
        if not _is_object(body):
            if status != 429:
                raise SlackUnanswered(f"status {status} without a JSON object", status)
            body = _RATE_LIMITED  # a proxy may say it without Slack's JSON
        return {"status": status, "headers": headers, "body": body}

    def _upload_file(
        self,
        *,
        url: str,
        data: bytes,
        logger: logging.Logger,  # noqa: ARG002 - the SDK's signature
        timeout: int,  # noqa: ARG002
        proxy: str | None,  # noqa: ARG002 - see `proxy_for`
        ssl: SSLContext | None,
    ) -> FileUploadV2Result:
        """The second step of `files_upload_v2`, which the SDK sends separately."""
        request = Request(url, data, method="POST")  # noqa: S310 - Slack gave the URL
        operation = request_results.FILE_UPLOAD
        status, _headers, body = _observed(self.observe, operation, request, UPLOAD_TIMEOUT_S, ssl)
        return FileUploadV2Result(status=status, body=body)


class DeadlineWebhookClient(WebhookClient):
    """One `response_url`. `timeout` covers the whole request. Raises `SlackUnanswered`."""

    observe: Observe = staticmethod(unobserved)

    def _perform_http_request_internal(self, url: str, req: Request) -> WebhookResponse:
        operation = request_results.RESPONSE_URL
        status, headers, body = _observed(self.observe, operation, req, self.timeout, self.ssl)
        return WebhookResponse(url=url, status_code=status, body=body, headers=headers)


class _NoRedirect(HTTPRedirectHandler):
    """Slack does not redirect, and urllib would send the token along to any target."""

    def redirect_request(self, *_args: object) -> None:
        return None


class _Http(HTTPHandler):
    """Opens connections that are shut down at the deadline."""

    def __init__(self, deadline: Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    def http_open(self, req: Request) -> Any:
        return self.do_open(functools.partial(_connection, HTTPConnection, self._deadline), req)


class _Https(HTTPSHandler):
    """The same over TLS."""

    def __init__(self, deadline: Deadline, context: SSLContext | None) -> None:
        super().__init__(context=context)
        self._deadline, self._tls = deadline, context

    def https_open(self, req: Request) -> Any:
        return self.do_open(
            functools.partial(_connection, HTTPSConnection, self._deadline), req, context=self._tls
        )


def _connection(kind: type[HTTPConnection], deadline: Deadline, host: str, **kwargs: Any) -> HTTPConnection:
    connection: Any = kind(host, **kwargs)
    connection._create_connection = deadline.connect  # called to open a socket, also to a proxy
    return connection  # type: ignore[no-any-return]


def _opener(deadline: Deadline, url: str, context: SSLContext | None) -> OpenerDirector:
    """An opener with the proxy that `network` says; the SDK's own would use one for hosts in NO_PROXY too."""
    proxy = proxy_for(url)
    proxies = ProxyHandler({} if proxy is None else {"http": proxy, "https": proxy})
    return build_opener(proxies, _Http(deadline), _Https(deadline, context), _NoRedirect())


def _observed(
    observe: Observe, operation: str, request: Request, budget_s: float, context: SSLContext | None
) -> tuple[int, dict[str, str], str]:
    """Like `_fetch`; `observe` is told how it went."""
    began_s = time.monotonic()
    try:
        status, headers, body = _fetch(request, budget_s, context)
    except SlackUnanswered as error:
        observe(operation, request_results.result_without_answer(str(error)), time.monotonic() - began_s)
        raise
    observe(operation, request_results.result_of(status, body), time.monotonic() - began_s)
    return status, headers, body


def _fetch(request: Request, budget_s: float, context: SSLContext | None) -> tuple[int, dict[str, str], str]:
    """Send one request and read its whole answer: status, headers and body. Raises `SlackUnanswered`."""
    status, headers, body = fetch(request, budget_s, context)
    return status, headers, body.decode(errors="replace")


def fetch(
    request: Request,
    budget_s: float,
    context: SSLContext | None,
    most: int | None = None,
) -> tuple[int, dict[str, str], bytes]:
    """The same with the body as bytes. At most `most` of them are read: check whether that is all.

    Raises `SlackUnanswered`.
    """
    with Deadline(budget_s) as deadline:
        began_s, result = time.monotonic(), "no answer"
        try:
            with _open(_opener(deadline, request.full_url, context), request, budget_s) as response:
                result = f"status {response.status}"
                body: bytes = response.read() if most is None else response.read(most)
        except (OSError, HTTPException) as error:
            words = "timed out" if deadline.is_over else _reason(error, request.full_url)
            raise SlackUnanswered(words) from error
        finally:
            took_ms = (time.monotonic() - began_s) * 1000
            log.debug("Slack: %s: %s in %.0f ms", _operation(request), result, took_ms)
        if deadline.is_over:  # a body without a length ends silently where it was cut off
            raise SlackUnanswered("timed out")
    return response.status, dict(response.headers.items()), body


def _open(opener: OpenerDirector, request: Request, timeout_s: float) -> Any:
    try:
        return opener.open(request, timeout=timeout_s)
    except HTTPError as answer:  # urllib raises unsuccessful answers, but they are answers
        return answer


def _operation(request: Request) -> str:
    """The Web API's method, without the secrets that other addresses hold."""
    name = request.selector.partition("?")[0].rpartition("/api/")[2]
    return name if re.fullmatch(r"[a-z][A-Za-z]+(\.[A-Za-z]+)+", name) else "another address"


def _is_object(body: str) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False


def _reason(error: Exception, url: str) -> str:
    if (known := problem_words(error, url)) is not None:
        return known
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, TimeoutError):
        return "timed out"
    words = cause.strerror if isinstance(cause, OSError) else ""
    return words or (cause if isinstance(cause, str) else type(cause).__name__)
