"""The blocks of a private message about calls: a paragraph each, and *Call again* once a call is over."""

from __future__ import annotations

from collections.abc import Sequence

from evoslack.calling.calls import Call
from evoslack.slack.rendering import cards, messages
from evoslack.slack.rendering.blocks import Block, actions, section

LONGEST_SECTION = 3000  # characters (slack-facts 4)


def blocks(paragraphs: Sequence[tuple[str, Call]], region: str) -> list[Block]:
    """The blocks for these paragraphs (mrkdwn) and their calls; at most 48 calls fit into a message."""
    if len(paragraphs) == 1:
        ((words, call),) = paragraphs
        if call.is_scheduled:
            buttons = cards.scheduled(call, messages.number(call, region))
        else:
            buttons = [] if call.is_in_progress else [cards.call_again(call)]
        return [section(words[:LONGEST_SECTION]), *([actions(buttons)] if buttons else [])]
    return [_with_button(words, call, region) for words, call in paragraphs]


def _with_button(words: str, call: Call, region: str) -> Block:
    if call.is_scheduled:
        return section(words[:LONGEST_SECTION]) | {
            "accessory": cards.cancel(call, messages.number(call, region))
        }
    button = {} if call.is_in_progress else {"accessory": cards.call_again(call)}
    return section(words[:LONGEST_SECTION]) | button
