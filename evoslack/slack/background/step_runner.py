"""Runs workflow steps: turns each into a call, and reports to Slack how the call ended.

The row says how far a step has come. Its execution id is the request key, so however often a step is
delivered or resumed, it becomes at most one call. A denial is recorded before Slack is told, so nothing is
dialed after a workflow was told that nothing would be.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from slack_sdk import WebClient

from evoslack.calling.access import Access
from evoslack.calling.calls import ANY_CALL, Call, Role, State
from evoslack.calling.denial_log import denial_name
from evoslack.calling.intake import Intake
from evoslack.calling.outcomes import Reason
from evoslack.calling.ports import CallLedger, WorkflowStepLedger
from evoslack.calling.refusals import CannotCheck, Lack, NothingToOffer, Refusal
from evoslack.calling.rule_check import RuleCheck
from evoslack.calling.validation import CallDraft, Entries, InvalidFields, number_or_empty, validate
from evoslack.calling.workflow_step import LeaseLost, WorkflowStep
from evoslack.slack.background.delivery_rules import RETRY, is_expiring, is_too_old
from evoslack.slack.rendering import messages, step_messages
from evoslack.slack.rendering.help_contact import NO_CONTACT, HelpContact
from evoslack.slack.workspace import SLACK_ERRORS, pause_of, problem_of

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=45)  # then another bot takes over
CALL_CHECK_INTERVAL = timedelta(seconds=30)  # while the call continues; most changes make its step due sooner
PERMISSION_PATIENCE = timedelta(minutes=1)  # while it cannot be checked whether this person may call
PERMISSION_RETRY = timedelta(seconds=5)

_ALREADY_COMPLETED = frozenset({"execution_not_in_running_state", "function_execution_not_found"})


@dataclass(frozen=True, slots=True)
class End:
    """What a workflow is told: the outputs of a placed call, or the error instead."""

    outputs: dict[str, Any] = field(default_factory=dict)
    error: str = ""


class _Postponed(Exception):
    """Nothing more to do before `again_at`. `in_trouble`: because Slack or a defect stopped us."""

    def __init__(self, again_at: datetime, *, in_trouble: bool = False) -> None:
        super().__init__()
        self.again_at = again_at
        self.in_trouble = in_trouble


class StepRunner:
    """Advances one step at a time. A step that waited longer than `max_wait` no longer becomes a call."""

    def __init__(
        self,
        client: WebClient,  # with the bot's own token: the step's token expires with the step
        ledger: WorkflowStepLedger,
        intake: Intake,
        calls: CallLedger,
        access: Access,
        *,
        region: str,
        rule_check: RuleCheck,
        max_wait: timedelta,
        contact: HelpContact = NO_CONTACT,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._intake = intake
        self._calls = calls
        self._access = access
        self._region = region
        self._rule_check = rule_check
        self._max_wait = max_wait
        self._contact = contact
        self._now = now

    def run_next(self) -> bool:
        """Advance the step that has been due the longest. Returns whether there was one."""
        now = self._now()
        lease = now + LEASE
        step = self._ledger.claim(at=now, until=lease)
        if step is None:
            return False
        try:
            self._report(step, self._end_of(step, lease))
        except _Postponed as postponed:
            again_at, in_trouble = postponed.again_at, postponed.in_trouble
        except Exception:
            log.exception("step %s failed unexpectedly", step.execution_id)
            again_at, in_trouble = self._retry_at(step), True
        else:
            self._ledger.mark_ended(step.execution_id, at=self._now())
            return True
        self._ledger.release(step.execution_id, lease=lease, again_at=again_at, failed=in_trouble)
        return True

    def _end_of(self, step: WorkflowStep, lease: datetime) -> End:
        """What to report. Raises `_Postponed`."""
        if step.refusal:
            return End(error=step.refusal)
        call_id = step.call_id
        if not call_id:
            try:
                call_id = self._call_for(step, lease).id
            except _Denied as denied:
                if not self._ledger.deny(step.execution_id, denied.message, lease=lease):
                    raise _Postponed(self._now()) from denied  # another bot has the step now
                cause = denied.__cause__
                name = denial_name(cause) if isinstance(cause, Refusal) else type(cause or denied).__name__
                who = {"user_id": step.inputs.user_id} if step.inputs else {}
                log.info("step %s was denied: %s", step.execution_id, name, extra={"denial": name, **who})
                return End(error=denied.message)
        call = self._calls.get(call_id)  # again: it may have changed before the step was linked to it
        if call is None or call.is_in_progress:
            raise _Postponed(self._now() + CALL_CHECK_INTERVAL)
        return end_of(call, self._region)

    def _call_for(self, step: WorkflowStep, lease: datetime) -> Call:
        """The call of this step, accepted now if there is none yet. Raises `_Denied` or `_Postponed`."""
        key = f"step {step.execution_id}"
        existing = self._calls.find(key)
        if existing is not None:  # from an older version, which linked the step in a second transaction
            self._ledger.set_call(step.execution_id, existing.id)
            return existing
        if step.is_before_restore:
            raise _Denied(step_messages.BEFORE_RESTORE)
        waited = self._now() - step.asked_at
        if waited > self._max_wait:
            raise _Denied(messages.REASON_MESSAGES[Reason.WAITED])
        if step.inputs is None:
            raise _Denied(step_messages.UNREADABLE)
        asked = step.inputs
        typed = asked.caller_id.strip()  # the workflow's builder typed it; there is no list to choose from
        region = self._region
        caller_id = number_or_empty(typed, region=region) or typed or None
        entries = Entries(asked.flow_id, asked.number, caller_id)
        anyway = ANY_CALL if asked.call_anyway else ""
        draft = CallDraft(key, asked.user_id, step.team_id, entries, anyway=anyway)
        try:
            offer = self._access.offer_to(draft.user_id, draft.team_id)
            rules = self._rule_check.rules()
            request = validate(draft, offer, region=region, rules=rules)
            self._rule_check.require(request, Role.MANAGER, rules)
            if is_expiring(lease, self._now()):  # another bot may deny it before it is accepted
                raise _Postponed(self._now())
            return self._intake.accept_step(request, step.execution_id, lease)
        except LeaseLost as lost:
            raise _Postponed(self._now()) from lost
        except InvalidFields as invalid:
            raise _Denied(step_messages.denied(asked.user_id, invalid.problems, region)) from invalid
        except Refusal as refusal:
            if _may_pass(refusal) and waited < PERMISSION_PATIENCE:
                raise _Postponed(self._now() + PERMISSION_RETRY) from refusal
            raise _Denied(step_messages.denied(asked.user_id, [refusal], region)) from refusal

    def _report(self, step: WorkflowStep, end: End) -> None:
        """Tell Slack how the step ended; safe to repeat, as Slack accepts one end. Raises `_Postponed`."""
        this = {"function_execution_id": step.execution_id}
        try:
            if end.error:
                self._client.functions_completeError(**this, error=self._contact.named_in(end.error))
            else:
                self._client.functions_completeSuccess(**this, outputs=end.outputs)
        except SLACK_ERRORS as error:
            problem = problem_of(error)
            if problem in _ALREADY_COMPLETED:
                return
            if is_too_old(step.asked_at, self._now()):
                log.error("step %s: gave up reporting its end to Slack: %s", step.execution_id, problem)
                return
            log.warning(
                "step %s: reporting its end to Slack failed, retrying: %s", step.execution_id, problem
            )
            raise _Postponed(self._retry_at(step, pause_of(error)), in_trouble=True) from error

    def _retry_at(self, step: WorkflowStep, asked_s: float | None = None) -> datetime:
        return self._now() + timedelta(seconds=RETRY.pause_s(step.attempts, asked_s))


class _Denied(Exception):
    """There will be no call; `message` says why (mrkdwn)."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.message = words


def end_of(call: Call, region: str) -> End:
    """What a workflow is told about a call that is over."""
    if call.state is not State.PLACED:
        return End(error=step_messages.not_placed(call, region))
    outputs: dict[str, Any] = {"call_id": call.id, "result": step_messages.result(call)}
    if call.talked_s is not None:  # else nobody saw it, and it is not claimed
        outputs["duration"] = round(call.talked_s)
    return End(outputs)


def _may_pass(refusal: Refusal) -> bool:
    """Whether the same check may succeed in a moment."""
    if isinstance(refusal, NothingToOffer):
        return refusal.lack is Lack.NOT_LOADED
    return isinstance(refusal, CannotCheck)
