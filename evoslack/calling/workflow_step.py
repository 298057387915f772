"""A workflow step that asks for a call: what the workflow filled in, and how far the step has come.

Plain values. What was filled in comes from outside, and nothing in it is believed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

PERSON, FLOW, NUMBER, CALLER_ID = "person", "flow", "number", "caller_id"  # as in manifest.yml
CALL_ANYWAY = "call_anyway"
LONGEST_INPUT = 300  # characters
_USER_ID = re.compile(r"[UW][A-Z0-9_]{1,31}")


@dataclass(frozen=True, slots=True)
class StepInputs:
    """Who wants which call, as filled in."""

    user_id: str
    flow_id: str
    number: str
    caller_id: str  # empty: the default one
    call_anyway: bool = False  # even if another call to the number may be going on

    @classmethod
    def of(cls, given: object) -> StepInputs | None:
        """Read the inputs of a step; None if they are not what it asks for."""
        if not isinstance(given, Mapping):
            return None
        typed = given.get(CALLER_ID)
        values = [given.get(FLOW), given.get(NUMBER), "" if typed is None else typed]
        texts = [value for value in values if isinstance(value, str) and len(value) <= LONGEST_INPUT]
        user_id, call_anyway = user_id_in(given.get(PERSON)), given.get(CALL_ANYWAY) or False
        if not user_id or len(texts) != len(values) or not isinstance(call_anyway, bool):
            return None
        flow_id, number, caller_id = texts
        return cls(user_id, flow_id, number, caller_id, call_anyway)


class LeaseLost(Exception):
    """Another bot works on the step by now, or it was denied; there is no call."""


def user_id_in(context: object) -> str:
    """The user id in Slack's user_context, which nobody can fill in; empty without one."""
    user_id = context.get("id") if isinstance(context, Mapping) else None
    return user_id if isinstance(user_id, str) and _USER_ID.fullmatch(user_id) else ""


@dataclass(frozen=True, slots=True)
class WorkflowStep:
    """One run of the step, as the ledger has it."""

    execution_id: str  # Slack's id for it
    team_id: str
    inputs: StepInputs | None  # None: they could not be read
    asked_at: datetime
    call_id: str = ""  # its call, if there is one
    refusal: str = ""  # why there will be none, in a sentence
    attempts: int = 0  # failed ones in a row
    is_before_restore: bool = (
        False  # the ledger was restored since: it may have become a call that is forgotten
    )
