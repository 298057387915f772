"""`/call history`: a person's own latest calls, shown to them alone. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from evoslack.calling.calls import Call
from evoslack.slack.rendering import cards, messages, mrkdwn, times
from evoslack.slack.rendering.blocks import Block, section

MOST = 10  # calls in one answer


def text(calls: Sequence[Call], region: str) -> str:
    """The same in plain lines, for notifications and screen readers."""
    if not calls:
        return messages.NO_CALLS
    return "\n".join([messages.HISTORY, *(_line(call, region) for call in calls)])


def blocks(calls: Sequence[Call], region: str) -> list[Block]:
    """A line for each call, newest first, with Call again where it is over."""
    if not calls:
        return []
    found = [section(f"*{messages.HISTORY}*")]
    for call in calls:
        row = section(_line(call, region))
        if call.is_scheduled:
            row["accessory"] = cards.cancel(call, messages.number(call, region))
        elif not call.is_in_progress:
            row["accessory"] = cards.call_again(call)
        found.append(row)
    return found


def _line(call: Call, region: str) -> str:
    headline = messages.headline(call, region, is_bold=True)
    return f"{headline}\n{mrkdwn.shown_name(call.request.flow_name)} · {times.when(call.accepted_at)}"
