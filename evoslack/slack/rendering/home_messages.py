"""The sentences of the Home tab."""

from __future__ import annotations

from collections.abc import Mapping

from evoslack.calling.calls import HangUp, Result
from evoslack.calling.history_filter import LEAST_DIGITS, HistoryFilter, OutcomeGroup, Scope
from evoslack.slack.rendering.messages import NO_CALLS
from evoslack.slack.rendering.status_words import RESULT_WORDS

CAN_CALL = "*You can place calls.*"
CANNOT_CALL = "*You can't place calls.*"
UNKNOWN = "*EvoSlack can't tell right now whether you can place calls.*"
CHECKS_AGAIN = "EvoSlack will check again shortly."

LIVE = {Scope.MINE: "*Live now*", Scope.TEAM: "*Live now · team*"}
NO_LIVE = "No calls right now."
HISTORY = "*Call history*"
OPEN_CARD = "Open\u00a0card"  # on one line
HANG_UP_NOTES = {HangUp.ASKED: "hang-up requested", HangUp.NO_EFFECT: "hanging up had no effect"}

TABS = {Scope.MINE: "My calls", Scope.TEAM: "Team calls"}
CHOSEN = "✓ "  # before the tab that is shown; only one button is green
EXPORT = "Export"
EXPORT_LABEL = "Export these calls as a file"  # for screen readers
SEARCH_LABEL = "Search by number"
SEARCH_HINT = f"At least {LEAST_DIGITS} digits, from any part of the number. Press Enter to search."
PERSON_PLACEHOLDER = "Choose a person"
FLOW_PLACEHOLDER = "Any flow"
FIRST_DAY_PLACEHOLDER = "From (UTC day)"
LAST_DAY_PLACEHOLDER = "To (UTC day)"
ANY_OUTCOME = "Any outcome"
OUTCOMES = {
    OutcomeGroup.REACHED: "Reached",
    OutcomeGroup.NO_ANSWER: "No answer",
    OutcomeGroup.BUSY: "Busy",
    OutcomeGroup.FAILED: "Failed",
    OutcomeGroup.CANCELED: "Canceled or hung up",
    OutcomeGroup.ENDED: "Ended, outcome unknown",
    OutcomeGroup.NOT_CERTAIN: "Not certain",
    OutcomeGroup.NOT_PLACED: "Not placed",
    OutcomeGroup.IN_PROGRESS: "In progress",
}
# What the one line of totals names; together with "other" it adds up.
_COUNTED = (OutcomeGroup.REACHED, OutcomeGroup.NO_ANSWER, OutcomeGroup.NOT_CERTAIN, OutcomeGroup.IN_PROGRESS)
CLEAR = "Clear filters"
NEWER = "Newer"
OLDER = "Older"


def totals(counts: Mapping[OutcomeGroup, int], scope: Scope) -> str:
    """The calls of the last 24 hours in one line (mrkdwn)."""
    calls = sum(counts.values())
    parts = ["no calls" if not calls else "1 call" if calls == 1 else f"{calls} calls"]
    told = {outcome: counts[outcome] for outcome in _COUNTED if counts.get(outcome)}
    parts += [f"{count} {OUTCOMES[outcome].lower()}" for outcome, count in told.items()]
    if others := calls - sum(told.values()):
        parts.append(f"{others} other")
    whose = ", team" if scope is Scope.TEAM else ""
    return f"*Last 24 hours{whose}:* {' · '.join(parts)}"


def more_live(calls: int) -> str:
    """Below the live calls that are shown."""
    return f"and {calls} more"


def answered(ago: str) -> str:
    """Since when people have been talking; `ago` as Slack's date token."""
    return f"answered {ago}"


def started(ago: str) -> str:
    """Since when it has been going on; `ago` as Slack's date token."""
    return f"started {ago}"


def noted(result: Result | None) -> str:
    """What the caller says came of the call; with None they only wrote a note."""
    return f"📝\u00a0{RESULT_WORDS[result] if result else 'Note'}"


def shown(first: int, last: int, total: int, chosen: HistoryFilter) -> str:
    """Which of the calls are on the page, and what was asked for."""
    return " · ".join([f"{first}–{last} of {total}", *_asked_for(chosen)])


def nothing_found(chosen: HistoryFilter) -> str:
    """Why the page is empty (plain text)."""
    if chosen.search and not chosen.digits:
        least = f"Search by at least {LEAST_DIGITS} digits of a number."
        return f"No calls match “{chosen.search}”. {least}"
    if chosen.finds_nothing:
        return "No calls match: the first day is after the last day."
    asked_for = _asked_for(chosen)
    if chosen.search:
        return f"No calls match {' · '.join([f'“{chosen.search}”', *asked_for])}."
    if asked_for or chosen.person:
        return f"No calls match {' · '.join(asked_for) or 'these filters'}."
    return NO_CALLS


def described(chosen: HistoryFilter) -> str:
    """Which calls a filter finds, in words (plain text)."""
    search = [f"“{chosen.search}”"] if chosen.search else []
    return " · ".join([TABS[chosen.scope], *search, *_asked_for(chosen)])


def _asked_for(chosen: HistoryFilter) -> list[str]:
    """The filters in words; days are UTC days, which the pickers can't say once they are set."""
    found = [OUTCOMES[OutcomeGroup(chosen.outcome)]] if chosen.outcome else []
    if chosen.flow:
        found.append(f"flow {chosen.flow_name or chosen.flow}")
    if chosen.first and chosen.last:
        found.append(f"{chosen.first} to {chosen.last} (UTC days)")
    elif chosen.first or chosen.last:
        found.append(
            f"from {chosen.first} on (UTC days)" if chosen.first else f"until {chosen.last} (UTC days)"
        )
    return found
