"""Reading lists that Slack hands out in pages."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import Request

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from evoslack.slack.web_api import SlackUnanswered
from evoslack.slack.workspace import items_in, pause_of

MORE = {"response_metadata": {"next_cursor": "c2"}}


class PagedClient(WebClient):
    """Answers each request with the next page."""

    def __init__(self, *pages: dict[str, Any], status: int = 200) -> None:
        super().__init__(token="xoxb-1", retry_handlers=[])
        self.pages = list(pages)
        self.last_status = status
        self.requests: list[str] = []

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        self.requests.append(bytes(req.data or b"").decode())
        page = self.pages.pop(0)
        status = 200 if self.pages else self.last_status
        return {"status": status, "headers": {"Retry-After": "30"}, "body": json.dumps({"ok": True} | page)}


def members(client: WebClient) -> list[Any]:
    return list(items_in(client.conversations_members(channel="C1", limit=2), "members"))


def test_every_page_is_read_with_the_same_arguments() -> None:
    client = PagedClient({"members": ["U1", "U2"]} | MORE, {"members": ["U3"]})

    assert members(client) == ["U1", "U2", "U3"]
    assert ["cursor=c2" in request for request in client.requests] == [False, True]
    assert all("channel=C1" in request and "limit=2" in request for request in client.requests)


@pytest.mark.parametrize("end", [{}, {"response_metadata": None}, {"response_metadata": {"next_cursor": ""}}])
def test_without_a_cursor_the_page_is_the_last(end: dict[str, Any]) -> None:
    assert members(PagedClient({"members": ["U1"]} | end)) == ["U1"]


@pytest.mark.parametrize("page", [{}, {"members": None}, {"members": {"U1": 1}}])
def test_a_page_without_the_list_is_no_answer(page: dict[str, Any]) -> None:
    with pytest.raises(SlackUnanswered, match="without members"):
        members(PagedClient({"members": ["U1"]} | MORE, page))


def test_a_page_that_is_rate_limited_says_for_how_long() -> None:
    client = PagedClient({"members": ["U1"]} | MORE, {"ok": False, "error": "ratelimited"}, status=429)

    with pytest.raises(SlackApiError) as caught:
        members(client)

    assert pause_of(caught.value) == 30


def test_what_is_no_answer_asks_for_no_pause() -> None:
    assert pause_of(SlackUnanswered("timed out")) is None
