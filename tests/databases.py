"""Databases that already have their tables: creating those for every test is most of the time tests take."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from evoslack.ledger.store import Store


def new_sqlite(path: Path) -> str:
    """A file at `path` with all tables and no rows; its address as DATABASE_URL takes it."""
    shutil.copyfile(_with_tables(), path)
    path.chmod(0o600)  # as a bot makes it
    return f"sqlite:///{path}"


def create_tables(url: str) -> None:
    """As a bot does at its first start."""
    store = Store(url)
    store.open()
    store.close()


def tables_of_version(version: str, url: str) -> sa.Engine:
    """A new database as an older version of EvoSlack left it."""
    config, engine = Config(), sa.create_engine(url)
    config.set_main_option("script_location", "evoslack.ledger:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
    return engine


@cache
def _with_tables() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="evoslack-tables-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    create_tables(f"sqlite:///{folder}/ledger.db")
    return folder / "ledger.db"
