"""The form for a note and the result of a call, as pure functions from values to Slack views."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from evoslack.calling.calls import Call, CallNote, Result
from evoslack.calling.refusals import Refusal
from evoslack.slack.rendering import blocked_messages, button_messages, form_messages, note_messages, times
from evoslack.slack.rendering.blocks import Block, field, modal, plain, section
from evoslack.slack.rendering.help_contact import HelpContact
from evoslack.slack.rendering.refusal_pages import access_button
from evoslack.slack.rendering.status_words import RESULT_WORDS

FORM = "note_form"
RESULT, NOTE = "result", "note"  # block ids and action ids alike
LONGEST_NOTE = 3_000  # characters: as much as a text input takes and one block shows (slack-facts 3, 4)
MENU_PREFIX = "note:"  # stands before the call id where the form is opened from a menu

_NO_RESULT = "none"
_CALL_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
_LONGEST_METADATA = 200
_MOST_REVISIONS = 2**31 - 1  # what the column takes
# No database and no screen wants these: control characters but tab and line feed, and the direction marks
# that would turn around what stands after the note on a card.
_UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class NoteMetadata:
    """Which call an open form is about, and the revision of the note that its reader has seen."""

    call_id: str
    revision: int

    def packed(self) -> str:
        """For `private_metadata`."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def unpacked(cls, text: str) -> NoteMetadata:
        """Raises `ValueError` for anything that `packed` did not make."""
        if len(text) > _LONGEST_METADATA:
            raise ValueError("not note metadata")
        match json.loads(text):
            case {"call_id": str(call_id), "revision": int(revision), **more} if not more:
                in_range = not isinstance(revision, bool) and 0 <= revision < _MOST_REVISIONS
                if in_range and is_call_id(call_id):
                    return cls(call_id, revision)
        raise ValueError("not note metadata")


@dataclass(frozen=True, slots=True)
class Written:
    """What stands in the form: as it may be stored, but perhaps too long."""

    result: Result | None = None
    text: str = ""

    def is_in(self, note: CallNote) -> bool:
        """Whether exactly this is written down already."""
        return (self.result, self.text) == (note.result, note.text)


def is_call_id(text: str) -> bool:
    """Whether this can be the id of a call, so that the ledger can be asked for it."""
    return _CALL_ID.fullmatch(text) is not None


def form(call: Call, region: str) -> Block:
    """The form, filled in with what is written down now."""
    return _form(call, region, [], Written(call.note.result, call.note.text))


def conflict(call: Call, region: str, mine: Written, reader: str) -> Block:
    """The form once more, with what someone else wrote since it was opened; `reader` is a user id.

    It keeps what this person wrote and now knows the new revision, so the next press replaces it knowingly.
    """
    theirs = call.note
    is_removed = theirs.result is None and not theirs.text
    found = [section(note_messages.written_meanwhile(theirs, reader))]
    if theirs.text:
        found.append(_quoted(theirs.text))
    found.append(section(note_messages.TO_WRITE if is_removed else note_messages.TO_REPLACE))
    # A button of another name: people who press without looking up see it before they press again.
    return _form(call, region, found, mine) | {"submit": plain(note_messages.SAVE_MINE)}


def loading(external_id: str) -> Block:
    """Shown at once while the role is being looked up; see `views.loading`."""
    view = _page("note_loading", [section(form_messages.LOADING)])
    return view | {"external_id": external_id}


def notice(words: str, text: str = "") -> Block:
    """A page with words (mrkdwn); `text` is what the person wrote and may want to copy."""
    blocks = [section(words)]
    if text:
        blocks += [section(note_messages.TO_COPY), _quoted(text)]
    return _page("note_notice", blocks)


def denied(refusal: Refusal, region: str, contact: HelpContact) -> Block:
    """Why this person gets no form, and the button that asks for access if that helps."""
    words = section(note_messages.denied(refusal, region, contact))
    return _page("note_notice", [words, *access_button(refusal, contact)])


def written_in(values: Mapping[str, Any]) -> Written:
    """What stands in the form, from `view.state.values`. Raises what a payload of another shape leads to."""
    option = values[RESULT][RESULT].get("selected_option")
    chosen = option["value"] if option else _NO_RESULT
    return Written(None if chosen == _NO_RESULT else Result(chosen), text_in(values))


def text_in(values: Mapping[str, Any]) -> str:
    """The note alone. Raises what a payload of another shape leads to."""
    text = values[NOTE][NOTE].get("value") or ""
    if not isinstance(text, str):
        raise TypeError("not a string")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _LONE_SURROGATE.sub("\ufffd", _UNWANTED.sub("", text)).strip()


def _form(call: Call, region: str, above: list[Block], written: Written) -> Block:
    about = section(note_messages.about(call, region, times.when(call.accepted_at)))
    view = _page(FORM, [about, *above, _result_field(written.result), _note_field(written.text)])
    metadata = NoteMetadata(call.id, call.note.revision).packed()
    submit, close = plain(note_messages.SAVE), plain(button_messages.CANCEL)
    return view | {"private_metadata": metadata, "submit": submit, "close": close}


def _result_field(result: Result | None) -> Block:
    # Radio buttons: one tap. Slack has no way to clear them, so "no result" is a choice of its own.
    options = {each: _option(words, each) for each, words in RESULT_WORDS.items()}
    options[Result.DO_NOT_CALL]["description"] = plain(blocked_messages.NOTE_ADDS)
    none = _option(note_messages.NO_RESULT, _NO_RESULT)
    element: Block = {"type": "radio_buttons", "action_id": RESULT, "options": [*options.values(), none]}
    if result is not None:
        element["initial_option"] = options[result]
    label = plain(note_messages.RESULT_LABEL)
    return {"type": "input", "block_id": RESULT, "label": label, "optional": True, "element": element}


def _note_field(text: str) -> Block:
    element: Block = {
        "type": "plain_text_input",
        "action_id": NOTE,
        "multiline": True,
        "max_length": LONGEST_NOTE,
    }
    if text:
        element["initial_value"] = text
    return field(NOTE, note_messages.NOTE_LABEL, note_messages.NOTE_HINT, element) | {"optional": True}


def _option(words: str, value: str) -> Block:
    return {"text": plain(words), "value": value}


def _quoted(text: str) -> Block:
    """A text from a person, in a block of its own: as plain text it needs no escaping and fits whole."""
    return {"type": "section", "text": plain(text[:LONGEST_NOTE])}


def _page(callback_id: str, blocks: list[Block]) -> Block:
    return modal(callback_id, note_messages.TITLE, form_messages.CLOSE, blocks)
