"""The SQLite file under the ledger: nothing is written into a deleted one, and a deleted one is put back.

A program that has a file open can go on writing into it after somebody deleted it, and nobody will ever read
that. So the file is looked at before each transaction and before each commit. Two connections, the keepers,
stay open as long as the bot runs; with them the content of a deleted file can still be read. The file is
claimed before SQLite opens it, a new one before anybody can find it.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from weakref import WeakSet

import sqlalchemy as sa

from evoslack.ledger.sqlite_claim import Claim

log = logging.getLogger(__name__)

# Which files are there, whatever their names: device and inode of the file, of the -wal beside it, which has
# the latest commits, and of the -shm, through which programs share their locks; None for one that is missing.
_Inode = tuple[int, int] | None
_Home = tuple[_Inode, _Inode, _Inode]
_NEVER = (-1, -1)


class LedgerLost(sa.exc.SQLAlchemyError):
    """The ledger's file is not where it was, so nothing can be written down."""


class Connection(sqlite3.Connection):
    """A connection that remembers which file it was made for; None when nobody watched over it."""

    home: _Home | None = None
    open_ones: WeakSet[Connection] | None = None  # where it stands until it is closed

    def close(self) -> None:
        """Also where it stands."""
        super().close()
        if self.open_ones is not None:
            self.open_ones.discard(self)


class LedgerFile:
    """One SQLite file, watched over between `take` and `release`."""

    def __init__(self, path: Path, pragmas: Sequence[str], require_lock: Callable[[], None]) -> None:
        self.path = path
        self._require_lock = require_lock  # raises LedgerLost if another bot has the file by now
        self._pragmas = pragmas
        self._home: _Home | None = None
        self._keepers: list[Connection] = []
        self._claims: list[Claim] = []  # of this file, and before it of those that were deleted
        self._open_ones: WeakSet[Connection] = WeakSet()
        self._mending = threading.Lock()
        self._stranger: _Home | None = None  # what the log was told of already

    def take(self) -> None:
        """Make the file if there is none, and watch over it from now on.

        Raises `BlockingIOError` if another bot has it, or what SQLite says when it cannot be used.
        """
        with suppress(PermissionError):  # which SQLite says better
            self._claims.append(Claim(self.path))
        try:
            self._keep("rwc")
        except (OSError, sqlite3.Error):
            self._let_go()
            raise

    def release(self) -> None:
        """Watch no longer."""
        try:
            self.mended()  # a last time: with the keepers everything would be gone
        except LedgerLost as lost:
            log.error("the ledger is lost: %s", lost)
        with self._mending:
            self._home = None
            for keeper in self._keepers:
                keeper.close()
            self._let_go()

    def _let_go(self) -> None:
        for claim in self._claims:
            # A thread that the stop did not wait for may have a connection still.
            claim.release(is_open_elsewhere=len(self._open_ones) > 0)
        self._claims.clear()

    def connect(self) -> Connection:
        """A connection to the file. It never makes one: that would be an empty ledger."""
        home = self.mended()
        connection = self._opened("rw")
        connection.home = home
        return connection

    def is_behind(self, connection: Connection) -> bool:
        """Whether what is written through this connection will be found again."""
        home = self._home  # once: it changes when the file is put back
        return connection.home == home and (home is None or self._found() == home)

    def mended(self) -> _Home | None:
        """Which file it is, put back first if somebody deleted it; raises `LedgerLost` if that fails."""
        if self._home is None or self._found() == self._home:
            return self._home
        with self._mending:
            found = self._found()
            if self._home is not None and found != self._home:
                if found[0] not in {None, self._home[0]}:
                    raise self._replaced(found)
                self._require_lock()
                try:
                    self._put_back()
                except (OSError, sqlite3.Error) as error:
                    raise LedgerLost(f"{self.path} was deleted and cannot be put back: {error}") from error
                log.error(
                    "%s, or a file beside it, was deleted; EvoSlack put it back with everything in it",
                    self.path,
                )
            return self._home

    def _replaced(self, found: _Home) -> LedgerLost:
        if found != self._stranger:
            log.error(
                "another file was put at %s, so EvoSlack dials nothing. Move it away, and EvoSlack puts its "
                "own back; or start EvoSlack again to go on with the new one",
                self.path,
            )
        self._stranger = found
        return LedgerLost(f"another file was put at {self.path}")

    def _put_back(self) -> None:
        holder, reader = keepers = self._keepers
        copy = self._beside(".restored")
        copy.unlink(missing_ok=True)
        copy.touch(0o600)
        holder.execute("BEGIN IMMEDIATE")  # what is being committed just now gets in, and nothing after it
        try:
            reader.execute("VACUUM INTO ?", (str(copy),))
            claim = Claim(copy)
            self._claims.append(claim)
            _flush(copy)
            for ending in ("-wal", "-shm"):  # the deleted file's, which must not be read into this one
                self._beside(ending).unlink(missing_ok=True)
            # Ours from here on, though nobody may write into it before it has keepers.
            self._home = claim.inode, _NEVER, _NEVER
            copy.replace(self.path)
            _flush(self.path.parent)
        finally:
            holder.rollback()
        self._keep("rw")
        for keeper in keepers:
            keeper.close()

    def _keep(self, mode: str) -> None:
        with ExitStack() as unless_all_is_well:
            keepers, home_tabs = [], []
            for each in (mode, "rw"):
                keeper = unless_all_is_well.enter_context(closing(self._opened(each)))
                keeper.execute("BEGIN IMMEDIATE")
                keeper.execute("PRAGMA user_version=0")  # whoever may not write learns it now
                keeper.rollback()
                keepers.append(keeper)
                home_tabs.append(self._found())
            if len({*home_tabs}) > 1 or not self._claims or self._claims[-1].inode != home_tabs[0][0]:
                raise OSError(f"{self.path} was deleted again while it was opened")
            unless_all_is_well.pop_all()
        self._keepers, self._home = keepers, home_tabs[0]

    def _opened(self, mode: str) -> Connection:
        connection = sqlite3.connect(
            f"{self.path.as_uri()}?mode={mode}",
            uri=True,
            check_same_thread=False,  # the pool lends it to one thread after another
            isolation_level=None,  # leave beginning to the store
            factory=Connection,
        )
        connection.open_ones = self._open_ones
        self._open_ones.add(connection)
        try:
            for pragma in self._pragmas:
                connection.execute(pragma)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _found(self) -> _Home:
        return _inode(self.path), _inode(self._beside("-wal")), _inode(self._beside("-shm"))

    def _beside(self, ending: str) -> Path:
        return self.path.with_name(self.path.name + ending)


def _inode(path: Path) -> _Inode:
    try:
        found = os.stat(path)  # noqa: PTH116 - several times a transaction, and three times as quick
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
