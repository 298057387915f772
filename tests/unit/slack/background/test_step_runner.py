"""Bringing a workflow step further, at the moments that are hard to meet in a story."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from slack_sdk.errors import SlackClientError

from evoslack.calling.calls import Call, CallRequest, Progress, Reason, State
from evoslack.calling.offer import CallerId, Flow, Offer
from evoslack.calling.refusals import Denial, NotAllowed
from evoslack.calling.workflow_step import StepInputs, WorkflowStep
from evoslack.slack.background.step_runner import LEASE, StepRunner, end_of
from evoslack.slack.listeners.form_opener import FormSettings

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
INPUTS = StepInputs("U_SARA", "flow2", "814 404 3093", "")
OFFER = Offer("acc1", (Flow("flow2", "Survey"),), (CallerId("+12025550100"),), CallerId("+12025550100"))
RULES = FormSettings("/call", "US", frozenset({"US"}), "C_CALLS", frozenset())
REQUEST = CallRequest("step Fx1", "T1", "U_SARA", "acc1", "flow2", "Survey", "+18144043093", "+12025550100")
ACCEPTED = Call("call1", REQUEST, State.ACCEPTED, T0)
ENDED = replace(ACCEPTED, state=State.PLACED, progress=Progress.ENDED, ended_at=T0, evo_outcome="Completed")


class World:
    """The book, the switchboard, the opener and Slack, all that a runner needs, on a page."""

    def __init__(self, step: WorkflowStep | None = None) -> None:
        self.step: WorkflowStep | None = step or WorkflowStep("Fx1", "T1", INPUTS, T0)
        self.now = T0
        self.keeps_lease = True
        self.on_offer: Callable[[], None] = lambda: None
        self.call_when_noted = ACCEPTED
        self.told: list[dict[str, Any]] = []
        self.slack_fails: Exception | None = None
        self.accepted: list[CallRequest] = []
        self.rested: list[tuple[datetime, bool]] = []
        self.has_ended = False
        self.runner = StepRunner(
            self, self, self, self, self, RULES, longest_wait=timedelta(minutes=2), now=lambda: self.now
        )

    def claim(self, *, at: datetime, until: datetime) -> WorkflowStep | None:
        found, self.step = self.step, None
        return found

    def became(self, execution_id: str, call_id: str) -> None:
        assert (execution_id, call_id) == ("Fx1", "call1")

    def refused(self, execution_id: str, words: str, *, lease: datetime) -> bool:
        return self.keeps_lease

    def rest(self, execution_id: str, *, lease: datetime, again_at: datetime, in_trouble: bool) -> None:
        self.rested.append((again_at, in_trouble))

    def ended(self, execution_id: str, *, at: datetime) -> None:
        self.has_ended = True

    def offer_to(self, user_id: str, team_id: str) -> Offer:
        self.on_offer()
        return OFFER

    def safe_url(self, url: str) -> str:
        return url

    def accept_step(self, request: CallRequest, execution_id: str, lease: datetime) -> Call:
        assert (execution_id, lease) == ("Fx1", T0 + timedelta(seconds=60))
        self.accepted.append(request)
        return ACCEPTED

    def find(self, request_key: str) -> Call | None:
        return None

    def get(self, call_id: str) -> Call | None:
        return self.call_when_noted

    def functions_completeSuccess(self, **args: Any) -> None:
        self._hear(args)

    def functions_completeError(self, **args: Any) -> None:
        self._hear(args)

    def _hear(self, args: dict[str, Any]) -> None:
        self.told.append(args)
        if self.slack_fails:
            raise self.slack_fails


def refuse() -> None:
    raise NotAllowed(Denial.ROLE)


def test_there_is_nothing_to_do() -> None:
    world = World()
    world.step = None

    assert world.runner.run_next() is False


def test_a_step_becomes_a_call_with_its_own_key() -> None:
    world = World()

    assert world.runner.run_next() is True
    assert world.accepted == [REQUEST]
    assert world.told == []
    assert world.rested == [(T0 + timedelta(seconds=30), False)]


def test_the_call_was_over_before_it_could_be_noted() -> None:
    world = World()
    world.call_when_noted = ENDED  # and nobody made the step due, as it had no call yet

    world.runner.run_next()

    outputs = {"call_id": "call1", "result": "ended: Completed"}
    assert world.told == [{"function_execution_id": "Fx1", "outputs": outputs}]
    assert world.has_ended


def test_a_machine_that_stood_still_writes_no_call_down() -> None:
    world = World()

    def stand_still() -> None:
        world.now += LEASE

    world.on_offer = stand_still  # by now another bot may have refused it

    world.runner.run_next()

    assert world.accepted == world.told == []


def test_whoever_lost_the_lease_says_no_to_nobody() -> None:
    world = World()
    world.on_offer = refuse
    world.keeps_lease = False

    world.runner.run_next()

    assert world.told == []
    assert not world.has_ended


def test_a_refusal_of_before_is_told_without_asking_anew() -> None:
    world = World(WorkflowStep("Fx1", "T1", INPUTS, T0, refusal="Not today."))

    world.runner.run_next()

    assert world.told == [{"function_execution_id": "Fx1", "error": "Not today."}]
    assert world.accepted == []


@pytest.mark.parametrize(("attempts", "pause_s"), [(0, 1), (3, 8), (8, 256), (9, 300), (10_000, 300)])
def test_slack_is_asked_ever_more_seldom(attempts: int, pause_s: int) -> None:
    world = World(WorkflowStep("Fx1", "T1", INPUTS, T0, call_id="call1", attempts=attempts))
    world.call_when_noted = ENDED
    world.slack_fails = SlackClientError("away")

    world.runner.run_next()

    assert world.rested == [(T0 + timedelta(seconds=pause_s), True)]
    assert not world.has_ended


def test_a_defect_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.on_offer = lambda: 1 / 0  # type: ignore[assignment, return-value]

    assert world.runner.run_next() is True

    assert world.rested == [(T0 + timedelta(seconds=1), True)]
    assert "step Fx1: it broke" in caplog.text


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


def test_what_was_seen_of_a_placed_call_is_told_and_nothing_else() -> None:
    talked = replace(ENDED, answered_at=T0 - timedelta(seconds=61.4), evo_outcome="<!channel>")
    lost = replace(ENDED, progress=Progress.LOST, answered_at=T0, evo_outcome="")

    assert end_of(talked, "US").outputs["duration"] == 61
    assert end_of(talked, "US").outputs["result"] == "ended: &lt;!channel&gt;"
    assert end_of(replace(ENDED, evo_outcome=""), "US").outputs == {"call_id": "call1", "result": "ended"}
    assert end_of(lost, "US").outputs == {"call_id": "call1", "result": "no longer visible"}
