"""Spares round trips to PostgreSQL: each one is a wait, and a press waits for every one of its own.

BEGIN travels with the first statement of a transaction, a single read needs no transaction, and whether a
resting connection is still open is seen on this side of it (docs/decisions/0017-one-press-one-commit.md).
"""

from __future__ import annotations

import selectors
from collections.abc import Callable
from typing import Any

import psycopg
import sqlalchemy as sa

AUTOCOMMIT = "AUTOCOMMIT"  # SQLAlchemy's word for statements without a transaction
_IDLE = psycopg.pq.TransactionStatus.IDLE


def begin_with_first_statement(engine: sa.Engine, is_possible: Callable[[], bool]) -> None:
    """Send BEGIN and the first statement of each transaction together, and wait once for both.

    `is_possible` is asked each time; a pooler in between may not let several statements through at once.
    The driver would wait for its BEGIN. So it is told that it need not begin, but only while we do; whatever
    comes another way, such as `executemany`, finds a driver that begins as usual.
    """
    if not psycopg.Pipeline.is_supported():
        return

    def begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("isolation_level") != AUTOCOMMIT:
            driver: Any = connection.connection.driver_connection
            if driver.autocommit:  # the last transaction was one of ours
                driver.autocommit = False

    def do_execute(cursor: psycopg.Cursor[Any], statement: str, parameters: Any, _context: object) -> bool:
        connection = cursor.connection
        if connection.autocommit or connection.info.transaction_status != _IDLE or not is_possible():
            return False
        connection.autocommit = True
        try:
            with connection.pipeline():
                connection.execute("BEGIN")
                cursor.execute(statement, parameters)
        finally:
            if connection.info.transaction_status == _IDLE:
                connection.autocommit = False  # nothing was begun
        return True  # executed, and its answer is here

    sa.event.listen(engine, "begin", begin)
    sa.event.listen(engine, "do_execute", do_execute)


def discard_closed_connections(engine: sa.Engine) -> None:
    """Replace a connection that its server has closed before anybody uses it, without asking the server.

    A server that ends says so on each connection, and keepalives find one that vanished. Either can be read
    from the connection, and nothing else can while it rests. Only if something can, the server is asked.
    """

    def checkout(connection: psycopg.Connection[Any], _record: object, _proxy: object) -> None:
        if connection.closed or _has_input(connection):
            try:
                engine.dialect.do_ping(connection)  # type: ignore[arg-type]
            except psycopg.Error:
                raise sa.exc.InvalidatePoolError from None

    sa.event.listen(engine, "checkout", checkout)


def _has_input(connection: psycopg.Connection[Any]) -> bool:
    with selectors.DefaultSelector() as waiting:
        waiting.register(connection.fileno(), selectors.EVENT_READ)
        return bool(waiting.select(0))
