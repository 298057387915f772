"""Opens the database, brings its tables up to date, and holds it for this program.

A SQLite file belongs to one bot at a time. A lock beside the file and one on it enforce that, and the system
releases both even when the bot is killed. So a bot knows at its start that every call still being placed is
an orphan. PostgreSQL may be shared by several bots.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler

from evoslack.ledger import postgres, tables
from evoslack.ledger.backup import back_up_before
from evoslack.ledger.database_words import readable_url
from evoslack.ledger.fair_pool import FairPool
from evoslack.ledger.file_modes import OWNER_ONLY, keep_to_owner
from evoslack.ledger.round_trips import AUTOCOMMIT
from evoslack.ledger.sqlite_file import LedgerLost, SqliteFile

log = logging.getLogger(__name__)

BUSY_TIMEOUT_S = 2  # a listener has three seconds in all, and the person must get an answer within them
LOCK_TIMEOUT_S = 1  # for a SQLite file that another program has locked, once the connection is free
READERS = 8  # connections to a SQLite file that only read: enough for all who export or publish tabs
SHORT_LOCK_TIMEOUT_S = 0.1  # for threads that try again soon anyway

_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",  # readers and the one writer do not wait for each other
    "PRAGMA synchronous=FULL",  # what was committed survives a power failure
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",  # what is deleted after HISTORY_DAYS is overwritten
)


class _LockTimeout(threading.local):
    """How long this thread waits for a locked SQLite file, in seconds."""

    seconds: float = LOCK_TIMEOUT_S


_lock_timeout = _LockTimeout()


class LedgerTaken(Exception):
    """Another bot is using this SQLite file."""


class Store:
    """One database: `url` is `sqlite:///file` or `postgresql+psycopg://…`.

    Can be used without `open`, then nothing is checked, claimed or created.
    """

    def __init__(self, url: str) -> None:
        self._url = readable_url(url)
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        self._lock: FileLock | None = None
        self._file: SqliteFile | None = None
        if self.is_sqlite:
            self._file = SqliteFile(Path(self._url.database or "").resolve(), _SQLITE_PRAGMAS)
            # One connection for all threads, first come first served: SQLite has one writer at a time, and
            # can starve one for seconds when many compete. Nobody may keep the others waiting for it.
            options: dict[str, Any] = {
                "creator": self._file.connect,
                "poolclass": FairPool,
                "pool_size": 1,
                "max_overflow": 0,
                "pool_timeout": BUSY_TIMEOUT_S,
            }
        else:
            options = postgres.engine_options(self._url)
        self.engine = sa.create_engine(
            self._url,
            **options,
            hide_parameters=True,  # errors are logged, and parameters contain full numbers
        )
        # Reads that may take long: beside the writer, which never waits for them.
        self.readers = self.engine
        self._limits: postgres.Limits | None = None
        self._autocommit = self.engine
        if self._file is not None:
            _watch(self.engine, self._file)
            self.readers = _readers(self._url, self._file)
        else:
            self._limits = postgres.Limits(self.engine)
            self._autocommit = self.engine.execution_options(isolation_level=AUTOCOMMIT)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection for one statement that only reads; on PostgreSQL it needs no transaction then."""
        sets_limits = self._limits is not None and self._limits.in_transactions
        engine = self.engine if sets_limits else self._autocommit
        with engine.connect() as connection:
            yield connection

    @property
    def file(self) -> Path | None:
        """The SQLite file; None for PostgreSQL."""
        return None if self._file is None else self._file.path

    def open(self) -> None:
        """Take the database and bring its tables up to date.

        Raises `LedgerTaken`, `CannotBackUp`, `tables.MadeByNewer`, or what the database raises if it
        cannot be used.
        """
        try:
            if self._file is not None:
                self._take(self._file)
            with self.engine.begin() as connection:
                self._migrate(connection)
            if self._limits is not None and self._limits.in_transactions:
                self.engine.dispose()  # the connections from before that was known prepare statements
            if self._file is not None:
                self._file.checkpoint()  # a copy of the main file alone has at least the tables
        except BaseException:
            self.close()  # so that it can be tried again
            raise

    def _migrate(self, connection: sa.Connection) -> None:
        """Bring the tables up to date in one transaction, alone."""
        if self._limits is not None:
            self._limits.check(connection)
            postgres.wait_for_migration(connection)
        self._keep_copy(connection)
        tables.upgrade(connection)

    def rest(self) -> None:
        """While nothing is written to a SQLite ledger, bring all of it into its main file."""
        if self._file is not None:
            self._file.rest()

    def time(self) -> datetime | None:
        """The database's clock, which all bots share; None for SQLite, which has none of its own."""
        if self.is_sqlite:
            return None
        with self.engine.connect() as connection:
            at: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
        return at

    def answers(self) -> bool:
        """Whether the database answers right now."""
        try:
            with self.engine.connect() as connection:
                connection.execute(sa.text("SELECT 1"))
        except sa.exc.SQLAlchemyError:
            return False
        return True

    def close(self) -> None:
        """Close all connections and let another bot have the file."""
        self.readers.dispose()
        self.engine.dispose()
        if self._file is not None:
            self._file.close()
        self._release_lock()

    def _take(self, file: SqliteFile) -> None:
        if not file.path.parent.is_dir():
            raise FileNotFoundError(f"there is no folder {file.path.parent}")
        lock = Path(f"{file.path}.lock")
        keep_to_owner([lock])
        self._lock = FileLock(lock, mode=OWNER_ONLY)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise LedgerTaken(str(file.path)) from None
        try:
            file.open()
        except BlockingIOError:  # the lock file of a running bot was deleted
            self._release_lock()
            raise LedgerTaken(str(file.path)) from None

    def _keep_copy(self, connection: sa.Connection) -> None:
        """Before tables with calls in them are changed, the SQLite file is copied."""
        current, head = tables.version_of(connection), tables.newest_version()
        if self._file is None or current in {None, head}:
            return
        made = back_up_before(head, self._file.path)
        log.warning(
            "the tables are brought up to date (%s to %s); before that, the ledger was copied to %s",
            *(current, head, made),
        )

    def _release_lock(self) -> None:
        if self._lock is not None:
            self._lock.release()


def with_short_lock_timeout(step: Callable[[], bool]) -> Callable[[], bool]:
    """The same step, for a thread that tries again soon anyway: it waits only briefly for a locked file."""

    def short_step() -> bool:
        _lock_timeout.seconds = SHORT_LOCK_TIMEOUT_S
        return step()

    return short_step


def _readers(url: sa.URL, file: SqliteFile) -> sa.Engine:
    """Connections that only read, each as of the moment when its transaction began."""
    engine = sa.create_engine(
        url,
        creator=file.connect_reader,
        poolclass=sa.QueuePool,
        pool_size=READERS,
        max_overflow=0,
        pool_timeout=BUSY_TIMEOUT_S,
        hide_parameters=True,
    )
    engine.dialect.statement_compiler = _WithHints
    _watch(engine, file)
    return engine


class _WithHints(SQLiteCompiler):
    """Lets a query name the index to use; SQLAlchemy leaves out SQLite's INDEXED BY."""

    def get_from_hint_text(self, table: object, text: str | None) -> str | None:  # noqa: ARG002
        return text


def _watch(engine: sa.Engine, file: SqliteFile) -> None:
    """Begin and commit nothing while the file is not where it will be found again."""

    def checkout(*_: object) -> None:
        file.check()

    def begin(connection: sa.Connection) -> None:
        driver: Any = connection.connection.driver_connection  # quicker than SQLAlchemy, in every transaction
        try:
            driver.execute(f"PRAGMA busy_timeout={int(_lock_timeout.seconds * 1000)}")
            # Python would begin late, and not for changes of tables; a half-made migration must vanish.
            driver.execute("BEGIN")
        except sqlite3.Error as error:
            raise sa.exc.OperationalError("BEGIN", None, error) from error

    def commit(_connection: sa.Connection) -> None:
        if not file.is_there():  # the next transaction reports it: this one would block the copy
            raise LedgerLost(f"{file.path} was deleted or replaced, so the transaction was rolled back")

    for name, listener in (("checkout", checkout), ("begin", begin), ("commit", commit)):
        sa.event.listen(engine, name, listener)
