"""The statements that write a new call down, put together once for each kind of call.

Putting one together takes longer than the database takes to answer it. On PostgreSQL a call, its notification
and its page are one statement, so that a press waits once for all three.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from evoslack.ledger.busy_numbers import Known, blocking
from evoslack.ledger.column_types import UtcDateTime
from evoslack.ledger.rows import REQUEST_FIELDS
from evoslack.ledger.schema import calls, ledger_state, notifications, pages, used_keys

_CALL = (*REQUEST_FIELDS, "id", "request_key", "state", "accepted_at")
_UNTOLD = {
    "revision": 1,
    "attempts": 0,
    "card_channel": "",
    "card_ts": "",
    "card_revision": 0,
    "card_problem": "",
    "told_revision": 0,
    "told_bad_news": False,
}


@dataclass(frozen=True, slots=True)
class Kind:
    """What the statements depend on. `timeline`: whether the form's key has one; None: it is not asked."""

    is_now: bool
    known: Known
    timeline: bool | None
    has_page: bool


@lru_cache(maxsize=64)
def inserting(kind: Kind, *, at_once: bool) -> tuple[sa.Executable, ...]:
    """The statements in their order. The first returns the id of the call, or nothing if there is none.

    They take the columns of a call, `notify_at`, the key's `timeline`, and `busy_numbers.moments`.
    """
    values = {name: sa.bindparam(name, type_=calls.c[name].type) for name in _CALL}
    values |= {"detail": sa.literal(""), "deliveries": sa.literal(1)}
    row = sa.select(*values.values()).where(*_conditions(kind))
    call = sa.insert(calls).from_select(list(values), row).returning(calls.c.id)
    if not at_once:
        page = [_page(sa.select(*_page_values(_param("id"))))] if kind.has_page else []
        return call, _notification(sa.select(*_notification_values(_param("id")))), *page
    new = call.cte("new")
    whole = _notification(sa.select(*_notification_values(new.c.id))).returning(notifications.c.call_id)
    if kind.has_page:
        whole = whole.add_cte(_page(sa.select(*_page_values(new.c.id))).cte("page"))
    return (whole,)


def _conditions(kind: Kind) -> list[sa.ColumnElement[bool]]:
    found = [~sa.exists().where(used_keys.c.request_key == _param("request_key"))]
    # A call for later holds up nobody, and nobody holds it up: that is asked when its time comes.
    if kind.is_now:
        times = {name: sa.bindparam(name, type_=UtcDateTime) for name in ("recent", "oldest", "doubt")}
        account_id, number, anyway = _param("account_id"), _param("number"), _param("anyway")
        found.append(~sa.exists().where(blocking(kind.known, account_id, number, anyway, **times)))
    if kind.timeline is True:
        same = ledger_state.c.timeline == sa.bindparam("timeline", type_=sa.String())
        found.append(sa.exists().where(same))
    elif kind.timeline is False:
        found.append(~sa.exists().where(ledger_state.c.restored_at.is_not(None)))
    return found


def _notification_values(call_id: Any) -> list[Any]:
    due_at = sa.bindparam("notify_at", type_=notifications.c.due_at.type)
    return [
        call_id,
        due_at,
        *(sa.literal(value, notifications.c[name].type) for name, value in _UNTOLD.items()),
    ]


def _notification(row: sa.Select[Any]) -> Any:
    return sa.insert(notifications).from_select(["call_id", "due_at", *_UNTOLD], row)


def _page_values(call_id: Any) -> list[Any]:
    return [call_id, _param("accepted_at")]


def _page(row: sa.Select[Any]) -> Any:
    return sa.insert(pages).from_select(["call_id", "shown_at"], row)


def _param(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=calls.c[name].type)
