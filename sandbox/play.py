"""`python -m sandbox`: the stand-ins, the real bot as a child process, and the page to play in."""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from sandbox import cast
from sandbox.app_manifest import AppManifest
from sandbox.bot_process import BotProcess, sandbox_settings
from sandbox.evo.voice import EvoVoice
from sandbox.page import Page
from sandbox.server import Server
from sandbox.slack.workspace import SlackWorkspace

HELP_CONTACT = "U_ROOT"  # gets the requests for access
FIRST_PORT, LAST_PORT = 8700, 8799
TAKEN = f"Port {FIRST_PORT} was taken, perhaps by another playground. This one shares nothing with it."
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def play() -> int:
    """Serve the page until Ctrl-C or SIGTERM; returns the exit code (1 when the bot did not start).

    The bot then finishes the calls that are being dialed; a second Ctrl-C kills it.
    """
    signals: list[int] = []  # the signals received
    with ExitStack() as cleanup:
        folder = cleanup.enter_context(tempfile.TemporaryDirectory(prefix="evoslack-sandbox-"))
        os.environ.clear()  # or the bot would inherit proxies and settings
        slack = SlackWorkspace()
        slack.start()
        cleanup.callback(slack.close)
        evo = cleanup.enter_context(EvoVoice())
        settings = sandbox_settings(slack, evo, f"sqlite:///{folder}/evoslack.db")
        settings["HELP_CONTACT"] = HELP_CONTACT
        # It sees the people of another account, too, so that they are told that theirs is another one.
        evo.world.logins[settings["EVO_USERNAME"]].account_ids = ("acc1", "acc2")
        settings["EVO_ACCOUNT_ID"] = cast.ACCOUNT
        process = BotProcess(settings, Path(folder))

        def stop(number: int, _frame: object) -> None:
            if signals:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
            signals.append(number)

        for number in SIGNALS:
            cleanup.callback(signal.signal, number, signal.signal(number, stop))
        cleanup.callback(process.close)
        try:
            process.start()
        except AssertionError as reason:
            if not signals:
                print(reason, file=sys.stderr)
            return 0 if signals else 1
        bot = PlayedBot(process, slack)
        cleanup.callback(bot.stop)
        page = serve(slack, evo, bot)
        cleanup.callback(page.close)
        print(f"Play with EvoSlack at {page.url}", flush=True)
        while not signals:  # short, as a signal just before a long sleep would not end it
            time.sleep(0.1)
    return 0


def serve(slack: SlackWorkspace, evo: EvoVoice, bot: PlayedBot) -> Server:
    """The started page. If its port is taken between finding it and listening, the next one is tried."""
    manifest = AppManifest.read()
    for _attempt in range(LAST_PORT - FIRST_PORT):
        port = free_port()
        notice = "" if port == FIRST_PORT else TAKEN
        page = Server(Page(slack, evo, bot, manifest, notice).app(), port)
        try:
            page.start()
        except OSError:
            page.close()
            continue
        return page
    raise OSError("no port is free for the page")


def free_port() -> int:
    """The first free port from 8700 on; 0 (any port) if there is none."""
    for port in range(FIRST_PORT, LAST_PORT + 1):
        with socket.socket() as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                attempt.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    return 0


class PlayedBot:
    """The bot as the page shows it: its status, its log, and restarting it."""

    def __init__(self, process: BotProcess, slack: SlackWorkspace) -> None:
        self._process = process
        self._slack = slack
        self._one_at_a_time = threading.Lock()
        self._stopped = False

    def condition(self) -> str:
        """Its status in a few words."""
        if self.has_stopped():
            return f"EvoSlack's process has ended (exit code {self._process.exit_code})."
        if self._one_at_a_time.locked():
            return "EvoSlack is starting again…"
        return "EvoSlack is connected." if self.is_connected() else "EvoSlack is not connected."

    def is_connected(self) -> bool:
        """Whether it can receive what people do."""
        return bool(self._slack.connections) and not self._one_at_a_time.locked()

    def has_stopped(self) -> bool:
        """Whether its process ended and nobody is starting it again."""
        return self._process.exit_code is not None and not self._one_at_a_time.locked()

    def log(self, lines: int) -> list[str]:
        """Its last log lines, oldest first."""
        return self._process.log[-lines:]

    def kill_and_start(self) -> None:
        """Kill it with SIGKILL and restart it with the same database."""
        with self._one_at_a_time, suppress(AssertionError):  # if it does not start, its log says why
            if self._stopped:
                return
            self._process.kill()
            self._slack.wait_for(lambda: not self._slack.connections, what="the end of the connection")
            self._process.start()

    def start(self) -> None:
        """Start it again with the same database, if it has stopped."""
        with self._one_at_a_time, suppress(AssertionError):
            if not self._stopped and self._process.exit_code is not None:
                self._process.start()

    def stop(self) -> None:
        """SIGTERM, then wait until it has finished."""
        with self._one_at_a_time:
            self._stopped = True
            self._process.stop()
