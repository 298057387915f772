"""Watches the SQLite file under the ledger: nothing is written into a file that was deleted or replaced.

A program can keep writing into a deleted file that it has open; all of that is gone when the program ends.
So the files are checked before each transaction and each commit. While they are lost, every transaction
raises `LedgerLost`, and a complete copy is saved beside them for the operator to put in place. Why EvoSlack
does not do that itself: docs/decisions/0010-a-deleted-database.md.
"""

from __future__ import annotations

import glob
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from weakref import WeakSet

import sqlalchemy as sa

from evoslack.ledger.file_modes import keep_to_owner
from evoslack.ledger.sqlite_claim import Claim, Inode, inode_of

log = logging.getLogger(__name__)

_HELD_TIMEOUT_MS = 5000  # of the connection that stays open, when it must get at the file
_EMPTY = (
    "{} is empty: its first start broke off, or it is a copy made without its -wal. "
    "Put a whole backup there, or delete it to start empty"
)
ENDINGS = ("", "-wal", "-shm")  # the database, its latest commits, and the locks that programs share


class LedgerLost(sa.exc.SQLAlchemyError):
    """The SQLite file was deleted or replaced, so nothing can be written down."""


class _Connection(sqlite3.Connection):
    """Only a subclass can be kept in a `WeakSet`."""


class SqliteFile:
    """One SQLite file, watched between `open` and `close`."""

    def __init__(self, path: Path, pragmas: Sequence[str]) -> None:
        self.path = path
        self._pragmas = pragmas
        self._opened: dict[Path, Inode | None] = {}  # which files they were; empty while none is watched
        self._held: _Connection  # stays open: a deleted file can be read through it
        self._connections: WeakSet[_Connection] = WeakSet()
        self._resources = ExitStack()
        self._reporting = threading.Lock()
        self._is_lost = False
        self._copy: Path | None = None  # of the lost file
        self._written = (0, 0)  # size and time of the `-wal` when `rest` was called last

    def open(self) -> None:
        """Claim the file, create it if there is none, and watch it from now on.

        Raises `BlockingIOError` if another bot has it, `FileNotFoundError` if only a saved copy is there, or
        what the system or SQLite raises if the file cannot be used.
        """
        if problem := missing_file(self.path):
            raise FileNotFoundError(problem)
        may_lack_tables = not _has_content(self.path) or Path(f"{self.path}-wal").exists()
        with ExitStack() as on_error:
            claim = Claim(self.path)
            # A thread that did not stop in time may still have a connection when the claim is released.
            on_error.callback(lambda: claim.release(is_open_elsewhere=len(self._connections) > 0))
            keep_to_owner(Path(f"{self.path}{ending}") for ending in ENDINGS)
            self._held = on_error.enter_context(closing(self._connect("rwc")))
            on_error.callback(self._connections.discard, self._held)
            self._held.execute("BEGIN IMMEDIATE")
            self._held.execute("PRAGMA user_version=0")  # fails now if the file is read-only
            self._held.rollback()
            # One page: nothing was ever committed here. A first start that failed leaves more.
            if not may_lack_tables and self._held.execute("PRAGMA page_count").fetchone() == (1,):
                raise OSError(_EMPTY.format(self.path.name))
            paths = [Path(f"{self.path}{ending}") for ending in ENDINGS]
            opened = {path: inode_of(path) for path in paths}
            if opened[self.path] != claim.inode:
                raise OSError(f"{self.path} was deleted or replaced while it was opened")
            self._opened, self._resources = opened, on_error.pop_all()

    def close(self) -> None:
        """Stop watching. A lost file without a copy is copied now: later there is nothing left to read."""
        self._is_lost = self._copy is not None
        with suppress(LedgerLost):
            self.check()
        self.checkpoint()
        if self.is_there():  # else a transaction that is still open must not commit
            self._opened = {}
        self._resources.close()

    def connect(self) -> sqlite3.Connection:
        """A connection for the pool. It never creates the file: that would be an empty ledger."""
        self.check()
        return self._connect("rw")

    def connect_reader(self) -> sqlite3.Connection:
        """The same, for reading only: it cannot write, whatever is asked of it."""
        self.check()
        return self._connect("ro")

    def is_there(self) -> bool:
        """Whether what is written now will be found again."""
        return all(inode_of(path) == inode for path, inode in self._opened.items())

    def check(self) -> None:
        """Raise `LedgerLost` if the file was deleted or replaced; the first time, log it and save a copy."""
        if self.is_there() and not self._is_lost:
            return
        with self._reporting:
            was_lost, self._is_lost = self._is_lost, not self.is_there()
            if self._is_lost and not was_lost:
                self._save_copy()
            elif was_lost and not self._is_lost:
                log.warning("%s is back; EvoSlack is using it again", self.path)
                if self._copy is not None:
                    self._copy.unlink(missing_ok=True)  # out of date from now on
                self._copy = None
            if self._is_lost:
                raise LedgerLost(f"{self.path} was deleted or replaced")

    def rest(self) -> None:
        """Bring all commits into the main file if none was added since the last time.

        For people who copy only that file, and for a file that is put in its place later: SQLite would read
        an old `-wal` into it. Nobody waits for this.
        """
        try:
            status = Path(f"{self.path}-wal").stat()
        except OSError:
            return
        before, self._written = self._written, (status.st_size, status.st_mtime_ns)
        if status.st_size and before == self._written:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Bring all commits into the main file now, unless a reader or a writer is in the way."""
        with self._reporting, suppress(sqlite3.Error):
            if not self._opened or not self.is_there():
                return
            self._held.execute("PRAGMA busy_timeout=0")
            # Copying holds up nobody. Emptying takes the lock, but then nothing is left to copy.
            busy, pages, copied = self._held.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if not busy and pages == copied:
                self._held.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._held.execute(f"PRAGMA busy_timeout={_HELD_TIMEOUT_MS}")

    def _save_copy(self) -> None:
        lost = [str(path) for path, inode in self._opened.items() if inode_of(path) != inode]
        log.error("the ledger is lost, so nothing is dialed. Deleted or replaced: %s", ", ".join(lost))
        partial = Path(f"{self.path}.partial")
        copy = Path(f"{self.path}.rescued-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
        try:
            partial.unlink(missing_ok=True)
            partial.touch(0o600)
            self._held.execute("VACUUM INTO ?", (str(partial),))
            with partial.open("rb") as saved:
                os.fsync(saved.fileno())  # SQLite does not wait for the disk here
            partial.replace(copy)
        except (OSError, sqlite3.Error) as error:
            log.error("the ledger could not be copied (%s). EvoSlack tries once more when it stops", error)
            with suppress(OSError):
                partial.unlink(missing_ok=True)
        else:
            self._copy = copy
            log.error(
                "the whole ledger was saved in %s. Stop EvoSlack, move that file to %s, and start EvoSlack",
                *(copy, self.path),
            )
        busy = True
        with suppress(sqlite3.Error):
            # Empties -wal, which SQLite would otherwise read into any other file that is put at this path.
            busy, *_ = self._held.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy and self._copy is not None and inode_of(self.path) == self._opened[self.path]:
            # Another program reads, so this file lacks the latest commits: no bot may start with it.
            with suppress(OSError):
                self.path.replace(f"{self.path}.stale")

    def _connect(self, mode: str) -> _Connection:
        connection = sqlite3.connect(
            f"{self.path.as_uri()}?mode={mode}",
            uri=True,
            check_same_thread=False,  # the pool lends it to one thread after another
            isolation_level=None,  # the store begins transactions
            factory=_Connection,
        )
        self._connections.add(connection)
        try:
            for pragma in self._pragmas:
                connection.execute(pragma)
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _has_content(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def missing_file(path: Path) -> str | None:
    """What to do if only copies of a lost file are left; None in all other cases."""
    copies = [] if path.exists() else path.parent.glob(f"{glob.escape(path.name)}.rescued-*")
    if not (newest := max((copy.name for copy in copies), default="")):
        return None
    return f"{path.name} is missing. Rename {newest} to {path.name}, or move it away to start empty"
