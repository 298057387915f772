"""References: what a person can quote and an operator can find in the log."""

from __future__ import annotations

import secrets


def new_reference() -> str:
    """A new reference: six hexadecimal digits in capitals."""
    return secrets.token_hex(3).upper()
