"""The command line: `evoslack`, or `python bot.py` in a checkout. Each option has its own entry point."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import NoReturn

from evoslack import __version__
from evoslack.foreseen import foreseen
from evoslack.logs import set_up_logging
from evoslack.runtime import network
from evoslack.settings import BadSettings, Settings
from evoslack.settings.environment import Environment, read_database_url, read_environment
from evoslack.start_trouble import CannotStart
from evoslack.starting import Start, ToldToStop

log = logging.getLogger(__name__)

BAD_SETTINGS, CANNOT_START = 2, 1
STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


def entry() -> NoReturn:
    """Run the command line of this process, then exit."""
    code = main(sys.argv[1:])
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)  # a thread still waiting for Slack would delay the exit


def main(arguments: list[str], variables: Mapping[str, str] = os.environ) -> int:
    """Run the bot until a signal, or what an option asks for. `variables` is the environment.

    Returns the exit code: 0, 1 (cannot start, no backup, or `--check` found a problem) or 2 (bad settings).
    """
    chosen = _parser().parse_args(arguments)
    if chosen.sandbox:
        print("The sandbox has moved: run python -m sandbox (or make sandbox).", file=sys.stderr)
        return BAD_SETTINGS
    try:
        if chosen.backup or chosen.restored:
            return _maintain(chosen, read_database_url(variables))
        environment = read_environment(variables)
        network.adopt(environment.variables)
        if problems := network.problems():
            raise BadSettings(problems)
    except BadSettings as bad:
        return _say_bad_settings(bad)
    settings = environment.settings
    set_up_logging(level=settings.log_level, as_json=settings.log_format == "json", foreseen=foreseen)
    if chosen.check:
        logging.disable(logging.ERROR)  # the report says it all
        from evoslack.check import check  # noqa: PLC0415 - only --check needs it

        try:
            return check(environment, print)
        finally:
            logging.disable(logging.NOTSET)
    _log_origin(environment)
    return run(settings)


def _log_origin(environment: Environment) -> None:
    """Say which files are used, and what is odd about the settings."""
    for what, words in environment.facts:
        log.info("%s: %s", what, words)
    for warning in environment.warnings:
        log.warning("settings: %s", warning)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evoslack", description="Place phone calls from Slack.")
    parser.add_argument("--version", action="version", version=f"EvoSlack {__version__}")
    parser.add_argument(
        "--check", action="store_true", help="check the settings and everything they lead to, then exit"
    )
    parser.add_argument(
        "--backup",
        metavar="FILE",
        type=Path,
        help="copy the SQLite ledger to FILE, also while a bot runs, then exit",
    )
    parser.add_argument(
        "--restored",
        action="store_true",
        help="after restoring the ledger from another backup: never dial what waits in it, then exit",
    )
    parser.add_argument("--sandbox", action="store_true", help=argparse.SUPPRESS)
    return parser


def _say_bad_settings(bad: BadSettings) -> int:
    print("EvoSlack cannot start. Fix these settings:", file=sys.stderr)
    for problem in bad.problems:
        print(f"  - {problem}", file=sys.stderr)
    if bad.note:
        print(bad.note, file=sys.stderr)
    return BAD_SETTINGS


def _maintain(chosen: argparse.Namespace, url: str) -> int:
    from evoslack import maintenance  # noqa: PLC0415 - the bot does not need it

    complain = partial(print, file=sys.stderr)
    if chosen.backup:
        return maintenance.backup(url, chosen.backup, print, complain)
    set_up_logging(level="WARNING", as_json=False)
    return maintenance.restored(url, print, complain)


def run(settings: Settings) -> int:
    """Start, wait for a signal, shut down cleanly. Returns the exit code."""
    # Blocked, then waited for: a signal that a handler caught just before the wait began would be missed.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    python = ".".join(map(str, sys.version_info[:3]))
    log.info("EvoSlack %s starts (Python %s, log level %s)", __version__, python, settings.log_level)
    happened: SimpleQueue[str | Exception | int] = SimpleQueue()  # an int: a signal
    start = Start(settings)
    _in_background("signals", lambda: happened.put(signal.sigwait(STOP_SIGNALS)))
    _in_background("start", lambda: happened.put(_ready_line(start)))
    ready = happened.get()
    if isinstance(ready, BadSettings):
        return _say_bad_settings(ready)
    if isinstance(ready, Exception):
        print(f"EvoSlack cannot start. {ready}", file=sys.stderr)
        return CANNOT_START
    if isinstance(ready, str):
        print(ready, flush=True)
        gc.freeze()  # it stays, and each full garbage collection of it would hold up everybody for 50 ms
        _in_background("start-findings", lambda: _log_problems(settings, start))
        happened.get()
    print("EvoSlack is stopping. It finishes the calls it is dialing first.", flush=True)
    print(start.stop(), flush=True)
    return 0


def _ready_line(start: Start) -> str | Exception:
    """The ready line, or why there is none."""
    try:
        return start.run()
    except (CannotStart, BadSettings, ToldToStop) as reason:
        return reason
    except Exception as bug:
        log.exception("the start broke off")
        return CannotStart(f"Something broke in EvoSlack ({type(bug).__name__}); the log has the details.")


def _log_problems(settings: Settings, start: Start) -> None:
    """What `--check` would say about a bot that is running; asked when it is ready, to not delay it."""
    from evoslack.check import problems_after_start  # noqa: PLC0415 - as above

    if start.bot is not None:
        for finding in problems_after_start(settings, start.bot.evo):
            log.error("%s: %s", finding.what, finding.words)


def _in_background(name: str, task: Callable[[], object]) -> None:
    threading.Thread(target=task, name=name, daemon=True).start()
