"""The quiet line under the number of a form: where that is, what time it is there, and who called it.

It is a block of its own, so that an update of the form changes nothing else: what is typed stays, because
the blocks around it keep their ids (slack-facts 2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from evoslack.calling.calls import Call, State
from evoslack.calling.numbers import BadNumber, Problem
from evoslack.calling.places import Place
from evoslack.calling.refusals import NumberBlocked, Refusal
from evoslack.calling.status import CallStatus, status_of
from evoslack.slack.rendering import form_messages, number_messages, rule_messages
from evoslack.slack.rendering.blocks import Block, mrkdwn, plain
from evoslack.slack.rendering.form_metadata import FormMetadata
from evoslack.slack.rendering.mrkdwn import escape
from evoslack.slack.rendering.refusal_messages import refusal_message

NUMBER, LINE, QUESTION = "number", "number_line", "busy"  # block ids, or how they begin

# What may be sent back to Slack of a view that Slack sent.
_OURS = (
    "type",
    "callback_id",
    "title",
    "submit",
    "close",
    "private_metadata",
    "notify_on_close",
    "external_id",
)
_NEVER_DIALED = {CallStatus.SCHEDULED, CallStatus.NOT_SENT, CallStatus.TOO_LATE}
_UNFINISHED = {Problem.EMPTY, Problem.TOO_SHORT, Problem.SHORT_CODE}
_SOON_FINISHED = {Problem.NOT_A_NUMBER, Problem.INVALID}
_FEW_DIGITS = 7


def words(place: Place, latest: Sequence[Call], reader: str, at: datetime, *, is_asked: bool = False) -> str:
    """What is known of a number (mrkdwn); `latest` are its latest calls, newest first. Empty: nothing.

    `is_asked`: the form asks about the number, so it says already who is on the phone with it.
    """
    live = next((call for call in latest if call.may_be_on_the_phone(at)), None)
    last = next((call for call in latest if _was_dialed(call)), None)
    parts = [
        number_messages.on_it_now(live, reader, at) if live and not is_asked else "",
        number_messages.TOLL_FREE if place.is_toll_free else escape(place.name),
        _time_there(place, at),
        number_messages.last_called(last, reader) if last and not live and not is_asked else "",
    ]
    return " · ".join(part for part in parts if part)


def _was_dialed(call: Call) -> bool:
    return call.state is not State.CANCELED and status_of(call) not in _NEVER_DIALED


def _time_there(place: Place, at: datetime) -> str:
    times = place.local_times(at)
    if len(times) > 1 and not place.name:  # such as a toll-free number, which is nowhere
        return ""
    return number_messages.time_there(times[0], times[-1]) if times else ""


def problem(bad: BadNumber, region: str) -> str:
    """Why a number cannot be dialed (mrkdwn): the same sentence as the field's error after a press."""
    return number_messages.problem(refusal_message(bad, region).words)


def objection(refusal: Refusal, rest: str) -> str:
    """What a rule says against a number (mrkdwn), with what else is known of it in a line below."""
    return "\n".join(filter(None, (number_messages.objection(refusal), rest)))


def is_problem(line: str) -> bool:
    """Whether a line says that the number cannot be dialed."""
    return line.startswith(number_messages.WARNING)


def says(line: str, refusal: Refusal, sentence: str) -> bool:
    """Whether a line, as Slack sent it, says why, as `sentence` does; Slack may spell its emoji as a name."""
    why = rule_messages.why(refusal) if isinstance(refusal, NumberBlocked) else sentence
    return escape(why) in line


def is_unfinished(typed: str, bad: BadNumber) -> bool:
    """Whether a person who is still typing has obviously not finished, so that nothing is wrong yet."""
    if bad.problem in _SOON_FINISHED:
        digits = sum(char.isdecimal() for char in typed)
        return digits < _FEW_DIGITS and not any(char.isalpha() for char in typed)
    return bad.problem in _UNFINISHED


def put(blocks: Sequence[Block], line: str) -> list[Block]:
    """The blocks of a form with this line under the number, instead of the one that stood there."""
    found: list[Block] = []
    for block in blocks:
        if not str(block.get("block_id", "")).startswith(LINE):
            found.append(block)
        if line and block.get("block_id") == NUMBER:
            found.append({"type": "context", "block_id": LINE, "elements": [mrkdwn(line)]})
    return found


def line_in(blocks: Sequence[Mapping[str, Any]]) -> str:
    """The line that stands in these blocks."""
    for block in blocks:
        if block.get("block_id") == LINE:
            return str(block["elements"][0]["text"])
    return ""


def asked_about(blocks: Sequence[Mapping[str, Any]]) -> str:
    """The number (E.164) that a form asks about before it is called; empty if it does not ask."""
    ids = [str(block.get("block_id", "")) for block in blocks]
    return next((each.removeprefix(f"{QUESTION} ") for each in ids if each.startswith(f"{QUESTION} ")), "")


def updated(view: Mapping[str, Any], line: str) -> Block:
    """A view that Slack sent with another line, to send back."""
    kept = {name: view[name] for name in _OURS if view.get(name)}
    return kept | {"blocks": put(view["blocks"], line)}


def without_question(view: Block) -> Block:
    """The same form without its question, once it holds another number than the one that was asked about."""
    metadata = replace(FormMetadata.unpacked(view["private_metadata"]), anyway="", asked_at="")
    left = [block for block in view["blocks"] if not asked_about([block])]
    submit = plain(form_messages.FORM_SUBMIT)
    return view | {"blocks": left, "submit": submit, "private_metadata": metadata.packed()}
