"""The errors that are no defect: the database, Evo Voice or Slack is away. The log tells them in words."""

from __future__ import annotations

from slack_sdk.errors import SlackApiError

from evoslack.evo.errors import EvoError
from evoslack.evo.transport import TransportError
from evoslack.ledger.outage import database_outage
from evoslack.slack.web_api import SlackUnanswered
from evoslack.slack.workspace import is_denial, problem_of


def foreseen(error: BaseException) -> str | None:
    """The error in words if it is no defect of ours, else None."""
    if isinstance(error, EvoError | TransportError):
        return f"Evo Voice: {error}"
    if isinstance(error, SlackUnanswered) or (isinstance(error, SlackApiError) and not is_denial(error)):
        return f"Slack: {problem_of(error)}"
    words = database_outage(error)
    return None if words is None else f"the database: {words}"
