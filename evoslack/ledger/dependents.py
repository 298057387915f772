"""What a change of a call sets in motion: its card and its caller, open Home tabs, and a waiting step.

Always in the transaction of the change itself, so that nobody is forgotten when the bot dies.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from evoslack.ledger.schema import calls, home_tabs, notifications, workflow_steps


def mark_changed(connection: sa.Connection, call_ids: Iterable[str], at: datetime) -> None:
    """These calls have changed in a way that people should hear of."""
    these = list(call_ids)
    if not these:
        return
    # Due now, even if its card has to wait: the caller need not.
    due_at = sa.case((notifications.c.due_at <= at, notifications.c.due_at), else_=at)
    changed = sa.update(notifications).where(notifications.c.call_id.in_(these))
    connection.execute(changed.values(revision=notifications.c.revision + 1, due_at=due_at))
    mark_dependents_due(connection, these, at)


def mark_dependents_due(connection: sa.Connection, call_ids: Iterable[str], at: datetime) -> None:
    """Whoever looks at these calls elsewhere than on the card is due: Home tabs and steps."""
    these = list(call_ids)
    if not these:
        return
    caller_looks = sa.exists().where(
        calls.c.id.in_(these), calls.c.user_id == home_tabs.c.user_id, calls.c.team_id == home_tabs.c.team_id
    )
    theirs = sa.or_(home_tabs.c.sees_all, caller_looks)
    # Also those that are due already: whoever shows them now must not miss this change. Always in the same
    # order, so that two changes at once do not wait for each other.
    row = sa.select(home_tabs.c.user_id).where(theirs).order_by(home_tabs.c.team_id, home_tabs.c.user_id)
    connection.execute(row.with_for_update()).all()
    connection.execute(
        sa.update(home_tabs).where(theirs).values(due_at=sa.func.coalesce(home_tabs.c.due_at, at))
    )
    waiting = sa.update(workflow_steps).where(
        workflow_steps.c.call_id.in_(these), workflow_steps.c.ended_at.is_(None)
    )
    connection.execute(waiting.values(due_at=at))
