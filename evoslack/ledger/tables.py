"""Brings the tables of a database up to date, and says beforehand whether it would have to.

Alembic is imported only to change tables, or to know a version that is not the newest: the import takes
longer than the rest of opening a ledger, and nearly every start finds its tables up to date.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

NEWEST = "0009"  # the last file in `migrations/versions`
_VERSION_TABLE = "alembic_version"
_VERSIONS = sa.text("SELECT version_num FROM alembic_version")
_MIGRATING = threading.Lock()  # Alembic's context is global: one migration at a time in this process


class MadeByNewer(Exception):
    """The tables were made by a later version of EvoSlack."""


def version_of(connection: sa.Connection) -> str | None:
    """The version of the tables; None if there are none yet. Changes nothing. Raises `MadeByNewer`."""
    if not sa.inspect(connection).has_table(_VERSION_TABLE):
        return None
    found = [str(row.version_num) for row in connection.execute(_VERSIONS)]
    if any(version != NEWEST for version in found):
        _require_known(found)
    return found[0] if found else None


def newest_version() -> str:
    """The version of the tables that this EvoSlack uses."""
    return NEWEST


def upgrade(connection: sa.Connection) -> None:
    """Bring the tables up to date within the transaction of `connection`. Raises `MadeByNewer`."""
    with _MIGRATING:
        if version_of(connection) != NEWEST:
            from alembic import command  # noqa: PLC0415 - see above

            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _require_known(versions: list[str]) -> None:
    """Raises `MadeByNewer`."""
    from alembic.util import CommandError  # noqa: PLC0415 - see above

    try:
        for version in versions:
            _script().get_revision(version)
    except CommandError as error:
        words = "its tables were made by a newer EvoSlack; run that one, or restore a backup made before it"
        raise MadeByNewer(words) from error


def _config() -> Config:
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", "evoslack.ledger:migrations")
    return config


@cache
def _script() -> ScriptDirectory:
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - see above

    return ScriptDirectory.from_config(_config())
