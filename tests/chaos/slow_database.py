"""The database is slow instead of gone: every question takes its time, or another program keeps writing.

What could not be written down in time is not dialed later, the person reads so or sees Slack's own error, and
the same form works as soon as the database does. By hand: `python -m tests.chaos.slow_database short`.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial

from tests.chaos.crowd import FormSubmission, by_hand, percentiles_ms, wait
from tests.chaos.questions import answer_of
from tests.chaos.stage import Set, Stage, count, meanwhile, press_again, stage
from tests.chaos.tally import Scale, Tally
from tests.database_proxy import DatabaseProxy
from tests.postgres import Postgres, postgres
from tests.scenario.office import SARA

DELAYS_S = {"short": (0.5,), "long": (0.1, 0.3, 0.5, 1.0, 3.0)}  # of every question and its answer
LOCKED_S, FREE_S = 1.9, 0.05  # another program writes, and lets go for a moment
LOGINS_S = 1.6  # that the role check takes before it
PRESS_EVERY_S = 0.3
AFTERWARDS_S = 4.0  # until whatever still waited has rung


def run(scale: Scale) -> list[Tally]:
    """One after the other on PostgreSQL, and SQLite beside it."""
    modes = (False, True)
    with postgres() as server, ThreadPoolExecutor(1) as hands:
        locked = hands.submit(
            lambda: [locked_again_and_again(over_http=each) for each in modes[: 2 if scale == "long" else 1]]
        )
        found = [slow_answers(server, s, over_http=each) for s in DELAYS_S[scale] for each in modes]
        return found + locked.result()


def slow_answers(server: Postgres, delay_s: float, *, over_http: bool) -> Tally:
    """A relay in front of PostgreSQL takes its time for every question."""
    server.empty()
    with DatabaseProxy(server.socket) as relay:
        scene = Set(over_http, database_url=server.url, settings={"DATABASE_URL": relay.url})
        tally = Tally(f"PostgreSQL takes {delay_s:g} s for every question ({scene.name})")
        with stage(scene) as one:
            presses = one.crowd.open_forms(scene.people)
            relay.delay_s = delay_s
            _press(one, presses, tally)
            relay.delay_s = 0.0
            return _counted(one, tally, presses)


def locked_again_and_again(*, over_http: bool) -> Tally:
    """Another program holds the write lock nearly all the time, and the role has to be looked up as well."""
    scene = Set(over_http)
    tally = Tally(f"SQLite is locked for {LOCKED_S:g} s again and again ({scene.name})")
    with stage(scene) as one:
        presses = one.crowd.open_forms(scene.people)
        one.restart()  # so that nobody's role is remembered
        one.office.form(SARA)  # it knows by now what there is to call with
        one.office.evo.fault("/users", "slow", times=None, seconds=LOGINS_S)
        with meanwhile(partial(_write, one.office.database_url.removeprefix("sqlite:///"))):
            _press(one, presses, tally)
        one.office.evo.clear_faults()
        return _counted(one, tally, presses)


def _press(one: Stage, presses: Sequence[FormSubmission], tally: Tally) -> None:
    pressing = []
    for press in presses:
        pressing.append(one.press_soon(press))
        wait(PRESS_EVERY_S)
    answers = [each.result() for each in pressing]
    tally.figures |= percentiles_ms("press answered or given up", [each.seconds for each in answers])


def _counted(one: Stage, tally: Tally, presses: Sequence[FormSubmission]) -> Tally:
    """Nothing more is pressed for a while; then half of those who got no call press again, and get one."""
    wait(AFTERWARDS_S)
    missed = [press for press in presses if answer_of(press.deliveries[-1]) != "yes"]
    gone = [press for press in missed if not one.has_form(press)]
    tally.lost += [f"{press.number}: the form is gone: {one.office.page(press.who)}" for press in gone]
    again = [press for press in missed if press not in gone][::2]
    for press in again:
        one.crowd.press(press)
    press_again(one, again, times=2)
    for press in again:
        if answer_of(press.deliveries[-1]) != "yes":
            tally.lost.append(f"{press.number}: pressing again did not work: {press.deliveries[-1]}")
    return count(one, tally, presses)


def _write(path: str, enough: threading.Event) -> None:
    """Write into the same file, as another program."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection:
        while not enough.is_set():
            connection.execute("BEGIN IMMEDIATE")
            enough.wait(LOCKED_S)
            connection.execute("ROLLBACK")
            enough.wait(FREE_S)


if __name__ == "__main__":
    by_hand(run)
