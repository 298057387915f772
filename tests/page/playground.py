"""`python -m sandbox` in a process of its own, as `make sandbox` starts it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
PYTHON = HERE / ".venv/bin/python"
PATIENCE_S = 40


class Playground:
    """A started playground; `close` stops it and returns what it printed besides its address."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="page-test-")
        self._errors = Path(self._folder.name) / "errors"
        with self._errors.open("w") as errors:
            self._process = subprocess.Popen(
                [str(PYTHON), "-m", "sandbox"],
                cwd=self._folder.name,
                env={**os.environ, "PYTHONPATH": str(HERE)},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        found = re.fullmatch(r"Play with EvoSlack at (http://127\.0\.0\.1:\d+)\n", line)
        assert found, line + self._errors.read_text()
        self.url = found[1]

    def printed(self) -> str:
        """What it has written to its terminal as errors so far."""
        return self._errors.read_text()

    def kill_the_bot(self) -> None:
        """SIGKILL for the bot's process, as the system might when memory runs out."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGKILL)

    def close(self) -> str:
        """Stop it as Ctrl-C does, if it still runs."""
        if self._process.poll() is not None:
            return ""
        self._process.send_signal(signal.SIGINT)
        assert self._process.stdout is not None
        with self._process.stdout as output:
            try:
                assert self._process.wait(PATIENCE_S) == 0
                return output.read() + self._errors.read_text()
            finally:
                self._process.kill()
                self._folder.cleanup()


def wait_until(holds: Callable[[], object], what: str) -> None:
    """Wait for something outside of the browser."""
    ends = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < ends, f"waited in vain until {what}"
        time.sleep(0.05)
