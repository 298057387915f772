"""Downloads a file that a person put into a form. The bot token goes to Slack's file server, nowhere else."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request

from evoslack.runtime.network import tls_context
from evoslack.slack.web_api import SlackUnanswered, fetch

FILE_ORIGIN = "https://files.slack.com"
MOST_BYTES = 10_000_000  # of one file; Slack takes no larger ones in a form
DOWNLOAD_TIMEOUT_S = 60.0
TOO_LARGE, NOT_LET_IN, ELSEWHERE = "too_large", "not_let_in", "elsewhere"


class NotDownloaded(Exception):
    """There is no file; `problem` is one of the three above, or says what went wrong on the way."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class FileDownload:
    """Downloads from these origins (scheme, host and port) with the bot token."""

    def __init__(self, token: str, origins: Collection[str]) -> None:
        self._token = token
        self._origins = frozenset(origins)

    def content_of(self, file: Mapping[str, Any]) -> bytes:
        """The content of a file as payloads describe it. Raises `NotDownloaded`."""
        size: Any = file.get("size")
        url = str(file.get("url_private_download") or file.get("url_private") or "")
        if isinstance(size, int) and size > MOST_BYTES:
            raise NotDownloaded(TOO_LARGE)
        if origin_of(url) not in self._origins:
            raise NotDownloaded(ELSEWHERE)
        request = Request(url, headers={"Authorization": f"Bearer {self._token}"})  # noqa: S310 - checked
        try:
            status, headers, body = fetch(request, DOWNLOAD_TIMEOUT_S, tls_context(), MOST_BYTES + 1)
        except SlackUnanswered as error:
            raise NotDownloaded(str(error)) from error
        if len(body) > MOST_BYTES:
            raise NotDownloaded(TOO_LARGE)
        # Without the scope Slack sends a browser to its sign-in page; a redirect is not followed.
        is_page = next((v for name, v in headers.items() if name.lower() == "content-type"), "")
        if status in {301, 302, 303, 307, 308, 401, 403} or (status == 200 and "text/html" in is_page):
            raise NotDownloaded(NOT_LET_IN)
        if status != 200:
            raise NotDownloaded(f"status {status}")
        if isinstance(size, int) and len(body) != size:  # a list that was cut off is not the list
            raise NotDownloaded("cut off")
        return body


def origin_of(url: str) -> str:
    """Scheme, host and port of an address; empty if it has none, or more than that before its path."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.username is not None or parts.password is not None or not parts.hostname:
        return ""
    return f"{parts.scheme}://{parts.hostname}" + (f":{port}" if port is not None else "")
