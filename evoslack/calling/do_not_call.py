"""The do-not-call list: what a person typed to change it, and what the result of a call adds to it. Pure."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from evoslack.calling.calls import Call, CallNote, Result
from evoslack.calling.numbers import BadNumber, Problem, e164
from evoslack.calling.rulebook import LONGEST_REASON, BlockedNumber

DO_NOT_CALL = "do-not-call"  # its name in the audit log
_MOST_WORDS = 20  # of which one spelling of a number may consist


@dataclass(frozen=True, slots=True)
class TypedBlock:
    """A number (E.164) and the words behind it."""

    number: str
    reason: str


def typed_block(text: str, region: str) -> TypedBlock:
    """A number in any spelling, then words. Raises `BadNumber` with what is wrong with the number."""
    words = text.split()
    for taken in range(min(len(words), _MOST_WORDS), 0, -1):
        if (number := _number_in(words[:taken], region)) is None:
            continue
        if any(_number_in(words[taken:end], region) for end in range(taken + 1, taken + _MOST_WORDS)):
            raise BadNumber(Problem.SEVERAL)
        return TypedBlock(number, one_line(" ".join(words[taken:])))
    # Say what is wrong with the words that were meant as a number.
    meant = next((place for place, word in enumerate(words) if not _has_digit(word)), len(words))
    return TypedBlock(e164(" ".join(words[:meant]), region), "")


def one_line(reason: str) -> str:
    """A reason without line breaks, and without control characters, which no database and no screen wants."""
    shown = "".join(" " if unicodedata.category(char) in {"Cc", "Cs"} else char for char in reason)
    return " ".join(shown.split())


def block_of(call: Call, note: CallNote, at: datetime, otherwise: str) -> BlockedNumber | None:
    """What this note adds to the list: the number called, if its person asked not to be called again.

    `otherwise` is the reason if the note has no text.
    """
    if note.result is not Result.DO_NOT_CALL:
        return None
    reason = one_line(note.text) or otherwise
    if len(reason) > LONGEST_REASON:
        reason = f"{reason[: LONGEST_REASON - 1]}…"
    return BlockedNumber(call.request.number, reason, note.by, at, call.id)


def _number_in(words: list[str], region: str) -> str | None:
    try:
        return e164(" ".join(words), region)
    except BadNumber:
        return None


def _has_digit(word: str) -> bool:
    return any(char.isdecimal() for char in word)
