"""kill -9 at any moment, again and again, while people keep calling.

The phone system is slow, sometimes says no and sometimes hangs after the ring; Slack sometimes loses the
answer to a post. People who see Slack's own error submit the same form again. At the end a bot stays alive,
and every press is judged. With several bots on one PostgreSQL a random one of them is killed.
"""

from __future__ import annotations

import multiprocessing
import random
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

from sandbox.bot_process import BotProcess
from tests.chaos.scene import OUTGOING, PEOPLE, FormSubmission, Scene, new_databases, scene
from tests.chaos.tally import Scale, Tally

CORES = 2  # scenes at the same time
SCENES = {"short": 2, "long": 4}  # with each kind of ledger
KILLS = {"short": 6, "long": 125}  # in each scene
BOTS = {"SQLite": 1, "PostgreSQL": 2}
BETWEEN_S = (0.05, 2.0)  # from a bot's ready line to its death
PAUSE_S = (0.1, 0.8)  # between two calls of one person
FORM_WITHIN_S = 4
TROUBLES = ("late_ring", "slow", "late_ring", "slow", "400_json", "hang_after_ring")


@dataclass(frozen=True)
class Plan:
    """One scene. The same seed gives the same moments and troubles, if not the same threads."""

    database: str
    database_url: str  # empty: a SQLite file of its own
    seed: int
    scale: Scale


def run(scale: Scale) -> list[Tally]:
    """The count for SQLite; at length also for PostgreSQL with two bots."""
    names = ("SQLite", "PostgreSQL") if scale == "long" else ("SQLite",)
    tallies = {name: Tally(f"killed at any moment, {name}, {BOTS[name]} bot(s)") for name in names}
    context = multiprocessing.get_context("forkserver")
    with closing(new_databases()) as urls, ProcessPoolExecutor(CORES, context) as scenes:
        plans = [
            Plan(name, next(urls) if name == "PostgreSQL" else "", seed, scale)
            for name in names
            for seed in range(SCENES[scale])
        ]
        for plan, found in zip(plans, scenes.map(outcome_of, plans), strict=True):
            mine = tallies[plan.database]
            mine.add(found)
            for name, figure in found.figures.items():
                mine.figures[name] = int(mine.figures.get(name, 0)) + int(figure)
    return list(tallies.values())


def outcome_of(plan: Plan) -> Tally:
    """Play one scene and judge every press."""
    tally = Tally("")
    with scene(plan.database_url) as where:
        presses = _play(where, plan)
        tally.figures = {
            "kills": KILLS[plan.scale],
            "pressed again": sum(len(press.answers) > 1 for press in presses),
            "never acknowledged": sum(not press.acked for press in presses),
        }
        where.settle(presses, plan.scale)
        where.judge(presses, tally)
    return tally


def _play(where: Scene, plan: Plan) -> list[FormSubmission]:
    """People call and bots die, until the last kill; returns what was pressed."""
    chance = random.Random(plan.seed)
    is_over = threading.Event()
    bots = [BotProcess(where.settings, where.folder) for _ in range(BOTS[plan.database])]
    with ThreadPoolExecutor(PEOPLE) as people:
        try:
            for bot in bots:
                bot.start(60)
            callers = [
                people.submit(_keep_calling, where, plan, where.newcomer(f"caller{number}"), is_over)
                for number in range(PEOPLE)
            ]
            for _ in range(KILLS[plan.scale]):
                bot = chance.choice(bots)
                is_over.wait(chance.uniform(*BETWEEN_S))
                bot.kill()
                bot.start(60)
            is_over.set()
            return [press for caller in callers for press in caller.result()]
        finally:
            is_over.set()
            for bot in bots:
                bot.close()


def _keep_calling(where: Scene, plan: Plan, user_id: str, is_over: threading.Event) -> list[FormSubmission]:
    """One person, who calls one number after the other."""
    chance = random.Random(f"{plan.seed} {user_id}")
    presses: list[FormSubmission] = []
    while not is_over.is_set():
        where.slack.wait_for(lambda: where.slack.connections or is_over.is_set(), 60, "a bot")
        how = f"{plan.database}, seed {plan.seed}, press {len(presses) + 1} of {user_id}"
        try:
            press = where.fill_in(user_id, how, FORM_WITHIN_S)
        except (AssertionError, LookupError):  # no form, or one without flows
            continue
        _make_trouble(where, chance)
        presses.append(press)
        where.press_until_acked(press)
        is_over.wait(chance.uniform(*PAUSE_S))
    return presses


def _make_trouble(where: Scene, chance: random.Random) -> None:
    """For whichever call comes next: each person brings some trouble for everybody."""
    where.evo.fault(OUTGOING, chance.choice(TROUBLES), seconds=chance.random())
    if chance.random() < 1 / 8:
        where.slack.fault("chat.postMessage", "lose_answer")


if __name__ == "__main__":
    counts = run("long" if sys.argv[1:] == ["long"] else "short")
    sys.stdout.writelines(f"{count}\n" for count in counts)
    sys.exit(not all(count.kept for count in counts))
