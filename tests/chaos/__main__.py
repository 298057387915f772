"""`python -m tests.chaos [--short] [--only NAME …]`: every experiment, a table of what came of it, and JSON.

Ends with 1 if a phone rang twice or anybody was left in the dark. What measures times runs alone, the rest
side by side, because most of it is waiting.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos.tally import Scale, Tally

ALONE = ("storm",)
SIDE_BY_SIDE = ("fleet", "crash_points", "random_kills", "bad_phone")  # the longest first
COLUMNS = ("what", "runs", "rings 0", "rings 1", "rings 2+", "told", "lost")


def main(arguments: Sequence[str]) -> int:
    """Run, print, write; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--short", action="store_true", help="less of everything, in under three minutes")
    parser.add_argument("--only", nargs="+", choices=[*ALONE, *SIDE_BY_SIDE], help="just these experiments")
    parser.add_argument("--json", type=Path, default=Path("chaos.json"), help="where the figures go")
    chosen = parser.parse_args(arguments)
    wanted = chosen.only or [*ALONE, *SIDE_BY_SIDE]
    started = time.monotonic()
    tallies = _run_all(wanted, "short" if chosen.short else "long")
    took_s = round(time.monotonic() - started, 1)
    _print(tallies, took_s)
    command = f"make {'chaos-short' if chosen.short else 'chaos'}"
    chosen.json.write_text(json.dumps(_as_json(tallies, command, took_s), indent=2, ensure_ascii=False))
    return 0 if all(tally.kept for tally in tallies) else 1


def _run_all(wanted: Sequence[str], scale: Scale) -> list[Tally]:
    found: list[Tally] = []
    context = multiprocessing.get_context("spawn")
    for group, width in ((ALONE, 1), (SIDE_BY_SIDE, len(SIDE_BY_SIDE))):
        with ProcessPoolExecutor(width, mp_context=context) as pool:
            running = [pool.submit(_run, name, scale) for name in group if name in wanted]
            for done in as_completed(running):
                found += done.result()
    return found


def _run(name: str, scale: Scale) -> list[Tally]:
    started = time.monotonic()
    tallies: list[Tally] = importlib.import_module(f"tests.chaos.{name}").run(scale)
    print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return tallies


def _row(tally: Tally) -> list[str]:
    rings = tally.rings
    numbers = (tally.runs, rings["0"], rings["1"], rings["2+"], tally.told, len(tally.lost))
    return [tally.what, *map(str, numbers)]


def _print(tallies: Sequence[Tally], took_s: float) -> None:
    rows = [list(COLUMNS), *map(_row, tallies)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    rows.insert(1, ["-" * width for width in widths])
    for row in rows:  # Markdown, for docs/guarantee.md
        print("|", " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)), "|")
    print()
    for tally in tallies:
        for name, value in tally.figures.items():
            print(f"- {tally.what}: {name} {value}")
    for tally in tallies:
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
        "experiments": [dataclasses.asdict(tally) | {"kept": tally.kept} for tally in tallies],
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
