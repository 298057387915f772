"""Runs experiments in processes of their own: what measures times alone, the rest side by side.

Most of an experiment is waiting, so several share the machine well; but they take each other's milliseconds.
Those in which Slack gives up after three seconds keep away from those that take all there is.
"""

from __future__ import annotations

import importlib
import multiprocessing
import sys
import time
import traceback
from collections.abc import Collection
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.chaos.tally import Scale, Tally

ALONE = ("storm", "slow_slack", "hostile", "waiting_calls")
WAITING = ("clocks", "slow_database", "frozen")  # the longest first, as below
TOGETHER = ("fleet", "crash_points", "random_kills", "bad_phone", "workflow_steps")
GROUPS = ((ALONE, 1), (WAITING, len(WAITING)), (TOGETHER, len(TOGETHER)))


def run_all(wanted: Collection[str], scale: Scale) -> list[Tally]:
    """Run the experiments with these names; their counts in the order in which they came."""
    found: list[Tally] = []
    context = multiprocessing.get_context("spawn")
    for group, width in GROUPS:
        with ProcessPoolExecutor(width, mp_context=context) as pool:
            running = [pool.submit(run_one, name, scale) for name in group if name in wanted]
            for done in as_completed(running):
                found += done.result()
    return found


def run_one(name: str, scale: Scale) -> list[Tally]:
    """Run one experiment and say how long it took."""
    started = time.monotonic()
    try:
        tallies: list[Tally] = importlib.import_module(f"tests.chaos.{name}").run(scale)
    except Exception as error:  # noqa: BLE001 - what the other experiments found is not lost with it
        traceback.print_exc()
        tallies = [Tally(name, lost=[f"the experiment itself broke: {error!r}"])]
    print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return tallies
