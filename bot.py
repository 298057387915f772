"""EvoSlack's front door: `python bot.py` and `python bot.py --check`."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from pathlib import Path

try:
    from dotenv import dotenv_values
    from pythonjsonlogger.json import JsonFormatter

    from evoslack.running import CannotStart
    from evoslack.settings import BadSettings, Settings
    from evoslack.wiring import build
except ModuleNotFoundError as missing:
    raise SystemExit(
        f"EvoSlack cannot start: the package {missing.name} is not installed. Run\n"
        "  python3 -m venv .venv && .venv/bin/pip install -r requirements.txt\n"
        "and start it with .venv/bin/python bot.py"
    ) from None

BAD_SETTINGS, CANNOT_START = 2, 1
STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})


def main(arguments: list[str]) -> int:
    """Run the bot until SIGTERM or SIGINT; returns the exit code (0, 1 cannot start, 2 bad settings)."""
    parser = argparse.ArgumentParser(prog="bot.py", description="Place phone calls from Slack.")
    parser.add_argument("--check", action="store_true", help="look at every setting and say what is wrong")
    parser.add_argument("--sandbox", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.sandbox:
        print("The sandbox is a program of its own now: python -m sandbox (or make sandbox)", file=sys.stderr)
        return BAD_SETTINGS
    try:
        settings = Settings.from_env(environment())
    except BadSettings as bad:
        print("EvoSlack cannot start; please mend these settings:", file=sys.stderr)
        for problem in bad.problems:
            print(f"  - {problem}", file=sys.stderr)
        return BAD_SETTINGS
    set_up_logging(settings)
    if chosen.check:
        logging.disable(logging.ERROR)  # the findings say it all
        from evoslack.check import check  # noqa: PLC0415 - only this door needs it

        return check(settings, print)
    return run(settings)


def run(settings: Settings) -> int:
    """Start, wait for a signal, stop in good order."""
    # Blocked and waited for: a handler that runs just before the wait begins would be slept through.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        bot = build(settings)
        ready = bot.start()
    except CannotStart as reason:
        print(f"EvoSlack cannot start. {reason}", file=sys.stderr)
        return CANNOT_START
    print(ready, flush=True)
    signal.sigwait(STOP_SIGNALS)
    print("EvoSlack is stopping; calls that are being dialed are finished first.", flush=True)
    print(bot.stop(), flush=True)
    return 0


def environment() -> dict[str, str]:
    """`.env` of the working directory, under the real environment; `${…}` in it stays as it is typed."""
    values = dotenv_values(Path.cwd() / ".env", interpolate=False)
    from_file = {name: value or "" for name, value in values.items()}
    return {**from_file, **os.environ}


def set_up_logging(settings: Settings) -> None:
    """One line per event on standard error. Libraries are kept to warnings: they log whole payloads."""
    handler = logging.StreamHandler()
    fields = "%(asctime)s %(levelname)s %(name)s %(message)s"
    handler.setFormatter(
        JsonFormatter(fields) if settings.log_format == "json" else logging.Formatter(fields)
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("slack_bolt").setLevel(logging.ERROR)  # it warns of a token that it need not use
    logging.getLogger("slack_sdk.socket_mode").setLevel(logging.CRITICAL)  # ours says it in plain words
    logging.getLogger("evoslack").setLevel(settings.log_level)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)  # a thread that waits for an answer of Slack's would hold the end up
