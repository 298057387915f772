"""Workflows that run the app's steps, and the person who builds them and chooses from the app's options.

A step starts with `function_executed`, which Slack sends again when it is not acked (slack-facts 6 and 11).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from sandbox.slack import events
from sandbox.slack.block_kit import Json
from sandbox.slack.people import People
from sandbox.slack.steps import Execution, Status, Steps
from sandbox.slack.team import Team
from sandbox.slack.views import Views


class Workflows(People):
    """People whose workflows run the app's steps."""

    def __init__(self, team: Team, views: Views) -> None:
        super().__init__(team, views)
        self._steps = Steps()

    def run_step(self, callback_id: str, inputs: Mapping[str, Any]) -> Execution:
        """Run this step in a workflow; returns the execution as it is after the app's ack.

        Without an ack it is delivered a second time at once. (Slack's two later retries, after minutes, are
        `redeliver`.)
        """
        execution, payload = self._begin(Execution(callback_id, dict(inputs)))
        delivery = self.send("events_api", payload)
        if not delivery.acked:
            self.redeliver(delivery)
        return self.execution(execution.id)

    def step_options(self, callback_id: str, inputs: Mapping[str, Any] | None = None) -> list[Json]:
        """The options that this function of the app offers to a person who builds a workflow.

        Empty unless the app completes it before the ack: Slack does not wait longer.
        """
        execution, payload = self._begin(Execution(callback_id, dict(inputs or {}), is_options=True))
        self.send("events_api", payload)
        told = self.execution(execution.id)
        return list(told.outputs["options"]) if told.in_time and told.outputs else []

    def _begin(self, execution: Execution) -> tuple[Execution, Json]:
        what = (execution.callback_id, execution.id, execution.inputs, execution.token)
        with self._team.change():
            self._steps.save(execution)
            return execution, events.function_executed(self._team, *what)

    @property
    def executions(self) -> list[Execution]:
        """Every execution of a step or options function, oldest first."""
        with self._team.changed:
            return copy.deepcopy(self._steps.all())

    def execution(self, execution_id: str) -> Execution:
        """The current state of an execution. Raises LookupError for an unknown id."""
        with self._team.changed:
            execution = self._steps.get(execution_id)
            if execution is None:
                raise LookupError(f"no execution {execution_id}")
            return copy.deepcopy(execution)

    def wait_for_execution(
        self, execution_id: str, status: Status = "completed", within_s: float = 5
    ) -> Execution:
        """Wait until an execution has this status and return it."""

        def there() -> Execution | None:
            execution = self.execution(execution_id)
            return execution if execution.status == status else None

        found = self.wait_for(there, within_s, f"{execution_id} to be {status}")
        assert found is not None
        return found
