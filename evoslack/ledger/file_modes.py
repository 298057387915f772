"""Keeps the ledger's files to their owner: they hold every number that was called."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

log = logging.getLogger(__name__)

OWNER_ONLY = 0o600
_OTHERS = 0o077  # any right of the group or of everyone


def keep_to_owner(paths: Iterable[Path]) -> None:
    """Take the rights of everyone else away, and say so. Files that are not there are left out."""
    tightened = []
    for path in paths:
        try:
            mode = path.stat().st_mode
            if mode & _OTHERS:
                path.chmod(mode & ~_OTHERS)  # by name: a descriptor would cost SQLite its locks when closed
                tightened.append(path.name)
        except FileNotFoundError:
            continue
        except OSError as error:
            log.warning("other users can read %s, and that cannot be changed: %s", path, error.strerror)
    if tightened:
        log.warning("other users could read %s; now only the owner can (mode 600)", ", ".join(tightened))
