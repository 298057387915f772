"""Why the bot cannot start: what is wrong and stays wrong, and what is only away.

Which is which: docs/decisions/0014-starting.md.
"""

from __future__ import annotations

import logging

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from evoslack.slack.receivers.socket_connection import NoHello
from evoslack.slack.web_api import SlackUnanswered
from evoslack.slack.workspace import (
    NEEDED_SCOPES,
    SLACK_ERRORS,
    Identity,
    identify,
    is_passing,
    pause_of,
    problem_of,
    scopes_advice,
)

log = logging.getLogger(__name__)


class CannotStart(Exception):
    """The bot cannot run. The message tells the operator why in one or two sentences."""


class Away(CannotStart):
    """Something that the start needs does not answer right now: trying again may help.

    `pause_s`: how many seconds it asked us to wait, if it did.
    """

    def __init__(self, words: str, pause_s: float | None = None) -> None:
        super().__init__(words)
        self.pause_s = pause_s


def identity_of(client: WebClient) -> Identity:
    """Who we are. Raises `CannotStart` if we may not be it, or cannot do anything as it."""
    try:
        identity = identify(client)
    except SLACK_ERRORS as error:
        raise slack_trouble("SLACK_BOT_TOKEN", error) from error
    if missing := identity.missing_scopes:
        if NEEDED_SCOPES.intersection(missing):
            raise CannotStart(f"SLACK_BOT_TOKEN lacks permissions: {scopes_advice(missing)}")
        log.error("scopes: %s", scopes_advice(missing))
    return identity


def slack_trouble(token: str, error: Exception) -> CannotStart:
    """Why Slack cannot be used. Only a no of Slack's is about the token; anything else may pass."""
    if isinstance(error, NoHello):
        return Away(
            f"Slack's websocket cannot be opened ({error}). Check whether a proxy or firewall blocks wss://."
        )
    if not is_passing(error):
        return CannotStart(f"Slack rejected {token}: {problem_of(error)}.")
    return Away(away_words(error), pause_of(error))


def away_words(error: Exception) -> str:
    """What is wrong with Slack, or on the way to it, and what to do: one or two sentences."""
    status = error.response.status_code if isinstance(error, SlackApiError) else None
    if isinstance(error, SlackUnanswered):
        status = error.status
    if status is None:
        return f"Slack cannot be reached ({problem_of(error)}). Check the network and SLACK_API_URL."
    if status < 500 and not isinstance(error, SlackApiError):
        return (
            f"Something else answers instead of Slack ({problem_of(error)}). "
            "Check the proxy, the network and SLACK_API_URL."
        )
    return f"Slack is not working right now ({problem_of(error)})."
