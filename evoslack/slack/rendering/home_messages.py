"""The sentences of the Home tab."""

from __future__ import annotations

from evoslack.calling.history_filter import LEAST_DIGITS, Scope

CAN_CALL = "*You can place calls.*"
CANNOT_CALL = "*You can't place calls.*"
UNKNOWN = "*EvoSlack can't tell right now whether you can place calls.*"
CHECKS_AGAIN = "EvoSlack will check again shortly."
TABS = {Scope.MINE: "My calls", Scope.TEAM: "Team calls"}
SEARCH_LABEL = "Search by number"
SEARCH_HINT = "Any part of the number works. Press Enter to search."
PERSON_PLACEHOLDER = "Choose a person"
TOO_FEW = f"Enter at least {LEAST_DIGITS} digits of a number to search for it."
NO_MATCH = "No calls match this search."
CLEAR = "Clear search"
NEWER = "Newer"
OLDER = "Older"
