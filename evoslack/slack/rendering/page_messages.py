"""The sentences of the page that a form becomes, which shows the call as long as it is open."""

from __future__ import annotations

from evoslack.calling.calls import Call
from evoslack.slack.rendering.messages import NOT_IN_CHANNEL
from evoslack.slack.rendering.mrkdwn import escape

PAGE_TITLE = "Your call"
OPEN_CARD = "Open card"


def goes_on(call: Call, channel_id: str, card_link: str, card_problem: str = "") -> str:
    """Where the call can be seen once this page is closed (mrkdwn).

    `card_link`: empty without a card. `card_problem`: Slack's error code if the card is missing or out of
    date, else empty.
    """
    channel = f"<#{channel_id}>"
    if card_problem:
        return _no_card(channel, card_link, card_problem)
    if not (call.is_in_progress or call.is_scheduled):
        words = f"The card in {channel} has the details."
    elif call.request.view_id:
        words = f"You can close this. The card in {channel} stays up to date."
    else:
        words = f"You can close this page. It won't change; the card in {channel} will."
    return f"{words} *<{escape(card_link)}|{OPEN_CARD}>*" if card_link else words


def _no_card(channel: str, card_link: str, card_problem: str) -> str:
    if card_link:  # it may have been deleted, so there is no link
        return f"The card in {channel} is missing or out of date."
    if card_problem in NOT_IN_CHANNEL:
        return f"No card yet: EvoSlack isn't in {channel}. Type /invite @EvoSlack there."
    return f"The card in {channel} isn't there yet."
