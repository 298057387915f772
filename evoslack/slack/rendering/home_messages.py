"""The sentences of the Home tab."""

from __future__ import annotations

from evoslack.calling.history_filter import LEAST_DIGITS, Scope
from evoslack.slack.rendering.messages import NO_HISTORY

MAY = "*You can place calls.*"
MAY_NOT = "*You cannot place calls.*"
UNKNOWN = "*It is not known right now whether you can place calls.*"
TRIES_AGAIN = "This page looks again by itself."
TABS = {Scope.MINE: "My calls", Scope.TEAM: "Team's calls"}
SEARCH_LABEL = "Search by number"
SEARCH_HINT = "Press Enter to search. Any part of the number will do."
WHOSE = "Whose calls?"
TOO_FEW = f"Type at least {LEAST_DIGITS} digits of a number to search for it."
NOTHING_FITS = "No call fits this search."
NOTHING_YET = {
    Scope.MINE: NO_HISTORY,
    Scope.TEAM: "Nobody has called anybody from here yet.",
}
CLEAR = "Clear search"
NEWER = "Newer"
OLDER = "Older"
