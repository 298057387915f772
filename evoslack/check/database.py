"""What `--check` says about the database."""

from __future__ import annotations

from evoslack.check.finding import Finding
from evoslack.ledger.preview import preview


def finding(url: str) -> Finding:
    """Whether a bot could open the database, by the same steps as a start. A held file is only a note."""
    found = preview(url)
    return Finding("database", found.is_ok, found.words, is_note=found.is_in_use)
