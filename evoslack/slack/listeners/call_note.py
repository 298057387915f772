"""Result and note: a button on a call opens a small form, and what a person writes there is kept.

For everyone who may place calls. People replace only what they have read: if someone else wrote meanwhile,
nothing is saved yet, and the form shows both.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from slack_bolt import Ack, BoltContext

from evoslack.calling.access import Access
from evoslack.calling.call_log import log_note
from evoslack.calling.calls import Call, CallNote, Result
from evoslack.calling.do_not_call import block_of
from evoslack.calling.ports import BlockedNumberLedger, CallLedger, NoteLedger
from evoslack.calling.refusals import NothingToOffer, Refusal, UnreadableForm
from evoslack.slack.listeners.page_opener import OpenRequest, Page, PageOpener
from evoslack.slack.listeners.reply import NotifyPrivately
from evoslack.slack.payloads import ARRIVAL, Payload, team_of, text_of
from evoslack.slack.rendering import blocked_messages, note_form, note_messages
from evoslack.slack.rendering.blocks import Block
from evoslack.slack.rendering.note_form import NoteMetadata, Written
from evoslack.slack.rendering.status_words import RESULT_WORDS
from evoslack.slack.rendering.views import FormSettings

SAME_PRESS = timedelta(seconds=1)  # a second press that soon asks for no second form

_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


def is_in_menu(body: Payload) -> bool:
    """Whether *Add note* was chosen in the menu of a card, and nothing else there."""
    return _chosen(body).startswith(note_form.MENU_PREFIX)


@dataclass(frozen=True, slots=True)
class NoteSubmission:
    """One press of *Save*: who, about which call, and what was written, not checked yet."""

    user_id: str
    team_id: str
    metadata: NoteMetadata
    written: Written

    @classmethod
    def of(cls, body: Payload, view: Payload) -> NoteSubmission:
        """Read a `view_submission`. Raises `UnreadableForm`."""
        try:
            return cls(
                user_id=text_of(body["user"]["id"]),
                team_id=team_of(body),
                metadata=NoteMetadata.unpacked(view["private_metadata"]),
                written=note_form.written_in(view["state"]["values"]),
            )
        except _MALFORMED as error:
            raise UnreadableForm from error


class CallNoteListeners:
    """The listeners of notes; `slack.app` registers them."""

    def __init__(
        self,
        calls: CallLedger,
        notes: NoteLedger,
        blocked: BlockedNumberLedger,
        access: Access,
        refresh_offer: Callable[[], object],
        opener: PageOpener,
        notify_privately: NotifyPrivately,
        settings: FormSettings,
        now: Callable[[], datetime],
    ) -> None:
        self._calls, self._notes = calls, notes
        self._blocked = blocked
        self._access = access
        self._refresh_offer = refresh_offer
        self._opener = opener
        self._notify_privately = notify_privately
        self._command, self._region = settings.command, settings.region
        self._contact = settings.help_contact
        self._now = now
        self._lock = threading.Lock()
        self._pressed: dict[tuple[str, str, str], datetime] = {}  # by user, team and call

    def open_note(self, ack: Ack, body: Payload, context: BoltContext) -> None:
        """The button, or its line in the menu: the form opens, on top of a modal if it was pressed there."""
        request = OpenRequest.of(body, context[ARRIVAL])
        call_id = _chosen(body).removeprefix(note_form.MENU_PREFIX)
        if self._is_first_press(request, call_id):
            page = Page(
                lambda: self._page(request, call_id),
                lambda refusal: note_form.denied(refusal, self._region, self._contact),
                self._denied,
                note_form.loading,
                note_form.notice,
            )
            self._opener.open_soon(
                request, page, lambda words: self._notify_privately(request.user_id, words)
            )
        ack()

    def save_note(self, ack: Ack, body: Payload, view: Payload) -> None:
        """*Save*: the role is asked for again, the note is written down, then the form closes."""
        try:
            submission = NoteSubmission.of(body, view)
            self._access.role_of(submission.user_id, submission.team_id)
        except UnreadableForm as refusal:
            words = note_messages.denied(refusal, self._region)
            ack(response_action="update", view=note_form.notice(words, _readable_text(view)))
            return
        except Refusal as refusal:
            ack(response_action="errors", errors=_error(note_messages.not_saved(refusal, self._region)))
            return
        length = len(submission.written.text)
        if length > note_form.LONGEST_NOTE:
            words = note_messages.too_long(length, note_form.LONGEST_NOTE)
            ack(response_action="errors", errors=_error(words))
            return
        view_after = self._save(submission)
        if view_after is not None:
            ack(response_action="update", view=view_after)
            return
        ack()  # closes this page; one that lies under it stays

    def _save(self, submission: NoteSubmission) -> Block | None:
        """Write it down. What to show instead of closing the form: why not, or what else it changed."""
        metadata, written, user_id = submission.metadata, submission.written, submission.user_id
        call = self._calls.get(metadata.call_id)
        # What is written down already is not written again: presses come twice, and answers get lost.
        if call is not None and not written.is_in(call.note):
            note = CallNote(written.result, written.text, user_id, revision=metadata.revision)
            at, otherwise = self._now(), RESULT_WORDS[Result.DO_NOT_CALL]
            block = block_of(call, note, at, otherwise)
            if (changed := self._notes.write_note(call.id, note, at=at, block=block)) is not None:
                log_note(changed)
                self._forget_press(submission)
                return self._about_block(call, changed)
            call = self._calls.get(call.id)
        if call is None:
            return note_form.notice(note_messages.GONE, written.text)
        if not written.is_in(call.note):
            return note_form.conflict(call, self._region, written, user_id)
        self._forget_press(submission)
        return self._about_block(call, call)

    def _about_block(self, before: Call, after: Call) -> Block | None:
        """What a saved result did to the do-not-call list, or did not undo; None if it has nothing to do."""
        is_wanted = after.note.result is Result.DO_NOT_CALL
        if not is_wanted and before.note.result is not Result.DO_NOT_CALL:
            return None
        if (entry := self._blocked.find(after.request.number)) is None:  # an administrator took it off
            return None
        if not is_wanted:
            return note_form.notice(blocked_messages.still_blocked(entry, self._region, self._command))
        is_new = (entry.call_id, entry.at) == (after.id, after.note.at)
        return note_form.notice(blocked_messages.after_note(entry, self._region, is_new=is_new))

    def _is_first_press(self, request: OpenRequest, call_id: str) -> bool:
        """Whether this is not the second half of a double press: a second form would replace the first,
        with what was typed in it."""
        key, now = (request.user_id, request.team_id, call_id), self._now()
        with self._lock:
            just_now = {each: at for each, at in self._pressed.items() if abs(now - at) < SAME_PRESS}
            self._pressed = {key: now} | just_now
            return key not in just_now

    def _forget_press(self, submission: NoteSubmission) -> None:
        """The form is closed: the next press opens another one."""
        with self._lock:
            self._pressed.pop((submission.user_id, submission.team_id, submission.metadata.call_id), None)

    def _page(self, request: OpenRequest, call_id: str) -> Block:
        """The form with what is written down now. Raises `Refusal`."""
        self._require_role(request)
        call = self._calls.get(call_id) if note_form.is_call_id(call_id) else None
        return note_form.notice(note_messages.GONE) if call is None else note_form.form(call, self._region)

    def _denied(self, refusal: Refusal) -> str:
        return note_messages.denied(refusal, self._region, self._contact)

    def _require_role(self, request: OpenRequest) -> None:
        try:
            self._access.role_of(request.user_id, request.team_id)
        except NothingToOffer:
            self._refresh_offer()  # right after the start nothing has been read yet
            self._access.role_of(request.user_id, request.team_id)


def _chosen(body: Payload) -> str:
    """The value of the button that was pressed, or of what was chosen in a menu."""
    action = body["actions"][0]
    option = action.get("selected_option") or {}
    return str(option.get("value") or action.get("value") or "")


def _readable_text(view: Payload) -> str:
    """What was typed in a form that cannot be read as a whole; empty if that cannot be read either."""
    try:
        return note_form.text_in(view["state"]["values"])
    except _MALFORMED:
        return ""


def _error(words: str) -> dict[str, str]:
    """The errors of an answer that keeps the form open, with what was typed in it."""
    return {note_form.NOTE: words}
