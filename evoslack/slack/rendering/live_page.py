"""The page that a form becomes: the call as it is now, for the person who placed it. Pure functions."""

from __future__ import annotations

from evoslack.calling.calls import Call
from evoslack.slack.rendering import (
    button_messages,
    card_messages,
    cards,
    form_messages,
    messages,
    page_messages,
)
from evoslack.slack.rendering.blocks import Block, actions, modal, section, small

LIVE_PAGE = "live_page"


def view(
    call: Call,
    region: str,
    *,
    channel_id: str,
    card_link: str = "",
    card_problem: str = "",
    can_end: bool = False,
) -> Block:
    """What became of the call first, then what can be done about it, then where it goes on.

    `channel_id` is where its card is, `card_link` that card's address, if there is one, and `card_problem`
    Slack's error code if the card is missing or out of date. `can_end`: whether the bot may end calls at Evo
    Voice.
    """
    details = [
        *cards.running_time(call),
        card_messages.flow(call),
        card_messages.caller_id(call, region),
        card_messages.place(call),
    ]
    number = messages.number(call, region)
    if call.is_in_progress:
        buttons = cards.hang_up(call, number, can_end=can_end)
    elif call.is_scheduled:
        buttons = cards.scheduled(call, number)
    else:
        buttons = [cards.call_again(call), *cards.note(call)]
    sentences = (
        messages.reason(call),
        card_messages.hours_reason(call),
        card_messages.hang_up(call),
        button_messages.cannot_hang_up(call, can_end=can_end),
    )
    found = [
        section(messages.headline(call, region, is_bold=True)),
        *(section(words) for words in sentences if words),
        small(card_messages.SEPARATOR.join(part for part in details if part)),
        *(small(words) for words in [card_messages.note(call)] if words),
        *([actions(buttons)] if buttons else []),
        small(page_messages.goes_on(call, channel_id, card_link, card_problem)),
    ]
    return modal(LIVE_PAGE, page_messages.PAGE_TITLE, form_messages.CLOSE, found)
