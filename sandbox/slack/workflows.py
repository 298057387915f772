"""Workflows that use the app's steps, and the person who builds them and is offered options.

The app hears of a step by `function_executed`; Slack sends it again when nobody acks (slack-facts 6 and 11).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from sandbox.slack import events
from sandbox.slack.block_kit import Json
from sandbox.slack.people import People
from sandbox.slack.screens import Screens
from sandbox.slack.steps import Execution, Status, Steps
from sandbox.slack.team import Team


class Workflows(People):
    """People whose workflows run the app's steps."""

    def __init__(self, team: Team, screens: Screens) -> None:
        super().__init__(team, screens)
        self._steps = Steps()

    def run_step(self, callback_id: str, inputs: Mapping[str, Any]) -> Execution:
        """Let a workflow reach this step; returns how far it is once the app has acked.

        Not acked, it is delivered a second time, at once. (Slack tries twice more, minutes later: that is
        `redeliver`.)
        """
        execution, payload = self._begin(Execution(callback_id, dict(inputs)))
        delivery = self.send("events_api", payload)
        if not delivery.acked:
            self.redeliver(delivery)
        return self.execution(execution.id)

    def step_options(self, callback_id: str, inputs: Mapping[str, Any] | None = None) -> list[Json]:
        """The options that somebody who builds a workflow is offered by this function of the app.

        Empty unless they were completed before the ack: Slack does not wait any longer.
        """
        execution, payload = self._begin(Execution(callback_id, dict(inputs or {}), is_options=True))
        self.send("events_api", payload)
        told = self.execution(execution.id)
        return list(told.outputs["options"]) if told.in_time and told.outputs else []

    def _begin(self, execution: Execution) -> tuple[Execution, Json]:
        what = (execution.callback_id, execution.id, execution.inputs, execution.token)
        with self._team.change():
            self._steps.keep(execution)
            return execution, events.function_executed(self._team, *what)

    @property
    def executions(self) -> list[Execution]:
        """Every run of a step or a list of options so far, oldest first."""
        with self._team.changed:
            return copy.deepcopy(self._steps.all())

    def execution(self, execution_id: str) -> Execution:
        """What has become of a run so far. LookupError when there is none of that id."""
        with self._team.changed:
            execution = self._steps.get(execution_id)
            if execution is None:
                raise LookupError(f"no execution {execution_id}")
            return copy.deepcopy(execution)

    def wait_for_execution(
        self, execution_id: str, status: Status = "completed", within_s: float = 5
    ) -> Execution:
        """Wait until a run is completed or failed and return it."""

        def there() -> Execution | None:
            execution = self.execution(execution_id)
            return execution if execution.status == status else None

        found = self.wait_for(there, within_s, f"{execution_id} to be {status}")
        assert found is not None
        return found
