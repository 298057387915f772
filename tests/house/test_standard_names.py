"""The product speaks the vocabulary of its field: private names that were replaced do not come back.

Code, comments and strings are compared word by word: `HttpDoor`, `http_door` and "HTTP door" contain "door".
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("evoslack", "sandbox")
# These name the tables of their day.
OLD_MIGRATIONS = ROOT / "evoslack" / "ledger" / "migrations" / "versions"

# A pattern of lowercase words, and the standard name. Words that also have an ordinary meaning (press, line,
# turn, order, opener) are left out.
GONE = {
    r"(?:looks?|looked|looking)(?! up| like| old| back| late|aside)": "filter, poll, refresh, check, wake",
    r"(?<!bad )news": "notification",
    r"announcers?": "notifier",
    r"audiences?": "channel members",
    r"by itself": "say what does it",
    r"by sight": "found_later",
    r"crews?": "worker pool",
    r"desks?": "ListenerDependencies",
    r"doors?": "receiver; entry point",
    r"end words?": "evo_outcome",
    r"enders?": "name the pool after what it does",
    r"eyes": "SessionPoller",
    r"followers?": "CallTracker",
    r"giving way": "lock timeout",
    r"keepers?": "say what the connection is for",
    r"lookers?": "name the pool after what it does",
    r"mend(?:s|ed|ing)?": "fix, repair, restore",
    r"noticeboards?": "CardPublisher",
    r"orders": "CallDraft, validate",
    r"private lines?": "private message",
    r"receptions?": "listener dependencies",
    r"refused?|refuses|refusing": "denied (ours), rejected (Evo Voice), rate limited (Slack), login failed",
    r"ripples?": "mark_dependents_due",
    r"seats?": "build_listeners",
    r"shall": "will, should, must",
    r"showers?": "HomePublisher",
    r"sightings?": "tracked call",
    r"somebody": "someone, or who it is",
    r"spoken": "RefusalMessage",
    r"tellers?": "notifier",
    r"trails?": "TrackedCall",
    r"watchm[ae]n": "supervisor",
    r"whispers?|whispering|whisperers?": "private message",
    r"whoever": "people who, the person who",
    r"wish(?:es)?": "Prefill",
}


@cache
def words_of(path: Path) -> str:
    """The words of a file in lowercase, one space apart; `camelCase` and `snake_case` are taken apart."""
    return " ".join(re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", path.read_text(encoding="utf-8"))).lower()


def places(pattern: str) -> list[str]:
    """The files in which that word stands."""
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    in_question = [path for path in paths if OLD_MIGRATIONS not in path.parents]
    word = re.compile(rf"\b(?:{pattern})\b")
    return [str(path.relative_to(ROOT)) for path in in_question if word.search(words_of(path))]


@pytest.mark.parametrize("pattern", GONE)
def test_a_private_name_that_was_replaced_stays_away(pattern: str) -> None:
    assert places(pattern) == [], f"say instead: {GONE[pattern]}"
