"""The real bot as a child process: `python bot.py` with nothing but other addresses in its settings."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from sandbox.evo.voice import EvoVoice
from sandbox.evo.world import PASSWORD
from sandbox.slack.workspace import SlackWorkspace

BOT = Path(__file__).resolve().parents[1] / "bot.py"
FROM_OUTSIDE = ("PATH", "HOME", "LANG", "SYSTEMROOT", "TMPDIR")  # no tokens, no proxies, no settings


def sandbox_settings(slack: SlackWorkspace, evo: EvoVoice, database_url: str) -> dict[str, str]:
    """Settings for a bot between the two stand-ins, in Socket Mode."""
    return {
        "SLACK_BOT_TOKEN": "xoxb-sandbox",
        "SLACK_APP_TOKEN": "xapp-sandbox",
        "SLACK_API_URL": slack.api_url,
        "EVO_BASE_URL": evo.url,
        "EVO_USERNAME": "bot@acme.test",
        "EVO_PASSWORD": PASSWORD,
        "CALLS_CHANNEL": "C_CALLS",
        "DATABASE_URL": database_url,
    }


class BotProcess:
    """One bot. `folder` is its working directory, so that no `.env` of the reader's own is read."""

    def __init__(self, settings: Mapping[str, str], folder: Path) -> None:
        mine = {name: os.environ[name] for name in FROM_OUTSIDE if name in os.environ}
        self._env = {**mine, **settings, "PYTHONUNBUFFERED": "1"}
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self._listeners: list[threading.Thread] = []
        self._said_something = threading.Condition()
        self.output: list[str] = []  # lines of standard output, of every start
        self.log: list[str] = []  # lines of standard error

    @property
    def pid(self) -> int:
        """The process id of the running bot."""
        return self._running().pid

    def start(self, within_s: float = 20) -> str:
        """Start the bot and wait for its ready line, which is returned."""
        self.spawn()
        return self.wait_for_line("EvoSlack is ready", within_s)

    def spawn(self) -> None:
        """Start the bot without waiting for it."""
        self.output.clear()
        self._process = subprocess.Popen(  # the bot's own file and this very interpreter
            [sys.executable, str(BOT)],
            cwd=self._folder,
            env=self._env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        streams = (self._process.stdout, self.output), (self._process.stderr, self.log)
        self._listeners = [
            threading.Thread(target=self._listen, args=heard, daemon=True) for heard in streams
        ]
        for listener in self._listeners:
            listener.start()

    def wait_for_line(self, beginning: str, within_s: float = 20) -> str:
        """The first line of standard output that begins so. Raises `AssertionError` with the log."""

        def found() -> str | None:
            return next((line for line in self.output if line.startswith(beginning)), None)

        with self._said_something:
            line = self._said_something.wait_for(lambda: found() or self._has_ended(), within_s) and found()
        if not line:
            raise AssertionError(f"the bot never said {beginning!r}:\n" + "\n".join(self.output + self.log))
        return line

    def kill(self) -> None:
        """`kill -9`: the bot gets no chance to say anything."""
        self._running().kill()
        self.wait(10)

    def freeze(self) -> None:
        """SIGSTOP: the bot stands still, as on a machine that is suspended; connections stay open."""
        self._running().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: it goes on as if nothing had been."""
        self._running().send_signal(signal.SIGCONT)

    def stop(self, within_s: float = 60) -> int:
        """SIGTERM, then wait for the end in good order; returns the exit code."""
        if self._running().poll() is None:
            self._running().send_signal(signal.SIGTERM)
        return self.wait(within_s)

    def wait(self, within_s: float = 20) -> int:
        """Wait until the bot has ended and its last line is heard; returns the exit code."""
        code = self._running().wait(within_s)
        for listener in self._listeners:
            listener.join(within_s)
        return code

    def close(self) -> None:
        """Leave nothing running."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise RuntimeError("the bot was not started")
        return self._process

    def _has_ended(self) -> bool:
        return self._running().poll() is not None

    def _listen(self, stream: object, lines: list[str]) -> None:
        for line in stream:  # type: ignore[attr-defined]
            with self._said_something:
                lines.append(line.rstrip("\n"))
                self._said_something.notify_all()
        stream.close()  # type: ignore[attr-defined]
        with self._said_something:
            self._said_something.notify_all()
