"""What is found relative to the working directory, and what may stand elsewhere instead.

`.env` and the default database are read from the working directory. Started in another one, a bot would
run without the settings that were written for it, or begin a second, empty ledger: an old press would be
dialed again, because the ledger that knows it is not there.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import evoslack
from evoslack.settings.dot_env import FILE_NAME

_SQLITE = "sqlite:///"
DEFAULT_LEDGER = "evoslack.db"


def checkout() -> Path | None:
    """The folder of bot.py, if this is a checkout and not an installed package."""
    folder = Path(evoslack.__file__).parent.parent
    return folder if (folder / "bot.py").is_file() else None


@dataclass(frozen=True, slots=True)
class WorkingFolder:
    """The working directory, and the checkout if there is one."""

    folder: Path
    checkout: Path | None

    def missing_dot_env(self) -> str:
        """Says that no `.env` was read, and where one stands instead."""
        words = f"no {FILE_NAME} was read: there is none in {self.folder}"
        if self.checkout is not None and _is_file(self.checkout / FILE_NAME):
            words += f", but there is one in {self.checkout}. To use it, start EvoSlack in that folder"
        return f"{words}."

    def ledger_file(self, database_url: str) -> Path | None:
        """The file of a SQLite ledger; None for PostgreSQL."""
        return (self.folder / _name(database_url)).resolve() if database_url.startswith(_SQLITE) else None

    def is_relative(self, database_url: str) -> bool:
        """Whether the ledger's file depends on the working directory."""
        return database_url.startswith(_SQLITE) and not Path(_name(database_url)).is_absolute()

    def second_ledger(self, database_url: str) -> str | None:
        """A sentence if a start would create an empty ledger although that one seems to stand elsewhere.

        Only for a relative name: who writes an absolute one knows which file is meant.
        """
        file = self.ledger_file(database_url)
        if self.checkout is None or file is None or _exists(file) or not self.is_relative(database_url):
            return None
        other = (self.checkout / _name(database_url)).resolve()
        if not _is_file(other) or other == file:
            return None
        return (
            f"DATABASE_URL means {file}, which does not exist, but there is a ledger in {other}. "
            f"To use that one, start EvoSlack in {self.checkout}, or set DATABASE_URL={_SQLITE}{other}. "
            f"To begin an empty one, set DATABASE_URL={_SQLITE}{file}."
        )

    def other_ledger(self, database_url: str) -> str | None:
        """A hint if a start creates an empty ledger, as asked for, while a default one stands nearby."""
        file = self.ledger_file(database_url)
        if file is None or _exists(file) or self.is_relative(database_url):
            return None
        nearby = [folder / DEFAULT_LEDGER for folder in (self.folder, self.checkout) if folder is not None]
        other = next((each for each in nearby if _is_file(each)), None)
        if other is None:
            return None
        why = "because DATABASE_URL names another file"
        return f"a new ledger will be created at {file}; {other} is not used, {why}."


def _name(database_url: str) -> str:
    """The file's name as it is written, with %20 and the like decoded, as SQLAlchemy does."""
    return unquote(database_url.removeprefix(_SQLITE))


def _is_file(path: Path) -> bool:
    """Whether that file can be seen: what stands in a closed folder is nothing to hint at."""
    return os.path.isfile(path)  # noqa: PTH113 - pathlib's raises for a closed folder


def _exists(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 - as above
