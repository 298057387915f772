"""What `--check` says about the file `.env`, which holds tokens and a password."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from evoslack.check.finding import Finding
from evoslack.environment import FILE_NAME

_OTHERS_READ = 0o044


def findings(folder: Path) -> Iterator[Finding]:
    """A note if others can read it; nothing if there is none, or only its owner can."""
    path = folder / FILE_NAME
    try:
        mode = path.stat().st_mode & 0o777
    except OSError:
        return
    if mode & _OTHERS_READ:
        yield Finding(
            "secrets", True, f"note: other users can read {path} (mode {mode:o}); run chmod 600 {path}"
        )
