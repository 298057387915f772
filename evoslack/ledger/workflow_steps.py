"""The workflow steps that ask for calls: their inputs, their calls, and whether Slack knows how they ended.

A changed call marks its step as due (`dependents`). A bot claims a step before it works on it; what changes
meanwhile makes it due once more.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from evoslack.calling.workflow_step import LeaseLost, StepInputs, WorkflowStep
from evoslack.ledger.due_rows import DueRows
from evoslack.ledger.schema import workflow_steps
from evoslack.ledger.store import Store
from evoslack.ledger.timeline import is_before_restoring

_DUE = DueRows(workflow_steps)


class WorkflowStepLedger:
    """The steps in a `Store`. Every method is one transaction, safe for several threads and bots."""

    def __init__(self, store: Store) -> None:
        self._engine = store.engine

    def add(
        self, execution_id: str, team_id: str, inputs: StepInputs | None, *, asked_at: datetime, at: datetime
    ) -> None:
        """A workflow reached the step: due at once. A step that is there already stays as it is."""
        values: dict[str, Any] = {
            "execution_id": execution_id,
            "team_id": team_id,
            "inputs": None if inputs is None else asdict(inputs),
            "asked_at": asked_at,
            "due_at": at,
            "attempts": 0,
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.insert(workflow_steps).values(**values))
        except sa.exc.IntegrityError:
            return  # it is there already; only its id can conflict

    def claim(self, *, at: datetime, until: datetime) -> WorkflowStep | None:
        """Lease the step that has been due the longest, or None. No other bot gets it before `until`."""
        with self._engine.begin() as connection:
            row = _DUE.claim(connection, at=at, until=until)
            if row is None:
                return None
            asked_at = sa.literal(row.asked_at, workflow_steps.c.asked_at.type)
            is_before_restore = connection.execute(sa.select(is_before_restoring(asked_at))).scalar_one()
        return WorkflowStep(
            execution_id=row.execution_id,
            team_id=row.team_id,
            inputs=None if row.inputs is None else StepInputs(**row.inputs),
            asked_at=row.asked_at,
            call_id=row.call_id or "",
            refusal=row.refusal or "",
            attempts=row.attempts - 1,  # before this one
            is_before_restore=bool(is_before_restore),
        )

    def set_call(self, execution_id: str, call_id: str) -> None:
        """This call, which existed before, is the step's."""
        self._set(workflow_steps.c.execution_id == execution_id, call_id=call_id)

    def deny(self, execution_id: str, words: str, *, lease: datetime) -> bool:
        """The step never gets a call; False if the lease is no longer ours, or there is a call already."""
        ours = sa.and_(_DUE.is_ours([execution_id], lease), workflow_steps.c.call_id.is_(None))
        return self._set(ours, refusal=words)

    def release(self, execution_id: str, *, lease: datetime, again_at: datetime, failed: bool) -> None:
        """Give the lease back: due again then, or as soon as its call changes or has changed meanwhile."""
        with self._engine.begin() as connection:
            _DUE.release(connection, [execution_id], lease, again_at=again_at, failed=failed)

    def mark_ended(self, execution_id: str, *, at: datetime) -> None:
        """Slack accepted how it ended: it is never due again."""
        this = workflow_steps.c.execution_id == execution_id
        self._set(this, ended_at=at, due_at=None, leased_until=None)

    def purge(self, *, asked_before: datetime) -> None:
        """Delete old steps that got no call; the others are deleted with their calls."""
        old = sa.and_(workflow_steps.c.call_id.is_(None), workflow_steps.c.asked_at < asked_before)
        with self._engine.begin() as connection:
            connection.execute(sa.delete(workflow_steps).where(old, workflow_steps.c.ended_at.is_not(None)))

    def _set(self, which: sa.ColumnElement[bool], **values: Any) -> bool:
        with self._engine.begin() as connection:
            return connection.execute(sa.update(workflow_steps).where(which).values(**values)).rowcount == 1


def give_call(connection: sa.Connection, execution_id: str, lease: datetime, call_id: str) -> None:
    """Give the step this call. Raises `LeaseLost` if it is no longer ours, or was denied."""
    ours = sa.and_(_DUE.is_ours([execution_id], lease), workflow_steps.c.refusal.is_(None))
    becoming = sa.update(workflow_steps).where(ours).values(call_id=call_id)
    if connection.execute(becoming).rowcount != 1:
        raise LeaseLost(execution_id)
