"""kill -9 at every point of a call's life, and what becomes of the press.

A first bot notes every line that a call passes from the press until everything is told. Then, for each of
these points, a bot is started that dies there. Many die on one ledger, each with a call of its own; each
also finds what the one before it left. At the end one bot stays alive, people without an answer press again,
and every press is judged.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass

from tests.chaos import doomed
from tests.chaos.doomed import Point
from tests.chaos.scene import OUTGOING, FormSubmission, Scene, new_databases, scene
from tests.chaos.tally import Scale, Tally

ANSWERS = {  # what the phone system does, and the fault that makes it do so
    "the phone rings": None,
    "Evo Voice says no": "400_json",
    "it rings and no answer comes": "hang_after_ring",
}
DATABASES = ("SQLite", "PostgreSQL")
WORKERS = {"short": 3, "long": 4}
BATCH = {"short": 12, "long": 120}  # bots that die on one ledger
SAMPLE = {"short": 10, "long": 300}  # the most points for each answer and database
MISSED = 1 / 4  # of all points may not be reached: a bot that polls passes some of them by chance
TRIES = 5  # until a form comes, and until a traced bot is in time
LAST_LINES_S = 1.0  # what a bot still does when everything is told


@dataclass(frozen=True)
class Batch:
    """Some points at which bots die on one ledger. `None`: killed from outside when nothing moves."""

    database: str
    database_url: str  # empty: a SQLite file of its own
    answer: str
    points: tuple[Point | None, ...]
    scale: Scale


def run(scale: Scale) -> list[Tally]:
    """The count for each database."""
    tallies = {name: Tally(f"killed at every point of a call's life, {name}") for name in DATABASES}
    context = multiprocessing.get_context("forkserver")
    with closing(new_databases()) as urls, ProcessPoolExecutor(WORKERS[scale], context) as workers:
        pairs = [(database, answer) for database in DATABASES for answer in ANSWERS]
        first = [Batch(name, _url(name, urls), answer, (None,), scale) for name, answer in pairs]
        batches: list[Batch] = []
        for batch, steps in zip(first, workers.map(steps_of, first), strict=True):
            points = _chosen(steps, batch.answer, scale)
            tallies[batch.database].figures[f"points, {batch.answer}"] = len(points)
            size = BATCH[scale]
            batches += [
                Batch(batch.database, _url(batch.database, urls), batch.answer, points[at : at + size], scale)
                for at in range(0, len(points), size)
            ]
        for batch, (tally, missed) in zip(batches, workers.map(outcome_of, batches), strict=True):
            mine = tallies[batch.database]
            mine.add(tally)
            mine.figures["not reached"] = int(mine.figures.get("not reached", 0)) + missed
    for database, mine in tallies.items():
        tried = sum(len(batch.points) for batch in batches if batch.database == database)
        if int(mine.figures.get("not reached", 0)) > tried * MISSED:
            raise RuntimeError(f"{mine.figures}: the tracing is broken")
    return list(tallies.values())


def _chosen(steps: list[doomed.Step], answer: str, scale: Scale) -> tuple[Point | None, ...]:
    points = doomed.every_point(steps) if scale == "long" else doomed.borders(steps)
    hanging: tuple[None, ...] = (None,) if ANSWERS[answer] == "hang_after_ring" else ()
    return (*_sample(points, SAMPLE[scale]), *hanging)


def _sample(points: list[Point], most: int) -> list[Point]:
    """Evenly, from the first to the last."""
    last = min(most, len(points)) - 1
    return [points[number * (len(points) - 1) // last] for number in range(last + 1)]


def steps_of(batch: Batch) -> list[doomed.Step]:
    """Everything that a call passes while nothing goes wrong with the bot.

    A traced bot on a busy machine may be too slow, for Slack or to check a role; then the press became no
    call, and another bot takes another.
    """
    with scene(batch.database_url) as where:
        for _ in range(TRIES):
            press, _ = _press_and_die(where, batch, None)
            if not where.is_given_up(press):
                return doomed.steps_in(where.folder / "notes")
            (where.folder / "notes").unlink()
    raise RuntimeError(f"{TRIES} presses took a traced bot too long")


def outcome_of(batch: Batch) -> tuple[Tally, int]:
    """Let bots die at these points and judge every press; also how many points were not reached.

    A press whose bot did not die is no run, unless something went wrong with it all the same.
    """
    tally, others = Tally(""), Tally("")
    with scene(batch.database_url) as where:
        presses = [(_press_and_die(where, batch, point), point) for point in batch.points]
        where.settle([press for (press, _), _ in presses], batch.scale)
        where.judge([press for (press, died), point in presses if died or point is None], tally)
        missed = [press for (press, died), point in presses if not died and point is not None]
        where.judge(missed, others)
    if not others.kept:
        tally.add(others)
    return tally, len(missed)


def _press_and_die(where: Scene, batch: Batch, point: Point | None) -> tuple[FormSubmission, bool]:
    """One bot from its start to its death, and the press in between; whether it died on its own."""
    notes = where.folder / "notes" if point is None else None
    bot = doomed.start(where.settings, where.folder, doom=point, notes=notes)
    try:
        where.slack.wait_for(lambda: where.slack.connections or bot.exitcode is not None, 20, "the bot")
        if bot.exitcode is not None:
            raise RuntimeError((where.folder / "bot.log").read_text(encoding="utf-8"))
        where.slack.wait_for(where.has_nothing_to_do, 20, "what earlier bots left to be done")
        press = _filled_in(where, f"{batch.database}, {batch.answer}, killed {_words(point)}")
        fault = ANSWERS[batch.answer]
        if fault is not None:
            where.evo.fault(OUTGOING, fault)
        pressing = where.start_pressing(press)

        def is_over() -> bool:
            waits = fault == "hang_after_ring" and where.rings(press) == 1
            is_called = where.is_told(press) and (waits or not where.is_open(press))
            return pressing.done() and (is_called or where.is_given_up(press))

        ended = "the bot to die or to finish"  # traced line by line, beside other experiments
        where.slack.wait_for(lambda: bot.exitcode is not None or is_over(), 60, ended)
        if point is not None:
            bot.join(LAST_LINES_S)
        died = bot.exitcode == -signal.SIGKILL
        if bot.exitcode not in {None, -signal.SIGKILL}:
            raise RuntimeError((where.folder / "bot.log").read_text(encoding="utf-8"))
    finally:
        bot.kill()
        bot.join()
    where.evo.clear_faults()
    where.slack.wait_for(lambda: not where.slack.connections, what="its connections to be gone")
    return press, died


def _filled_in(where: Scene, how: str) -> FormSubmission:
    """A new person opens a form; on a busy machine the command may have to be typed again."""
    user_id = where.newcomer(f"caller{len(where.slack.users)}")
    for _ in range(TRIES):
        with suppress(AssertionError, LookupError):
            return where.fill_in(user_id, how)
    raise RuntimeError(f"no form came: {(where.folder / 'bot.log').read_text(encoding='utf-8')}")


def _words(point: Point | None) -> str:
    return "when nothing moved" if point is None else f"at {point}"


def _url(database: str, new_databases: Iterator[str]) -> str:
    return next(new_databases) if database == "PostgreSQL" else ""


if __name__ == "__main__":
    counts = run("long" if sys.argv[1:] == ["long"] else "short")
    sys.stdout.writelines(f"{count}\n" for count in counts)
    sys.exit(not all(count.kept for count in counts))
