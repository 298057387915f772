"""A workflow's step is taken over by another bot while the first one is about to write its call down.

The database keeps the first bot waiting until its lease is over. The other one asks again whether the person
may call, reads a no, and tells the workflow so. What the first one still wants to write becomes no call.
By hand: `python -m tests.chaos.workflow_steps short`.
"""

from __future__ import annotations

from evoslack.calling.calls import State
from evoslack.ledger.calls import CallLedger
from evoslack.slack.background.step_runner import LEASE
from evoslack.wiring.engine import POLL_EVERY_S
from tests.chaos.crowd import by_hand, until, wait
from tests.chaos.questions import Verdict
from tests.chaos.stage import Set, Stage, stage
from tests.chaos.tally import Scale, Tally
from tests.database_proxy import DatabaseProxy
from tests.postgres import postgres
from tests.scenario.office import SARA

NUMBER = "+18144049901"
WRITING = "INSERT INTO calls"
TAKEN_OVER_S = LEASE.total_seconds() + 2 * POLL_EVERY_S + 10
AFTERWARDS_S = 5.0


def run(scale: Scale) -> list[Tally]:
    """Once: it is the same at any length."""
    with postgres() as server, DatabaseProxy(server.socket) as relay:
        scene = Set(
            True, bots=2, database_url=server.url, settings_of=[{"DATABASE_URL": relay.url}, {}], people=1
        )
        with stage(scene) as one:
            return [_taken_over(one, relay)]


def _taken_over(one: Stage, relay: DatabaseProxy) -> Tally:
    tally = Tally("a workflow's step that another bot takes over and refuses")
    slack = one.office.slack
    one.use(0)
    relay.hold(WRITING)
    inputs = {"person": {"id": SARA, "secret": "s3cret"}, "flow": "flow2", "number": NUMBER}
    execution = slack.run_step("place_call", inputs)
    if not relay.holding.wait(10):
        tally.lost.append("the first bot did not begin to write the call down, so nothing was tried")
    one.rights.take_role(one.office.evo, slack, SARA)
    until(lambda: slack.execution(execution.id).status == "failed", TAKEN_OVER_S)
    told = slack.execution(execution.id)
    relay.release()
    wait(AFTERWARDS_S)
    rings = sum(ring.number == NUMBER for ring in list(one.office.evo.world.rings))
    denied = told.status == "failed"
    calls = [call for call in CallLedger(one.store).newest(10) if call.state is not State.EXPIRED]
    tally.figures["the workflow was told"] = str(told.error or told.status)
    lost = "" if denied and not calls else f"{told.status}: {told.error}; then {calls}"
    tally.count(rings, lost=lost, verdict=Verdict(after_no=denied and rings > 0))
    return tally


if __name__ == "__main__":
    by_hand(run)
