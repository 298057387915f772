"""One page of past calls: which calls it shows, and where it begins.

A page begins at a call, not at a number of calls to skip: so any page is found as quickly as the first, and
a new call does not move the others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple, Self

from evoslack.calling.calls import Call

MOST_COUNTED = 1_000  # calls; more are "1,000+"
_CALL_ID = re.compile(r"[!-~][ -~]{0,31}")
LONGEST_CURSOR = 80  # characters


class Way(StrEnum):
    """Where a page lies."""

    OLDER = "older"  # than a call
    NEWER = "newer"
    OLDEST = "oldest"  # at the end of the history


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins. Without a cursor, it is the newest one."""

    way: Way
    at: datetime = datetime(1970, 1, 1, tzinfo=UTC)  # when the call next to the page was accepted
    call_id: str = ""  # and which one that is

    @classmethod
    def older_than(cls, call: Call) -> Self:
        """The page below that call."""
        return cls(Way.OLDER, call.accepted_at, call.id)

    @classmethod
    def newer_than(cls, call: Call) -> Self:
        """The page above that call."""
        return cls(Way.NEWER, call.accepted_at, call.id)

    def packed(self) -> str:
        """As text."""
        return self.way if self.way is Way.OLDEST else f"{self.way} {self.at.isoformat()} {self.call_id}"

    @classmethod
    def unpacked(cls, text: str) -> Self | None:
        """From text; None (the newest page) if it can't be read."""
        way, _, rest = text.partition(" ")
        moment, _, call_id = rest.partition(" ")
        try:
            if way == Way.OLDEST:
                return cls(Way.OLDEST)
            at = datetime.fromisoformat(moment)
            is_sound = at.tzinfo is not None and len(text) <= LONGEST_CURSOR and _CALL_ID.fullmatch(call_id)
            return cls(Way(way), at.astimezone(UTC), call_id) if is_sound else None
        except (ValueError, OverflowError):
            return None


class Count(NamedTuple):
    """A number of calls; `is_all` False: there may be more."""

    calls: int
    is_all: bool = True

    def may_exceed(self, calls: int) -> bool:
        """Whether there may be more than so many."""
        return self.calls > calls or not self.is_all


NONE = Count(0)


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Some of the calls that a filter finds, newest first, and how many come before and after them."""

    calls: Sequence[Call] = ()
    newer: Count = NONE
    older: Count = NONE

    @property
    def total(self) -> Count:
        """How many the filter finds."""
        calls = self.newer.calls + len(self.calls) + self.older.calls
        is_all = self.newer.is_all and self.older.is_all
        return Count(calls, is_all) if calls <= MOST_COUNTED else Count(MOST_COUNTED, is_all=False)
