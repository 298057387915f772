"""The app's workflow steps: their executions, and how the app completes them.

Keeps every execution from `function_executed` to `functions.completeSuccess` or `completeError`
(slack-facts 11). Call it with the team's lock held.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from sandbox.slack.block_kit import Json, problems_in_options
from sandbox.slack.delivery import Delivery
from sandbox.slack.errors import SlackError, require_args
from sandbox.slack.ids import make_id

Status = Literal["running", "completed", "failed"]


@dataclass(frozen=True)
class Execution:
    """One run of a step: its inputs and outcome, and the deliveries of its event.

    `token` works like the bot token while the step runs. `in_time`: completed before the app's ack, which is
    required for a list of options (`is_options`).
    """

    callback_id: str
    inputs: Json
    is_options: bool = False
    id: str = field(default_factory=lambda: make_id("Fx"))
    token: str = field(default_factory=lambda: f"xwfp-{secrets.token_hex(16)}")
    status: Status = "running"
    outputs: Json | None = None
    error: str | None = None
    in_time: bool = False
    deliveries: Sequence[Delivery] = ()


class Steps:
    """All executions."""

    def __init__(self) -> None:
        self._executions: dict[str, Execution] = {}

    def all(self) -> list[Execution]:
        """The executions, oldest first."""
        return list(self._executions.values())

    def get(self, execution_id: str) -> Execution | None:
        """The execution with this id."""
        return self._executions.get(execution_id)

    def save(self, execution: Execution) -> None:
        """Store a new or changed execution."""
        self._executions[execution.id] = execution

    def owner(self, token: str) -> Execution | None:
        """The execution that this token belongs to."""
        return next((each for each in self._executions.values() if each.token == token), None)

    def acked(self, delivery: Delivery) -> None:
        """Record a delivery that was acked or given up; a later completion is not in time."""
        execution = self.get(str((delivery.sent.get("event") or {}).get("function_execution_id")))
        if execution is not None:
            told = (*execution.deliveries, delivery)
            in_time = execution.in_time or (delivery.acked and execution.status == "completed")
            self.save(replace(execution, deliveries=told, in_time=in_time))

    def complete_success(self, args: Json) -> Json:
        """functions.completeSuccess: the step completed, with these outputs."""
        execution, outputs = self._running(args), args.get("outputs")
        if not isinstance(outputs, dict):
            raise SlackError("invalid_arguments", ["[ERROR] must provide an object [json-pointer:/outputs]"])
        if execution.is_options:
            problems = problems_in_options({"options": outputs.get("options")})
            if problems:
                raise SlackError("parameter_validation_failed", problems)
        self.save(replace(execution, status="completed", outputs=outputs))
        return {}

    def complete_error(self, args: Json) -> Json:
        """functions.completeError: the step failed, with an error for the person."""
        execution = self._running(args)
        require_args(args, "error")
        self.save(replace(execution, status="failed", error=str(args["error"])))
        return {}

    def _running(self, args: Json) -> Execution:
        require_args(args, "function_execution_id")
        execution = self.get(str(args["function_execution_id"]))
        if execution is None:
            raise SlackError("function_execution_not_found")
        if execution.status != "running":
            raise SlackError("execution_not_in_running_state")
        return execution
