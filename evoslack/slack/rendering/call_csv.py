"""Calls as a CSV file. Text from outside can never become a spreadsheet formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from evoslack.calling.calls import Call
from evoslack.calling.places import place_of
from evoslack.calling.status import status_of


@dataclass(frozen=True, slots=True)
class Contact:
    """A person as Slack shows them; empty where it shows nothing."""

    name: str = ""
    email: str = ""


NOBODY = Contact()

# Scripts read columns by these names: keep them.
HEADER = (
    *("call id", "asked at (UTC)", "local date and time", "local time zone"),
    *("person (Slack id)", "name", "email"),
    *("flow", "number called", "caller ID", "caller ID label"),
    *("outcome", "Evo Voice's words", "state", "progress", "reason"),
    *("answered at (UTC)", "ended at (UTC)", "talked (seconds)", "hung up by (Slack id)"),
    *("result", "note", "note by (Slack id)", "note at (UTC)"),
    *("due at (UTC)", "reason to call outside hours", "canceled by (Slack id)"),
)
# The full-width ones of Asian keyboards work too.
_FORMULA = tuple("=+-@\t\r＝＋－＠")
# Spaces and separators before a character that begins a formula. Looking back keeps a long row of them
# from being read again from each one.
_BEFORE_A_FORMULA = re.compile(r"(?<![\s;|\"])([\s;|\"]++)(?=[=+\-@＝＋－＠])")
_SEPARATORS = frozenset(';|\t\r\n"')


def file_of(calls: Iterable[Call], contact_of: Callable[[str], Contact]) -> tuple[bytes, int]:
    """The file and how many calls it has. With a byte order mark, by which Excel knows UTF-8.

    `contact_of` is asked with the Slack id of each call's person.
    """
    found = io.BytesIO()
    text = io.TextIOWrapper(found, encoding="utf-8-sig", newline="", errors="replace")
    writer = csv.writer(text)
    writer.writerow(HEADER)
    rows = 0
    for rows, call in enumerate(calls, 1):  # noqa: B007 - the last one is how many there are
        writer.writerow(row_of(call, contact_of(call.request.user_id)))
    text.flush()
    return found.getvalue(), rows


def row_of(call: Call, contact: Contact = NOBODY) -> list[str]:
    """What the file says of one call, in the order of `HEADER`."""
    request, note, talked_s = call.request, call.note, call.talked_s
    return [
        call.id,
        moment(call.accepted_at),
        *_there(request.number, call.accepted_at),
        request.user_id,
        safe_text(contact.name),
        safe_text(contact.email),
        safe_text(request.flow_name),
        request.number,
        request.caller_id,
        safe_text(request.caller_id_label),
        _spaced(status_of(call)),
        safe_text(call.evo_outcome or call.detail),
        _spaced(call.state),
        _spaced(call.progress or ""),
        _spaced(call.reason or ""),
        moment(call.answered_at),
        moment(call.ended_at),
        "" if talked_s is None else str(round(talked_s)),
        call.hung_up_by,
        _spaced(note.result or ""),
        safe_text(note.text),
        note.by,
        moment(note.at),
        moment(request.due_at),
        safe_text(request.hours_reason),
        call.canceled_by,
    ]


def moment(at: datetime | None) -> str:
    """A moment in UTC, as ISO 8601; empty for none."""
    return "" if at is None else at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _there(number: str, at: datetime) -> tuple[str, str]:
    """Date and time where the number is, and the time zone; empty if that is unknown or could be several."""
    local = place_of(number).local_time(at)
    return ("", "") if local is None else (f"{local:%Y-%m-%d %H:%M:%S}", str(local.tzinfo))


def _spaced(word: str) -> str:
    return word.replace("_", " ")


def _guarded(separators: re.Match[str]) -> str:
    return f"{separators[0]}'" if _SEPARATORS.intersection(separators[0]) else separators[0]


def safe_text(foreign: str) -> str:
    """A text from outside: an apostrophe before it keeps a spreadsheet from calculating with it."""
    words = foreign.lstrip()
    # A spreadsheet may split at other characters than commas.
    safe = foreign[: len(foreign) - len(words)] + _BEFORE_A_FORMULA.sub(_guarded, words)
    return f"'{safe}" if foreign.lstrip(" \n\u00a0").startswith(_FORMULA) else safe
