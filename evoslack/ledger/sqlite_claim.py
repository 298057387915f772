"""Claims a SQLite file for one bot with a lock on the file itself: the lock file beside it can be deleted.

The lock is a `flock`, which the system releases when the bot is killed. On Linux it is independent of
SQLite's own POSIX locks. On macOS and the BSDs the two conflict, so there only the lock file is used.

SQLite's own locks have a trap: a program that closes any descriptor of a file loses all POSIX locks that it
holds on that file, SQLite's included (https://sqlite.org/howtocorrupt.html, 2.2). So a claim is never closed
while this program has a SQLite connection to its file, and a second claim here does not open the file.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sys
import threading
from pathlib import Path

from evoslack.ledger.file_modes import OWNER_ONLY

log = logging.getLogger(__name__)

Inode = tuple[int, int]  # device and inode: which file it is, whatever its name

_claimed: set[Inode] = set()  # by this program
_claiming = threading.Lock()


class Claim:
    """One file that belongs to this bot until `release`. Creates the file if there is none.

    Raises `BlockingIOError` if another bot has it, even one in this program, and `OSError` if it cannot be
    opened.
    """

    def __init__(self, path: Path) -> None:
        with _claiming:
            if inode_of(path) in _claimed:
                raise BlockingIOError(f"{path} is in use")
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, OWNER_ONLY)
            try:
                status = os.fstat(self._descriptor)
                if not status.st_size:
                    os.fchmod(
                        self._descriptor, OWNER_ONLY
                    )  # whatever the umask is; SQLite's other files follow
                self.inode: Inode = status.st_dev, status.st_ino
                _lock(self._descriptor, path)
                if inode_of(path) != self.inode:
                    raise OSError(f"{path} was deleted or replaced while it was opened")
            except OSError:
                os.close(self._descriptor)
                raise
            _claimed.add(self.inode)

    def release(self, *, is_open_elsewhere: bool) -> None:
        """Let another bot have it. With a connection still open, the file is closed when the program ends."""
        with _claiming:
            _claimed.discard(self.inode)
            if is_open_elsewhere:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            else:
                os.close(self._descriptor)


def inode_of(path: Path) -> Inode | None:
    """Which file is at this path; None if there is none, or none that can be reached."""
    try:
        status = os.stat(path)  # noqa: PTH116 - several times a transaction, and three times as fast
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _lock(descriptor: int, path: Path) -> None:
    if sys.platform != "linux":
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:  # some network file systems
        log.warning("%s cannot be locked (%s); only its lock file keeps other bots out", path, error)
