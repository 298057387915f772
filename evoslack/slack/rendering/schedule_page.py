"""The page that asks when to call: after *Later…*, when the calling hours say no, and to change a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from evoslack.calling.calls import Call, CallRequest
from evoslack.calling.number_format import pretty, unbroken
from evoslack.calling.places import Place, place_of
from evoslack.calling.refusals import OutsideHours
from evoslack.calling.rulebook import LONGEST_REASON
from evoslack.slack.rendering import button_messages, form_messages, messages, mrkdwn, schedule_messages
from evoslack.slack.rendering.blocks import Block, modal, plain, section, small
from evoslack.slack.rendering.form_metadata import ChangeMetadata, ScheduleMetadata
from evoslack.slack.rendering.local_times import due
from evoslack.slack.rendering.select_options import LONGEST_OPTION, MOST_OPTIONS

SCHEDULE, CHANGE = "schedule", "schedule_change"  # callback ids
# Block ids and action ids alike.
CHOICE, DATE, TIME = "schedule_choice", "schedule_date", "schedule_time"
ZONE, REASON = "schedule_zone", "schedule_reason"
AT_OPENING, AT_OTHER, AT_ONCE = "opening", "other", "now"  # values of the choice
OWN = "own"  # value of the reader's own zone; the others are names of zones


@dataclass(frozen=True, slots=True)
class WhenEntries:
    """What was filled in, not checked yet; empty: nothing."""

    choice: str = ""
    date: str = ""
    time: str = ""
    zone: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page is about: which call, why it asks, and what this person may choose."""

    request: CallRequest
    refusal: OutsideHours | None  # the call was denied for its hour; None: they want to call later
    is_administrator: bool
    now: datetime

    @property
    def may_call_now(self) -> bool:
        """Whether this person can pass the hours."""
        return self.is_administrator and self.refusal is not None

    @property
    def opens_at(self) -> datetime | None:
        """The first moment that the hours allow."""
        return None if self.refusal is None else self.refusal.opens_at

    @property
    def has_times(self) -> bool:
        """Whether any later time can be right: the hours of an unknown zone never are."""
        return self.refusal is None or bool(self.refusal.local_times)


def ask(asked: Asked, metadata: ScheduleMetadata, region: str) -> Block:
    """The page that the form becomes."""
    place, request = place_of(asked.request.number), asked.request
    if asked.refusal is not None:
        words = schedule_messages.why(place, asked.refusal)
    else:
        words = schedule_messages.what_time(place, asked.now)
    choices = _choices(asked, place)
    has_choice = len(choices) > 1
    starts_at = asked.opens_at or asked.now
    fields: list[Block] = []
    if has_choice or not asked.has_times:
        fields.append(_choice_field(choices))
    if asked.has_times:
        fields += _time_fields(metadata.zone, place, starts_at, is_optional=has_choice)
    if asked.may_call_now:
        fields.append(_reason_field())
    submit = schedule_messages.CONFIRM if asked.may_call_now else schedule_messages.SCHEDULE
    about = [section(words), small(_about(request, region)), *_no_zone(metadata.zone, asked.has_times)]
    view = modal(SCHEDULE, schedule_messages.PAGE_TITLE, button_messages.CANCEL, [*about, *fields])
    return view | {"private_metadata": metadata.packed(), "submit": plain(submit)}


def change(call: Call, metadata: ChangeMetadata, region: str, *, is_administrator: bool) -> Block:
    """The page that changes the time of a call that waits for it."""
    place, due_at = place_of(call.request.number), call.request.due_at or call.accepted_at
    fields = _time_fields(metadata.zone, place, due_at, is_optional=False, presets_time=True)
    if is_administrator:
        fields.append(_reason_field(call.request.hours_reason))
    about = [
        section(f"*{messages.number(call, region)}* · {due(call)}"),
        *_no_zone(metadata.zone, has_times=True),
    ]
    view = modal(CHANGE, schedule_messages.CHANGE_TITLE, button_messages.CANCEL, [*about, *fields])
    return view | {"private_metadata": metadata.packed(), "submit": plain(schedule_messages.SAVE)}


def loading(external_id: str) -> Block:
    """Shown while the role is being looked up; `external_id` is our own name for it."""
    return notice(form_messages.LOADING) | {"external_id": external_id}


def notice(words: str) -> Block:
    """A page with words (mrkdwn) and nothing to press."""
    return modal("call_notice", schedule_messages.BUTTONS_TITLE, form_messages.CLOSE, [section(words)])


def entries_of(values: Mapping[str, Any]) -> WhenEntries:
    """What stands on the page, from `view.state.values`. Raises what another shape leads to."""
    return WhenEntries(
        choice=_option(values, CHOICE),
        date=_text(values, DATE, "selected_date"),
        time=_text(values, TIME, "selected_time"),
        zone=_option(values, ZONE),
        reason=_text(values, REASON, "value"),
    )


def zone_of(entries: WhenEntries, own: str, place: Place) -> str:
    """The time zone that was chosen; empty if the page did not offer it."""
    if entries.zone == OWN:
        return own or "UTC"
    return entries.zone if entries.zone in place.zones else ""


def first_field(view: Mapping[str, Any]) -> str:
    """The block id of a view's first input, where an error can stand; empty without one."""
    blocks = view.get("blocks") or ()
    return next((str(block.get("block_id")) for block in blocks if block.get("type") == "input"), "")


def has_field(view: Mapping[str, Any], block_id: str) -> bool:
    """Whether the view has that input."""
    return any(block.get("block_id") == block_id for block in view.get("blocks") or ())


def _about(request: CallRequest, region: str) -> str:
    """Which call it is."""
    shown = unbroken(pretty(request.number, region))
    return f"{shown} · {mrkdwn.shown_name(request.flow_name)}"


def _choices(asked: Asked, place: Place) -> list[tuple[str, str, str]]:
    """Value, words and a note for each choice."""
    found = []
    if asked.opens_at is not None:
        found.append((AT_OPENING, schedule_messages.at_opening(place, asked.opens_at, asked.now), ""))
    if asked.has_times:
        found.append((AT_OTHER, schedule_messages.AT_OTHER, ""))
    if asked.may_call_now:
        found.append((AT_ONCE, schedule_messages.AT_ONCE, schedule_messages.AT_ONCE_HINT))
    return found


def _choice_field(choices: Sequence[tuple[str, str, str]]) -> Block:
    options = [
        {"text": plain(words[:LONGEST_OPTION]), "value": value}
        | ({"description": plain(note)} if note else {})
        for value, words, note in choices
    ]
    radio = {"type": "radio_buttons", "action_id": CHOICE, "options": options, "initial_option": options[0]}
    return _input(CHOICE, schedule_messages.CHOICE_LABEL, radio)


def _time_fields(
    own: str, place: Place, starts_at: datetime, *, is_optional: bool, presets_time: bool = False
) -> list[Block]:
    """Date, time, and whose time that is. With a choice above them they may stay empty."""
    starts = starts_at.astimezone(ZoneInfo(own or "UTC"))
    date = {"type": "datepicker", "action_id": DATE, "initial_date": f"{starts:%Y-%m-%d}"}
    clock = {"type": "timepicker", "action_id": TIME} | (
        {"initial_time": f"{starts:%H:%M}"} if presets_time else {}
    )
    options = [
        {"text": plain(words[:LONGEST_OPTION]), "value": value}
        for value, words in _zones(own, place, starts_at)
    ]
    zone = {
        "type": "static_select",
        "action_id": ZONE,
        "options": options[:MOST_OPTIONS],
        "initial_option": options[0],
    }
    optional = {"optional": True} if is_optional else {}
    return [
        _input(DATE, schedule_messages.DATE_LABEL, date) | optional,
        _input(TIME, schedule_messages.TIME_LABEL, clock) | optional,
        _input(ZONE, schedule_messages.ZONE_LABEL, zone) | optional,
    ]


def _zones(own: str, place: Place, at: datetime) -> list[tuple[str, str]]:
    """The reader's own zone first, then those of the number; one option if all show the same time."""
    mine = (OWN, schedule_messages.my_zone(own, place.zones, at))
    if own and schedule_messages.same_time([own, *place.zones], at):
        return [mine]
    is_only = len(place.zones) == 1
    return [mine, *((zone, schedule_messages.their_zone(zone, is_only=is_only)) for zone in place.zones)]


def _no_zone(own: str, has_times: bool) -> list[Block]:
    return [small(schedule_messages.NO_OWN_ZONE)] if has_times and not own else []


def _reason_field(given: str = "") -> Block:
    element: Block = {"type": "plain_text_input", "action_id": REASON, "max_length": LONGEST_REASON}
    if given:
        element["initial_value"] = given
    hint = {"hint": plain(schedule_messages.REASON_HINT)}
    return _input(REASON, schedule_messages.REASON_LABEL, element) | hint | {"optional": True}


def _input(block_id: str, label: str, element: Block) -> Block:
    return {"type": "input", "block_id": block_id, "label": plain(label), "element": element}


def _option(values: Mapping[str, Any], block: str) -> str:
    option = values.get(block, {}).get(block, {}).get("selected_option")
    return str(option["value"]) if option else ""


def _text(values: Mapping[str, Any], block: str, key: str) -> str:
    text = values.get(block, {}).get(block, {}).get(key) or ""
    if not isinstance(text, str):
        raise TypeError("not a string")
    return text
