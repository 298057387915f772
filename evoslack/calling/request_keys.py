"""The request key of a form, which makes it one call at most.

A key holds only in the ledger that remembers what became of it. A ledger that is restored from a backup has
forgotten calls, so it begins a new timeline, and each form's key names the timeline that it was opened in.
"""

from __future__ import annotations

import re
import secrets

_KEY = re.compile(r"([0-9a-f]{16})\.")


def new_timeline() -> str:
    """A name for what a ledger knows from now on."""
    return secrets.token_hex(8)


def new_key(timeline: str) -> str:
    """A key for a form that is opened now; 41 characters."""
    return f"{timeline}.{secrets.token_urlsafe(18)}"


def timeline_of(key: str) -> str:
    """The timeline in which that form was opened; empty if a version before timelines opened it."""
    found = _KEY.match(key)
    return found[1] if found else ""
