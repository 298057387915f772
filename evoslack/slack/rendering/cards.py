"""The card: the one message per call that the channel sees. Pure functions."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import Any

from evoslack.calling.calls import Call, HangUp, Progress, State
from evoslack.calling.status import CallStatus, status_of
from evoslack.slack.rendering import (
    button_messages,
    card_messages,
    messages,
    note_messages,
    schedule_messages,
)
from evoslack.slack.rendering.blocks import Block, actions, button, confirm, overflow, section, small

EVENT_TYPE = "evoslack_call"
CALL_AGAIN = "call_again"
HANG_UP = "hang_up"
CANCEL, CHANGE_TIME = "cancel_call", "change_call_time"  # buttons of a call that waits for its time
NOTE = "call_note"  # a button; its value is the call's id
MORE = "call_more"  # a menu; the values of its options are one of the next two and the call's id
_NOTE, _AGAIN = "note:", "again:"

_TELLING = 7  # this many last digits identify a subscriber, whatever precedes them
_HIDDEN = "…"
# Nothing has to be done after these, so their card is as low as it can be: all its controls are in the menu.
_QUIET = frozenset({CallStatus.COMPLETED, CallStatus.HUNG_UP, CallStatus.ENDED})


def text(call: Call, region: str, *, hides_number: bool = False) -> str:
    """The whole meaning in one line: notifications and screen readers get only this."""
    call = _shown(call, hides_number=hides_number)
    sentences = (
        f"{messages.headline(call, region, hides_number=hides_number)}.",
        messages.reason(call),
        card_messages.hang_up(call),
        f"{reason}." if (reason := card_messages.hours_reason(call)) else "",
        card_messages.in_sentences(call, region),
    )
    return " ".join(sentence for sentence in sentences if sentence)


def blocks(call: Call, region: str, *, can_end: bool = False, hides_number: bool = False) -> list[Block]:
    """How it stands, a reason where there is trouble, who called with what, what came of it, what to do next.

    `can_end`: whether the bot may end calls at Evo Voice. `hides_number`: other companies read the channel.
    """
    call = _shown(call, hides_number=hides_number)
    number = messages.number(call, region, hides_number=hides_number)
    headline = section(messages.headline(call, region, hides_number=hides_number, is_bold=True))
    details = [
        *running_time(call),
        card_messages.called_by(call),
        card_messages.flow(call),
        card_messages.caller_id(call, region),
        card_messages.place(call),
    ]
    sentences = [
        messages.reason(call),
        card_messages.hours_reason(call),
        card_messages.hang_up(call),
        button_messages.cannot_hang_up(call, can_end=can_end),
    ]
    is_quiet = status_of(call) in _QUIET or call.state is State.CANCELED
    again = (button_messages.CALL_AGAIN, f"{_AGAIN}{call.id}")
    controls = [] if is_quiet else _controls(call, number, can_end=can_end)
    return [
        headline | ({"accessory": _more(call, again)[0]} if is_quiet else {}),
        *(section(words) for words in sentences if words),
        small(card_messages.SEPARATOR.join(part for part in details if part)),
        *(small(words) for words in [card_messages.note(call)] if words),
        *([actions(controls)] if controls else []),
    ]


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


def chose_call_again(chosen: str) -> str:
    """The id of the call that is to be made again, from the value of an option in the menu; else empty."""
    return chosen.removeprefix(_AGAIN) if chosen.startswith(_AGAIN) else ""


def _controls(call: Call, number: str, *, can_end: bool) -> list[Block]:
    """What to do next, and a menu of what is rarer. A person who is on the phone is not called again."""
    if call.is_open:
        return []
    if call.is_scheduled:
        return scheduled(call, number)
    if call.is_in_progress:
        return [*hang_up(call, number, can_end=can_end), *_more(call)]
    return [call_again(call), *_more(call)]


def scheduled(call: Call, number: str) -> list[Block]:
    """The buttons of a call that waits for its time; Cancel asks first, and names it by `number`."""
    return [cancel(call, number), button(CHANGE_TIME, schedule_messages.CHANGE_TIME, call.id)]


def cancel(call: Call, number: str) -> Block:
    """The button that takes such a call back."""
    words = schedule_messages.CANCEL_CALL, schedule_messages.KEEP
    question = confirm(schedule_messages.cancel_title(number), schedule_messages.CANCEL_TEXT, *words)
    return button(CANCEL, button_messages.CANCEL, call.id) | {"confirm": question}


def note(call: Call) -> list[Block]:
    """The button that opens the form for a result and a note; none for a call that was never dialed."""
    return [button(NOTE, note_messages.TITLE, call.id)] if _was_dialed(call) else []


def _was_dialed(call: Call) -> bool:
    if call.state is State.CANCELED:
        return False
    return status_of(call) not in {CallStatus.SCHEDULED, CallStatus.NOT_SENT, CallStatus.TOO_LATE}


def _more(call: Call, *others: tuple[str, str]) -> list[Block]:
    """The menu of what is rarer."""
    notes = [(note_messages.TITLE, f"{_NOTE}{call.id}")] if _was_dialed(call) else []
    return [overflow(MORE, [*notes, *others])] if notes or others else []


def hang_up(call: Call, number: str, *, can_end: bool) -> list[Block]:
    """The button that ends the call, if there is something to end and no hang up is under way.

    It asks first, and names the call by `number`, as it is shown.
    """
    if not can_end or not call.can_hang_up or call.hang_up is HangUp.ASKED:
        return []
    words, danger = button_messages.HANG_UP, {"style": "danger"}
    title = button_messages.hang_up_title(number)
    question = confirm(title, button_messages.HANG_UP_TEXT, words, button_messages.CANCEL)
    return [button(HANG_UP, words, call.id) | danger | {"confirm": question | danger}]


def running_time(call: Call) -> list[str]:
    """How long people have been talking, while they do."""
    if call.progress is not Progress.ANSWERED or call.answered_at is None:
        return []
    return [card_messages.talking_since(call.answered_at)]


def _shown(call: Call, *, hides_number: bool) -> Call:
    """Without the words of others where they repeat the number that is to be hidden."""
    if not hides_number:
        return call
    number = _digits(call.request.number)[-_TELLING:]

    def cleaned(words: str, otherwise: str = _HIDDEN) -> str:
        return otherwise if number in _digits(words) else words

    request = call.request
    request = replace(
        request,
        flow_name=cleaned(request.flow_name),
        caller_id_label=cleaned(request.caller_id_label),
        hours_reason=cleaned(request.hours_reason),
    )
    note = replace(call.note, text=cleaned(call.note.text))
    detail, evo_outcome = cleaned(call.detail, otherwise=""), cleaned(call.evo_outcome)
    return replace(call, request=request, note=note, detail=detail, evo_outcome=evo_outcome)


def _digits(words: str) -> str:
    """The digits in a text, in whatever script they are written."""
    return "".join(
        str(unicodedata.digit(char)) for char in words if unicodedata.digit(char, None) is not None
    )


def metadata(call: Call) -> dict[str, Any]:
    """The call's id, to find a card again. Everyone in the channel can read it: nothing else is in it."""
    return {"event_type": EVENT_TYPE, "event_payload": {"call_id": call.id}}
