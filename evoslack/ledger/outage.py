"""Tells a database that is away from a defect of ours."""

from __future__ import annotations

import sqlalchemy as sa

from evoslack.ledger.database_words import database_problem
from evoslack.ledger.sqlite_file import LedgerLost

_AWAY = (LedgerLost, sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError)
# SQLite calls these operational, too.
_OUR_DEFECT = ("no such table", "no such column", "no such index", "no query solution")


def database_outage(error: BaseException) -> str | None:
    """Why the database cannot be used, in words, if this error says that; else None."""
    if not isinstance(error, Exception):
        return None
    is_lost = isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated
    if not (is_lost or isinstance(error, _AWAY)) or any(words in str(error) for words in _OUR_DEFECT):
        return None
    if isinstance(error, sa.exc.TimeoutError):  # its text is about SQLAlchemy
        return "no connection was free in time"
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig is not None else error
    return database_problem(cause if isinstance(cause, Exception) else error)
