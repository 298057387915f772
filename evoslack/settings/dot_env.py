"""Reads `.env`: lines `NAME=value`, as python-dotenv reads them, but no line is passed over in silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from dotenv.parser import parse_stream

from evoslack.settings.text_file import Missing, Unreadable, read_text_file

FILE_NAME = ".env"


@dataclass(frozen=True, slots=True)
class DotEnv:
    """What one file says. `problems` are sentences; a file with any must not be used."""

    path: Path
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    problems: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()  # names that are set twice; the last one counts


def read_dot_env(folder: Path) -> DotEnv | None:
    """`.env` in that folder, in which `${…}` is not expanded; None if there is no such file.

    A line that cannot be read is a problem: python-dotenv would only log it, and a setting that is lost can
    widen what is allowed. The sentence has the line's number and not the line, which may be a secret.
    """
    path = folder / FILE_NAME
    try:
        text = read_text_file(path)
    except Missing:
        return None
    except Unreadable as problem:
        return DotEnv(path, problems=(str(problem),))
    values: dict[str, str] = {}
    wrong: list[int] = []
    repeated: list[str] = []
    for line in parse_stream(StringIO(text)):
        if line.error or (line.key is not None and line.value is None):
            skipped = line.original.string
            wrong.append(line.original.line + skipped[: len(skipped) - len(skipped.lstrip())].count("\n"))
        elif line.key is not None and line.value is not None:
            repeated += [line.key] if line.key in values else []
            values[line.key] = line.value
    problems = (f"{path}, {_lines(wrong)}: write NAME=value, and close every quote.",) if wrong else ()
    return DotEnv(path, values, problems, tuple(dict.fromkeys(repeated)))


def _lines(numbers: list[int]) -> str:
    return f"line{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
