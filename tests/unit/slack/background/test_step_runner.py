"""Running a workflow step, at the moments that are hard to reach in a story."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from slack_sdk.errors import SlackClientError

from evoslack.calling.calls import Call, CallRequest, Progress, State
from evoslack.calling.offer import CallerId, Flow, Offer
from evoslack.calling.outcomes import Reason
from evoslack.calling.refusals import Denial, NotAllowed
from evoslack.calling.workflow_step import StepInputs, WorkflowStep
from evoslack.slack.background.step_runner import LEASE, StepRunner, end_of
from tests.rules import rule_check

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
INPUTS = StepInputs("U_SARA", "flow2", "814 404 3093", "")
OFFER = Offer("acc1", (Flow("flow2", "Survey"),), (CallerId("+12025550100"),), CallerId("+12025550100"))
REQUEST = CallRequest("step Fx1", "T1", "U_SARA", "acc1", "flow2", "Survey", "+18144043093", "+12025550100")
ACCEPTED = Call("call1", REQUEST, State.ACCEPTED, T0)
ENDED = replace(ACCEPTED, state=State.PLACED, progress=Progress.ENDED, ended_at=T0, evo_outcome="Completed")


class World:
    """Everything a runner needs on one page: the ledger, the switchboard, the opener and Slack."""

    def __init__(self, step: WorkflowStep | None = None) -> None:
        self.step: WorkflowStep | None = step or WorkflowStep("Fx1", "T1", INPUTS, T0)
        self.now = T0
        self.keeps_lease = True
        self.on_offer: Callable[[], None] = lambda: None
        self.call_when_linked = ACCEPTED
        self.reported: list[dict[str, Any]] = []
        self.slack_error: Exception | None = None
        self.accepted: list[CallRequest] = []
        self.postponed: list[tuple[datetime, bool]] = []
        self.has_ended = False
        self.runner = StepRunner(
            self,
            self,
            self,
            self,
            self,
            region="US",
            rule_check=rule_check(),
            max_wait=timedelta(minutes=2),
            now=lambda: self.now,
        )

    def claim(self, *, at: datetime, until: datetime) -> WorkflowStep | None:
        found, self.step = self.step, None
        return found

    def set_call(self, execution_id: str, call_id: str) -> None:
        assert (execution_id, call_id) == ("Fx1", "call1")

    def deny(self, execution_id: str, words: str, *, lease: datetime) -> bool:
        return self.keeps_lease

    def release(self, execution_id: str, *, lease: datetime, again_at: datetime, failed: bool) -> None:
        self.postponed.append((again_at, failed))

    def mark_ended(self, execution_id: str, *, at: datetime) -> None:
        self.has_ended = True

    def offer_to(self, user_id: str, team_id: str) -> Offer:
        self.on_offer()
        return OFFER

    def accept_step(self, request: CallRequest, execution_id: str, lease: datetime) -> Call:
        assert (execution_id, lease) == ("Fx1", T0 + timedelta(seconds=45))
        self.accepted.append(request)
        return ACCEPTED

    def find(self, request_key: str) -> Call | None:
        return None

    def get(self, call_id: str) -> Call | None:
        return self.call_when_linked

    def functions_completeSuccess(self, **args: Any) -> None:
        self._receive(args)

    def functions_completeError(self, **args: Any) -> None:
        self._receive(args)

    def _receive(self, args: dict[str, Any]) -> None:
        self.reported.append(args)
        if self.slack_error:
            raise self.slack_error


def deny() -> None:
    raise NotAllowed(Denial.ROLE)


def test_no_step_is_due() -> None:
    world = World()
    world.step = None

    assert world.runner.run_next() is False


def test_a_step_becomes_a_call_with_the_execution_id_as_its_key() -> None:
    world = World()

    assert world.runner.run_next() is True
    assert world.accepted == [REQUEST]
    assert world.reported == []
    assert world.postponed == [(T0 + timedelta(seconds=30), False)]


def test_a_call_that_was_over_before_the_step_was_linked_to_it_is_reported() -> None:
    world = World()
    world.call_when_linked = ENDED  # nothing made the step due, because it had no call yet

    world.runner.run_next()

    outputs = {"call_id": "call1", "result": "ended: Completed"}
    assert world.reported == [{"function_execution_id": "Fx1", "outputs": outputs}]
    assert world.has_ended


def test_after_a_standstill_no_call_is_accepted() -> None:
    world = World()

    def stand_still() -> None:
        world.now += LEASE

    world.on_offer = stand_still  # meanwhile another bot may have denied it

    world.runner.run_next()

    assert world.accepted == world.reported == []


def test_without_the_lease_a_denial_is_not_reported() -> None:
    world = World()
    world.on_offer = deny
    world.keeps_lease = False

    world.runner.run_next()

    assert world.reported == []
    assert not world.has_ended


def test_a_recorded_denial_is_reported_without_checking_again() -> None:
    world = World(WorkflowStep("Fx1", "T1", INPUTS, T0, refusal="Not today."))

    world.runner.run_next()

    assert world.reported == [{"function_execution_id": "Fx1", "error": "Not today."}]
    assert world.accepted == []


@pytest.mark.parametrize(("attempts", "pause_s"), [(0, 1), (3, 8), (8, 256), (9, 300), (10_000, 300)])
def test_the_pause_between_reports_doubles_up_to_five_minutes(attempts: int, pause_s: int) -> None:
    world = World(WorkflowStep("Fx1", "T1", INPUTS, T0, call_id="call1", attempts=attempts))
    world.call_when_linked = ENDED
    world.slack_error = SlackClientError("away")

    world.runner.run_next()

    assert world.postponed == [(T0 + timedelta(seconds=pause_s), True)]
    assert not world.has_ended


def test_a_defect_postpones_the_step(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.on_offer = lambda: 1 / 0  # type: ignore[assignment, return-value]

    assert world.runner.run_next() is True

    assert world.postponed == [(T0 + timedelta(seconds=1), True)]
    assert "step Fx1 failed unexpectedly" in caplog.text


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (replace(ACCEPTED, state=State.EXPIRED, reason=Reason.WAITED), "waited too long"),
        (replace(ACCEPTED, state=State.NOT_SENT, reason=Reason.UNREACHABLE), "couldn't reach Evo Voice"),
        (replace(ACCEPTED, state=State.REJECTED, reason=Reason.NOT_FOUND, detail="<!here>"), "&lt;!here&gt;"),
        (
            replace(ACCEPTED, state=State.IN_DOUBT, reason=Reason.CUT_OFF, progress=Progress.LOST),
            "found nothing",
        ),
    ],
)
def test_a_call_that_was_not_placed_fails_the_step_with_its_reason(call: Call, words: str) -> None:
    end = end_of(call, "US")

    assert words in end.error
    assert "(814) 404-3093" in end.error


def test_only_what_was_observed_of_a_placed_call_is_reported() -> None:
    talked = replace(ENDED, answered_at=T0 - timedelta(seconds=61.4), evo_outcome="<!channel>")
    lost = replace(ENDED, progress=Progress.LOST, answered_at=T0, evo_outcome="")

    assert end_of(talked, "US").outputs["duration"] == 61
    assert end_of(talked, "US").outputs["result"] == "ended: &lt;!channel&gt;"
    assert end_of(replace(ENDED, evo_outcome=""), "US").outputs == {"call_id": "call1", "result": "ended"}
    assert end_of(lost, "US").outputs == {"call_id": "call1", "result": "no longer visible"}
