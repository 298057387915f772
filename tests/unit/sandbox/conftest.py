"""A client for the stand-in Slack."""

from __future__ import annotations

import pytest
from slack_sdk import WebClient

from sandbox.slack.workspace import SlackWorkspace


@pytest.fixture
def client(slack: SlackWorkspace) -> WebClient:
    """The Web API with the bot's token; it never tries twice."""
    return WebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])
