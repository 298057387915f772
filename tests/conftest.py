"""Fixtures for every test: clean settings, the stand-ins, and both databases for real."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import settings

from evoslack.ledger.store import Store
from sandbox.evo.voice import EvoVoice
from sandbox.slack.workspace import SlackWorkspace
from tests.databases import new_sqlite
from tests.postgres import Postgres, postgres

# The same examples on every machine, however slow it is.
settings.register_profile("steady", deadline=None, derandomize=True, database=None)
settings.load_profile("steady")

SETTINGS = (
    *("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_COMMAND", "SLACK_API_URL"),
    *("HEALTH_HOST", "HEALTH_PORT"),
    *("HOST", "PORT", "EVO_BASE_URL", "EVO_USERNAME", "EVO_PASSWORD", "EVO_ACCOUNT_ID", "EVO_FLOWS"),
    *("EVO_CALLER_ID", "EVO_USER_MAP", "CALLS_CHANNEL", "DEFAULT_REGION", "ALLOWED_COUNTRIES"),
    *("MAX_CALLS_AT_ONCE", "MAX_WAIT_SECONDS", "HISTORY_DAYS", "DATABASE_URL", "LOG_LEVEL", "LOG_FORMAT"),
)
# A proxy would catch loopback traffic, libpq reads its own variables, and systemd would be notified.
SURROUNDINGS = (
    *("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "PGHOST", "PGPORT", "PGUSER"),
)


def pytest_collection() -> None:
    """Nothing that collecting tests makes is garbage: looking for it takes longer than collecting."""
    gc.disable()


def pytest_collection_finish() -> None:
    """From here on there is garbage; `_quick_collections` keeps looking for it quick."""
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _nothing_from_outside() -> Iterator[None]:
    """Keep the developer's settings out of tests and of programs that tests start."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (*SETTINGS, *SURROUNDINGS, *map(str.lower, SURROUNDINGS)):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module", autouse=True)
def _quick_collections() -> Iterator[None]:
    """Python's garbage collector leaves alone what was there before a module of tests.

    Hundreds of thousands of objects are alive here. A collection would stop every thread for a second, and
    then a press is late, as it should be.
    """
    gc.freeze()
    yield
    gc.collect()


class CompiledOnce(dict[Any, Any]):
    """SQLAlchemy's cache of compiled statements, for every engine of a driver."""

    @staticmethod
    def _of_the_driver(key: tuple[Any, ...]) -> tuple[Any, ...]:
        dialect, *statement = key
        return (type(dialect), *statement)

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        return super().get(self._of_the_driver(key), default)

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        super().__setitem__(self._of_the_driver(key), compiled)


@pytest.fixture(scope="session", autouse=True)
def _statements_are_compiled_once() -> Iterator[None]:
    """Each story opens a ledger of its own; compiling all statements anew was a sixth of all tests' time."""
    compiled = CompiledOnce()

    def share(connection: sa.Connection) -> None:
        connection.execution_options(compiled_cache=compiled)

    sa.event.listen(sa.Engine, "engine_connect", share)
    yield
    sa.event.remove(sa.Engine, "engine_connect", share)


@pytest.fixture
def evo() -> Iterator[EvoVoice]:
    """A started stand-in Evo Voice with its standard world."""
    with EvoVoice() as stand_in:
        yield stand_in


@pytest.fixture
def slack() -> Iterator[SlackWorkspace]:
    """A started stand-in Slack with its standard team."""
    workspace = SlackWorkspace()
    workspace.start()
    yield workspace
    workspace.close()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A database file with all tables and no rows."""
    return new_sqlite(tmp_path / "ledger.db")


@pytest.fixture
def new_sqlite_url(tmp_path: Path) -> str:
    """A database file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A real PostgreSQL of our own."""
    with postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> str:
    """A database with all tables and no rows, as `postgresql+psycopg://…`."""
    postgres_server.clear()
    return postgres_server.url


@pytest.fixture
def new_postgres_url(postgres_server: Postgres) -> str:
    """A database without tables."""
    postgres_server.empty()
    return postgres_server.url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A database of each kind with all tables and no rows: every promise of the ledger holds on both."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(params=["sqlite", "postgres"])
def new_database_url(request: pytest.FixtureRequest) -> str:
    """A database of each kind without tables."""
    return str(request.getfixturevalue(f"new_{request.param}_url"))


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """An open store on each kind of database."""
    store = Store(database_url)
    store.open()
    yield store
    store.close()
