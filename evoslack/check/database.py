"""What `--check` says about the database."""

from __future__ import annotations

import os

import sqlalchemy as sa

from evoslack.check.finding import Finding
from evoslack.ledger.sqlite_file import missing_file
from evoslack.ledger.store import Store, database_problem


def finding(url: str) -> Finding:
    """Whether the database can be used. A missing SQLite file is created on first start."""
    store = Store(url)
    file = store.file
    if file is not None and (problem := missing_file(file)):
        return Finding("database", False, f"{problem}.")
    if file is not None and not file.exists():
        is_ok = os.access(file.parent, os.W_OK)
        words = f"{file} will be created on first start" if is_ok else f"{file.parent} is not writable."
        return Finding("database", is_ok, words)
    try:
        with store.engine.connect() as connection:
            connection.execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError as error:
        return Finding("database", False, f"{database_problem(error)}; check DATABASE_URL.")
    finally:
        store.engine.dispose()
    return Finding("database", True, "SQLite" if store.is_sqlite else "PostgreSQL")
