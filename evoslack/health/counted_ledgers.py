"""The ledgers of calls, and a note of every call that reaches an outcome."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from evoslack.calling.calls import Call
from evoslack.calling.outcomes import Outcome, Reason
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.scheduled_calls import ScheduledCallLedger
from evoslack.ledger.store import Store

NoteState = Callable[[Call], None]


class CountedCallLedger(CallLedger):
    """A `CallLedger`; `note_state` is given every call that has ended, after the commit."""

    def __init__(self, store: Store, note_state: NoteState) -> None:
        super().__init__(store)
        self._note_state = note_state

    def finish(self, call_id: str, outcome: Outcome, **options: Any) -> Call | None:
        """See `CallLedger.finish`."""
        found = super().finish(call_id, outcome, **options)
        return _noted_one(found, self._note_state)

    def expire(self, *, at: datetime, accepted_before: datetime) -> list[Call]:
        """See `CallLedger.expire`."""
        return _noted(super().expire(at=at, accepted_before=accepted_before), self._note_state)

    def abandon(self, *, at: datetime, received_before: datetime | None) -> list[Call]:
        """See `CallLedger.abandon`."""
        return _noted(super().abandon(at=at, received_before=received_before), self._note_state)

    def doubt_orphans(self, *, at: datetime, began_before: datetime | None) -> list[Call]:
        """See `CallLedger.doubt_orphans`."""
        return _noted(super().doubt_orphans(at=at, began_before=began_before), self._note_state)


class CountedScheduledCallLedger(ScheduledCallLedger):
    """A `ScheduledCallLedger`; `note_state` is given every call that has ended, after the commit."""

    def __init__(self, store: Store, note_state: NoteState) -> None:
        super().__init__(store)
        self._note_state = note_state

    def deny(self, call: Call, reason: Reason, *, at: datetime) -> Call | None:
        """See `ScheduledCallLedger.deny`."""
        return _noted_one(super().deny(call, reason, at=at), self._note_state)

    def miss(self, *, at: datetime, due_before: datetime) -> list[Call]:
        """See `ScheduledCallLedger.miss`."""
        return _noted(super().miss(at=at, due_before=due_before), self._note_state)

    def cancel(self, call: Call, *, by: str, at: datetime) -> Call | None:
        """See `ScheduledCallLedger.cancel`."""
        return _noted_one(super().cancel(call, by=by, at=at), self._note_state)


def _noted(calls: list[Call], note_state: NoteState) -> list[Call]:
    for call in calls:
        note_state(call)
    return calls


def _noted_one(call: Call | None, note_state: NoteState) -> Call | None:
    if call is not None:
        note_state(call)
    return call
