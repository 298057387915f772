"""The bot stands still with a press in its hands: it is stopped and goes on, or its processor is taken away.

A machine that is suspended, a container that is throttled: bytes arrive and nobody reads them. Slack gives
up meanwhile and says so, the person presses again, perhaps at another bot, perhaps without the role by then.
When the first bot wakes up, nothing of it may ring. By hand: `python -m tests.chaos.frozen short`.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from sandbox.bot_process import BotProcess
from tests.chaos.crowd import FormSubmission, by_hand, percentiles_ms, wait
from tests.chaos.questions import answer_of
from tests.chaos.scene import new_databases
from tests.chaos.stage import SLACK_WAITS_S, Set, Stage, count, meanwhile, press_again, stage
from tests.chaos.tally import Scale, Tally

STILL_S = 0.19, 0.01  # a processor that is taken away: so long stopped, so long running
WAKES_UP_S = 4.0  # until whatever a bot that wakes up dials has rung
A_LOT_LATER_S = 62.0  # a permission is remembered for a minute


@dataclass(frozen=True)
class Freeze:
    """Which bots, and for how long the first of them stands still."""

    set: Set
    frozen_s: float


def run(scale: Scale) -> list[Tally]:
    """Everything side by side: most of it is waiting."""
    short = [
        Freeze(Set(over_http=False), 4.5),
        Freeze(Set(over_http=True), 4.5),
    ]
    long = [Freeze(each.set, 8.0) for each in short]
    with closing(new_databases()) as urls, ThreadPoolExecutor(12) as hands:
        fleets = [Freeze(Set(over_http=True, bots=2, database_url=next(urls)), 5.0)]
        if scale == "long":
            fleets.append(Freeze(Set(over_http=True, bots=2, database_url=next(urls)), 8.0))
            fleets.append(Freeze(Set(over_http=False, bots=2, database_url=next(urls)), 8.0))
        doing = [hands.submit(one_bot, each) for each in [*short, *(long if scale == "long" else [])]]
        doing += [hands.submit(another_bot_answers, each) for each in fleets]
        starved = [Set(over_http=http, people=20) for http in (False, True)][: None if scale == "long" else 1]
        doing += [hands.submit(no_processor, each) for each in starved]
        if scale == "long":
            doing += [hands.submit(role_is_long_gone, Set(over_http=http)) for http in (False, True)]
        return [each.result() for each in doing]


def one_bot(plan: Freeze) -> Tally:
    """People press while it stands still; half of them press again when it runs, and that works."""
    tally = Tally(f"stopped for {plan.frozen_s:g} s with presses waiting ({plan.set.name})")
    with stage(plan.set) as one:
        presses = one.crowd.open_forms(plan.set.people)
        _press_and_freeze(one, presses, plan.frozen_s)
        wait(WAKES_UP_S)
        _press_again(one, presses[::2], tally)
        return count(one, tally, presses)


def another_bot_answers(plan: Freeze) -> Tally:
    """The other bot answers the second press: with a no to those whose role was taken away meanwhile."""
    tally = Tally(f"one stopped for {plan.frozen_s:g} s, the other answers ({plan.set.name})")
    with stage(plan.set) as one:
        _only(one, 0)  # who remembers everybody; the other bot has never seen them
        presses = one.crowd.open_forms(plan.set.people)
        sacked = presses[::2]
        one.bots[0].freeze()
        pressing = [one.press_soon(press) for press in presses]
        wait(SLACK_WAITS_S + 0.2)
        for press in sacked:
            one.rights.take_role(one.office.evo, one.office.slack, press.who)
        _only(one, 1)
        press_again(one, presses, times=1)
        wait(max(plan.frozen_s - SLACK_WAITS_S - 0.2, 0))
        one.bots[0].thaw()
        for each in pressing:
            each.result()
        wait(WAKES_UP_S)
        tally.figures["second presses answered with a no"] = sum(
            any(answer_of(each) == "no" for each in press.deliveries) for press in sacked
        )
        return count(one, tally, presses)


def no_processor(scene: Set) -> Tally:
    """One part in twenty of a processor is left, in slices; then it has one again, and people press again."""
    tally = Tally(f"with a twentieth of a processor ({scene.name})")
    with stage(scene) as one:
        presses = one.crowd.open_forms(scene.people)
        with meanwhile(partial(_starve, one.bots[0])):
            pressing = []
            for press in presses:
                pressing.append(one.press_soon(press))
                wait(0.05)
            answers = [each.result() for each in pressing]
        wait(WAKES_UP_S)
        _press_again(one, [press for press in presses if not press.acked][::2], tally)
        tally.figures |= percentiles_ms("press answered or given up", [each.seconds for each in answers])
        return count(one, tally, presses)


def role_is_long_gone(scene: Set) -> Tally:
    """The role was taken away more than a minute before the press, and the bot has just slept through it."""
    tally = Tally(f"role taken away a minute before the press ({scene.name})")
    with stage(scene) as one:
        presses = one.crowd.open_forms(scene.people)
        for press in presses:
            one.rights.take_role(one.office.evo, one.office.slack, press.who)
        wait(A_LOT_LATER_S)
        _press_and_freeze(one, presses, 4.5)
        press_again(one, presses, times=1)
        wait(WAKES_UP_S)
        return count(one, tally, presses)


def _press_and_freeze(one: Stage, presses: Sequence[FormSubmission], frozen_s: float) -> None:
    """Everybody presses while the first bot stands still."""
    one.bots[0].freeze()
    pressing = [one.press_soon(press) for press in presses]
    wait(frozen_s)
    one.bots[0].thaw()
    for each in pressing:
        each.result()


def _press_again(one: Stage, presses: Sequence[FormSubmission], tally: Tally) -> None:
    """The same form once more works as soon as the bot does."""
    press_again(one, presses, times=2)
    for press in presses:
        last = press.deliveries[-1]
        if answer_of(last) != "yes":
            tally.lost.append(f"{press.number}: pressing again did not work: {last.seen or last.payload}")


def _only(one: Stage, bot: int) -> None:
    if one.set.over_http:
        one.use(bot)


def _starve(bot: BotProcess, enough: threading.Event) -> None:
    """Stop it and let it go again and again, as a limit on the processor does it."""
    stopped_s, running_s = STILL_S
    while not enough.is_set():
        bot.freeze()
        enough.wait(stopped_s)
        bot.thaw()
        enough.wait(running_s)


if __name__ == "__main__":
    by_hand(run)
