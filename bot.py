"""Starts EvoSlack from a checkout: `python bot.py`. `python bot.py --help` lists what else it does."""

from __future__ import annotations

try:
    from evoslack.__main__ import entry
except ModuleNotFoundError as missing:
    raise SystemExit(
        f"EvoSlack cannot start. The package {missing.name} is not installed. Run\n"
        "  python3 -m venv .venv && .venv/bin/pip install -r requirements.txt\n"
        "and start it with .venv/bin/python bot.py"
    ) from None

if __name__ == "__main__":
    entry()
