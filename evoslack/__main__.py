"""Starts the command line, quickly: `evoslack`, `python -m evoslack`, and `python bot.py` in a checkout."""

from __future__ import annotations

import gc

gc.disable()  # imports leave no garbage, and to search for it takes a tenth of the start

from evoslack.cli import entry  # noqa: E402

gc.freeze()
gc.enable()

__all__ = ["entry"]

if __name__ == "__main__":
    entry()
