"""How EvoSlack uses PostgreSQL: its connections, their limits, and what is different behind PgBouncer.

The limits belong to a connection and are set as it opens. PgBouncer rejects or drops them, and in
transaction mode each transaction may run on another connection. Where that is noticed, every transaction
sets its own limits, and statements are not prepared (docs/decisions/0014-starting.md).
"""

from __future__ import annotations

import logging
import re
from typing import Any

import sqlalchemy as sa

from evoslack.ledger.round_trips import begin_with_first_statement, discard_closed_connections

log = logging.getLogger(__name__)

TIMEOUT_S = 2  # a listener has three seconds in all, and the person must get an answer within them
# Four bots fit into PostgreSQL's usual 100 connections, three of which it keeps for its administrators.
POOL_SIZE, MOST_CONNECTIONS = 8, 22
MIGRATION_LOCK = 0x45564F  # the key of PostgreSQL's advisory lock, the same for all bots

LIMITS = {
    "statement_timeout": f"{TIMEOUT_S}s",
    "lock_timeout": f"{TIMEOUT_S}s",
    "synchronous_commit": "on",  # what was committed must survive a crash, whatever the server's default is
}
_CONNECT = {
    "connect_timeout": TIMEOUT_S,
    # A server that vanished silently is noticed in seconds instead of minutes.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 5000,
}
_NO_OPTIONS = "unsupported startup parameter"  # what PgBouncer answers
# What libpq says when it will not help to try again; an error before the login has no code.
_HOPELESS = re.compile(
    r"authentication failed|does not exist|no pg_hba\.conf entry|no password supplied|not support SSL"
    r"|certificate|SSL error|not permitted to log in|permission denied|unsupported frontend protocol"
)


def engine_options(url: sa.URL) -> dict[str, Any]:
    """Options for `create_engine`. What the address says itself, such as `connect_timeout`, wins."""
    connect: dict[str, Any] = {name: value for name, value in _CONNECT.items() if name not in url.query}
    connect["options"] = " ".join([*(f"-c {name}={value}" for name, value in LIMITS.items()), _options(url)])
    return {
        "connect_args": connect,
        "pool_size": POOL_SIZE,
        "max_overflow": MOST_CONNECTIONS - POOL_SIZE,
        "pool_timeout": TIMEOUT_S,
    }


def _options(url: sa.URL) -> str:
    given = url.query.get("options", "")
    return given if isinstance(given, str) else " ".join(given)


class Limits:
    """Keeps the limits of this engine's transactions, with PgBouncer in between or without.

    `in_transactions`: each transaction sets them itself.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self.in_transactions = False
        sa.event.listen(engine, "do_connect", self._connect)
        begin_with_first_statement(engine, lambda: not self.in_transactions)
        sa.event.listen(engine, "begin", self._begin)
        discard_closed_connections(engine)  # a restarted PostgreSQL costs a new connection, not one call

    def check(self, connection: sa.Connection) -> None:
        """Set the limits in each transaction from now on, if `connection` came without them."""
        names = sa.select(*(sa.func.current_setting(name) for name in LIMITS))
        if not self.in_transactions and tuple(connection.execute(names).one()) != tuple(LIMITS.values()):
            self._set_in_transactions()
            set_locally(connection, LIMITS)

    def _set_in_transactions(self) -> None:
        self.in_transactions = True
        log.info("something like PgBouncer is in front of PostgreSQL; each transaction sets its own limits")

    def _connect(
        self, dialect: sa.Dialect, _record: object, cargs: list[Any], cparams: dict[str, Any]
    ) -> Any:
        if not self.in_transactions:
            try:
                return dialect.connect(*cargs, **cparams)
            except Exception as error:
                if _NO_OPTIONS not in str(error):
                    raise
                self._set_in_transactions()
        given = _options(self._engine.url)
        cparams = {**cparams, "options": given} if given else {**cparams}
        if not given:
            cparams.pop("options", None)
        return dialect.connect(*cargs, **cparams, prepare_threshold=None)

    def _begin(self, connection: sa.Connection) -> None:
        if self.in_transactions:
            set_locally(connection, LIMITS)


def set_locally(connection: sa.Connection, limits: dict[str, str]) -> None:
    """Set these for the transaction that is open, in one statement."""
    connection.execute(sa.select(*(sa.func.set_config(*each, True) for each in limits.items())))


def wait_for_migration(connection: sa.Connection) -> None:
    """Until no other bot migrates; then it is ours until the transaction ends, however long it takes."""
    set_locally(connection, {"statement_timeout": "0", "lock_timeout": "0"})
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))


def may_migrate(connection: sa.Connection) -> bool:
    """Whether no other bot migrates right now; then it is ours until the transaction ends."""
    return bool(connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(MIGRATION_LOCK))).scalar_one())


def is_passing(error: BaseException) -> bool:
    """Whether the server may simply be away or busy: trying again later may help."""
    if isinstance(error, sa.exc.TimeoutError):  # no connection of ours was free
        return True
    return isinstance(error, sa.exc.OperationalError) and not _HOPELESS.search(str(error.orig))


def missing_rights(connection: sa.Connection, tables: list[str], *, owns: bool) -> list[str]:
    """The rights that this login lacks on tables that exist; `owns`: it must be able to change them."""
    found = []
    for table in tables:
        lacking = [
            right
            for right in ("SELECT", "INSERT", "UPDATE", "DELETE")
            if not connection.execute(sa.select(sa.func.has_table_privilege(table, right))).scalar_one()
        ]
        if lacking:
            found.append(f"{', '.join(lacking)} on {table}")
    if owns and not found:
        owner = sa.text("SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass(:name)")
        found = [
            f"ownership of {table}"
            for table in tables
            if not connection.execute(owner, {"name": table}).scalar()
        ]
    return found
