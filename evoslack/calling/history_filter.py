"""What somebody looks at in App Home: whose calls, which of them, and which page.

Plain values that are kept and handed out as JSON. Nothing in them is a permission: whoever shows a home
asks for that anew.
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
_PERSON = re.compile(r"[UW][A-Z0-9_]{1,30}")


class Scope(StrEnum):
    """Whose calls."""

    MINE = "mine"
    TEAM = "team"


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """Which calls somebody looks at."""

    whose: Scope = Scope.MINE
    typed: str = ""  # in the search, as it was typed
    person: str = ""  # whose calls among the team's; empty: everybody's
    page: int = 0

    @property
    def digits(self) -> str:
        """What the number must have in it, however it was spelled; empty: nothing is searched for."""
        # What people put before a number at home is no part of the number as it is kept.
        found = "".join(str(int(each)) for each in self.typed.replace("(0)", "") if each.isdecimal())
        found = found.lstrip("0")
        return found if len(found) >= LEAST_DIGITS else ""

    @property
    def is_narrowed(self) -> bool:
        """Whether anything was searched for."""
        return bool(self.typed or self.person)

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
            whose, typed, person, page = (found[name] for name in ("whose", "typed", "person", "page"))
            if not (isinstance(typed, str) and isinstance(page, int) and 0 <= page <= LAST_PAGE):
                return cls()
            if not (person == "" or _PERSON.fullmatch(person)):
                return cls()
            shown = "".join(filter(str.isprintable, typed))
            return cls(Scope(whose), shown[:LONGEST_SEARCH], person, page)
        except (ValueError, KeyError, TypeError):
            return cls()


@dataclass(frozen=True, slots=True)
class HomeTab:
    """Somebody's Home tab that is to be shown anew."""

    team_id: str
    user_id: str
    look: HistoryFilter
    opened_at: datetime  # or turned to another page
