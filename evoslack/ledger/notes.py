"""What people say came of a call, and their notes."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from evoslack.calling.calls import Call, CallNote
from evoslack.calling.rulebook import BlockedNumber
from evoslack.ledger.blocked_numbers import add as add_blocked_number
from evoslack.ledger.dependents import mark_changed
from evoslack.ledger.rows import call_of
from evoslack.ledger.schema import calls
from evoslack.ledger.store import Store


class NoteLedger:
    """The results and notes of the calls in a `Store`. Safe for several threads and bots."""

    def __init__(self, store: Store) -> None:
        self._engine = store.engine

    def write_note(
        self, call_id: str, note: CallNote, *, at: datetime, block: BlockedNumber | None = None
    ) -> Call | None:
        """Write down what a person says about a call, if nobody wrote since the revision they had read.

        `note.revision` is that revision. None if someone did, or if there is no such call. With the note,
        `block` is added to the do-not-call list, unless its number is there already.
        """
        unchanged = sa.and_(calls.c.id == call_id, calls.c.note_revision == note.revision)
        writing = (
            sa.update(calls)
            .where(unchanged)
            .values(
                result=note.result,
                note=note.text,
                noted_by=note.by,
                noted_at=at,
                note_revision=calls.c.note_revision + 1,
            )
        )
        with self._engine.begin() as connection:
            written = [call_of(row) for row in connection.execute(writing.returning(calls))]
            mark_changed(connection, [call.id for call in written], at)
            if written and block is not None:
                add_blocked_number(connection, block)
        return written[0] if written else None
