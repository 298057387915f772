"""The command line: `evoslack`, or `python bot.py` in a checkout. Each option is a door of its own."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from typing import NoReturn

from evoslack import __version__
from evoslack.environment import environment
from evoslack.foreseen import foreseen
from evoslack.logs import set_up_logging
from evoslack.running import CannotStart
from evoslack.settings import BadSettings, Settings
from evoslack.wiring import build

log = logging.getLogger(__name__)

BAD_SETTINGS, CANNOT_START = 2, 1
STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})


def entry() -> NoReturn:
    """Run the command line of this process, then exit."""
    code = main(sys.argv[1:])
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)  # a thread still waiting for Slack would delay the exit


def main(arguments: list[str]) -> int:
    """Run the bot until a signal, or what an option asks for.

    Returns the exit code: 0, 1 (cannot start, or `--check` found a problem) or 2 (bad settings).
    """
    chosen = _parser().parse_args(arguments)
    if chosen.sandbox:
        print("The sandbox has moved: run python -m sandbox (or make sandbox).", file=sys.stderr)
        return BAD_SETTINGS
    try:
        settings = Settings.from_env(environment())
    except BadSettings as bad:
        print("EvoSlack cannot start. Fix these settings:", file=sys.stderr)
        for problem in bad.problems:
            print(f"  - {problem}", file=sys.stderr)
        return BAD_SETTINGS
    set_up_logging(level=settings.log_level, as_json=settings.log_format == "json", foreseen=foreseen)
    if chosen.check:
        logging.disable(logging.ERROR)  # the report says it all
        from evoslack.check import check  # noqa: PLC0415 - only --check needs it

        return check(settings, print)
    return run(settings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evoslack", description="Place phone calls from Slack.")
    parser.add_argument("--version", action="version", version=f"EvoSlack {__version__}")
    parser.add_argument(
        "--check", action="store_true", help="check the settings and everything they lead to, then exit"
    )
    parser.add_argument("--sandbox", action="store_true", help=argparse.SUPPRESS)
    return parser


def run(settings: Settings) -> int:
    """Start, wait for a signal, shut down cleanly. Returns the exit code."""
    # Blocked, then waited for: a signal that a handler caught just before the wait began would be missed.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    python = ".".join(map(str, sys.version_info[:3]))
    log.info("EvoSlack %s starts (Python %s, log level %s)", __version__, python, settings.log_level)
    try:
        bot = build(settings)
        ready = bot.start()
    except CannotStart as reason:
        print(f"EvoSlack cannot start. {reason}", file=sys.stderr)
        return CANNOT_START
    print(ready, flush=True)
    signal.sigwait(STOP_SIGNALS)
    print("EvoSlack is stopping. It finishes the calls it is dialing first.", flush=True)
    print(bot.stop(), flush=True)
    return 0
