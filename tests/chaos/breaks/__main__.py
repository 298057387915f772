"""`python -m tests.chaos.breaks [--check] [--only N …]`: break the product in a copy, and see who notices.

Each break is made in a temporary copy of this tree, one at a time. The experiment that should find it runs in
its short form, then the tests that should. Ends with 1 if an experiment did not notice.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.breaks.catalog import BREAKS, Break

ROOT = Path(__file__).resolve().parents[3]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", "__pycache__", ".*_cache", "*.db")
COLUMNS = "| promise | experiment | noticed | s | tests | noticed | s |"
LONGEST_S = 900


class NotThere(Exception):
    """The text that a break replaces is not in its file exactly once."""


def main(arguments: Sequence[str]) -> int:
    """Break, run, print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.breaks", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only check that every break can be made")
    parser.add_argument("--only", nargs="+", type=int, metavar="N", help="just these, counted from 1")
    parser.add_argument("--no-tests", action="store_true", help="the experiments only")
    chosen = parser.parse_args(arguments)
    if problems := list(unmade(ROOT)):
        print(*problems, sep="\n", file=sys.stderr)
        return 1
    if chosen.check:
        print(f"All {len(BREAKS)} breaks can be made.")
        return 0
    print(COLUMNS, "| --- | --- | --- | ---: | --- | --- | ---: |", sep="\n", flush=True)
    wanted = chosen.only or range(1, len(BREAKS) + 1)
    broken = [one for number, one in enumerate(BREAKS, 1) if number in wanted]
    unnoticed = [one for one in broken if not noticed(one, tests=not chosen.no_tests)]
    for one in unnoticed:
        print(f"NOT NOTICED by {one.experiment}: {one.promise}")
    return 1 if unnoticed else 0


def unmade(tree: Path) -> Sequence[str]:
    """A sentence for each break that cannot be made in this tree."""
    problems = []
    for one in BREAKS:
        try:
            for edit in one.edits:
                edited(tree, edit.file, edit.old, edit.new)
        except NotThere as problem:
            problems.append(f"“{one.promise}” cannot be broken: {problem}")
    return problems


def edited(tree: Path, file: str, old: str, new: str) -> str:
    """The text of the file with the edit made. Raises `NotThere`."""
    path = tree / file
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if text.count(old) != 1:
        raise NotThere(f"{file} has {text.count(old)} times: {old!r}")
    return text.replace(old, new)


def noticed(one: Break, *, tests: bool) -> bool:
    """Make one break in a copy and print a row; whether the experiment noticed."""
    with tempfile.TemporaryDirectory(prefix="evoslack-broken-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=LEFT_OUT)
        for edit in one.edits:
            (tree / edit.file).write_text(edited(tree, edit.file, edit.old, edit.new), encoding="utf-8")
        experiment = ["-m", "tests.chaos", "--short", "--only", one.experiment]
        by_experiment, experiment_s = _fails(tree, experiment)
        there = [test for test in one.tests if (tree / test).exists()]
        by_tests, tests_s = _fails(tree, ["-m", "pytest", "-x", *there]) if tests and there else ("-", 0)
    cells = (one.promise, one.experiment, by_experiment, experiment_s, ", ".join(there), by_tests, tests_s)
    print("|", " | ".join(map(str, cells)), "|", flush=True)
    return by_experiment == "yes"


def _fails(tree: Path, arguments: list[str]) -> tuple[str, int]:
    """Whether this ends with 1, as a failed experiment or test does, and after how many seconds."""
    began = time.monotonic()
    try:
        ended = subprocess.run(
            [sys.executable, *arguments], cwd=tree, capture_output=True, timeout=LONGEST_S, check=False
        )
    except subprocess.TimeoutExpired:
        return "too long", LONGEST_S
    took_s = round(time.monotonic() - began)
    found = b"THE PROMISE WAS BROKEN" in ended.stdout or b" failed" in ended.stdout
    if ended.returncode and (not found or b"the experiment itself broke" in ended.stdout):  # it did not run
        print((ended.stdout + ended.stderr)[-2000:].decode(errors="replace"), file=sys.stderr)
        return "ERROR", took_s
    return ("yes" if ended.returncode else "no"), took_s


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
