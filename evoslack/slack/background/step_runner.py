"""Brings workflow steps further: from what was asked to a call, and from the end of the call to Slack.

The row is the program counter here too. The execution id is the request key, so however often a step is
delivered or taken up again, it becomes at most one call. A refusal is written down before Slack is told, so
that nothing is dialed after a workflow was told that nothing was.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from evoslack.calling.calls import Call, CallRequest, Reason, State
from evoslack.calling.refusals import CannotCheck, Lack, NothingToOffer, Refusal
from evoslack.calling.workflow_step import LeaseLost, WorkflowStep
from evoslack.slack.listeners.form_opener import FormOpener, FormSettings
from evoslack.slack.listeners.orders import CallDraft, InvalidFields, checked, number_in
from evoslack.slack.rendering import messages, step_messages
from evoslack.slack.workspace import NO_ANSWER, pause_of, problem_of

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)  # after that another bot takes over
LEAST_LEASE = timedelta(seconds=30)  # that must be left before a call is written down
LOOK_AGAIN = timedelta(seconds=30)  # at a call that goes on; most changes of it make its step due anyway
PATIENCE = timedelta(minutes=1)  # with whoever cannot say whether somebody may call
CHECK_AGAIN = timedelta(seconds=5)
LONGEST_PAUSE_S = 300
GIVE_UP_AFTER = timedelta(hours=24)

_KNOWN_ALREADY = frozenset({"execution_not_in_running_state", "function_execution_not_found"})


class Book(Protocol):
    """The steps; see `ledger.steps.StepLedger`."""

    def claim(self, *, at: datetime, until: datetime) -> WorkflowStep | None: ...
    def became(self, execution_id: str, call_id: str) -> None: ...
    def refused(self, execution_id: str, words: str, *, lease: datetime) -> bool: ...
    def rest(self, execution_id: str, *, lease: datetime, again_at: datetime, in_trouble: bool) -> None: ...
    def ended(self, execution_id: str, *, at: datetime) -> None: ...


class Intake(Protocol):
    """Where steps become calls; see `intake.Intake`."""

    def accept_step(self, request: CallRequest, execution_id: str, lease: datetime) -> Call: ...


class Switchboard(Protocol):
    """Where calls are looked up."""

    def find(self, request_key: str) -> Call | None: ...
    def get(self, call_id: str) -> Call | None: ...


@dataclass(frozen=True, slots=True)
class End:
    """What a workflow is told: what came of the call, or why nothing did."""

    outputs: dict[str, Any] = field(default_factory=dict)
    error: str = ""


class _NotYet(Exception):
    """There is nothing more to do before `again_at`."""

    def __init__(self, again_at: datetime, *, in_trouble: bool = False) -> None:
        super().__init__()
        self.again_at = again_at
        self.in_trouble = in_trouble


class StepRunner:
    """Works on one step at a time. A step that waited longer than `longest_wait` becomes no call any more."""

    def __init__(
        self,
        client: WebClient,  # the bot's own token: the step's ends with the step
        book: Book,
        intake: Intake,
        switchboard: Switchboard,
        opener: FormOpener,
        rules: FormSettings,
        *,
        longest_wait: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._book = book
        self._intake = intake
        self._switchboard = switchboard
        self._opener = opener
        self._rules = rules
        self._longest_wait = longest_wait
        self._now = now

    def run_next(self) -> bool:
        """Bring the step that is due longest further; whether there was one."""
        now = self._now()
        lease = now + LEASE
        step = self._book.claim(at=now, until=lease)
        if step is None:
            return False
        try:
            self._tell(step, self._end_of(step, lease))
        except _NotYet as not_yet:
            again_at, in_trouble = not_yet.again_at, not_yet.in_trouble
        except Exception:
            log.exception("step %s: it broke", step.execution_id)
            again_at, in_trouble = self._now() + _pause(step), True
        else:
            self._book.ended(step.execution_id, at=self._now())
            return True
        self._book.rest(step.execution_id, lease=lease, again_at=again_at, in_trouble=in_trouble)
        return True

    def _end_of(self, step: WorkflowStep, lease: datetime) -> End:
        """How it ended. Raises `_NotYet`."""
        if step.refusal:
            return End(error=step.refusal)
        call_id = step.call_id
        if not call_id:
            try:
                call_id = self._call_of(step, lease).id
            except _Refused as no:
                if not self._book.refused(step.execution_id, no.words, lease=lease):
                    raise _NotYet(self._now()) from no  # somebody else has it by now
                log.info("step %s became no call: %s", step.execution_id, type(no.__cause__ or no).__name__)
                return End(error=no.words)
        call = self._switchboard.get(call_id)  # anew: it may have changed before it was the step's
        if call is None or call.is_going_on:
            raise _NotYet(self._now() + LOOK_AGAIN)
        return end_of(call, self._rules.region)

    def _call_of(self, step: WorkflowStep, lease: datetime) -> Call:
        """The call that the step already is, or becomes now. Raises `_Refused` or `_NotYet`."""
        key = f"step {step.execution_id}"
        first = self._switchboard.find(key)
        if first is not None:  # by an older version, which did both one after the other
            self._book.became(step.execution_id, first.id)
            return first
        waited = self._now() - step.asked_at
        if waited > self._longest_wait:
            raise _Refused(messages.REASON_MESSAGES[Reason.WAITED])
        if step.inputs is None:
            raise _Refused(step_messages.UNREADABLE)
        asked = step.inputs
        typed = asked.caller_id.strip()  # a builder types it, and there is no list to choose from
        caller_id = number_in(typed, self._rules)[0] or typed or None
        order = CallDraft(key, asked.user_id, step.team_id, asked.flow_id, asked.number, caller_id)
        try:
            request = checked(order, self._opener, self._rules)
            if lease - self._now() < LEAST_LEASE:  # somebody else may have refused it by the time it is taken
                raise _NotYet(self._now())
            return self._intake.accept_step(request, step.execution_id, lease)
        except LeaseLost as lost:
            raise _NotYet(self._now()) from lost
        except InvalidFields as unclear:
            raise _Refused(self._denied(asked.user_id, unclear.problems)) from unclear
        except Refusal as refusal:
            if _may_pass(refusal) and waited < PATIENCE:
                raise _NotYet(self._now() + CHECK_AGAIN) from refusal
            raise _Refused(self._denied(asked.user_id, [refusal])) from refusal

    def _denied(self, user_id: str, refusals: list[Refusal]) -> str:
        return step_messages.denied(user_id, refusals, self._rules.region)

    def _tell(self, step: WorkflowStep, end: End) -> None:
        """Tell Slack, which takes the end of a step once: repeating it is harmless. Raises `_NotYet`."""
        this = {"function_execution_id": step.execution_id}
        try:
            if end.error:
                self._client.functions_completeError(**this, error=end.error)
            else:
                self._client.functions_completeSuccess(**this, outputs=end.outputs)
        except NO_ANSWER as error:
            problem = problem_of(error)
            if problem in _KNOWN_ALREADY:
                return
            if self._now() - step.asked_at > GIVE_UP_AFTER:
                log.error("step %s: Slack could not be told how it ended: %s", step.execution_id, problem)
                return
            log.warning("step %s: Slack is not told yet how it ended: %s", step.execution_id, problem)
            wish_s = pause_of(error) if isinstance(error, SlackApiError) else None
            pause = _pause(step) if wish_s is None else timedelta(seconds=max(wish_s, 1))
            raise _NotYet(self._now() + pause, in_trouble=True) from error


class _Refused(Exception):
    """There will be no call, and why."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words


def end_of(call: Call, region: str) -> End:
    """What a workflow is told of a call that is over."""
    if call.state is not State.PLACED:
        return End(error=step_messages.not_placed(call, region))
    outputs: dict[str, Any] = {"call_id": call.id, "result": step_messages.result(call)}
    if call.talked_s is not None:  # else it was not seen, and is not claimed
        outputs["duration"] = round(call.talked_s)
    return End(outputs)


def _may_pass(refusal: Refusal) -> bool:
    """Whether the answer may be another one in a moment."""
    if isinstance(refusal, NothingToOffer):
        return refusal.lack is Lack.NOT_LOADED
    return isinstance(refusal, CannotCheck)


def _pause(step: WorkflowStep) -> timedelta:
    return timedelta(seconds=min(2 ** min(step.attempts, 10), LONGEST_PAUSE_S))
