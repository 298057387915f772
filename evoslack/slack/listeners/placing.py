"""From a press to a call that is written down: one way for the form and the page that asks for a time.

Both are one submission with one request key, and become at most one call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from evoslack.calling.access import Access
from evoslack.calling.arrival import Arrival
from evoslack.calling.calls import Call, CallRequest, Role
from evoslack.calling.denial_log import log_denial, log_denials
from evoslack.calling.intake import Intake
from evoslack.calling.ports import CallLedger
from evoslack.calling.refusals import OutsideHours, Refusal, UnreadableForm
from evoslack.calling.rule_check import RuleCheck
from evoslack.calling.rulebook import Rules
from evoslack.calling.rules import Reading
from evoslack.calling.validation import InvalidFields, number_or_empty, validate
from evoslack.slack.listeners.submission import FormSubmission
from evoslack.slack.rendering.views import FormSettings


@dataclass(frozen=True, slots=True)
class Timing:
    """When to dial (None: now), and why outside the calling hours, if a person gave a reason."""

    due_at: datetime | None = None
    hours_reason: str = ""


@dataclass(frozen=True, slots=True)
class TimeWanted:
    """Nothing is wrong with the call but its time. `refusal` is None if the person asked to choose one."""

    request: CallRequest
    role: Role
    refusal: OutsideHours | None


# When the person wants the call; None: they want to be asked. Raises `BadTime` or `ReasonNeeded`.
TimingOf = Callable[[], Timing | None]


class CallPlacer:
    """Checks a submission and writes it down."""

    def __init__(
        self,
        intake: Intake,
        calls: CallLedger,
        access: Access,
        rule_check: RuleCheck,
        settings: FormSettings,
        now: Callable[[], datetime],
    ) -> None:
        self._intake = intake
        self._calls = calls
        self._access = access
        self._rule_check = rule_check
        self._settings = settings
        self._now = now

    def place(self, submission: FormSubmission, arrival: Arrival, timing_of: TimingOf) -> Call | TimeWanted:
        """The call that this became, or that it needs another time. Raises `InvalidFields` or a `Refusal`."""
        try:
            return self._place(submission, arrival, timing_of)
        except InvalidFields as invalid:
            log_denials(invalid.problems, submission.user_id)
            raise
        except Refusal as refusal:
            log_denial(refusal, submission.user_id)
            raise

    def _place(self, submission: FormSubmission, arrival: Arrival, timing_of: TimingOf) -> Call | TimeWanted:
        region = self._settings.region
        number = number_or_empty(submission.entries.typed_number, region=region)
        reading = self._rule_check.read(submission.question(number, self._access.account_id))
        # A quick answer; `admission` decides.
        first = self._calls.find(submission.metadata.key) if reading.is_submitted else None
        if first is not None:
            # Whatever changed since: this form already became a call, and that is what the person must hear.
            first = self._intake.receive_again(submission.same_as(first, number), arrival)
        if first is not None:
            return first
        arrival.require_time()  # only now: nobody is told "nothing was dialed" whose first press was
        if submission.is_too_old(self._now()):
            raise UnreadableForm
        timing = timing_of()
        pressed_at = self._now() - timedelta(seconds=arrival.age_s)
        url = self._settings.safe_url(submission.metadata.response_url)
        # To be asked for a time, all but the hours must be right now.
        due_at = self._now() if timing is None else timing.due_at
        draft = submission.draft(url, pressed_at, due_at)
        offer = self._access.offer_to(draft.user_id, draft.team_id)
        rules = self._rule_check.rules(reading)
        request = validate(draft, offer, region=region, rules=rules)
        role = self._access.role_of(draft.user_id, draft.team_id)
        try:
            request = allowed(self._rule_check, request, role, timing or Timing(), rules, reading)
        except OutsideHours as refusal:
            log_denial(refusal, draft.user_id)
            return TimeWanted(request, role, refusal)
        return TimeWanted(request, role, None) if timing is None else self._intake.receive(request, arrival)

    def call_of(self, key: str, user_id: str, arrival: Arrival) -> Call | None:
        """The call that this person's form became, as far as the ledger can say; it is answered now."""
        call = self._calls.find(key)
        if call is None or call.request.user_id != user_id:
            return None
        return self._intake.receive_again(call, arrival)


def allowed(
    rule_check: RuleCheck,
    request: CallRequest,
    role: Role,
    timing: Timing,
    rules: Rules | None = None,
    reading: Reading | None = None,
) -> CallRequest:
    """The request as the rules allow it. Raises a `Refusal`.

    A reason is kept only where it is needed and the person may give one: an administrator, outside the hours.
    """
    try:
        rule_check.require(request, role, rules, reading=reading)
    except OutsideHours:
        if not timing.hours_reason or role is not Role.ADMINISTRATOR:
            raise
        request = replace(request, hours_reason=timing.hours_reason)
        rule_check.require(request, role, rules, reading=reading)
    return request
