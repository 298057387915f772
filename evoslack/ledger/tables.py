"""Brings the tables of a database up to date, and says beforehand whether it would have to."""

from __future__ import annotations

import threading
from functools import cache

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

_MIGRATING = threading.Lock()  # Alembic's context is global: one migration at a time in this process


class MadeByNewer(Exception):
    """The tables were made by a later version of EvoSlack."""


def version_of(connection: sa.Connection) -> str | None:
    """The version of the tables; None if there are none yet. Changes nothing. Raises `MadeByNewer`."""
    heads = MigrationContext.configure(connection).get_current_heads()
    if not heads:
        return None
    try:
        for head in heads:
            _script().get_revision(head)
    except CommandError as error:
        words = "its tables were made by a newer EvoSlack; run that one, or restore a backup made before it"
        raise MadeByNewer(words) from error
    return heads[0]


def newest_version() -> str | None:
    """The version of the tables that this EvoSlack uses."""
    return _script().get_current_head()


def upgrade(connection: sa.Connection) -> None:
    """Bring the tables up to date within the transaction of `connection`. Raises `MadeByNewer`."""
    with _MIGRATING:
        if version_of(connection) != newest_version():
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "evoslack.ledger:migrations")
    return config


@cache
def _script() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
