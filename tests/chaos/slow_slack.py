"""Slack is slow: forms take two seconds to open, answers drip in byte by byte, or never come.

A person with an open form still gets an answer to the button in time, and no phone rings after Slack showed
its error; slow answers for some delay no one else, and the health check does not report that all
is well while it stands still. By hand: `python -m tests.chaos.slow_slack short`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from evoslack.slack.rendering.cards import HANG_UP
from sandbox.evo.calls import Script
from sandbox.slack.delivery import Delivery
from tests.chaos.crowd import FormSubmission, at_moments, by_hand, percentiles_ms, until, wait
from tests.chaos.scene import OUTGOING
from tests.chaos.stage import Set, Stage, count, stage
from tests.chaos.tally import Scale, Tally
from tests.scenario.office import ROOT

OPENERS = 160
OPENS_IN_S = 1.9
MANAGERS = 8
PRESS_S = 1.0  # an answer that takes longer is too slow, whatever goes on beside it
FORGETS_S = 2.5  # how long the press of a manager may follow on the flood of forms

VICTIMS = 4  # who meet what drips; as many as there are threads that tell people
DROP_S = 1.0
TOLD_WITHIN_S = 30.0  # everything beside it
KINDS = ("drip", "hang")
METHODS = (
    *("users.info", "views.open", "views.update", "conversations.info"),
    *("chat.postMessage", "chat.update", "response_url"),
)

EXPORTS = 6
HANG_UP_S = 2.0
TALKING = Script(ring_s=0, talk_s=3600, session="at_once")


@dataclass(frozen=True)
class Trouble:
    """What goes wrong with which method."""

    method: str
    kind: str


def run(scale: Scale) -> list[Tally]:
    """What measures times comes first and alone; the rest side by side."""
    modes = (False, True)
    found = [forms_open_slowly(over_http=over_http) for over_http in modes]
    troubles = [Trouble(method, kind) for kind in KINDS for method in METHODS]
    if scale == "short":
        troubles = [Trouble("chat.postMessage", "drip"), Trouble("users.info", "drip")]
    with ThreadPoolExecutor(4) as hands:
        doing = [hands.submit(beside, each) for each in troubles]
        doing.append(hands.submit(hanging_up_beside_exports))
        return found + [each.result() for each in doing]


def forms_open_slowly(*, over_http: bool) -> Tally:
    """Everybody opens a form at once, and managers who have one press its button."""
    scene = Set(over_http, people=OPENERS + MANAGERS + 2)
    tally = Tally(f"{OPENERS} forms open in {OPENS_IN_S:g} s each, others press ({scene.name})")
    with stage(scene) as one:
        slack = one.office.slack
        presses = one.crowd.open_forms(MANAGERS)
        openers = one.crowd.people[MANAGERS : MANAGERS + OPENERS]
        others = one.crowd.people[-2:]
        slack.fault("views.open", "slow", times=None, seconds=OPENS_IN_S)
        opening = [one.submit(slack.type_command, who) for who in openers]
        wait(0.3)
        moments = [FORGETS_S * n / MANAGERS for n in range(MANAGERS)]

        def act(n: int) -> tuple[Delivery, Delivery]:
            asking = one.submit(slack.type_command, others[n % 2], "help")
            pressed = one.crowd.press(presses[n]).deliveries[-1]
            return pressed, asking.result()

        answers, late_s = at_moments(moments, act)
        opened = [each.result() for each in opening]
        slack.clear_faults()
        wait(6)  # whatever waited in a queue would ring now
        _figures(tally, answers, opened, late_s)
        return count(one, tally, presses)


def _figures(
    tally: Tally, answers: Sequence[tuple[Delivery, Delivery]], opened: Sequence[Any], late_s: Sequence[float]
) -> None:
    pressed, helped = [one for one, _ in answers], [other for _, other in answers]
    tally.figures |= percentiles_ms("press answered", [each.seconds for each in pressed])
    tally.figures |= percentiles_ms("/call help answered", [each.seconds for each in helped])
    tally.figures |= percentiles_ms("/call of the many answered", [each.seconds for each in opened])
    tally.figures |= percentiles_ms("the load itself late by", late_s)
    tally.figures["/calls of the many that saw Slack's own error"] = sum(bool(each.seen) for each in opened)
    for what, those in (("press", pressed), ("/call help", helped)):
        slow = [each for each in those if not each.acked or each.seconds > PRESS_S]
        tally.lost += [f"a {what} took {each.seconds:.2f} s {each.seen}".rstrip() for each in slow]


def beside(trouble: Trouble) -> Tally:
    """Some meet what drips or hangs; then others press, and must hear in time what became of it."""
    tally = Tally(f"{trouble.method}: an answer that {trouble.kind}s, for {VICTIMS} of many")
    with stage(Set(over_http=True, people=3 * VICTIMS)) as one:
        slack, evo = one.office.slack, one.office.evo
        presses = one.crowd.open_forms(2 * VICTIMS)
        victims, others = presses[:VICTIMS], presses[VICTIMS:]
        slack.fault(trouble.method, trouble.kind, times=VICTIMS, seconds=DROP_S)
        if trouble.method == "response_url":
            evo.fault(OUTGOING, "400_json", times=VICTIMS)  # bad outcomes are sent there first
        met = _let_them_meet_it(one, trouble, victims)
        evo.fault(OUTGOING, "400_json", times=VICTIMS // 2)
        answers = [one.crowd.press(press).deliveries[-1] for press in others]
        began, healthy = time.monotonic(), []

        def everybody_knows() -> bool:
            healthy.append(one.is_healthy())
            return not one.look().troubles(others)

        if not until(everybody_knows, TOLD_WITHIN_S):
            well = "and the health was fine all the time" if all(healthy) else "but the health said so"
            tally.lost.append(f"not everybody else knew after {TOLD_WITHIN_S:g} s, {well}")
        tally.figures["everybody else knows s after the last press"] = round(time.monotonic() - began, 1)
        tally.figures |= percentiles_ms("press answered", [each.seconds for each in answers])
        slack.clear_faults()
        for each in met:
            each.result()
        return count(one, tally, others, TOLD_WITHIN_S)


def _let_them_meet_it(one: Stage, trouble: Trouble, victims: Sequence[FormSubmission]) -> list[Future[Any]]:
    """People do what makes the bot ask Slack for that."""
    newcomers = one.crowd.people[2 * VICTIMS : 3 * VICTIMS]
    if trouble.method in {"users.info", "views.open", "views.update"}:
        met: list[Future[Any]] = [one.submit(one.office.slack.type_command, who) for who in newcomers]
    else:
        met = [one.press_soon(press) for press in victims]
    until(lambda: len(one.office.slack.api_calls(trouble.method)) >= VICTIMS, 3)
    return met


def hanging_up_beside_exports() -> Tally:
    """Exports hang in Slack's answers during a hang-up, which must not wait for them."""
    tally = Tally("exports that drip during a hang-up")
    with stage(Set(over_http=False, people=2)) as one:
        office = one.office
        office.evo.world.default_script = TALKING
        (press,) = one.crowd.open_forms(1)
        one.crowd.press(press)
        card = until(lambda: _card_with_button(one), 20)
        for method in ("conversations.open", "files.getUploadURLExternal", "upload"):
            office.slack.fault(method, "drip", times=None, seconds=DROP_S)
        for _export in range(EXPORTS):
            office.slack.type_command(ROOT, "export")
        wait(1)
        began = time.monotonic()
        office.slack.click(press.who, HANG_UP, "C_CALLS", str(card["ts"]))
        until(lambda: _asked_to_end(one), 30)
        took_s = time.monotonic() - began
        tally.figures["Evo Voice was asked to end the call after s"] = round(took_s, 2)
        if took_s > HANG_UP_S:
            tally.lost.append(f"hanging up waited {took_s:.1f} s")
        office.slack.clear_faults()
        return count(one, tally, [press])


def _card_with_button(one: Stage) -> dict[str, Any]:
    cards = [card for card in one.office.cards() if HANG_UP in str(card.get("blocks"))]
    return cards[0] if cards else {}


def _asked_to_end(one: Stage) -> bool:
    return any(request.method == "DELETE" for request in list(one.office.evo.requests))


if __name__ == "__main__":
    by_hand(run)
