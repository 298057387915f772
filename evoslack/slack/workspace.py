"""The workspace of the bot token: clients for it, its identity, and how to read Slack's errors."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookClient

from evoslack.runtime.network import tls_context
from evoslack.runtime.request_result import Observe, unobserved
from evoslack.slack.web_api import DeadlineWebClient, DeadlineWebhookClient, SlackUnanswered

# What our clients raise when Slack says no (`SlackApiError`) or nothing that can be read (`SlackUnanswered`).
# Anything else is a bug of ours.
SLACK_ERRORS = (SlackClientError,)
LISTENER_TIMEOUT_S = 2  # for a whole request inside a listener, which has three seconds
PATIENT_TIMEOUT_S = 10  # for a whole request everywhere else
PAUSE_S = 5.0  # after a 429 without Retry-After
_SDK_LOG = logging.getLogger("slack_sdk.web")
_SDK_LOG.setLevel(logging.CRITICAL)  # it logs each failure, which those who asked log in words, once
# Errors after which the operation may have succeeded anyway (Slack's documentation says so).
_UNCERTAIN = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
# What Slack says while it is busy or moves a workspace; anything else that it says is final.
_PASSING = frozenset(
    {"ratelimited", "rate_limited", "accesslimited", "team_added_to_org", "too_many_websockets"}
)
SCOPES = (
    "commands",
    "chat:write",
    "users:read",
    "users:read.email",
    "channels:read",
    "groups:read",
    "channels:history",
    "groups:history",
    "im:write",
    "files:write",
    "files:read",
    "usergroups:read",
)
# Without one of these no command comes in, nobody is told, or nobody may call.
NEEDED_SCOPES = frozenset({"commands", "chat:write", "users:read", "users:read.email"})


@dataclass(frozen=True, slots=True)
class Identity:
    """What `auth.test` says about the bot token. Without any scopes, a proxy took away the header."""

    team_id: str
    team_name: str
    enterprise_id: str | None
    bot_id: str | None
    bot_user_id: str | None
    scopes: frozenset[str]
    url: str = ""  # of the workspace, with a slash at its end

    @property
    def missing_scopes(self) -> list[str]:
        """The scopes of the manifest that the token lacks; none if they are unknown."""
        return [scope for scope in SCOPES if scope not in self.scopes] if self.scopes else []


def web_client(
    token: str,
    api_url: str,
    *,
    timeout_s: int = PATIENT_TIMEOUT_S,
    on_date: Callable[[str], None] = lambda _date: None,
    observe: Observe = unobserved,
) -> WebClient:
    """A Web API client that never retries: by default the SDK would repeat a post (slack-facts 8).

    Each request ends after `timeout_s` at the latest. `on_date` is given each answer's Date header,
    `observe` how each request went.
    """
    client = DeadlineWebClient(
        token=token,
        base_url=api_url,
        timeout=timeout_s,
        ssl=tls_context(),
        retry_handlers=[],
        logger=_SDK_LOG,
    )
    client.on_date = on_date
    client.observe = observe
    return client


def private_client(response_url: str, observe: Observe = unobserved) -> WebhookClient:
    """A client for one `response_url`; it never retries either."""
    client = DeadlineWebhookClient(
        response_url, timeout=PATIENT_TIMEOUT_S, ssl=tls_context(), retry_handlers=[]
    )
    client.observe = observe
    return client


def identify(client: WebClient) -> Identity:
    """Ask `auth.test` who we are. Raises what the SDK raises."""
    answer = client.auth_test()
    headers = {
        str(name).lower(): str(value) for name, value in answer.headers.items()
    }  # Slack writes them in either case
    scopes = headers.get("x-oauth-scopes", "")
    team_id = answer.get("team_id")
    if not isinstance(team_id, str):
        raise SlackUnanswered("an answer without team_id")
    return Identity(
        team_id=team_id,
        team_name=str(answer.get("team") or ""),
        enterprise_id=answer.get("enterprise_id"),
        bot_id=answer.get("bot_id"),
        bot_user_id=answer.get("user_id"),
        scopes=frozenset(scope.strip() for scope in scopes.split(",") if scope.strip()),
        url=str(answer.get("url") or ""),
    )


def problem_of(error: Exception) -> str:
    """Slack's error code, or what went wrong on the way."""
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


def is_denial(error: SlackApiError) -> bool:
    """Whether Slack itself said no, which proves that nothing was done. A 5xx may come from a proxy."""
    if error.response.status_code == 429:
        return True
    code = str(error.response.get("error") or "")
    return (
        error.response.status_code == 200
        and re.fullmatch(r"[a-z_]+", code) is not None
        and code not in _UNCERTAIN
    )


def is_passing(error: Exception) -> bool:
    """Whether Slack is away or busy, so that trying again may help. False if it said no."""
    if not isinstance(error, SlackApiError) or not is_denial(error):
        return True
    return error.response.status_code == 429 or problem_of(error) in _PASSING


def scopes_advice(missing: list[str]) -> str:
    """What to do about scopes that are missing."""
    return f"missing {', '.join(missing)}; update the app from manifest.yml and reinstall it."


def object_in(answer: SlackResponse, name: str) -> dict[str, Any]:
    """The JSON object of that name in an answer. Raises `SlackUnanswered` if there is none."""
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
