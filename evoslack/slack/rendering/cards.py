"""The card: the one message per call that the channel sees. Pure functions."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from evoslack.calling.calls import Call, HangUp, Progress
from evoslack.calling.number_format import pretty
from evoslack.slack.rendering import button_messages, form_messages, messages, note_messages
from evoslack.slack.rendering.blocks import Block, actions, button, confirm, mrkdwn, section

EVENT_TYPE = "evoslack_call"
CALL_AGAIN = "call_again"
HANG_UP = "hang_up"
NOTE = "call_note"
MORE = "call_more"

_NO_DIGITS = re.compile(r"\D", re.ASCII)
_TELLING = 7  # this many last digits identify a subscriber, whatever precedes them
_HIDDEN = "…"


def text(call: Call, region: str, *, hides_number: bool = False) -> str:
    """The whole meaning in one line: notifications and screen readers get only this."""
    call = _shown(call, hides_number=hides_number)
    headline = messages.headline(call, region, hides_number=hides_number)
    sentences = (
        headline if headline.endswith((".", "…")) else f"{headline}.",
        messages.reason(call),
        messages.called_by(call, region),
    )
    return " ".join(sentence for sentence in sentences if sentence)


def blocks(call: Call, region: str, *, can_end: bool = False, hides_number: bool = False) -> list[Block]:
    """State first, a reason where there is trouble, then who, what and when.

    `can_end`: whether the bot may end calls at Evo Voice. `hides_number`: other companies read the channel.
    """
    call, request = _shown(call, hides_number=hides_number), call.request
    found = [section(messages.headline(call, region, hides_number=hides_number, is_bold=True))]
    if reason := messages.reason(call):
        found.append(section(reason))
    fields = [
        _field(messages.CALLED_BY, f"<@{request.user_id}>"),
        _field(form_messages.FLOW_LABEL, messages.shown_name(request.flow_name)),
        _field(form_messages.CALLER_ID_LABEL, pretty(request.caller_id, region)),
        _field(messages.STARTED, when(call)),
        *_running_time(call),
    ]
    found.append({"type": "section", "fields": fields})
    if call.hang_up is not None and call.is_in_progress:
        found.append(section(button_messages.HANG_UP_MESSAGES[call.hang_up]))
    if not call.is_open:
        buttons = [_hang_up(call)] if can_end and _may_be_ended(call) else []
        notes = [] if call.is_in_progress else [button(NOTE, note_messages.ADD, call.id)]
        found.append(actions([*buttons, call_again(call), *notes]))
    return found


def call_again(call: Call) -> Block:
    """The button that opens the form once more; while it is uncertain what rang, it asks first."""
    again = button(CALL_AGAIN, button_messages.CALL_AGAIN, call.id)
    if call.is_uncertain:
        again["confirm"] = confirm(
            button_messages.CALL_AGAIN_TITLE,
            button_messages.CALL_AGAIN_TEXT,
            button_messages.CALL_AGAIN_CONFIRM,
            button_messages.CANCEL,
        )
    return again


def _shown(call: Call, *, hides_number: bool) -> Call:
    """Without Evo Voice's own words where they repeat the number that is to be hidden."""
    if not hides_number:
        return call
    number = _NO_DIGITS.sub("", call.request.number)[-_TELLING:]
    detail = "" if number in _NO_DIGITS.sub("", call.detail) else call.detail
    evo_outcome = _HIDDEN if number in _NO_DIGITS.sub("", call.evo_outcome) else call.evo_outcome
    return replace(call, detail=detail, evo_outcome=evo_outcome)


def _hang_up(call: Call) -> Block:
    words = button_messages.HANG_UP
    question = confirm(f"{words}?", button_messages.HANG_UP_TEXT, words, button_messages.CANCEL)
    danger = {"style": "danger"}
    return button(HANG_UP, words, call.id) | danger | {"confirm": question | danger}


def _may_be_ended(call: Call) -> bool:
    """Whether there is something to end, and no hang-up is under way."""
    return call.can_hang_up and call.hang_up is not HangUp.ASKED


def _running_time(call: Call) -> list[Block]:
    """How long people have been talking. Slack counts it, so it is right whenever the card is read."""
    if call.progress is not Progress.ANSWERED or call.answered_at is None:
        return []
    return [_field(messages.ANSWERED, _moment(call.answered_at, "{time_secs}, {ago}", "%H:%M:%S"))]


def when(call: Call) -> str:
    """When it was started, in each reader's own time zone (mrkdwn)."""
    return _moment(call.accepted_at, "{date_short_pretty} {time}", "%Y-%m-%d %H:%M")


def _moment(at: datetime, shown: str, otherwise: str) -> str:
    return f"<!date^{int(at.timestamp())}^{shown}|{at:{otherwise}} UTC>"


def metadata(call: Call) -> dict[str, Any]:
    """The call's id, to find a card again. Everyone in the channel can read it: nothing else is in it."""
    return {"event_type": EVENT_TYPE, "event_payload": {"call_id": call.id}}


def _field(label: str, words: str) -> Block:
    return mrkdwn(f"*{label}*\n{words}")
