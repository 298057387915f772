"""The sentences of `/call export`. A period is given as it is written, with its time zone."""

from __future__ import annotations

from evoslack.slack.rendering.messages import escape

ADMINISTRATORS_ONLY = (
    "The export has everybody's calls, so it is for administrators only: it needs the role "
    "SystemAdministrator in Evo Voice."
)
SCOPES_MISSING = (
    "Slack does not let EvoSlack send files yet: it needs the scopes im:write and files:write. "
    "Update the app from manifest.yml and install it again."
)


def usage(command: str, last_days: int) -> str:
    """The three forms that are understood (mrkdwn)."""
    return (
        f"Write *{command} export* for the last {last_days} days, *{command} export 2026-10* for a month, or "
        f"*{command} export 2026-10-01 2026-10-31* for the days from one to the other."
    )


def started(period: object) -> str:
    """The answer to the command, while the file is being made."""
    return f"The calls from {period} are being put together; they come as a direct message."


def no_calls(period: object) -> str:
    """Instead of an empty file."""
    return f"No calls from {period}."


def title(period: object) -> str:
    """The name of the file as Slack shows it."""
    return f"Calls from {period}"


def comment(calls: int, period: object, command: str) -> str:
    """The message with the file (mrkdwn)."""
    what = "1 call" if calls == 1 else f"{calls} calls"
    return f"{what} from {period}, as asked for with {command} export."


def not_sent(problem: str) -> str:
    """Why no file arrived; `problem` is Slack's word for it (mrkdwn)."""
    if problem == "missing_scope":
        return SCOPES_MISSING
    return f"The export could not be sent ({escape(problem)}). Please try again in a minute."
