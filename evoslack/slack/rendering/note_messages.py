"""The sentences of notes: the form, two people who write at once, and what was not saved."""

from __future__ import annotations

import html

from evoslack.calling.calls import Call, CallNote
from evoslack.calling.number_format import pretty, unbroken
from evoslack.calling.refusals import CannotCheck, NotAllowed, Refusal
from evoslack.slack.rendering.help_contact import NO_CONTACT, HelpContact
from evoslack.slack.rendering.refusal_messages import SOURCE_MESSAGES, refusal_message
from evoslack.slack.rendering.status_words import RESULT_WORDS

TITLE = "Result and note"  # of the form, and of the button and the line in a menu that open it
SAVE = "Save"
SAVE_MINE = "Save mine"  # once someone else wrote
RESULT_LABEL = "How did it go?"
NO_RESULT = "No result"
NOTE_LABEL = "Note"
NOTE_HINT = "Shown on the card. Everyone in the channel can read it."

GONE = "EvoSlack no longer has a record of this call, so it can't keep a note about it."
TO_COPY = "Your note wasn't saved. Here it is, to copy:"
TO_REPLACE = f"To replace that with yours, press *{SAVE_MINE}*. To keep it, press *Cancel*."
TO_WRITE = f"To save yours, press *{SAVE_MINE}*. To leave it empty, press *Cancel*."


def about(call: Call, region: str, when: str) -> str:
    """Which call the note is about (mrkdwn)."""
    number = unbroken(pretty(call.request.number, region))
    return f"*{number}* · called by <@{call.request.user_id}>, {when}"


def written_meanwhile(note: CallNote, reader: str) -> str:
    """Who wrote what since the form was opened; the text follows in a block of its own (mrkdwn)."""
    # Themselves: in another window, or here, and the answer got lost.
    is_own, who = note.by == reader, f"<@{note.by}>"
    if note.result is None and not note.text:
        removed = "You removed the note before" if is_own else f"{who} removed the note while you were typing"
        return f"*Not saved yet.* {removed}."
    wrote = "You saved this before" if is_own else f"{who} saved this while you were typing"
    result = f" *{RESULT_WORDS[note.result]}*" if note.result is not None else ""
    return f"*Not saved yet.* {wrote}:{result}"


def too_long(length: int, most: int) -> str:
    """For a note that is longer than what can be kept, in characters."""
    return f"That's {length:,} characters, and a note can have {most:,}. Shorten it, then press Save again."


def denied(refusal: Refusal, region: str, contact: HelpContact = NO_CONTACT) -> str:
    """Why this person gets no form (mrkdwn)."""
    return contact.named_in(html.escape(_reason(refusal, region), quote=False))


def not_saved(refusal: Refusal, region: str) -> str:
    """Why this person's note was not saved; under the field, where there is no markup."""
    return f"Not saved. {_reason(refusal, region)}"


def broken(reference: str) -> str:
    """For a defect while a note is saved: it may have been written down or not."""
    return (
        f"Something broke in EvoSlack (reference {reference}), so this may not be saved. "
        "Your text is still here. Press Save again."
    )


def _reason(refusal: Refusal, region: str) -> str:
    if isinstance(refusal, CannotCheck):  # nobody wanted to dial, so nothing is said about that
        return f"{SOURCE_MESSAGES[refusal.source]} Try again in a moment."
    words = refusal_message(refusal, region).words
    return f"Notes are for people who can place calls. {words}" if isinstance(refusal, NotAllowed) else words
