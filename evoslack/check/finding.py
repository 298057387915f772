"""One line of the report of `--check`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: what was checked, whether it is right, and what was found or what to do.

    `is_note`: it is right as far as can be told from here, and the words say what cannot.
    """

    what: str
    is_ok: bool
    words: str
    is_note: bool = False

    @property
    def label(self) -> str:
        """How the line begins."""
        if not self.is_ok:
            return "PROBLEM"
        return "note" if self.is_note else "ok"
