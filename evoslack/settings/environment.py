"""Where the settings come from: the environment, on top of the file `.env` in the working directory."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evoslack.settings.dot_env import DotEnv, read_dot_env
from evoslack.settings.names import FILE, SECRETS, check_names
from evoslack.settings.settings import BadSettings, Settings, database_url
from evoslack.settings.text_file import Unreadable, read_text_file
from evoslack.settings.working_folder import WorkingFolder, checkout


@dataclass(frozen=True, slots=True)
class Environment:
    """The settings, and what the operator should know about where they came from."""

    settings: Settings
    facts: tuple[tuple[str, str], ...]  # of what, and the words: which files are used
    warnings: tuple[str, ...]
    variables: Mapping[str, str] = field(repr=False)  # with those of `.env`


@dataclass(frozen=True, slots=True)
class _Values:
    """The value of each variable; secrets that were in a file of their own too, or why they were not."""

    values: Mapping[str, str] = field(repr=False)
    unreadable: Mapping[str, str]


def read_environment(variables: Mapping[str, str], beside: Path | None = None) -> Environment:
    """Read the settings: `variables` is the real environment, which wins over `.env`.

    `beside` is the folder of bot.py; by default that is found out. Raises `BadSettings` with a sentence for
    each problem; the last one says which file was read.
    """
    try:
        folder = WorkingFolder(Path.cwd(), beside or checkout())
    except OSError:
        raise BadSettings(["The working directory was deleted. Start EvoSlack in another one."]) from None
    dot_env = read_dot_env(folder.folder)
    if dot_env is not None and dot_env.problems:  # everything else would seem to be missing
        raise BadSettings([*dot_env.problems])
    in_file = {} if dot_env is None else dot_env.values
    given = {**in_file, **variables}
    names = check_names(given, in_file, Settings.names())
    read = _with_secrets(given)
    problems = list(names.errors)
    try:
        settings = Settings.from_env(read.values, read.unreadable)
        problems += filter(None, [folder.second_ledger(settings.database_url)])
    except BadSettings as bad:
        problems += bad.problems
    except (OSError, RuntimeError):  # a name that is too long, a folder that is closed, links in a circle
        problems.append("DATABASE_URL names a SQLite file in a place that EvoSlack cannot read.")
    origin = f"read from {dot_env.path} and the environment." if dot_env else folder.missing_dot_env()
    if problems:
        raise BadSettings(problems, note=f"{origin[:1].upper()}{origin[1:]}")
    facts = [("settings", origin)]
    if folder.is_relative(settings.database_url):
        file = folder.ledger_file(settings.database_url)
        facts.append(("ledger", f"{file}, because DATABASE_URL is relative to the working directory."))
    warnings = (*names.warnings, *_oddities(dot_env), folder.other_ledger(settings.database_url))
    return Environment(settings, tuple(facts), tuple(each for each in warnings if each), given)


def read_database_url(variables: Mapping[str, str]) -> str:
    """Only DATABASE_URL, for what needs no other setting. Raises `BadSettings`."""
    dot_env = read_dot_env(Path.cwd())
    if dot_env is not None and dot_env.problems:
        raise BadSettings([*dot_env.problems])
    read = _with_secrets({**(dot_env.values if dot_env else {}), **variables})
    return database_url(read.values, read.unreadable)


def _with_secrets(given: Mapping[str, str]) -> _Values:
    """Put each secret that a file holds in its place. An empty `…_FILE` counts as not set."""
    values, unreadable = dict(given), {}
    for secret in SECRETS:
        file = given.get(f"{secret}{FILE}", "").strip()
        if not file:
            continue
        if given.get(secret, "").strip():
            unreadable[secret] = f"{secret} and {secret}{FILE} are both set; remove one of them."
            continue
        try:
            values[secret] = _one_secret(Path.cwd() / file)
        except Unreadable as problem:
            unreadable[secret] = f"{secret}{FILE}: {problem}"
    return _Values(values, unreadable)


def _one_secret(path: Path) -> str:
    """The only line of that file, without the line break that editors add. Raises `Unreadable`."""
    line = read_text_file(path).removesuffix("\n").removesuffix("\r")
    if not line.strip():
        raise Unreadable(f"{path} is empty; write the secret in it.")
    if "\n" in line or "\r" in line:
        raise Unreadable(f"{path} has more than one line; write only the secret in it.")
    return line


def _oddities(dot_env: DotEnv | None) -> Iterator[str]:
    """What is odd about the file itself."""
    if dot_env is None:
        return
    for name in dot_env.repeated:
        if name in Settings.names():
            yield f"{name} is set more than once in {dot_env.path}; the last line counts."
    if stat.S_ISREG(mode := dot_env.path.stat().st_mode) and mode & stat.S_IRWXO:
        yield f"other users of this machine can read {dot_env.path}, which holds secrets; chmod it to 600."
