"""One line of the report of `--check`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: what was checked, whether it is right, and what was found or what to do."""

    what: str
    is_ok: bool
    words: str
    is_warning: bool = False  # right, but worth a look

    @property
    def label(self) -> str:
        """The word in front of the line."""
        if not self.is_ok:
            return "PROBLEM"
        return "warning" if self.is_warning else "ok     "
