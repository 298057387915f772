"""Databases that already have their tables: creating those for every test is most of the time tests take."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

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


@cache
def _with_tables() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="evoslack-tables-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    create_tables(f"sqlite:///{folder}/ledger.db")
    return folder / "ledger.db"
