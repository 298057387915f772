"""Marks what depends on a changed call as due: its notification and page, Home tabs, its workflow step.

Always in the transaction of the change itself, so that a crash loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import sqlalchemy as sa

from evoslack.ledger.schema import calls, home_tabs, notifications, pages, workflow_steps

MOST_IDS = 1_000  # in one statement; SQLite takes no more than 32,766 values


def batched(call_ids: Iterable[str]) -> Iterator[list[str]]:
    """The ids, some at a time."""
    these = list(call_ids)
    for start in range(0, len(these), MOST_IDS):
        yield these[start : start + MOST_IDS]


def mark_changed(connection: sa.Connection, call_ids: Iterable[str], at: datetime) -> None:
    """People should be told of a change of these calls."""
    these = list(call_ids)
    if not these:
        return
    # Due now, even if the card has to wait: the caller need not.
    due_at = sa.case((notifications.c.due_at <= at, notifications.c.due_at), else_=at)
    changed = sa.update(notifications).where(notifications.c.call_id.in_(these))
    connection.execute(changed.values(revision=notifications.c.revision + 1, due_at=due_at))
    mark_page_due(connection, pages.c.call_id.in_(these), at)
    mark_dependents_due(connection, these, at)


def mark_page_due(
    connection: sa.Connection, which: sa.ColumnElement[bool], at: datetime | sa.ColumnElement[datetime]
) -> None:
    """These pages show something that has changed, if they are still open."""
    due_at = sa.case((pages.c.due_at <= at, pages.c.due_at), else_=at)
    connection.execute(sa.update(pages).where(which).values(due_at=due_at))


def mark_dependents_due(connection: sa.Connection, call_ids: Iterable[str], at: datetime) -> None:
    """Home tabs that show these calls are due, and so are their workflow steps."""
    these = list(call_ids)
    if not these:
        return
    is_callers = sa.exists().where(
        calls.c.id.in_(these), calls.c.user_id == home_tabs.c.user_id, calls.c.team_id == home_tabs.c.team_id
    )
    theirs = sa.or_(home_tabs.c.sees_all, is_callers)
    # Lock also those that are due already, so that a bot claiming one now does not miss this change. Always
    # in the same order, so that two changes at once do not deadlock.
    row = sa.select(home_tabs.c.user_id).where(theirs).order_by(home_tabs.c.team_id, home_tabs.c.user_id)
    connection.execute(row.with_for_update()).all()
    # A tab that would only be due later is due now, unless it waits because publishing it failed.
    waits_by_choice = sa.and_(home_tabs.c.due_at > at, home_tabs.c.attempts == 0)
    due_at = sa.case((waits_by_choice, at), else_=sa.func.coalesce(home_tabs.c.due_at, at))
    connection.execute(sa.update(home_tabs).where(theirs).values(due_at=due_at))
    waiting = sa.update(workflow_steps).where(
        workflow_steps.c.call_id.in_(these), workflow_steps.c.ended_at.is_(None)
    )
    connection.execute(waiting.values(due_at=at))
