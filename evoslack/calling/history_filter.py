"""Which calls a Home tab shows: whose, which of them, and which page.

Plain values, stored and handed to Slack as JSON. Nothing in them is a permission: that is checked again each
time a tab is published and each time calls are exported.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Self

from evoslack.calling.history_page import Cursor
from evoslack.calling.status import CallStatus

LEAST_DIGITS = 3  # to search for; fewer fit nearly every number
LONGEST_SEARCH = 40  # characters
LONGEST_FLOW_ID = 150  # what an option of Slack can hold (slack-facts 3)
LONGEST_FLOW_NAME = 75  # the same
_KEYS = (("scope", "whose"), ("search", "typed"))  # and what rows and open tabs may still call them
_PERSON = re.compile(r"[UW][A-Z0-9_]{1,30}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Scope(StrEnum):
    """Whose calls."""

    MINE = "mine"
    TEAM = "team"


class OutcomeGroup(StrEnum):
    """What became of a call, as coarsely as people search for it and count it."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FAILED = "failed"
    CANCELED = "canceled"
    ENDED = "ended"
    NOT_CERTAIN = "not_certain"
    NOT_PLACED = "not_placed"
    IN_PROGRESS = "in_progress"
    SCHEDULED = "scheduled"


_GROUP_OF: dict[CallStatus, OutcomeGroup] = {
    CallStatus.COMPLETED: OutcomeGroup.REACHED,
    CallStatus.NO_ANSWER: OutcomeGroup.NO_ANSWER,
    CallStatus.BUSY: OutcomeGroup.BUSY,
    CallStatus.FAILED: OutcomeGroup.FAILED,
    CallStatus.CANCELED: OutcomeGroup.CANCELED,
    CallStatus.HUNG_UP: OutcomeGroup.CANCELED,
    CallStatus.ENDED: OutcomeGroup.ENDED,
    CallStatus.LOST: OutcomeGroup.ENDED,
    CallStatus.NOT_CERTAIN: OutcomeGroup.NOT_CERTAIN,
    CallStatus.REJECTED: OutcomeGroup.NOT_PLACED,
    CallStatus.NOT_SENT: OutcomeGroup.NOT_PLACED,
    CallStatus.TOO_LATE: OutcomeGroup.NOT_PLACED,
    CallStatus.SCHEDULED: OutcomeGroup.SCHEDULED,
    CallStatus.DIALING: OutcomeGroup.IN_PROGRESS,
    CallStatus.CALLING: OutcomeGroup.IN_PROGRESS,
    CallStatus.RINGING: OutcomeGroup.IN_PROGRESS,
    CallStatus.ON_THE_CALL: OutcomeGroup.IN_PROGRESS,
}
# Calls that are over. If an answer was seen, they reached someone, whatever Evo Voice says about their end.
_OVER = frozenset(
    {
        *(CallStatus.NO_ANSWER, CallStatus.BUSY, CallStatus.FAILED, CallStatus.CANCELED),
        *(CallStatus.HUNG_UP, CallStatus.ENDED, CallStatus.LOST),
    }
)


def group_of(status: CallStatus, *, was_answered: bool) -> OutcomeGroup:
    """What became of a call with that status; `was_answered`: an answer was seen."""
    return OutcomeGroup.REACHED if was_answered and status in _OVER else _GROUP_OF[status]


def statuses_in(group: OutcomeGroup, *, was_answered: bool) -> frozenset[CallStatus]:
    """The statuses that lead to that group."""
    return frozenset(each for each in CallStatus if group_of(each, was_answered=was_answered) is group)


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """Which calls a Home tab shows. What is empty does not narrow them down."""

    scope: Scope = Scope.MINE
    search: str = ""  # as it was typed
    person: str = ""  # user id, to narrow the team's calls
    place: str = ""  # where its page begins, a packed `Cursor`; empty: the newest page
    outcome: str = ""  # an `OutcomeGroup`
    flow: str = ""  # a flow's id
    flow_name: str = ""  # its name when it was chosen, to show it
    first: str = ""  # UTC days, as 2026-10-31; both are included
    last: str = ""

    @property
    def digits(self) -> str:
        """What the number must have in it, however it was spelled; empty: nothing is searched for."""
        # National prefixes, such as a leading 0, are not part of the stored number.
        found = "".join(str(int(each)) for each in self.search.replace("(0)", "") if each.isdecimal())
        found = found.lstrip("0")
        return found if len(found) >= LEAST_DIGITS else ""

    @property
    def finds_nothing(self) -> bool:
        """Whether no call can match: what was typed is no part of a number, or no day lies in between."""
        is_backward = bool(self.first and self.last and self.first > self.last)
        return is_backward or bool(self.search and not self.digits)

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but whose calls was asked for."""
        return self != HistoryFilter(self.scope, place=self.place)

    @property
    def cursor(self) -> Cursor | None:
        """Where its page begins; None: it is the newest one."""
        return Cursor.unpacked(self.place)

    @property
    def since(self) -> datetime | None:
        """The first moment."""
        return datetime.combine(date.fromisoformat(self.first), time(), UTC) if self.first else None

    @property
    def until(self) -> datetime | None:
        """The first moment after it."""
        if not self.last or self.last == date.max.isoformat():
            return None
        return datetime.combine(date.fromisoformat(self.last) + timedelta(days=1), time(), UTC)

    def whose(self, viewer: str) -> str | None:
        """The person whose calls are meant when they are shown to `viewer`; None: everyone's."""
        return viewer if self.scope is Scope.MINE else self.person or None

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
        """From the values of `asdict`, also of older versions; the default if they don't fit."""
        try:
            scope, search = (found[new] if new in found else found[old] for new, old in _KEYS)
            person, place = found["person"], found.get("place", "")  # older ones count pages: the newest
            if not (isinstance(search, str) and isinstance(place, str)):
                return cls()
            if not (person == "" or _PERSON.fullmatch(person)):
                return cls()
            words = _shown(search, LONGEST_SEARCH)
            cursor = Cursor.unpacked(place)
            place = "" if cursor is None else cursor.packed()
            return cls(Scope(scope), words, person, place, **_newer_fields(found))
        except (ValueError, KeyError, TypeError):
            return cls()


def _newer_fields(found: Mapping[str, Any]) -> dict[str, str]:
    """The fields that older rows and open tabs do not have. Raises `ValueError` or `TypeError`."""
    outcome, flow = found.get("outcome", ""), found.get("flow", "")
    if not (isinstance(flow, str) and len(flow) <= LONGEST_FLOW_ID and flow.isprintable()):
        raise ValueError("not a flow")
    return {
        "outcome": OutcomeGroup(outcome) if outcome else "",
        "flow": flow,
        "flow_name": _shown(str(found.get("flow_name", "")), LONGEST_FLOW_NAME) if flow else "",
        "first": _day(found.get("first", "")),
        "last": _day(found.get("last", "")),
    }


def _day(text: Any) -> str:
    if text == "":
        return ""
    if not _DAY.fullmatch(text):
        raise ValueError("not a day")
    return date.fromisoformat(text).isoformat()


def _shown(text: str, longest: int) -> str:
    return "".join(filter(str.isprintable, text))[:longest]


@dataclass(frozen=True, slots=True)
class HomeTab:
    """A person's Home tab that is due to be published."""

    team_id: str
    user_id: str
    history_filter: HistoryFilter | None  # None: its owner never chose one
    opened_at: datetime  # or turned to another page
    sees_all: bool = False  # it may show other people's calls
