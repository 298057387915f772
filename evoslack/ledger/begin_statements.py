"""The statements that find a call and begin it: part of every call, so each is put together once.

Putting one together takes longer than the database takes to answer it.
"""

from __future__ import annotations

import sqlalchemy as sa

from evoslack.calling.calls import State
from evoslack.ledger.schema import calls

_IS_WAITING = sa.and_(
    calls.c.state == State.ACCEPTED,
    calls.c.accepted_at > sa.bindparam("accepted_after", type_=calls.c.accepted_at.type),
)
OLDEST_WAITING = sa.select(calls).where(_IS_WAITING).order_by(calls.c.accepted_at).limit(1)
BY_KEY = sa.select(calls).where(calls.c.request_key == sa.bindparam("key"))
BY_ID = sa.select(calls).where(calls.c.id == sa.bindparam("call_id"))
_NEXT = (
    sa.select(calls.c.id)
    .where(_IS_WAITING, calls.c.accepted_at <= sa.bindparam("ahead", type_=calls.c.accepted_at.type))
    .order_by(calls.c.accepted_at)
    .limit(1)
    .with_for_update(skip_locked=True)  # PostgreSQL: several bots each take another one
)
BEGINNING = (
    sa.update(calls)
    .where(calls.c.id == _NEXT.scalar_subquery(), _IS_WAITING)
    .values(state=State.PLACING, began_at=sa.bindparam("at", type_=calls.c.began_at.type))
    .returning(calls)
)
