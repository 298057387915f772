"""Calls as a CSV file. Text from outside can never become a spreadsheet formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from datetime import UTC, datetime

from evoslack.calling.calls import Call

HEADER = (
    *(
        "call id",
        "asked at (UTC)",
        "person (Slack id)",
        "flow",
        "number called",
        "caller ID",
        "state",
        "reason",
    ),
    *("Evo Voice's words", "answered at (UTC)", "ended at (UTC)", "talked (seconds)", "progress"),
)
# The full-width ones of Asian keyboards work too.
_FORMULA = tuple("=+-@\t\r＝＋－＠")
# Spaces and separators before a character that begins a formula. Looking back keeps a long row of them
# from being read again from each one.
_BEFORE_A_FORMULA = re.compile(r"(?<![\s;|\"])([\s;|\"]++)(?=[=+\-@＝＋－＠])")
_SEPARATORS = frozenset(';|\t\r\n"')


def file_of(calls: Iterable[Call]) -> tuple[bytes, int]:
    """The file and how many calls it has. With a byte order mark, by which Excel knows UTF-8."""
    found = io.BytesIO()
    text = io.TextIOWrapper(found, encoding="utf-8-sig", newline="")
    writer = csv.writer(text)
    writer.writerow(HEADER)
    rows = 0
    for rows, call in enumerate(calls, 1):  # noqa: B007 - the last one is how many there are
        writer.writerow(row_of(call))
    text.flush()
    return found.getvalue(), rows


def row_of(call: Call) -> list[str]:
    """What the file says of one call, in the order of `HEADER`."""
    request, talked_s = call.request, call.talked_s
    return [
        call.id,
        _moment(call.accepted_at),
        request.user_id,
        _text(request.flow_name),
        request.number,
        request.caller_id,
        _spaced(call.state),
        _spaced(call.reason or ""),
        _text(call.evo_outcome or call.detail),
        _moment(call.answered_at),
        _moment(call.ended_at),
        "" if talked_s is None else str(round(talked_s)),
        _spaced(call.progress or ""),
    ]


def _moment(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _spaced(word: str) -> str:
    return word.replace("_", " ")


def _guarded(separators: re.Match[str]) -> str:
    return f"{separators[0]}'" if _SEPARATORS.intersection(separators[0]) else separators[0]


def _text(foreign: str) -> str:
    """A text from outside: an apostrophe before it keeps a spreadsheet from calculating with it."""
    words = foreign.lstrip()
    # A spreadsheet may split at other characters than commas.
    safe = foreign[: len(foreign) - len(words)] + _BEFORE_A_FORMULA.sub(_guarded, words)
    return f"'{safe}" if foreign.lstrip(" \n\u00a0").startswith(_FORMULA) else safe
