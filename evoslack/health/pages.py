"""The WSGI application with `/livez`, `/readyz` and `/metrics`. Nothing on these pages is secret."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from evoslack.health.probes import Probes, as_json, is_fine

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from evoslack.health.check import Check

log = logging.getLogger(__name__)

LIVE, READY, METRICS = "/livez", "/readyz", "/metrics"
_Page = tuple[str, str, bytes]  # status, content type, body


def pages(
    probes: Probes, registry: CollectorRegistry
) -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]:
    """The application; an error on a page is logged, and its status is 500."""

    def page(path: str, accept: str) -> _Page:
        if path == LIVE:
            return _checks(probes.live())
        if path == READY:
            return _checks(probes.ready())
        if path == METRICS:
            encode, kind = choose_encoder(accept)
            return "200 OK", kind, encode(registry)
        return "404 Not Found", "text/plain", b"There are /livez, /readyz and /metrics.\n"

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("REQUEST_METHOD") not in {"GET", "HEAD"}:
            status, kind, body = "405 Method Not Allowed", "text/plain", b"Only GET.\n"
        else:
            try:
                status, kind, body = page(environ.get("PATH_INFO", ""), environ.get("HTTP_ACCEPT", ""))
            except Exception:
                log.exception("a health page failed")
                status, kind, body = "500 Internal Server Error", "text/plain", b"Broken; see the log.\n"
        headers = [("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")]
        start_response(status, headers)
        return [body]

    return application


def _checks(checks: dict[str, Check]) -> _Page:
    status = "200 OK" if is_fine(checks) else "503 Service Unavailable"
    return status, "application/json", json.dumps(as_json(checks), indent=1).encode() + b"\n"
