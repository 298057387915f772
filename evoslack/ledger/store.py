"""Opens the database, brings its tables up to date, and holds it for this program.

SQLite belongs to one bot at a time: a lock beside the file says so, and the system lets go of it even
when the bot is killed. That is also how a bot knows at its start that every call still being placed is
an orphan. PostgreSQL may be shared by several bots.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from filelock import FileLock, Timeout

BUSY_TIMEOUT_S = 2  # a listener has three seconds in all, and the person wants a sentence before that
MIGRATION_LOCK = 0x45564F  # one number that all bots agree on, for PostgreSQL's advisory lock

_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",  # readers and the one writer do not wait for each other
    "PRAGMA synchronous=FULL",  # written down means on the disk, also when the power goes
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000}",
    "PRAGMA foreign_keys=ON",
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


class LedgerTaken(Exception):
    """Another bot is using this SQLite file."""


class Store:
    """A database: `url` is `sqlite:///file` or `postgresql+psycopg://…`."""

    def __init__(self, url: str) -> None:
        self._url = sa.make_url(url)
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        self._lock: FileLock | None = None
        arguments: dict[str, Any] = {"timeout": BUSY_TIMEOUT_S}
        if not self.is_sqlite:
            arguments = dict(_POSTGRES)
        self.engine = sa.create_engine(
            self._url,
            connect_args=arguments,
            pool_size=10,
            max_overflow=40,
            pool_timeout=BUSY_TIMEOUT_S,
            hide_parameters=True,  # errors go to the log, and parameters are full numbers
            pool_pre_ping=not self.is_sqlite,  # a restarted PostgreSQL costs one ping, not one call
        )
        if self.is_sqlite:
            sa.event.listen(self.engine, "connect", _set_pragmas)
            sa.event.listen(self.engine, "begin", _begin)

    @property
    def file(self) -> Path | None:
        """The SQLite file; None for PostgreSQL."""
        return Path(self._url.database or "").resolve() if self.is_sqlite else None

    def open(self) -> None:
        """Take the database and bring its tables up to date.

        Raises `LedgerTaken`, or what the database says when it cannot be used.
        """
        if self.file is not None:
            self._take(self.file)
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
            finally:
                connection.rollback()
                connection.invalidate()  # drops the lock and the timeouts with it

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
        if self._lock is not None:
            self._lock.release()

    def _take(self, file: Path) -> None:
        if not file.parent.is_dir():
            raise FileNotFoundError(f"there is no folder {file.parent}")
        self._lock = FileLock(f"{file}.lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise LedgerTaken(str(file)) from None


def _begin(connection: sa.Connection) -> None:
    """Python's driver would begin late and not for changes of tables; a half-made migration must vanish."""
    connection.exec_driver_sql("BEGIN")


def _set_pragmas(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # leave beginning to `_begin`
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(pragma)


def database_problem(error: Exception) -> str:
    """The first line of what a database complains about, without addresses and hints that follow."""
    lines = str(error.__cause__ or error).strip().splitlines()
    return lines[0][:150] if lines else type(error).__name__
