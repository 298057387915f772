"""The app's steps in workflows: which are running, what became of them, and how the app says so.

Remembers every execution from `function_executed` to `functions.completeSuccess` or `completeError`
(slack-facts 11). Call it with the team's lock held.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from sandbox.slack.block_kit import Json, problems_in_options
from sandbox.slack.delivery import Delivery
from sandbox.slack.team import Refused, make_id, need

Status = Literal["running", "completed", "failed"]


@dataclass(frozen=True)
class Execution:
    """One run of a step: what went in, what became of it, and the deliveries that told the app of it.

    `token` works like the bot token while the step runs. `in_time`: it was completed before the app's ack,
    which is what counts for a list of options (`is_options`).
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
    """Every execution of a step so far."""

    def __init__(self) -> None:
        self._executions: dict[str, Execution] = {}

    def all(self) -> list[Execution]:
        """The executions, oldest first."""
        return list(self._executions.values())

    def get(self, execution_id: str) -> Execution | None:
        """One of them."""
        return self._executions.get(execution_id)

    def keep(self, execution: Execution) -> None:
        """Remember an execution, or what is new about it."""
        self._executions[execution.id] = execution

    def owner(self, token: str) -> Execution | None:
        """The execution that was given this token."""
        return next((each for each in self._executions.values() if each.token == token), None)

    def acked(self, delivery: Delivery) -> None:
        """The app has acked this delivery just now, or Slack gave it up: what is completed later is late."""
        execution = self.get(str((delivery.sent.get("event") or {}).get("function_execution_id")))
        if execution is not None:
            told = (*execution.deliveries, delivery)
            in_time = execution.in_time or (delivery.acked and execution.status == "completed")
            self.keep(replace(execution, deliveries=told, in_time=in_time))

    def complete_success(self, args: Json) -> Json:
        """functions.completeSuccess: the step is done, with these outputs."""
        execution, outputs = self._running(args), args.get("outputs")
        if not isinstance(outputs, dict):
            raise Refused("invalid_arguments", ["[ERROR] must provide an object [json-pointer:/outputs]"])
        if execution.is_options:
            problems = problems_in_options({"options": outputs.get("options")})
            if problems:
                raise Refused("parameter_validation_failed", problems)
        self.keep(replace(execution, status="completed", outputs=outputs))
        return {}

    def complete_error(self, args: Json) -> Json:
        """functions.completeError: the step failed, for a reason that the person is told."""
        execution = self._running(args)
        need(args, "error")
        self.keep(replace(execution, status="failed", error=str(args["error"])))
        return {}

    def _running(self, args: Json) -> Execution:
        need(args, "function_execution_id")
        execution = self.get(str(args["function_execution_id"]))
        if execution is None:
            raise Refused("function_execution_not_found")
        if execution.status != "running":
            raise Refused("execution_not_in_running_state")
        return execution
