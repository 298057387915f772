"""Files that a person puts into a form of the stand-in Slack, as slack_sdk and the app meet them."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk import WebClient

from sandbox.slack.workspace import SlackWorkspace
from tests.bare_app import plain

Open = Callable[..., None]


@pytest.fixture
def open_form(slack: SlackWorkspace) -> Open:
    """Opens a form with a file field that has these properties."""

    def open_form(**more: Any) -> None:
        element = {"type": "file_input", "action_id": "f"} | more
        field = {"type": "input", "block_id": "file", "label": plain("File"), "element": element}
        view = {"type": "modal", "title": plain("Files"), "submit": plain("Send"), "blocks": [field]}
        client = WebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])
        client.views_open(trigger_id=slack.new_trigger("U_SARA"), view=view)

    return open_form


def chosen(slack: SlackWorkspace) -> dict[str, Any]:
    """What the state of the form says about its field."""
    view = slack.modal("U_SARA")
    assert view is not None
    return dict(view["state"]["values"]["file"]["f"])


def test_the_app_gets_the_file_object_and_downloads_with_its_token(
    slack: SlackWorkspace, open_form: Open
) -> None:
    open_form(filetypes=["csv"])
    assert chosen(slack) == {"type": "file_input", "files": []}

    file = slack.attach_file("U_SARA", "file", "A list.csv", b"1,2")

    assert chosen(slack) == {"type": "file_input", "files": [file]}
    assert (file["name"], file["filetype"], file["size"]) == ("A list.csv", "csv", 3)
    request = urllib.request.Request(
        file["url_private_download"], headers={"Authorization": f"Bearer {slack.bot_token}"}
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.read() == b"1,2"
    with urllib.request.urlopen(file["url_private_download"]) as answer:  # as a browser: to the sign-in page
        assert answer.headers["Content-Type"].startswith("text/html")


def test_a_required_file_is_asked_for_by_slack(slack: SlackWorkspace, open_form: Open) -> None:
    open_form()

    assert slack.submit("U_SARA").invalid_inputs == ("file",)


def test_a_field_takes_only_what_it_says(slack: SlackWorkspace, open_form: Open) -> None:
    open_form(filetypes=["csv"], max_files=1)

    with pytest.raises(LookupError, match="only"):
        slack.attach_file("U_SARA", "file", "a.xlsx", b"1")
    with pytest.raises(ValueError, match="at most"):
        slack.attach_file("U_SARA", "file", "a.csv", bytes(10_000_001))
    slack.attach_file("U_SARA", "file", "a.CSV", b"1")
    with pytest.raises(LookupError, match="no more than 1"):
        slack.attach_file("U_SARA", "file", "b.csv", b"1")
    with pytest.raises(LookupError, match="takes files"):
        slack.fill("U_SARA", {"file": "b.csv"})

    slack.fill("U_SARA", {"file": None})  # removed again
    assert chosen(slack)["files"] == []
