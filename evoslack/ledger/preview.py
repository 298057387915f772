"""What opening a database would come to, found out without opening it: for `--check`.

Read-only. On PostgreSQL, tables that are missing are created and rolled back: that is the only way to know
that it would work, and nobody can see them or has to wait for them.
"""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from evoslack.ledger import postgres, tables
from evoslack.ledger.database_words import UnusableUrl, database_problem
from evoslack.ledger.schema import metadata
from evoslack.ledger.sqlite_file import ENDINGS, missing_file
from evoslack.ledger.store import Store


@dataclass(frozen=True, slots=True)
class Preview:
    """Whether a bot could open the database, and what it would find, or why not.

    `is_in_use`: by another bot, so it cannot be opened right now.
    """

    is_ok: bool
    words: str
    is_in_use: bool = False


def preview(url: str) -> Preview:
    """What a bot that starts with this DATABASE_URL would find."""
    try:
        store = Store(url)
    except UnusableUrl as problem:
        return Preview(False, f"DATABASE_URL {problem}")
    try:
        if store.file is not None:
            return _file(store, store.file)
        with store.engine.connect() as connection:
            return _postgres(connection)
    except tables.MadeByNewer as newer:
        return Preview(False, f"{newer}.")
    except (sa.exc.SQLAlchemyError, OSError) as error:
        return Preview(False, f"{database_problem(error)}; check DATABASE_URL.")
    finally:
        store.engine.dispose()


def _file(store: Store, file: Path) -> Preview:
    if problem := missing_file(file) or _file_problem(file):
        return Preview(False, f"{problem}.")
    if not file.exists():
        return Preview(True, f"{file} will be created on first start")
    if is_held(file):
        words = f"{file} is in use by a bot that is running. If you start another one, stop that one first"
        return Preview(True, words, is_in_use=True)
    with store.engine.connect() as connection:
        return Preview(True, f"SQLite, {_tables_words(tables.version_of(connection))}")


def _file_problem(file: Path) -> str | None:
    """What keeps this user from using the file and what lies beside it; the same files a bot opens."""
    if not file.parent.is_dir():
        return f"{file.parent} is not writable: there is no such folder"
    if not _is_writable(file.parent):
        return f"{file.parent} is not writable by this user"
    for each in (Path(f"{file}{ending}") for ending in (*ENDINGS, ".lock")):
        if each.exists() and not each.is_file():
            return f"{each} is not a file"
        if each.exists() and not _is_writable(each):
            owner = each.stat().st_uid
            return f"{each} is not writable by this user; it belongs to user {owner}"
    return None


def _is_writable(path: Path) -> bool:
    return os.access(path, os.R_OK | os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def is_held(file: Path) -> bool:
    """Whether a bot has locked the file or its lock file. Tries each lock for an instant, and creates none.

    Not for a program that has the file open in SQLite itself: see `sqlite_claim`.
    """
    return any(_is_locked(Path(f"{file}{ending}")) for ending in (".lock", ""))


def _is_locked(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    finally:
        os.close(descriptor)
    return False


def _postgres(connection: sa.Connection) -> Preview:
    version = tables.version_of(connection)
    if connection.execute(sa.text("SELECT pg_is_in_recovery()")).scalar_one():
        return Preview(False, "this PostgreSQL is a read-only replica; check DATABASE_URL.")
    if version is None:
        if not postgres.may_migrate(connection):
            return Preview(True, "PostgreSQL; a bot is creating its tables right now", is_in_use=True)
        try:
            tables.upgrade(connection)
        finally:
            connection.rollback()
    else:
        # What comes with a newer version is created then; what is there must be usable now.
        there = sa.inspect(connection).get_table_names()
        names = [name for name in (*metadata.tables, "alembic_version") if name in there]
        is_old = version != tables.newest_version()
        if missing := postgres.missing_rights(connection, names, owns=is_old):
            return Preview(
                False, f"the login lacks {'; '.join(missing)}. Grant it, or use the tables' owner."
            )
    return Preview(True, f"PostgreSQL, {_tables_words(version)}")


def _tables_words(version: str | None) -> str:
    if version is None:
        return "without tables; they will be created on first start"
    newest = tables.newest_version()
    return "tables up to date" if version == newest else f"tables {version}; start updates them to {newest}"
