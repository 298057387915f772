"""Which calls are tracked, and how far each has come.

Progress has its own columns and does not touch the guarantee, with one exception: a call that is found at Evo
Voice was placed, whatever the answer to the request said (`calls.TRANSITIONS`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from evoslack.calling.calls import FINAL, HangUp, Progress, State
from evoslack.calling.matching import MAX_CALL, TrackedCall
from evoslack.ledger.dependents import batched, mark_changed, mark_dependents_due
from evoslack.ledger.schema import calls, leases
from evoslack.ledger.store import Store
from evoslack.ledger.transitions import change_state

_ANSWERED = {State.PLACED, State.REJECTED}
_OPEN = sorted(set(Progress) - FINAL)
_ADVANCED = (
    "progress",
    "session_id",
    "call_sid",
    "answered_at",
    "ended_at",
    "gone_since",
    "evo_outcome",
    "hang_up",
    "is_ambiguous",
    "lost_reason",
)


def _was(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(f"was_{name}", type_=calls.c[name].type)


# Put together once: with a thousand calls that takes longer than everything else.
_ADVANCING = (
    sa.update(calls)
    .where(
        calls.c.id == _was("id"),
        calls.c.progress == _was("progress"),
        *(calls.c[name].is_not_distinct_from(_was(name)) for name in ("hang_up", "session_id", "call_sid")),
    )
    .values({name: sa.bindparam(f"new_{name}", type_=calls.c[name].type) for name in _ADVANCED})
)


class TrackedCallLedger:
    """The tracked calls in a `Store`. Every method is one transaction, safe for several threads and bots."""

    def __init__(self, store: Store) -> None:
        self._engine = store.engine

    def take_lease(self, name: str, holder: str, *, at: datetime, until: datetime) -> bool:
        """Whether `holder` has the lease of that name until then; of several bots only one does."""
        mine_or_over = sa.or_(leases.c.holder == holder, leases.c.until <= at)
        taking = sa.update(leases).where(leases.c.name == name, mine_or_over)
        try:
            with self._engine.begin() as connection:
                if connection.execute(taking.values(holder=holder, until=until)).rowcount:
                    return True
                if connection.execute(sa.select(leases.c.name).where(leases.c.name == name)).first():
                    return False
                connection.execute(sa.insert(leases).values(name=name, holder=holder, until=until))
        except sa.exc.IntegrityError:
            return False  # another bot was quicker
        return True

    def in_progress(self) -> list[TrackedCall]:
        """Every call that is tracked, oldest first."""
        query = sa.select(calls).where(calls.c.progress.in_(_OPEN)).order_by(calls.c.accepted_at)
        with self._engine.connect() as connection:
            return [_tracked_call(row) for row in connection.execute(query)]

    def rivals(self, tracked_calls: Collection[TrackedCall]) -> list[TrackedCall]:
        """Other calls, over or just being dialed, whose sessions could be mistaken for theirs."""
        unbound = [tracked for tracked in tracked_calls if not tracked.is_matched]
        if not unbound:
            return []
        since = min(tracked.requested_at for tracked in unbound) - MAX_CALL
        query = sa.select(calls).where(
            calls.c.account_id.in_({tracked.account_id for tracked in unbound}),
            calls.c.number.in_({tracked.number for tracked in unbound}),
            calls.c.accepted_at > since,
            sa.or_(calls.c.progress.is_not(None), calls.c.state == State.PLACING),
        )
        already = {tracked.call_id for tracked in tracked_calls}
        with self._engine.connect() as connection:
            return [_tracked_call(row) for row in connection.execute(query) if row.id not in already]

    def write(self, changes: Iterable[tuple[TrackedCall, TrackedCall]], *, at: datetime) -> list[str]:
        """Write down how calls changed, each (before, after); the ids of those that people are told of.

        A call that another bot changed meanwhile is skipped: the next poll sees it again.
        """
        written: list[tuple[TrackedCall, TrackedCall]] = []
        with self._engine.begin() as connection:
            for before, after in changes:
                if connection.execute(_ADVANCING, _before(before) | _after(after)).rowcount:
                    written.append((before, after))
            settled = _settle(connection, [after.call_id for _, after in written if after.is_matched])
            told = [
                after.call_id
                for before, after in written
                if after.call_id in settled or _is_worth_telling(before, after)
            ]
            untold = {after.call_id for _, after in written}.difference(told)
            mark_changed(connection, told, at)
            mark_dependents_due(connection, untold, at)  # a workflow step may wait for one of them
        return told

    def hang_up(self, call_id: str, hang_up: HangUp | None, *, at: datetime, by: str = "") -> bool:
        """Write down that the person `by` asked to end this call (None: that this was undone).

        False if the call is over, or another person has already asked. Undoing also works for a call that has
        ended meanwhile, as it ended otherwise, but only for the person who had asked.
        """
        this, who = calls.c.id == call_id, by or None
        if hang_up is None:
            which, who = sa.and_(this, calls.c.hung_up_by.is_not_distinct_from(who)), None
        else:
            not_asked = calls.c.hang_up.is_distinct_from(HangUp.ASKED)
            which = sa.and_(this, calls.c.progress.in_(_OPEN), not_asked)
        values = {"hang_up": hang_up, "hang_up_at": at, "hung_up_by": who}
        with self._engine.begin() as connection:
            found = connection.execute(sa.update(calls).where(which).values(values)).rowcount == 1
            if found:
                mark_changed(connection, [call_id], at)
        return found


def _settle(connection: sa.Connection, call_ids: list[str]) -> set[str]:
    """These calls exist, so they were placed; those whose state had to be corrected."""
    values = {"reason": None, "detail": "", "found_later": True}
    corrected: set[str] = set()
    for some in batched(call_ids):
        moved = change_state(connection, calls.c.id.in_(some), State.PLACED, values)
        corrected |= {call.id for call in moved}
    return corrected


def _before(tracked: TrackedCall) -> dict[str, Any]:
    return {
        "was_id": tracked.call_id,
        "was_progress": tracked.progress,
        "was_hang_up": tracked.hang_up,
        "was_session_id": tracked.session_id or None,
        "was_call_sid": tracked.call_sid or None,
    }


def _after(tracked: TrackedCall) -> dict[str, Any]:
    return {
        "new_progress": tracked.progress,
        "new_session_id": tracked.session_id or None,
        "new_call_sid": tracked.call_sid or None,
        "new_answered_at": tracked.answered_at,
        "new_ended_at": tracked.ended_at,
        "new_gone_since": tracked.gone_since,
        "new_evo_outcome": tracked.outcome[:200] or None,
        "new_hang_up": tracked.hang_up,
        "new_is_ambiguous": tracked.is_ambiguous,
        "new_lost_reason": tracked.lost_reason,
    }


def _is_worth_telling(before: TrackedCall, after: TrackedCall) -> bool:
    """Whether people would see a difference."""
    seen = (before.progress, before.hang_up, bool(before.session_id))
    return seen != (after.progress, after.hang_up, bool(after.session_id))


def _tracked_call(row: sa.Row[Any]) -> TrackedCall:
    values = row._mapping
    return TrackedCall(
        call_id=values["id"],
        account_id=values["account_id"],
        number=values["number"],
        caller_id=values["caller_id"],
        requested_at=values["began_at"] or values["accepted_at"],
        was_rejected=values["state"] == State.REJECTED,
        is_ambiguous=bool(values["is_ambiguous"]),
        answered_by=values["finished_at"] if values["state"] in _ANSWERED else None,
        known_ids=_known_ids(values),
        skew=None if values["skew_s"] is None else timedelta(seconds=values["skew_s"]),
        progress=values["progress"] or Progress.WAITING,
        session_id=values["session_id"] or "",
        call_sid=values["call_sid"] or "",
        answered_at=values["answered_at"],
        ended_at=values["ended_at"],
        gone_since=values["gone_since"],
        outcome=values["evo_outcome"] or "",
        hang_up=values["hang_up"],
        hang_up_at=values["hang_up_at"],
        user_id=values["user_id"],
        flow_id=values["flow_id"],
    )


def _known_ids(values: sa.RowMapping) -> frozenset[str] | None:
    if values["state"] == State.PLACING:  # they are stored with the answer; until then nothing is excluded
        return frozenset()
    return None if values["known_ids"] is None else frozenset(values["known_ids"])
