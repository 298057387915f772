"""Opens a stage for each picture, with its clock at a fixed moment."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser

from tests.chaos.wall_clock import WallClock
from tests.pictures.sources import ROOT
from tests.pictures.visitor import Visitor, visit

PYTHON = ROOT / ".venv" / "bin" / "python"  # the one that has what the bot needs
WIDE, PHONE = (1180, 620), (390, 760)


class Stage:
    """A playground at its own time of day."""

    def __init__(self, url: str, clock: WallClock, browser: Browser, shift_s: float) -> None:
        self._url, self._clock, self._browser, self._shift_s = url, clock, browser, shift_s

    @property
    def now(self) -> datetime:
        """The time on the stage."""
        return datetime.fromtimestamp(time.time() + self._shift_s, UTC)

    def visit(
        self, size: tuple[int, int] = WIDE, *, is_dark: bool = False
    ) -> AbstractContextManager[Visitor]:
        """Sit down at a browser."""
        return visit(self._browser, self._url, self.now, size, is_dark=is_dark)

    def pass_time(self, by: timedelta, visitor: Visitor) -> None:
        """Let time jump ahead; the bot restarts, because its clock counts on."""
        self._shift_s += by.total_seconds()
        self._clock.step_to(self._shift_s)
        visitor.act("kill")
        visitor.pass_time(by)


@contextmanager
def open_stage(browser: Browser, library: Path, folder: Path, at: datetime) -> Iterator[Stage]:
    """Start the playground; it is `at` when it is ready. The folder is for the clock's file."""
    clock = WallClock(library, folder)
    clock.step_to((at - datetime.now(UTC)).total_seconds())
    process = subprocess.Popen(
        [str(PYTHON), "-m", "tests.pictures.stage"],
        cwd=ROOT,
        env=os.environ | clock.settings,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url:
            raise SystemExit("The playground did not start.")
        shift_s = (at - datetime.now(UTC)).total_seconds()
        clock.step_to(shift_s)
        yield Stage(url, clock, browser, shift_s)
    finally:
        process.terminate()
        process.wait(60)
