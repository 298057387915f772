"""The command line: `python bot.py` and `python bot.py --check`."""

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
        f"EvoSlack cannot start. The package {missing.name} is not installed. Run\n"
        "  python3 -m venv .venv && .venv/bin/pip install -r requirements.txt\n"
        "and start it with .venv/bin/python bot.py"
    ) from None

BAD_SETTINGS, CANNOT_START = 2, 1
STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})


def main(arguments: list[str]) -> int:
    """Run the bot until SIGTERM or SIGINT. Returns the exit code: 0, 1 (cannot start) or 2 (bad settings)."""
    parser = argparse.ArgumentParser(prog="bot.py", description="Place phone calls from Slack.")
    parser.add_argument(
        "--check", action="store_true", help="check the settings and everything they lead to, then exit"
    )
    parser.add_argument("--sandbox", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
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
    set_up_logging(settings)
    if chosen.check:
        logging.disable(logging.ERROR)  # the report says it all
        from evoslack.check import check  # noqa: PLC0415 - only --check needs it

        return check(settings, print)
    return run(settings)


def run(settings: Settings) -> int:
    """Start, wait for a signal, shut down cleanly."""
    # Blocked, then waited for: a signal that a handler caught just before the wait began would be missed.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
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


def environment() -> dict[str, str]:
    """The real environment on top of `.env` in the working directory, in which `${…}` is not expanded."""
    values = dotenv_values(Path.cwd() / ".env", interpolate=False)
    from_file = {name: value or "" for name, value in values.items()}
    return {**from_file, **os.environ}


def set_up_logging(settings: Settings) -> None:
    """One line per event, on standard error. Libraries log only warnings: at INFO they log whole payloads."""
    handler = logging.StreamHandler()
    fields = "%(asctime)s %(levelname)s %(name)s %(message)s"
    handler.setFormatter(
        JsonFormatter(fields) if settings.log_format == "json" else logging.Formatter(fields)
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("slack_bolt").setLevel(logging.ERROR)  # it warns about a token it does not need
    logging.getLogger("slack_sdk.socket_mode").setLevel(
        logging.CRITICAL
    )  # socket_mode.py logs it in plain words
    logging.getLogger("evoslack").setLevel(settings.log_level)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)  # a thread still waiting for Slack would delay the exit
