"""The playground that pictures are taken of: as `python -m sandbox`, with a wall clock that the taker sets.

A child process of `tests.pictures`, which preloads the clock (`tests/chaos/wall_clock.py`); the bot gets the
same one. It prints the page's URL and serves it until SIGTERM.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from sandbox.app_manifest import AppManifest
from sandbox.bot_process import BotProcess, sandbox_settings
from sandbox.evo.calls import BUSY, NO_ANSWER, Script
from sandbox.evo.voice import EvoVoice
from sandbox.page import Page
from sandbox.play import HELP_CONTACT, PlayedBot
from sandbox.server import Server
from sandbox.slack.workspace import SlackWorkspace

CLOCK = ("LD_PRELOAD", "CHAOS_CLOCK_FILE")
SETTINGS = {
    "HELP_CONTACT": HELP_CONTACT,
    "CALLING_HOURS": "08:00-21:00",
    "CALLING_DAYS": "mon-sat",
    "MAX_CALLS_PER_HOUR": "60",
}
COURSES = {  # of the calls that the Home tab shows
    "+18144043090": Script(ring_s=1, talk_s=3, session="at_once"),
    "+12125550142": replace(NO_ANSWER, ring_s=3, session="at_once"),
    "+13125550187": replace(BUSY, ring_s=3, session="at_once"),
    "+14155550126": Script(ring_s=1, talk_s=3, session="at_once"),
}


def serve() -> None:
    """Start everything, print the URL, and wait for SIGTERM."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    clock = {name: os.environ[name] for name in CLOCK}
    with ExitStack() as cleanup:
        folder = cleanup.enter_context(tempfile.TemporaryDirectory(prefix="evoslack-pictures-"))
        slack = SlackWorkspace()
        slack.start()
        cleanup.callback(slack.close)
        evo = cleanup.enter_context(EvoVoice())
        for number, script in COURSES.items():
            evo.world.script(number, script)
        settings = sandbox_settings(slack, evo, f"sqlite:///{folder}/evoslack.db") | SETTINGS | clock
        process = BotProcess(settings, Path(folder))
        cleanup.callback(process.close)
        process.start()
        page = Server(Page(slack, evo, PlayedBot(process, slack), AppManifest.read()).app(), 0)
        page.start()
        cleanup.callback(page.close)
        print(page.url, flush=True)
        signal.sigwait({signal.SIGTERM})


if __name__ == "__main__":
    sys.exit(serve())
