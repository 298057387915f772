"""Says on a SQLite file itself that a bot has it, whoever deletes the lock file beside it.

By `flock`, which the system lets go of when the bot is killed. On Linux it does not touch the POSIX locks of
SQLite; on macOS and the BSDs the two are in each other's way, so there the lock file beside it has to do.

SQLite's own locks have a trap: a program that closes any descriptor of a file loses all POSIX locks that it
has on that file, SQLite's too (https://sqlite.org/howtocorrupt.html, 2.2). So a claim is never closed while
this program has a SQLite connection to its file, and a claim that fails opens nothing that is claimed here.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sys
import threading
from pathlib import Path

log = logging.getLogger(__name__)

Inode = tuple[int, int]  # device and inode: which file it is, whatever its name

_taken: set[Inode] = set()  # by this program
_taking = threading.Lock()


class Claim:
    """One file that this bot has, until `release`.

    Making one makes the file if there is none. Raises `BlockingIOError` if another bot has it, also one in
    this program, and `OSError` if it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        with _taking:
            if _inode_at(path) in _taken:
                raise BlockingIOError(f"{path} is in use")
            self._number = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                found = os.fstat(self._number)
                self.inode: Inode = found.st_dev, found.st_ino
                _lock(self._number, path)
                if _inode_at(path) != self.inode:
                    raise OSError(f"{path} was deleted or replaced while it was opened")
            except OSError:
                os.close(self._number)
                raise
            _taken.add(self.inode)

    def release(self, *, is_open_elsewhere: bool) -> None:
        """Let others have it. If a connection is open still, the end of the program closes the descriptor."""
        with _taking:
            _taken.discard(self.inode)
            if is_open_elsewhere:
                fcntl.flock(self._number, fcntl.LOCK_UN)
            else:
                os.close(self._number)


def _lock(number: int, path: Path) -> None:
    if sys.platform != "linux":
        return
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:  # some network file systems
        log.warning("%s cannot be locked (%s); only its lock file keeps other bots out", path, error)


def _inode_at(path: Path) -> Inode | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
