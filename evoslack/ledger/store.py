"""Opens the database, brings its tables up to date, and holds it for this program.

SQLite belongs to one bot at a time: a lock beside the file and one on it say so, and the system lets go of
both even when the bot is killed. That is also how a bot knows at its start that every call still being
placed is an orphan. PostgreSQL may be shared by several bots.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from filelock import FileLock, Timeout

from evoslack.ledger.sqlite_file import Connection, LedgerFile, LedgerLost

BUSY_TIMEOUT_S = 2  # a listener has three seconds in all, and the person wants a sentence before that
LOCKED_TIMEOUT_S = 1  # for a SQLite file that another program has locked, after waiting for one's turn
GIVES_WAY_AFTER_S = 0.1  # for threads that look again anyway
MIGRATION_LOCK = 0x45564F  # one number that all bots agree on, for PostgreSQL's advisory lock

_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",  # readers and the one writer do not wait for each other
    "PRAGMA synchronous=FULL",  # written down means on the disk, also when the power goes
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",  # what is deleted after HISTORY_DAYS is overwritten
)
_POSTGRES = {
    "connect_timeout": BUSY_TIMEOUT_S,
    # synchronous_commit: what was committed must survive a crash, whatever the server's default is.
    "options": (
        f"-c statement_timeout={BUSY_TIMEOUT_S}s -c lock_timeout={BUSY_TIMEOUT_S}s -c synchronous_commit=on"
    ),
    # A server that vanished silently is noticed in seconds instead of minutes.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 5000,
}


class _Manner(threading.local):
    """How patient this thread is with a locked file."""

    locked_timeout_s: float = LOCKED_TIMEOUT_S


_manner = _Manner()


class MadeByNewer(Exception):
    """The tables are those of a later version."""


class LedgerTaken(Exception):
    """Another bot is using this SQLite file."""


class Store:
    """A database: `url` is `sqlite:///file` or `postgresql+psycopg://…`."""

    def __init__(self, url: str) -> None:
        self._url = sa.make_url(url)
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        self._lock: FileLock | None = None
        self._lock_inode = 0
        self._file: LedgerFile | None = None
        where: dict[str, Any] = {"connect_args": _POSTGRES, "pool_size": 10, "max_overflow": 40}
        if self.is_sqlite:
            self._file = LedgerFile(
                Path(self._url.database or "").resolve(), _SQLITE_PRAGMAS, self._require_lock
            )
            # One connection, in turns: SQLite has one writer at a time, and lets somebody starve for seconds
            # when many compete for it. Whoever has it must not keep the others waiting either.
            where = {"creator": self._file.connect, "pool_size": 1, "max_overflow": 0}
        self.engine = sa.create_engine(
            self._url,
            **where,
            pool_timeout=BUSY_TIMEOUT_S,
            hide_parameters=True,  # errors go to the log, and parameters are full numbers
            pool_pre_ping=not self.is_sqlite,  # a restarted PostgreSQL costs one ping, not one call
        )
        if self._file is not None:
            _watch(self.engine, self._file)

    @property
    def file(self) -> Path | None:
        """The SQLite file; None for PostgreSQL."""
        return None if self._file is None else self._file.path

    def open(self) -> None:
        """Take the database and bring its tables up to date.

        Raises `LedgerTaken`, or what the database says when it cannot be used.
        """
        if self._file is not None:
            self._take(self._file)
        with self.engine.connect() as connection:
            if not self.is_sqlite:
                connection.execute(sa.text("SET statement_timeout = 0"))
                connection.execute(sa.text("SET lock_timeout = 0"))
                connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
                connection.commit()
            config = Config()
            config.set_main_option("script_location", "evoslack.ledger:migrations")
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise MadeByNewer("it was made by a newer EvoSlack; run that one") from error
            finally:
                connection.rollback()
                connection.invalidate()  # drops the lock and the timeouts with it

    def time(self) -> datetime | None:
        """The database's clock, which all bots share; None for SQLite, which has none of its own."""
        if self.is_sqlite:
            return None
        with self.engine.connect() as connection:
            at: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
        return at

    def answers(self) -> bool:
        """Whether the database can be asked right now."""
        try:
            with self.engine.connect() as connection:
                connection.execute(sa.text("SELECT 1"))
        except sa.exc.SQLAlchemyError:
            return False
        return True

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()
        if self._file is not None:
            self._file.release()
        self._release_lock()

    def _take(self, file: LedgerFile) -> None:
        if not file.path.parent.is_dir():
            raise FileNotFoundError(f"there is no folder {file.path.parent}")
        self._acquire(Path(f"{file.path}.lock"))
        try:
            file.take()
        except BlockingIOError:  # somebody deleted the lock of a bot that runs
            self._release_lock()
            raise LedgerTaken(str(file.path)) from None

    def _acquire(self, path: Path) -> None:
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise LedgerTaken(str(path.with_suffix(""))) from None
        self._lock, self._lock_inode = lock, path.stat().st_ino

    def _release_lock(self) -> None:
        if self._lock is not None:
            self._lock.release()

    def _require_lock(self) -> None:
        """Make sure that the file is still ours: whoever deleted it may have deleted the lock beside it."""
        if self._file is None or self._lock is None:
            return
        path = Path(f"{self._file.path}.lock")
        if path.exists() and path.stat().st_ino == self._lock_inode:
            return
        if not path.parent.is_dir():  # the lock would make one
            raise LedgerLost(f"there is no folder {path.parent} any more")
        try:
            self._acquire(path)
        except LedgerTaken as taken:
            raise LedgerLost(f"another bot has {taken} by now") from taken


def impatient(step: Callable[[], bool]) -> Callable[[], bool]:
    """The same step, for a thread that looks again anyway: it does not insist while the file is locked."""

    def patient() -> bool:
        _manner.locked_timeout_s = GIVES_WAY_AFTER_S
        return step()

    return patient


def _watch(engine: sa.Engine, file: LedgerFile) -> None:
    """Begin nothing and commit nothing unless the file is where it will be found again."""

    def checkout(connection: Connection, *_: object) -> None:
        file.mended()
        if not file.is_behind(connection):
            raise sa.exc.DisconnectionError  # the pool opens another one

    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={int(_manner.locked_timeout_s * 1000)}")
        # Python's driver would begin late and not for changes of tables; a half-made migration must vanish.
        connection.exec_driver_sql("BEGIN")

    def commit(connection: sa.Connection) -> None:
        writing = connection.connection.dbapi_connection
        if not (isinstance(writing, Connection) and file.is_behind(writing)):
            raise LedgerLost(f"{file.path} was deleted or replaced meanwhile")

    for name, listener in (("checkout", checkout), ("begin", begin), ("commit", commit)):
        sa.event.listen(engine, name, listener)


def database_problem(error: Exception) -> str:
    """The first line of what a database complains about, without addresses and hints that follow."""
    lines = str(error.__cause__ or error).strip().splitlines()
    return lines[0][:150] if lines else type(error).__name__
