"""Which calls a Home tab shows: whose, which of them, and which page.

Plain values, stored and handed to Slack as JSON. Nothing in them is a permission: that is checked again each
time a tab is published.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

LEAST_DIGITS = 3  # to search for; fewer fit nearly every number
LONGEST_SEARCH = 40  # characters
LAST_PAGE = 100_000
_KEYS = (("scope", "whose"), ("search", "typed"))  # and what rows and open tabs may still call them
_PERSON = re.compile(r"[UW][A-Z0-9_]{1,30}")


class Scope(StrEnum):
    """Whose calls."""

    MINE = "mine"
    TEAM = "team"


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """Which calls a Home tab shows."""

    scope: Scope = Scope.MINE
    search: str = ""  # as it was typed
    person: str = ""  # user id, to narrow the team's calls; empty: everyone's
    page: int = 0

    @property
    def digits(self) -> str:
        """What the number must have in it, however it was spelled; empty: nothing is searched for."""
        # National prefixes, such as a leading 0, are not part of the stored number.
        found = "".join(str(int(each)) for each in self.search.replace("(0)", "") if each.isdecimal())
        found = found.lstrip("0")
        return found if len(found) >= LEAST_DIGITS else ""

    @property
    def is_narrowed(self) -> bool:
        """Whether anything was searched for."""
        return bool(self.search or self.person)

    def packed(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def unpacked(cls, text: str) -> Self:
        """From JSON; the default if it can't be read."""
        try:
            return cls.of(json.loads(text))
        except (ValueError, RecursionError):
            return cls()

    @classmethod
    def of(cls, found: Any) -> Self:
        """From the values of `asdict`; the default if they don't fit."""
        try:
            scope, search = (found[new] if new in found else found[old] for new, old in _KEYS)
            person, page = found["person"], found["page"]
            if not (isinstance(search, str) and isinstance(page, int) and 0 <= page <= LAST_PAGE):
                return cls()
            if not (person == "" or _PERSON.fullmatch(person)):
                return cls()
            shown = "".join(filter(str.isprintable, search))
            return cls(Scope(scope), shown[:LONGEST_SEARCH], person, page)
        except (ValueError, KeyError, TypeError):
            return cls()


@dataclass(frozen=True, slots=True)
class HomeTab:
    """A person's Home tab that is due to be published."""

    team_id: str
    user_id: str
    history_filter: HistoryFilter
    opened_at: datetime  # or turned to another page
