"""The card: the one message per call that the channel sees. Pure functions."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from evoslack.calling.calls import Call, HangUp, Progress
from evoslack.calling.numbers import pretty
from evoslack.slack.rendering import messages

EVENT_TYPE = "evoslack_call"
CALL_AGAIN = "call_again"
HANG_UP = "hang_up"

_NO_DIGITS = re.compile(r"\D", re.ASCII)
_TELLING = 7  # so many last digits name a subscriber, whatever stands before them


def text(call: Call, region: str, *, hides_number: bool = False) -> str:
    """The whole meaning in one line: notifications and screen readers get only this."""
    call, request = _shown(call, hides_number=hides_number), call.request
    flow, caller_id = messages.shown_name(request.flow_name), pretty(request.caller_id, region)
    sentences = (
        f"{messages.state_words(call)}: {messages.headline(call, region, hides_number=hides_number)}",
        messages.reason(call),
        f"Asked for by <@{request.user_id}>, flow {flow}, caller ID {caller_id}.",
    )
    return " ".join(sentence for sentence in sentences if sentence)


def blocks(
    call: Call, region: str, *, can_end: bool = False, hides_number: bool = False
) -> list[dict[str, Any]]:
    """State first, a reason where there is trouble, then who, what and when.

    `can_end`: whether the bot may end calls at Evo Voice. `hides_number`: other companies read along.
    """
    call, request = _shown(call, hides_number=hides_number), call.request
    state, headline = messages.state_words(call), messages.headline(call, region, hides_number=hides_number)
    found: list[dict[str, Any]] = [
        {"type": "section", "text": mrkdwn(f"*{state}.* {headline}")},
        {
            "type": "section",
            "fields": [
                mrkdwn(f"*Asked for by*\n<@{request.user_id}>"),
                mrkdwn(f"*Flow*\n{messages.shown_name(request.flow_name)}"),
                mrkdwn(f"*Caller ID*\n{pretty(request.caller_id, region)}"),
                mrkdwn(f"*When*\n{when(call)}"),
                *_running_time(call),
            ],
        },
    ]
    if reason := messages.reason(call):
        found.insert(1, {"type": "section", "text": mrkdwn(reason)})
    if call.hang_up is not None and call.is_going_on:
        found.append({"type": "section", "text": mrkdwn(messages.HANG_UP_MESSAGES[call.hang_up])})
    if not call.is_open:
        buttons = [_hang_up(call)] if can_end and _may_be_ended(call) else []
        found.append({"type": "actions", "elements": [*buttons, call_again(call)]})
    return found


def call_again(call: Call) -> dict[str, Any]:
    """The button that opens the form once more; while it is uncertain what rang, it asks first."""
    button = {
        "type": "button",
        "action_id": CALL_AGAIN,
        "text": _plain(messages.CALL_AGAIN),
        "value": call.id,
    }
    if call.is_uncertain:
        button["confirm"] = {
            "title": _plain(messages.MAY_HAVE_RUNG),
            "text": _plain(messages.LOOK_FIRST),
            "confirm": _plain(messages.OPEN_FORM),
            "deny": _plain(messages.CANCEL),
        }
    return button


def _shown(call: Call, *, hides_number: bool) -> Call:
    """Without Evo Voice's own words where they repeat the number that is to be hidden."""
    if not hides_number:
        return call
    number = _NO_DIGITS.sub("", call.request.number)[-_TELLING:]
    detail, evo_outcome = (
        "" if number in _NO_DIGITS.sub("", said) else said for said in (call.detail, call.evo_outcome)
    )
    return replace(call, detail=detail, evo_outcome=evo_outcome)


def _hang_up(call: Call) -> dict[str, Any]:
    return {
        "type": "button",
        "action_id": HANG_UP,
        "style": "danger",
        "text": _plain(messages.HANG_UP),
        "value": call.id,
        "confirm": {
            "style": "danger",
            "title": _plain(f"{messages.HANG_UP}?"),
            "text": _plain(messages.HANG_UP_TEXT),
            "confirm": _plain(messages.HANG_UP),
            "deny": _plain(messages.CANCEL),
        },
    }


def _may_be_ended(call: Call) -> bool:
    """Whether there is something to end, and nobody is at it already."""
    return call.may_be_ended and call.hang_up is not HangUp.ASKED


def _running_time(call: Call) -> list[dict[str, Any]]:
    """Since when people talk, by Slack's own clock so that it is right whenever somebody looks."""
    if call.progress is not Progress.ANSWERED or call.answered_at is None:
        return []
    return [mrkdwn(f"*Answered*\n{_moment(call.answered_at, '{time_secs}, {ago}', '%H:%M:%S')}")]


def when(call: Call) -> str:
    """When it was asked for, in each reader's own time (mrkdwn)."""
    return _moment(call.accepted_at, "{date_short_pretty} {time}", "%Y-%m-%d %H:%M")


def _moment(at: datetime, shown: str, otherwise: str) -> str:
    return f"<!date^{int(at.timestamp())}^{shown}|{at:{otherwise}} UTC>"


def metadata(call: Call) -> dict[str, Any]:
    """The call's id, by which a card can be found again. Everybody may read this: nothing else in it."""
    return {"event_type": EVENT_TYPE, "event_payload": {"call_id": call.id}}


def _plain(words: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": words, "emoji": False}


def mrkdwn(words: str) -> dict[str, Any]:
    """A text with markup."""
    # verbatim: Slack must not turn names, addresses or @words of foreign text into links and mentions.
    return {"type": "mrkdwn", "text": words, "verbatim": True}
