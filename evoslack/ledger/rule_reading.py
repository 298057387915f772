"""What a press, and a call right before it is dialed, ask the ledger, in one statement.

Nearly always the answer is that nothing stands in the way. Then this is all; otherwise `RuleLedger.facts`
says what it is.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from evoslack.calling.calls import CallRequest, State
from evoslack.calling.rulebook import Limit, StoredRule
from evoslack.calling.rules import Reading
from evoslack.ledger.column_types import UtcDateTime
from evoslack.ledger.schema import blocked_numbers, calls, rules
from evoslack.ledger.store import Store
from evoslack.ledger.transitions import AHEAD

# What was sent counts, whatever Evo Voice answered. Calls for later count from when their time has come.
DIALED = sorted({State.PLACING, State.PLACED, State.REJECTED, State.IN_DOUBT})
TO_BE_DIALED = sorted({State.RECEIVED, State.ACCEPTED})


def read(
    store: Store, request: CallRequest, limits: Collection[Limit], *, at: datetime, is_begun: bool
) -> Reading:
    """See `RuleLedger.read`."""
    asked = tuple(limits)
    given: dict[str, Any] = {
        "key": request.key,
        "number": request.number,
        "account_id": request.account_id,
        "user_id": request.user_id,
        "team_id": request.team_id,
        "ahead": at + AHEAD,
    }
    given |= {f"since_{n}": at - limit.span for n, limit in enumerate(asked)}
    with store.reading() as connection:
        rows = connection.execute(_statement(asked, is_begun), given).all()
    stored = tuple(rule_of(row) for row in rows if row.name is not None)
    return Reading(request, asked, at, bool(rows[0].submitted), stored, not rows[0].in_the_way)


@lru_cache(maxsize=64)
def _statement(limits: tuple[Limit, ...], is_begun: bool) -> sa.Select[Any]:
    """One row for each stored rule, or one. Put together once: that takes longer than to answer it."""
    submitted = sa.exists().where(calls.c.request_key == _text("key"))
    blocked = sa.exists().where(blocked_numbers.c.number == _text("number"))
    states = calls.c.state.in_(DIALED if is_begun else DIALED + TO_BE_DIALED)
    reached = [
        nth_newest(
            limit,
            states,
            account_id=_text("account_id"),
            person=(_text("user_id"), _text("team_id")),
            since=sa.bindparam(f"since_{n}", type_=UtcDateTime),
            ahead=sa.bindparam("ahead", type_=UtcDateTime),
        )
        .scalar_subquery()
        .is_not(None)
        for n, limit in enumerate(limits)
    ]
    one = sa.select(submitted.label("submitted"), sa.or_(blocked, *reached).label("in_the_way")).subquery(
        "one"
    )
    return sa.select(one, rules).select_from(one.outerjoin(rules, sa.true())).order_by(rules.c.name)


def nth_newest(
    limit: Limit,
    *which: sa.ColumnElement[bool],
    account_id: Any,
    person: tuple[Any, Any],
    since: Any,
    ahead: Any,
) -> sa.Select[Any]:
    """When the call was accepted that has to grow old before another one fits; none: there is room.

    Of those after `since`, when the limit's span begins, up to `ahead`: a time in the future comes from a
    clock that has been set back, and would count for who knows how long. `person`: ids of user and team.
    """
    in_the_span = [calls.c.accepted_at > since, calls.c.accepted_at <= ahead]
    account: sa.ColumnElement[Any] = calls.c.account_id
    whose = []
    if limit.per_person:
        user_id, team_id = person
        whose += [calls.c.user_id == user_id, calls.c.team_id == team_id]
        account = sa.func.coalesce(
            account, ""
        )  # else SQLite reads a day of everyone's calls instead of theirs
    whose.append(account == account_id)
    newest_first = sa.select(calls.c.accepted_at).where(*in_the_span, *whose, *which)
    return newest_first.order_by(calls.c.accepted_at.desc()).limit(1).offset(limit.most - 1)


def rule_of(row: sa.Row[Any]) -> StoredRule:
    """The stored rule in a row."""
    return StoredRule(row.name, row.value, row.revision, row.changed_by, row.changed_at)


def _text(name: str) -> sa.BindParameter[str]:
    return sa.bindparam(name, type_=sa.String())
