"""`python bot.py --sandbox`: the stand-ins, the real bot as a child process, and a page to play in.

The bot's process gets addresses and made-up tokens and nothing else: no setting of this machine, no `.env`.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from evoslack.sandbox.evo_voice import EvoVoice
from evoslack.sandbox.evo_world import PASSWORD
from evoslack.sandbox.page import Page
from evoslack.sandbox.server import Server
from evoslack.sandbox.slack_workspace import SlackWorkspace

FIRST_PORT, LAST_PORT = 8700, 8799
START_LIMIT_S = 30.0
BOT = Path(__file__).resolve().parents[2] / "bot.py"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def play() -> int:
    """Serve the page until Ctrl-C or SIGTERM; the exit code. A second Ctrl-C does not wait for the bot."""
    stopping = threading.Event()
    with ExitStack() as doings:
        folder = doings.enter_context(tempfile.TemporaryDirectory(prefix="evoslack-sandbox-"))
        slack = SlackWorkspace()
        slack.start()
        doings.callback(slack.close)
        evo = doings.enter_context(EvoVoice())
        bot = BotProcess(slack, Path(folder), settings_for(slack, evo, Path(folder)), stopping)

        def stop(*_: object) -> None:
            if stopping.is_set():
                bot.kill()
            stopping.set()

        for number in SIGNALS:
            doings.callback(signal.signal, number, signal.signal(number, stop))
        bot.start()
        doings.callback(bot.stop)
        page = Server(Page(slack, evo, bot).app(), free_port())
        page.start()
        doings.callback(page.close)
        print(f"Play with EvoSlack at {page.url}", flush=True)
        stopping.wait()
    return 0


def settings_for(slack: SlackWorkspace, evo: EvoVoice, folder: Path) -> dict[str, str]:
    """The whole environment of the bot's process."""
    return {
        "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "CALLS_CHANNEL": "C_CALLS",
        "EVO_BASE_URL": evo.url,
        "EVO_USERNAME": "bot@acme.test",
        "EVO_PASSWORD": PASSWORD,
        "DATABASE_URL": f"sqlite:///{folder / 'evoslack.db'}",
        "PYTHONUTF8": "1",
    }


def free_port() -> int:
    """The first port from 8700 on that nobody listens on; 0, any port, when there is none."""
    for port in range(FIRST_PORT, LAST_PORT + 1):
        with socket.socket() as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                attempt.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    return 0


class BotProcess:
    """The real bot in a process of its own, which can be killed and started again. Its log goes to stderr."""

    def __init__(
        self, slack: SlackWorkspace, folder: Path, settings: Mapping[str, str], stopping: threading.Event
    ) -> None:
        self._slack = slack
        self._folder = folder
        self._settings = settings
        self._stopping = stopping
        self._process: subprocess.Popen[bytes] | None = None
        self._one_at_a_time = threading.Lock()

    def start(self) -> None:
        """Start it and wait until it listens, has ended, or is not wanted any more."""
        process = subprocess.Popen(
            [sys.executable, str(BOT)],
            cwd=self._folder,
            env=dict(self._settings),
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),
            start_new_session=True,  # Ctrl-C in the terminal is for us; we end the bot in good order
        )
        self._process = process

        def settled() -> bool:
            return bool(self._slack.connections or process.poll() is not None or self._stopping.is_set())

        with suppress(AssertionError):  # the page shows that it is still starting
            self._slack.wait_for(settled, START_LIMIT_S, "the bot")

    def kill_and_start(self) -> None:
        """End it with SIGKILL and start it again, with the database that it left."""
        with self._one_at_a_time:
            self.kill()
            if self._process is not None:
                self._process.wait()
            self._slack.wait_for(lambda: not self._slack.connections, what="the end of the old connection")
            if not self._stopping.is_set():
                self.start()

    def kill(self) -> None:
        """Send it SIGKILL. Does not wait: a signal handler may interrupt somebody who does."""
        if self._process is not None:
            self._process.kill()

    def stop(self) -> None:
        """SIGTERM, and wait until it has finished what it was doing."""
        with self._one_at_a_time:
            if self._process is not None:
                self._process.terminate()
                self._process.wait()

    def condition(self) -> str:
        """How it is, in a few words."""
        if self._process is None:
            return "EvoSlack is not running"
        code = self._process.poll()
        if code is not None:
            return f"EvoSlack is not running (exit code {code})"
        return "EvoSlack is running" if self._slack.connections else "EvoSlack is starting"
