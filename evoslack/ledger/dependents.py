"""Marks what depends on a changed call as due: its notification and page, Home tabs, its workflow step.

Always in the transaction of the change itself, so that a crash loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from evoslack.ledger.schema import calls, home_tabs, notifications, pages, workflow_steps

MOST_IDS = 1_000  # in one statement; SQLite takes no more than 32,766 values


def batched(call_ids: Iterable[str]) -> Iterator[list[str]]:
    """The ids, some at a time."""
    these = list(call_ids)
    for start in range(0, len(these), MOST_IDS):
        yield these[start : start + MOST_IDS]


_AT: Any = sa.bindparam("at", type_=calls.c.accepted_at.type)
_IDS: Any = sa.bindparam("ids", expanding=True)


def _page_due(which: sa.ColumnElement[bool], at: Any) -> sa.Update:
    due_at = sa.case((pages.c.due_at <= at, pages.c.due_at), else_=at)
    return sa.update(pages).where(which).values(due_at=due_at)


# Part of every change of a call, so they are put together once: that takes longer than to run them.
_NOTIFICATION_DUE = (
    sa.update(notifications)
    .where(notifications.c.call_id.in_(_IDS))
    .values(
        revision=notifications.c.revision + 1,
        # Due now, even if the card has to wait: the caller need not.
        due_at=sa.case((notifications.c.due_at <= _AT, notifications.c.due_at), else_=_AT),
    )
)
_PAGE_DUE = _page_due(pages.c.call_id.in_(_IDS), _AT)
_SHOWS_THEM = sa.or_(
    home_tabs.c.sees_all,
    sa.exists().where(
        calls.c.id.in_(_IDS), calls.c.user_id == home_tabs.c.user_id, calls.c.team_id == home_tabs.c.team_id
    ),
)
# Locks also those that are due already, so that a bot claiming one now does not miss this change. Always
# in the same order, so that two changes at once do not deadlock.
_LOCKING_HOME_TABS = (
    sa.select(home_tabs.c.user_id)
    .where(_SHOWS_THEM)
    .order_by(home_tabs.c.team_id, home_tabs.c.user_id)
    .with_for_update()
)
# A tab that would only be due later is due now, unless it waits because publishing it failed.
_HOME_TAB_DUE = (
    sa.update(home_tabs)
    .where(_SHOWS_THEM)
    .values(
        due_at=sa.case(
            (sa.and_(home_tabs.c.due_at > _AT, home_tabs.c.attempts == 0), _AT),
            else_=sa.func.coalesce(home_tabs.c.due_at, _AT),
        )
    )
)
_STEP_DUE = (
    sa.update(workflow_steps)
    .where(workflow_steps.c.call_id.in_(_IDS), workflow_steps.c.ended_at.is_(None))
    .values(due_at=_AT)
)


def mark_changed(connection: sa.Connection, call_ids: Iterable[str], at: datetime) -> None:
    """People should be told of a change of these calls."""
    these = list(call_ids)
    if not these:
        return
    for statement in (_NOTIFICATION_DUE, _PAGE_DUE):
        connection.execute(statement, {"ids": these, "at": at})
    mark_dependents_due(connection, these, at)


def mark_page_due(
    connection: sa.Connection, which: sa.ColumnElement[bool], at: datetime | sa.ColumnElement[datetime]
) -> None:
    """These pages show something that has changed, if they are still open."""
    connection.execute(_page_due(which, at))


def mark_dependents_due(connection: sa.Connection, call_ids: Iterable[str], at: datetime) -> None:
    """Home tabs that show these calls are due, and so are their workflow steps."""
    these = list(call_ids)
    if not these:
        return
    connection.execute(_LOCKING_HOME_TABS, {"ids": these}).all()
    for statement in (_HOME_TAB_DUE, _STEP_DUE):
        connection.execute(statement, {"ids": these, "at": at})
