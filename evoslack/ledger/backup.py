"""Copies a SQLite ledger while a bot uses it: complete, checked, and marked as a copy.

SQLite's own backup reads one moment of the file, whatever is written meanwhile, and holds nobody up: in WAL
mode readers and the writer do not wait for each other. The copy is one file without a `-wal`. Its mark
(`user_version`) tells the bot that is started with it that the ledger was restored (`ledger.timeline`).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from evoslack.ledger.file_modes import OWNER_ONLY

IN_USE, MARKED_AS_COPY = 0, 1  # SQLite's user_version
BUSY_TIMEOUT_S = 5.0
PAGES_A_STEP = 1024  # 4 MB; then the disk is left to the bot for a moment
PAUSE_S = 0.01
MORE_ROOM = 1.05  # of the ledger's size: for what is written meanwhile

RoomIn = Callable[[Path], int]  # bytes that can still be written in this folder


class CannotBackUp(Exception):
    """There is no copy. The message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy that was made and checked."""

    path: Path
    calls: int
    size: int  # bytes

    def __str__(self) -> str:
        calls = f"{self.calls} call{'' if self.calls == 1 else 's'}"
        return f"{self.path} ({calls}, {self.size / 1e6:.1f} MB, checked)"


def room_in(folder: Path) -> int:
    """Free space there, in bytes."""
    return shutil.disk_usage(folder).free


def back_up(ledger: Path, target: Path, *, may_replace: bool = False, room: RoomIn = room_in) -> Backup:
    """Copy the SQLite file `ledger` to `target`, readable by its owner only. Raises `CannotBackUp`."""
    target = target.absolute()
    partial = target.with_name(f"{target.name}.partial")
    try:
        _require_sensible(ledger, target, may_replace)
        needed = int(sum(_size(ledger, ending) for ending in ("", "-wal")) * MORE_ROOM)
        if (free := room(target.parent)) < needed:
            raise CannotBackUp(
                f"There is no room in {target.parent}: the copy needs {needed / 1e6:.1f} MB, and "
                f"{free / 1e6:.1f} MB are free. Make room, or choose another folder"
            )
        with _own(partial) as descriptor:
            made = _copy(ledger, partial)
            os.fsync(descriptor)
            if not may_replace and target.exists():
                raise CannotBackUp(_exists(target))
            partial.replace(target)
            _sync_folder(target.parent)
            return Backup(target, made, target.stat().st_size)
    except OSError as error:
        raise CannotBackUp(
            f"{target} cannot be written: {error.strerror or error}. Make it writable, or name another file"
        ) from error
    except sqlite3.Error as error:
        raise CannotBackUp(f"{ledger} could not be copied to {target}: {error}") from error


def back_up_before(revision: str, ledger: Path, *, keep: int = 2, room: RoomIn = room_in) -> Backup:
    """Copy the ledger before its tables are changed to `revision`; older such copies are deleted.

    Raises `CannotBackUp`.
    """
    made = back_up(ledger, Path(f"{ledger}.before-{revision}"), may_replace=True, room=room)
    copies = sorted(ledger.parent.glob(f"{ledger.name}.before-*[0-9]"), key=lambda path: path.name)
    for path in [copy for copy in copies if copy != made.path][: -(keep - 1)]:
        path.unlink(missing_ok=True)
    return made


def _require_sensible(ledger: Path, target: Path, may_replace: bool) -> None:
    if not ledger.exists():
        raise CannotBackUp(f"There is no ledger yet: {ledger} does not exist. Check DATABASE_URL")
    if not target.parent.is_dir():
        raise CannotBackUp(f"There is no folder {target.parent}. Create it, or choose another one")
    if target.is_dir():
        raise CannotBackUp(f"{target} is a folder. Name a file in it, such as {target / 'evoslack.backup'}")
    own = [Path(f"{ledger.resolve()}{ending}") for ending in ("", "-wal", "-shm", ".lock")]
    if target.resolve() in own or (target.exists() and target.samefile(ledger)):
        raise CannotBackUp(f"{target} is the ledger itself. Choose another name for the copy")
    if not may_replace and (target.exists() or target.is_symlink()):
        raise CannotBackUp(_exists(target))


def _exists(target: Path) -> str:
    return f"{target} exists already, and backups are never overwritten. Put the date into the name"


def _copy(ledger: Path, partial: Path) -> int:
    """Fill `partial`; returns how many calls are in it."""
    with (
        closing(sqlite3.connect(f"{ledger.as_uri()}?mode=rw", uri=True, timeout=BUSY_TIMEOUT_S)) as source,
        closing(sqlite3.connect(partial, isolation_level=None)) as copy,
    ):
        source.isolation_level = None
        copy.execute("PRAGMA synchronous=OFF")  # it is synced once, when it is complete
        # One moment for all steps: without this, each write of the bot would start the copy over.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        source.backup(copy, pages=PAGES_A_STEP, progress=lambda *_: time.sleep(PAUSE_S))
        source.execute("ROLLBACK")
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, that nothing has to lie beside
        copy.execute(f"PRAGMA user_version={MARKED_AS_COPY}")
        (found,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise CannotBackUp(f"{ledger} is damaged ({found}). Keep your last backup; see docs/backup.md")
        if not copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'calls'").fetchone():
            raise CannotBackUp(f"{ledger} holds no calls table, so it is not a ledger. Check DATABASE_URL")
        (count,) = copy.execute("SELECT count(*) FROM calls").fetchone()
    return int(count)


@contextmanager
def _own(partial: Path) -> Iterator[int]:
    """An empty file that no other backup writes to, whatever a killed one left. Deleted if it stays."""
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, OWNER_ONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotBackUp(
                f"Another backup to {partial.name.removesuffix('.partial')} is running"
            ) from None
        inode = os.fstat(descriptor).st_ino
        os.ftruncate(descriptor, 0)
        os.fchmod(descriptor, OWNER_ONLY)  # whatever the umask is
        try:
            yield descriptor
        finally:
            with suppress(OSError):
                if partial.stat().st_ino == inode:
                    partial.unlink()
                    Path(f"{partial}-journal").unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _size(ledger: Path, ending: str) -> int:
    path = Path(f"{ledger}{ending}")
    return path.stat().st_size if path.exists() else 0


def _sync_folder(folder: Path) -> None:
    """So that the new name survives a power failure."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
