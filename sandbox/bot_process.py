"""The real bot as a child process: `python bot.py`, with the stand-ins' URLs in its settings."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from evoslack import __version__
from sandbox.evo.voice import EvoVoice
from sandbox.evo.world import PASSWORD
from sandbox.slack.workspace import SlackWorkspace

READY = f"EvoSlack {__version__} is ready"
BOT = Path(__file__).resolve().parents[1] / "bot.py"
INHERITED = ("PATH", "HOME", "LANG", "SYSTEMROOT", "TMPDIR")  # no tokens, proxies, or settings


def sandbox_settings(slack: SlackWorkspace, evo: EvoVoice, database_url: str) -> dict[str, str]:
    """Settings for a bot that uses the stand-ins, in Socket Mode."""
    return {
        "SLACK_BOT_TOKEN": "xoxb-sandbox",
        "SLACK_APP_TOKEN": "xapp-sandbox",
        "SLACK_API_URL": slack.api_url,
        "EVO_BASE_URL": evo.url,
        "EVO_USERNAME": "bot@acme.test",
        "EVO_PASSWORD": PASSWORD,
        "CALLS_CHANNEL": "C_CALLS",
        "CALLING_HOURS": "",  # it is played with at any hour
        "MAX_CALLS_PER_HOUR": "0",
        "DATABASE_URL": database_url,
    }


class BotProcess:
    """A bot. `folder` is its working directory, so that it does not read the developer's own `.env`."""

    def __init__(self, settings: Mapping[str, str], folder: Path) -> None:
        mine = {name: os.environ[name] for name in INHERITED if name in os.environ}
        self._env = {**mine, **settings, "PYTHONUNBUFFERED": "1"}
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self._readers: list[threading.Thread] = []
        self.changed = threading.Condition()  # notified at each line of `output` or `log`
        self.output: list[str] = []  # lines of standard output since the last start
        self.log: list[str] = []  # lines of standard error

    @property
    def pid(self) -> int:
        """The process id of the running bot."""
        return self._running().pid

    @property
    def exit_code(self) -> int | None:
        """The exit code of a bot that has ended; negative: the signal that ended it."""
        return None if self._process is None else self._process.poll()

    def start(self, within_s: float = 20) -> str:
        """Start the bot, wait for its ready line, and return it."""
        self.spawn()
        return self.wait_for_line(READY, within_s)

    def spawn(self) -> None:
        """Start the bot without waiting for it."""
        self.output.clear()
        self._process = subprocess.Popen(  # a fixed command: this interpreter and bot.py
            [sys.executable, str(BOT)],
            cwd=self._folder,
            env=self._env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        streams = (self._process.stdout, self.output), (self._process.stderr, self.log)
        self._readers = [
            threading.Thread(target=self._read_lines, args=stream, daemon=True) for stream in streams
        ]
        for reader in self._readers:
            reader.start()

    def wait_for_line(self, beginning: str, within_s: float = 20) -> str:
        """The first line of output that starts with this. Raises AssertionError with the log."""

        def found() -> str | None:
            return next((line for line in self.output if line.startswith(beginning)), None)

        with self.changed:
            line = self.changed.wait_for(lambda: found() or self._has_ended(), within_s) and found()
        if not line:
            raise AssertionError(
                f"no output starts with {beginning!r}:\n" + "\n".join(self.output + self.log)
            )
        return line

    def kill(self) -> None:
        """SIGKILL: the bot cannot clean up."""
        self._running().kill()
        self.wait(10)

    def send(self, sent: signal.Signals) -> None:
        """Send the bot a signal."""
        self._running().send_signal(sent)

    def freeze(self) -> None:
        """SIGSTOP: the bot is suspended; its connections stay open."""
        self._running().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: resume after `freeze`."""
        self._running().send_signal(signal.SIGCONT)

    def stop(self, within_s: float = 60) -> int:
        """SIGTERM, then wait for a clean exit; returns the exit code."""
        if self._running().poll() is None:
            self._running().send_signal(signal.SIGTERM)
        return self.wait(within_s)

    def wait(self, within_s: float = 20) -> int:
        """Wait until the bot has exited and its output is read; returns the exit code."""
        code = self._running().wait(within_s)
        for reader in self._readers:
            reader.join(within_s)
        return code

    def close(self) -> None:
        """Kill the bot if it is running."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise RuntimeError("the bot was not started")
        return self._process

    def _has_ended(self) -> bool:
        return self._running().poll() is not None

    def _read_lines(self, stream: object, lines: list[str]) -> None:
        for line in stream:  # type: ignore[attr-defined]
            with self.changed:
                lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        stream.close()  # type: ignore[attr-defined]
        with self.changed:
            self.changed.notify_all()
