"""The sentences of an export. `what` says which calls: a period, or the filter of a Home tab (mrkdwn)."""

from __future__ import annotations

from datetime import datetime

from evoslack.calling.history_filter import HistoryFilter
from evoslack.calling.history_page import Count
from evoslack.slack.rendering import home_messages
from evoslack.slack.rendering.mrkdwn import escape

ADMINISTRATORS_ONLY = "Only an Evo Voice administrator can export calls."
RULES_ADMINISTRATORS_ONLY = "Only an Evo Voice administrator can export rule changes."
RULES_STARTED = "Exporting every rule change. You'll get the file as a direct message."
NO_RULE_CHANGES = "No rule has been changed. EvoSlack's settings apply."
RULES_TITLE = "Rule changes"  # of the file
SCOPES_MISSING = (
    "Slack doesn't let EvoSlack send files yet. It needs the scopes im:write and files:write: "
    "update the app from manifest.yml and reinstall it."
)
HOME_TITLE = "Calls from the Home tab"  # of the file
PAGE_TITLE = home_messages.EXPORT


def usage(command: str, last_days: int) -> str:
    """The three periods that are understood (mrkdwn)."""
    return (
        f"Type *{command} export* for the last {last_days} days, *{command} export 2026-10* for a month, or "
        f"*{command} export 2026-10-01 2026-10-31* for a range of days."
    )


def of_period(period: object) -> str:
    """The calls of a period; it is given as it is shown, with its time zone."""
    return f"from {period}"


def of_home(chosen: HistoryFilter, at: datetime) -> str:
    """The calls that the filter of a Home tab finds (mrkdwn). `at` is now."""
    return f"from the Home tab ({home_messages.described(chosen, at)})"


def started(what: str) -> str:
    """The answer to the command, while the file is being made."""
    return f"Exporting the calls {what}. You'll get the file as a direct message."


def started_at_home(calls: Count) -> str:
    """The answer to the button, while the file is being made; `calls` is how many it will have."""
    these = "1 call" if calls == (1, True) else f"{home_messages.counted(calls)} calls"
    return f"Exporting {these}. You'll get the file as a direct message."


def no_calls(what: str) -> str:
    """Instead of an empty file."""
    return f"No calls {what}."


def period_title(period: object) -> str:
    """The file's name in Slack."""
    return f"Calls from {period}"


def comment(calls: int, what: str, unnamed: int) -> str:
    """The message with the file (mrkdwn). `unnamed`: people whose names Slack could not tell."""
    words = f"Exported {'1 call' if calls == 1 else f'{calls} calls'} {what}."
    if not unnamed:
        return words
    people = "1 person is" if unnamed == 1 else f"{unnamed} people are"
    return f"{words} {people} without a name: Slack didn't answer. Export again later."


def rule_changes(changes: int) -> str:
    """The message with the changes of rules (mrkdwn)."""
    return f"Exported {'1 rule change' if changes == 1 else f'{changes:,} rule changes'}, oldest first."


def not_sent(problem: str) -> str:
    """Why no file arrived; `problem` is Slack's error code (mrkdwn)."""
    if problem == "missing_scope":
        return SCOPES_MISSING
    return f"The export couldn't be sent ({escape(problem)}). Try again in a minute."
