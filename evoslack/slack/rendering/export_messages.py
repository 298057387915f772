"""The sentences of `/call export`. A period is given as it is shown, with its time zone."""

from __future__ import annotations

from evoslack.slack.rendering.messages import escape

ADMINISTRATORS_ONLY = (
    "Only administrators can export everyone's calls. You need the SystemAdministrator role in Evo Voice."
)
SCOPES_MISSING = (
    "Slack doesn't let EvoSlack send files yet. It needs the scopes im:write and files:write: "
    "update the app from manifest.yml and reinstall it."
)


def usage(command: str, last_days: int) -> str:
    """The three periods that are understood (mrkdwn)."""
    return (
        f"Type *{command} export* for the last {last_days} days, *{command} export 2026-10* for a month, or "
        f"*{command} export 2026-10-01 2026-10-31* for a range of days."
    )


def started(period: object) -> str:
    """The answer to the command, while the file is being made."""
    return f"Exporting the calls from {period}. You'll get the file as a direct message."


def no_calls(period: object) -> str:
    """Instead of an empty file."""
    return f"No calls from {period}."


def title(period: object) -> str:
    """The file's name in Slack."""
    return f"Calls from {period}"


def comment(calls: int, period: object, command: str) -> str:
    """The message with the file (mrkdwn)."""
    what = "1 call" if calls == 1 else f"{calls} calls"
    return f"{what} from {period}, exported with {command} export."


def not_sent(problem: str) -> str:
    """Why no file arrived; `problem` is Slack's error code (mrkdwn)."""
    if problem == "missing_scope":
        return SCOPES_MISSING
    return f"The export couldn't be sent ({escape(problem)}). Try again in a minute."
