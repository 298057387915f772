"""The do-not-call list as blocks, the form that imports a file, and the files. Pure functions."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any

from evoslack.calling.blocked_csv import WrongLine
from evoslack.calling.refusals import Refusal
from evoslack.calling.rulebook import LONGEST_REASON, BlockedNumber
from evoslack.slack.rendering import blocked_messages, button_messages, form_messages
from evoslack.slack.rendering.blocks import Block, field, modal, plain, section
from evoslack.slack.rendering.call_csv import safe_text
from evoslack.slack.rendering.help_contact import HelpContact
from evoslack.slack.rendering.refusal_messages import refusal_words
from evoslack.slack.rendering.refusal_pages import access_button

IMPORT_FORM = "import_numbers"
FILE, REASON = "file", "reason"  # block ids and action ids alike
FILE_TYPES = ("csv", "tsv", "txt")  # for convenience only: the content decides
NEWEST = 20  # entries shown

# Scripts read columns by these names, and so does an import.
HEADER = ("number", "reason", "blocked by (Slack id)", "blocked at (UTC)", "call id")
_WRONG_HEADER = ("line", "number", "problem")


def entries(found: list[BlockedNumber], total: int, region: str, command: str) -> list[Block]:
    """The newest entries, each in a block of its own."""
    heading = section(blocked_messages.heading(len(found), total, command))
    return [heading, *(section(blocked_messages.line(each, region)) for each in found)]


def entries_text(found: list[BlockedNumber], total: int, region: str, command: str) -> str:
    """The same in words, for notifications and screen readers."""
    lines = (blocked_messages.line(each, region) for each in found)
    return "\n".join([blocked_messages.heading(len(found), total, command), *lines])


def form() -> Block:
    """The form with a field for the file."""
    upload: Block = {
        "type": "input",
        "block_id": FILE,
        "label": plain(blocked_messages.FILE_LABEL),
        "element": {
            "type": "file_input",
            "action_id": FILE,
            "filetypes": list(FILE_TYPES),
            "max_files": 1,
        },
    }
    element: Block = {"type": "plain_text_input", "action_id": REASON, "max_length": LONGEST_REASON}
    reason = field(REASON, blocked_messages.REASON_LABEL, blocked_messages.REASON_HINT, element)
    view = _page(IMPORT_FORM, [section(blocked_messages.IMPORT_INTRO), upload, reason | {"optional": True}])
    submit, close = plain(blocked_messages.IMPORT_SUBMIT), plain(button_messages.CANCEL)
    return view | {"submit": submit, "close": close}


def loading(external_id: str) -> Block:
    """Shown at once while the role is being looked up."""
    return notice(form_messages.LOADING) | {"external_id": external_id}


def notice(words: str) -> Block:
    """A page with words (mrkdwn)."""
    return _page("import_notice", [section(words)])


def denied(refusal: Refusal, region: str, contact: HelpContact) -> Block:
    """Why this person gets no form, and the button that asks for access if that helps."""
    words = section(refusal_words(refusal, region, contact))
    return _page("import_notice", [words, *access_button(refusal, contact)])


def file_in(values: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The file that was chosen, from `view.state.values`. Raises what a payload of another shape leads to."""
    files = values[FILE][FILE].get("files") or []
    return dict(files[0]) if files else None


def reason_in(values: Mapping[str, Any]) -> str:
    """The reason for lines without one. Raises the same."""
    return str(values[REASON][REASON].get("value") or "")


def file_of(numbers: Iterable[BlockedNumber]) -> tuple[bytes, int]:
    """The list as a CSV file, and how many numbers it has. It can be imported again."""
    return _csv(
        HEADER,
        (
            (
                each.number,
                safe_text(each.reason),
                each.by,
                f"{each.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
                each.call_id,
            )
            for each in numbers
        ),
    )


def wrong_file_of(wrong: Iterable[WrongLine], region: str) -> bytes:
    """The lines that are wrong, as a CSV file."""
    rows = (blocked_messages.wrong_cells(each, region) for each in wrong)
    return _csv(_WRONG_HEADER, (tuple(safe_text(cell) for cell in row) for row in rows))[0]


def _csv(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> tuple[bytes, int]:
    """The file, with a byte order mark, by which Excel knows UTF-8, and how many rows it has."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    count = 0
    for row in rows:  # one by one: all at once would hold up every other thread
        writer.writerow(row)
        count += 1
    return text.getvalue().encode("utf-8-sig", errors="replace"), count


def _page(callback_id: str, blocks: list[Block]) -> Block:
    return modal(callback_id, blocked_messages.IMPORT_TITLE, form_messages.CLOSE, blocks)
