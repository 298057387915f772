"""What a submitted call form says, as plain values. Request data: nothing in it is believed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from evoslack.calling.calls import Call, CallRequest
from evoslack.calling.refusals import UnreadableForm, require_same
from evoslack.calling.validation import CallDraft, Entries
from evoslack.slack.payloads import Payload, team_of, text_of
from evoslack.slack.rendering import number_line, schedule_page, views
from evoslack.slack.rendering.form_metadata import FormMetadata, ScheduleMetadata

# Slack sets no age limit for a form, but the row that keeps it from calling twice has one: HISTORY_DAYS.
MAX_FORM_AGE = timedelta(hours=12)
CLOCKS_DIFFER = timedelta(minutes=5)  # at most, between the bot that made a form and the one that takes it
READING_S = 1.0  # a press sooner after a question is the second half of a double press


@dataclass(frozen=True, slots=True)
class FormSubmission:
    """One press of the form's button: who, which form, and what was filled in, not checked yet."""

    user_id: str
    team_id: str
    metadata: FormMetadata
    entries: Entries
    view_id: str = ""  # Slack's id of the form; empty if it cannot be one
    line: str = ""  # what the form said under the number
    is_for_later: bool = False  # the person wants to choose a time

    @classmethod
    def of(cls, body: Payload, view: Payload) -> FormSubmission:
        """Read a `view_submission`. Raises `UnreadableForm`."""
        try:
            return cls(
                user_id=text_of(body["user"]["id"]),
                team_id=team_of(body),
                metadata=FormMetadata.unpacked(view["private_metadata"]),
                entries=views.entries_of(view["state"]["values"]),
                view_id=_view_id(view.get("id")),
                line=number_line.line_in(view.get("blocks") or ()),
                is_for_later=views.is_for_later(view["state"]["values"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UnreadableForm from error

    @classmethod
    def of_page(cls, body: Payload, view: Payload, metadata: ScheduleMetadata) -> FormSubmission:
        """The same form, submitted by the page that it became. Raises `UnreadableForm`."""
        try:
            return cls(
                user_id=text_of(body["user"]["id"]),
                team_id=team_of(body),
                metadata=metadata.form,
                entries=Entries(metadata.flow_id, metadata.number, metadata.caller_id),
                view_id=_view_id(view.get("id")),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise UnreadableForm from error

    def question(self, number: str, account_id: str) -> CallRequest:
        """What the ledger is asked about before anything is checked; `number` is E.164."""
        return CallRequest(
            self.metadata.key, self.team_id, self.user_id, account_id, "", "", number, caller_id=""
        )

    def draft(self, response_url: str, pressed_at: datetime, due_at: datetime | None = None) -> CallDraft:
        """The call that was asked for; `response_url` is where private messages may be posted, or empty."""
        return CallDraft(
            key=self.metadata.key,
            user_id=self.user_id,
            team_id=self.team_id,
            entries=self.entries,
            channel_id=self.metadata.channel_id,
            response_url=response_url,
            view_id=self.view_id,
            anyway=self._knows_of(pressed_at),
            due_at=due_at,
        )

    def _knows_of(self, pressed_at: datetime) -> str:
        """The call that this press is to let pass. None right after the question: nobody reads so quickly."""
        asked_at_s = int(self.metadata.asked_at or 0) / 1000
        return self.metadata.anyway if pressed_at.timestamp() - asked_at_s >= READING_S else ""

    def same_as(self, first: Call, number: str) -> Call:
        """The call that this very form became earlier. Raises `NotYourForm` or `KeyTaken`."""
        return require_same(
            first,
            team_id=self.team_id,
            user_id=self.user_id,
            flow_id=self.entries.flow_id,
            number=number,
            caller_id=self.entries.caller_id or "",
            due_at=first.request.due_at,  # whenever it is: the call says so
        )

    def is_too_old(self, now: datetime) -> bool:
        """Whether this form may have become a call that is deleted already, or its clock was set back."""
        age_s = now.timestamp() - float(self.metadata.made_at or 0)
        return not -CLOCKS_DIFFER.total_seconds() <= age_s <= MAX_FORM_AGE.total_seconds()


def asking_about(call_id: str, metadata: FormMetadata, now: datetime) -> FormMetadata:
    """What a form carries while it asks whether to call although there is that call; empty: none."""
    asked_at = str(int(now.timestamp() * 1000)) if call_id else ""
    return replace(metadata, anyway=call_id, asked_at=asked_at)


def key_of(view: Payload) -> str:
    """The request key of a form, or of the page that it became. Raises `ValueError`."""
    if view.get("callback_id") == schedule_page.SCHEDULE:
        return ScheduleMetadata.unpacked(view["private_metadata"]).form.key
    return FormMetadata.unpacked(view["private_metadata"]).key


def _view_id(given: object) -> str:
    return given if isinstance(given, str) and re.fullmatch(r"[\w.-]{1,64}", given, re.ASCII) else ""
