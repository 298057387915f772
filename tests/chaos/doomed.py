"""A bot that dies at one given point of a call's life, or that notes every point on the way.

The bot is the real one, `bot.py` in its own process. It is traced from outside: Python tells which
line is about to run, SQLAlchemy tells of commits, and the interpreter's audit tells of bytes that are sent.
Tracing begins with the press of the button, so what the bot does all day does not count.
"""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

import sqlalchemy as sa
from slack_bolt.adapter.socket_mode import internals as ack

from evoslack import cli
from evoslack.calling import arrival, intake, switchboard
from evoslack.evo import client, connections, transport
from evoslack.ledger import admission, calls, notifications, pages
from evoslack.slack.background import card_publisher, channel_members, live_page, notifier
from evoslack.slack.listeners import call_form

LIFE = (  # without the modules that only turn values into values: dying there is dying beside them
    *(call_form, arrival, ack, intake, admission, switchboard, calls),
    *(client, transport, connections),
    *(notifications, notifier, card_publisher, channel_members),
    *(pages, live_page),
)
FILES = {str(module.__file__): str(module.__name__).rpartition(".")[2] for module in LIFE}
BEGINNING: CodeType = call_form.CallFormListeners.submit.__code__


class Point(NamedTuple):
    """Right before a line runs for the n-th time since the press."""

    module: str
    line: int
    nth: int

    def __str__(self) -> str:
        return f"{self.module}.py:{self.line} (time {self.nth})"


class Step(NamedTuple):
    """A point that was passed, or an effect on the world between two of them."""

    thread: int
    point: Point | None
    effect: str = ""


def start(
    settings: Mapping[str, str], folder: Path, *, doom: Point | None, notes: Path | None
) -> BaseProcess:
    """Start a bot that dies at `doom`, or that writes its steps into `notes`.

    Forked from a process that has imported everything, because importing is most of what a start costs.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=_live, args=(dict(settings), folder, doom, notes), daemon=True)
    process.start()
    return process


def steps_in(notes: Path) -> list[Step]:
    """What a bot noted."""
    found = [json.loads(line) for line in notes.read_text(encoding="utf-8").splitlines()]
    return [Step(thread, Point(*point) if point else None, effect) for thread, point, effect in found]


def every_point(steps: list[Step]) -> list[Point]:
    """All points in order; a line that runs several times in a row is one."""
    points: dict[Point, None] = {}
    last: dict[int, tuple[str, int]] = {}
    for step in steps:
        if step.point is not None:
            if last.get(step.thread) != step.point[:2]:
                points[step.point] = None
            last[step.thread] = step.point[:2]
    return list(points)


def borders(steps: list[Step]) -> list[Point]:
    """The points right before and right after every effect, and those where the ack is sent."""
    found: dict[Point, None] = {}
    for place, step in enumerate(steps):
        mine = [other.point for other in steps[:place] if other.thread == step.thread and other.point]
        coming = (other.point for other in steps[place:] if other.thread == step.thread and other.point)
        if step.effect:
            found |= dict.fromkeys([*mine[-1:], *itertools.islice(coming, 1)])
        elif step.point and step.point.module == "internals":
            found[step.point] = None
    return list(found)


class _Watch:
    """Traces every line of a call's life."""

    def __init__(self, doom: Point | None, notes: Path | None) -> None:
        self._doom = doom
        self._notes = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if notes else None
        self._is_pressed = False
        self._counts: Counter[tuple[str, int]] = Counter()
        self._lock = threading.Lock()

    def enter(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        """A function is called: whether its lines are of interest."""
        if not self._is_pressed and frame.f_code is not BEGINNING:
            return None
        self._is_pressed = True
        return self._look if frame.f_code.co_filename in FILES else None

    def note_commit(self, connection: sa.Connection) -> None:
        """A transaction is about to be committed; one that only read is no effect."""
        if connection.info.pop("wrote", False):
            self._note(None, "commit")

    def note_statement(self, connection: sa.Connection, _cursor: Any, statement: str, *_more: Any) -> None:
        """A statement is about to run."""
        if not statement.startswith("SELECT"):
            connection.info["wrote"] = True

    def note_sending(self, event: str, _arguments: Any) -> None:
        """Bytes of an HTTP request are about to leave."""
        if event == "http.client.send":
            self._note(None, "send")

    def _look(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line":
            place = FILES[frame.f_code.co_filename], frame.f_lineno
            with self._lock:
                self._counts[place] += 1
                point = Point(*place, self._counts[place])
                if point == self._doom:
                    os.kill(os.getpid(), signal.SIGKILL)
                self._note(point)
        return self._look

    def _note(self, point: Point | None, effect: str = "") -> None:
        if self._notes is not None and self._is_pressed:
            line = json.dumps([threading.get_ident(), point, effect]) + "\n"
            os.write(self._notes, line.encode())


def _live(settings: dict[str, str], folder: Path, doom: Point | None, notes: Path | None) -> None:
    """The whole life of the bot, in this process."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(settings)
    log = os.open("bot.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    watch = _Watch(doom, notes)
    threading.settrace(watch.enter)  # for the threads to come; starting goes on in this one, untraced
    if notes is not None:
        sys.addaudithook(watch.note_sending)
        sa.event.listen(sa.Engine, "commit", watch.note_commit)
        sa.event.listen(sa.Engine, "before_cursor_execute", watch.note_statement)
    sys.exit(cli.main([]))
