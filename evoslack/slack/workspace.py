"""The workspace that the bot token opens: clients for it, and what Slack says about the token."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookClient

from evoslack.slack.web_api import DeadlineWebClient, DeadlineWebhookClient, SlackUnanswered

# What our clients raise when Slack says no (`SlackApiError`) or nothing that can be read (`SlackUnanswered`).
# Anything else is a defect of ours.
NO_ANSWER = (SlackClientError,)
LISTENER_TIMEOUT_S = 2  # for the whole request, inside a listener, which has three seconds
PATIENT_TIMEOUT_S = 10  # the same everywhere else
PAUSE_S = 5.0  # after a 429 that does not say for how long
_TLS = ssl.create_default_context()  # once: the SDK would load all certificates anew for every request


@dataclass(frozen=True, slots=True)
class Identity:
    """What `auth.test` says about the bot token."""

    team_id: str
    team_name: str
    enterprise_id: str | None
    bot_id: str | None
    bot_user_id: str | None
    scopes: frozenset[str]


def web_client(
    token: str,
    api_url: str,
    *,
    timeout_s: int = PATIENT_TIMEOUT_S,
    on_date: Callable[[str], None] = lambda _date: None,
) -> WebClient:
    """A Web API client that sends nothing twice: by default the SDK would repeat a post (slack-facts 8).

    However its answer drips, a request ends after `timeout_s`. `on_date` is told each answer's Date header.
    """
    client = DeadlineWebClient(
        token=token,
        base_url=api_url,
        timeout=timeout_s,
        ssl=_TLS,
        retry_handlers=[],
        logger=logging.getLogger("slack_sdk"),
    )
    client.on_date = on_date
    return client


def private_client(response_url: str) -> WebhookClient:
    """A client for one `response_url`, which sends nothing twice either."""
    return DeadlineWebhookClient(response_url, timeout=PATIENT_TIMEOUT_S, ssl=_TLS, retry_handlers=[])


def identify(client: WebClient) -> Identity:
    """Who we are. Raises what the SDK raises."""
    answer = client.auth_test()
    headers = {str(name).lower(): str(value) for name, value in answer.headers.items()}  # written either way
    scopes = headers.get("x-oauth-scopes", "")
    return Identity(
        team_id=str(answer["team_id"]),
        team_name=str(answer.get("team") or ""),
        enterprise_id=answer.get("enterprise_id"),
        bot_id=answer.get("bot_id"),
        bot_user_id=answer.get("user_id"),
        scopes=frozenset(scope.strip() for scope in scopes.split(",") if scope.strip()),
    )


def problem_of(error: Exception) -> str:
    """Slack's word for what is wrong, or the kind of trouble on the way."""
    if isinstance(error, SlackApiError):
        return str(error.response.get("error") or f"status {error.response.status_code}")
    return str(error) if isinstance(error, SlackUnanswered) else type(error).__name__


def pause_of(error: Exception) -> float | None:
    """How many seconds Slack asks us to wait; None if it does not, or did not answer."""
    if not isinstance(error, SlackApiError):
        return None
    headers = {str(name).lower(): value for name, value in error.response.headers.items()}
    asked = str(headers.get("retry-after", ""))
    if asked.isdecimal():
        return max(float(asked), 1.0)
    return PAUSE_S if error.response.status_code == 429 else None


def object_in(answer: SlackResponse, name: str) -> dict[str, Any]:
    """The JSON object under that name. Raises `SlackUnanswered` for an answer without it."""
    found = answer.get(name)
    if not isinstance(found, dict):
        raise SlackUnanswered(f"an answer without {name}")
    return found


def items_in(answer: SlackResponse, name: str) -> Iterator[Any]:
    """The items of the JSON list under that name, page after page, as Slack's cursors lead.

    Raises `SlackUnanswered` for a page without the list, and what the client raises for a page that fails.
    """
    for page in answer:
        found = page.get(name)
        if not isinstance(found, list):
            raise SlackUnanswered(f"an answer without {name}")
        yield from found
        if not page.get("response_metadata"):  # the SDK would trip over a null
            return
