"""Downloads of files: the token goes to Slack's file server only, and half a file is no file."""

from __future__ import annotations

from typing import Any

import pytest

from evoslack.slack.file_download import (
    ELSEWHERE,
    FILE_ORIGIN,
    MOST_BYTES,
    NOT_LET_IN,
    TOO_LARGE,
    FileDownload,
    NotDownloaded,
    origin_of,
)
from sandbox.slack.workspace import SlackWorkspace

CONTENT = "+18144043093,möchte nicht\n".encode() * 100


def uploaded(slack: SlackWorkspace, content: bytes = CONTENT) -> dict[str, Any]:
    """A file that Sara put into a form."""
    view = {
        "type": "modal",
        "title": {"type": "plain_text", "text": "File"},
        "submit": {"type": "plain_text", "text": "Send"},
        "blocks": [
            {
                "type": "input",
                "block_id": "file",
                "label": {"type": "plain_text", "text": "File"},
                "element": {"type": "file_input", "action_id": "file"},
            }
        ],
    }
    slack._views.open("U_SARA", view, None)
    return slack.attach_file("U_SARA", "file", "my list.csv", content)


def why_not(download: FileDownload, file: dict[str, Any]) -> str:
    with pytest.raises(NotDownloaded) as caught:
        download.content_of(file)
    return caught.value.problem


@pytest.fixture
def download(slack: SlackWorkspace) -> FileDownload:
    return FileDownload(slack.bot_token, {FILE_ORIGIN, slack.url})


def test_a_file_comes_as_it_was_uploaded(slack: SlackWorkspace, download: FileDownload) -> None:
    assert download.content_of(uploaded(slack)) == CONTENT
    assert slack.api_calls("download")[0].token == slack.bot_token


def test_without_token_or_scope_no_page_is_taken_for_the_file(
    slack: SlackWorkspace, download: FileDownload
) -> None:
    file = uploaded(slack)
    assert why_not(FileDownload("xoxb-other", {slack.url}), file) == NOT_LET_IN
    slack.bot_scopes.discard("files:read")
    assert why_not(download, file) == NOT_LET_IN
    # The page that a browser would be sent to.
    assert why_not(download, {"url_private_download": f"{slack.url}/"}) == NOT_LET_IN


@pytest.mark.parametrize(
    "url",
    [
        *("", "files.slack.com/x", "http://files.slack.com/x", "https://files.slack.com:8443/x"),
        *("https://files.slack.com.evil.test/x", "https://files.slack.com@evil.test/x", "file:///etc/passwd"),
        *("https://evil.test/https://files.slack.com", "https://files.slack.com\\@evil.test/", "https://[x/"),
    ],
)
def test_the_token_goes_nowhere_else(slack: SlackWorkspace, download: FileDownload, url: str) -> None:
    assert why_not(download, {"url_private_download": url}) == ELSEWHERE
    assert slack.api_calls("download") == []


def test_the_file_server_of_slack_is_known() -> None:
    assert origin_of("https://files.slack.com/files-pri/T1-F1/download/list.csv") == FILE_ORIGIN


def test_a_file_that_is_too_large_is_not_read(slack: SlackWorkspace, download: FileDownload) -> None:
    file = uploaded(slack)
    assert why_not(download, file | {"size": MOST_BYTES + 1}) == TOO_LARGE
    assert slack.api_calls("download") == []


def test_half_a_file_is_no_file(slack: SlackWorkspace, download: FileDownload) -> None:
    file = uploaded(slack)

    assert why_not(download, file | {"size": len(CONTENT) + 1}) == "cut off"
    slack.fault("download", "cut")
    assert why_not(download, file)
    slack.fault("download", "500")
    assert why_not(download, file) == "status 500"
    slack.fault("download", "error:gone")
    assert why_not(download, file) == "status 404"
