"""The sentences of the Home tab."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from evoslack.calling.calls import HangUp, Result
from evoslack.calling.history_filter import LEAST_DIGITS, HistoryFilter, OutcomeGroup, Scope
from evoslack.calling.history_page import Count, HistoryPage
from evoslack.calling.refusals import Source
from evoslack.slack.rendering.messages import NO_CALLS
from evoslack.slack.rendering.mrkdwn import escape
from evoslack.slack.rendering.refusal_messages import SOURCE_MESSAGES
from evoslack.slack.rendering.status_words import RESULT_WORDS

CANNOT_CALL = "*You can't place calls.*"
UNKNOWN = "*EvoSlack can't tell right now whether you can place calls.*"
CHECKS_AGAIN = "EvoSlack will check again shortly."

LIVE = {Scope.MINE: "*Live now*", Scope.TEAM: "*Live now · team*"}
NO_LIVE = {Scope.MINE: "No live calls.", Scope.TEAM: "No live calls."}
WAITING = {Scope.MINE: "*Scheduled*", Scope.TEAM: "*Scheduled · team*"}
NONE_CERTAIN = "None confirmed."
UNCERTAIN = "*May still be going on*"
HISTORY = "*Call history*"
OPEN_CARD = "Open\u00a0card"  # on one line
HANG_UP_NOTES = {HangUp.ASKED: "hang-up requested", HangUp.NO_EFFECT: "hanging up had no effect"}

TABS = {Scope.MINE: "My calls", Scope.TEAM: "Team calls"}
CHOSEN = "✓ "  # before the tab that is shown; only one button is green
EXPORT = "Export"
EXPORT_LABEL = "Export these calls as a file"  # for screen readers
SEARCH_LABEL = "Search by number"
SEARCH_HINT = f"At least {LEAST_DIGITS} digits, from any part of the number. Press Enter to search."
PERSON_PLACEHOLDER = "Anyone"
FLOW_PLACEHOLDER = "Any flow"
FIRST_DAY_PLACEHOLDER = "From (UTC)"
LAST_DAY_PLACEHOLDER = "To (UTC)"
ANY_OUTCOME = "Any outcome"
OUTCOMES = {
    OutcomeGroup.REACHED: "Reached",
    OutcomeGroup.NO_ANSWER: "No answer",
    OutcomeGroup.BUSY: "Busy",
    OutcomeGroup.FAILED: "Failed",
    OutcomeGroup.CANCELED: "Canceled or hung up",
    OutcomeGroup.ENDED: "Ended or unknown",
    OutcomeGroup.NOT_CERTAIN: "Not certain",
    OutcomeGroup.NOT_PLACED: "Not placed",
    OutcomeGroup.IN_PROGRESS: "In progress",
    OutcomeGroup.SCHEDULED: "Scheduled",
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
CLEAR = "Clear filters"
NEWEST = "Newest"
NEWER = "Newer"
OLDER = "Older"
OLDEST = "Oldest"


def cannot_check(source: Source) -> str:
    """When it can't be checked whether this person may call (mrkdwn)."""
    return f"*{SOURCE_MESSAGES[source]}* {CHECKS_AGAIN}"


def totals(counts: Mapping[OutcomeGroup, int], scope: Scope) -> str:
    """The calls of the last 24 hours in one line (mrkdwn)."""
    calls = sum(counts.values())
    parts = ["no calls" if not calls else "1 call" if calls == 1 else f"{calls} calls"]
    parts += [f"{counts[each]} {words.lower()}" for each, words in OUTCOMES.items() if counts.get(each)]
    whose = ", team" if scope is Scope.TEAM else ""
    return f"*Last 24 hours{whose}:* {' · '.join(parts)}"


def more_live(calls: int) -> str:
    """Below the live or waiting calls that are shown."""
    return f"and {calls} more"


def answered(ago: str) -> str:
    """Since when people have been talking; `ago` as Slack's date token."""
    return f"Answered {ago}"


def started(ago: str) -> str:
    """Since when it has been going on; `ago` as Slack's date token."""
    return f"Started {ago}"


def noted(result: Result | None) -> str:
    """What the caller says came of the call; with None they only wrote a note."""
    return f"📝\u00a0{RESULT_WORDS[result] if result else 'Note'}"


def shown(found: HistoryPage, chosen: HistoryFilter, at: datetime) -> str:
    """Which of the calls are on the page, and what was asked for (plain text). `at` is now.

    Far from both ends the page's place is not counted: only how many calls it shows, of how many.
    """
    calls, newer = len(found.calls), found.newer
    which = f"{newer.calls + 1:,}–{newer.calls + calls:,}" if newer.is_all else f"{calls}"
    return " · ".join([f"{which} of {counted(found.total)}", *_asked_for(chosen, at)])


def counted(count: Count) -> str:
    """A number of calls, such as 1,000+."""
    return f"{count.calls:,}{'' if count.is_all else '+'}"


def nothing_found(chosen: HistoryFilter, at: datetime) -> str:
    """Why the page is empty (mrkdwn)."""
    if chosen.search and not chosen.digits:
        least = f"Search by at least {LEAST_DIGITS} digits of a number."
        return f"No calls match “{escape(chosen.search)}”. {least}"
    if chosen.finds_nothing:
        return "No calls match: the first day is after the last day."
    search = [f"“{chosen.search}”"] if chosen.search else []
    asked_for = [escape(each) for each in (*search, *_asked_for(chosen, at))] + _person(chosen)
    return f"No calls match {' · '.join(asked_for)}. Clear a filter to see more." if asked_for else NO_CALLS


def described(chosen: HistoryFilter, at: datetime) -> str:
    """Which calls a filter finds, in words (mrkdwn)."""
    search = [f"“{chosen.search}”"] if chosen.search else []
    words = [TABS[chosen.scope], *search, *_asked_for(chosen, at)]
    return " · ".join([*(escape(each) for each in words), *_person(chosen)])


def _person(chosen: HistoryFilter) -> list[str]:
    """Whose calls were asked for (mrkdwn)."""
    return [f"<@{chosen.person}>"] if chosen.person else []


def _asked_for(chosen: HistoryFilter, at: datetime) -> list[str]:
    """The other filters in words; days are UTC days, which the pickers can't say once they are set."""
    found = [OUTCOMES[OutcomeGroup(chosen.outcome)]] if chosen.outcome else []
    if chosen.flow:
        found.append(f"flow {chosen.flow_name or chosen.flow}")
    first, last = (_day(each, at) if each else "" for each in (chosen.first, chosen.last))
    if first and last:
        found.append(f"{first} to {last} (UTC)" if first != last else f"{first} (UTC)")
    elif first or last:
        found.append(f"from {first} (UTC)" if first else f"to {last} (UTC)")
    return found


def _day(text: str, at: datetime) -> str:
    """A day as people write it; with its year if that is not the current one."""
    day = date.fromisoformat(text)
    year = "" if day.year == at.year else f", {day.year}"
    return f"{_MONTHS[day.month - 1]} {day.day}{year}"
