"""`python -m tests.chaos [--short] [--only NAME …]`: every experiment, a table of what came of it, and JSON.

Ends with 1 if a phone rang twice, or after a no, or for a person who may not call, or if anyone was left in
the dark.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos.side_by_side import GROUPS, run_all
from tests.chaos.tally import Tally

EXPERIMENTS = tuple(name for group, _width in GROUPS for name in group)
COLUMNS = (
    *("what", "presses", "rings 0", "rings 1", "rings 2+"),
    *("after an error", "after a no", "not allowed"),
    *("told", "lost"),
)


def main(arguments: Sequence[str]) -> int:
    """Run, print, write; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--short", action="store_true", help="less of everything, in about four minutes")
    parser.add_argument("--only", nargs="+", choices=EXPERIMENTS, help="just these experiments")
    parser.add_argument("--json", type=Path, default=Path("chaos.json"), help="where the figures go")
    chosen = parser.parse_args(arguments)
    wanted = chosen.only or EXPERIMENTS
    started = time.monotonic()
    tallies = run_all(wanted, "short" if chosen.short else "long")
    took_s = round(time.monotonic() - started, 1)
    _print(tallies, took_s)
    command = f"make {'chaos-short' if chosen.short else 'chaos'}"
    chosen.json.write_text(json.dumps(_as_json(tallies, command, took_s), indent=2, ensure_ascii=False))
    return 0 if all(tally.kept for tally in tallies) else 1


def _row(tally: Tally) -> list[str]:
    rings = tally.rings
    numbers = (tally.runs, rings["0"], rings["1"], rings["2+"])
    wrongly = (tally.after_error, tally.after_no, tally.not_allowed)
    return [tally.what, *map(str, (*numbers, *wrongly, tally.told, len(tally.lost)))]


def _print(tallies: Sequence[Tally], took_s: float) -> None:
    rows = [list(COLUMNS), *(_row(tally) for tally in tallies if not tally.not_run)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    rows.insert(1, ["-" * width for width in widths])
    for row in rows:  # Markdown, for docs/guarantee.md
        print("|", " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)), "|")
    print()
    for tally in tallies:
        for name, value in tally.figures.items():
            print(f"- {tally.what}: {name} {value}")
    for tally in tallies:
        if tally.not_run:
            print(f"NOT RUN: {tally.what}: {tally.not_run}")
        for story in tally.lost:
            print(f"LOST in {tally.what}: {story}")
    kept = all(tally.kept for tally in tallies)
    print(f"\n{'The promise was kept' if kept else 'THE PROMISE WAS BROKEN'} ({took_s} s).")


def _as_json(tallies: Sequence[Tally], command: str, took_s: float) -> dict[str, object]:
    return {
        "command": command,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "took_s": took_s,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "experiments": [vars(tally) | {"rings": dict(tally.rings), "kept": tally.kept} for tally in tallies],
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
