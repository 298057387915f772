"""One line of the report of `--check`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: what was checked, whether it is right, and what was found or what to do."""

    what: str
    is_ok: bool
    words: str
