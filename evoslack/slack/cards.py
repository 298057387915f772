"""The card: the one message per call that the channel sees. Pure functions."""

from __future__ import annotations

from typing import Any

from evoslack.calls import Call, State
from evoslack.numbers import pretty
from evoslack.slack import messages

EVENT_TYPE = "evoslack_call"
CALL_AGAIN = "call_again"


def text(call: Call, region: str) -> str:
    """The whole meaning in one line: notifications and screen readers get only this."""
    request = call.request
    flow, caller_id = messages.shown_name(request.flow_name), pretty(request.caller_id, region)
    sentences = (
        f"{messages.STATE_WORDS[call.state]}: {messages.headline(call, region)}",
        messages.reason(call),
        f"Asked for by <@{request.user_id}>, flow {flow}, caller ID {caller_id}.",
    )
    return " ".join(sentence for sentence in sentences if sentence)


def blocks(call: Call, region: str) -> list[dict[str, Any]]:
    """State first, a reason where there is trouble, then who, what and when."""
    request = call.request
    state = messages.STATE_WORDS[call.state]
    found: list[dict[str, Any]] = [
        {"type": "section", "text": mrkdwn(f"*{state}.* {messages.headline(call, region)}")},
        {
            "type": "section",
            "fields": [
                mrkdwn(f"*Asked for by*\n<@{request.user_id}>"),
                mrkdwn(f"*Flow*\n{messages.shown_name(request.flow_name)}"),
                mrkdwn(f"*Caller ID*\n{pretty(request.caller_id, region)}"),
                mrkdwn(f"*When*\n{when(call)}"),
            ],
        },
    ]
    if reason := messages.reason(call):
        found.insert(1, {"type": "section", "text": mrkdwn(reason)})
    if not call.is_open:
        found.append({"type": "actions", "elements": [call_again(call)]})
    return found


def call_again(call: Call) -> dict[str, Any]:
    """The button that opens the form once more; after a doubt it asks whether somebody has looked."""
    button = {
        "type": "button",
        "action_id": CALL_AGAIN,
        "text": _plain(messages.CALL_AGAIN),
        "value": call.id,
    }
    if call.state is State.IN_DOUBT:
        button["confirm"] = {
            "title": _plain(messages.MAY_HAVE_RUNG),
            "text": _plain(messages.LOOK_FIRST),
            "confirm": _plain(messages.OPEN_FORM),
            "deny": _plain(messages.FORM_CLOSE),
        }
    return button


def when(call: Call) -> str:
    """When it was asked for, in each reader's own time (mrkdwn)."""
    asked_at = int(call.accepted_at.timestamp())
    return f"<!date^{asked_at}^{{date_short_pretty}} {{time}}|{call.accepted_at:%Y-%m-%d %H:%M} UTC>"


def metadata(call: Call) -> dict[str, Any]:
    """The call's id, by which a card can be found again. Everybody may read this: nothing else in it."""
    return {"event_type": EVENT_TYPE, "event_payload": {"call_id": call.id}}


def _plain(words: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": words, "emoji": False}


def mrkdwn(words: str) -> dict[str, Any]:
    """A text with markup."""
    # verbatim: Slack must not turn names, addresses or @words of foreign text into links and mentions.
    return {"type": "mrkdwn", "text": words, "verbatim": True}
