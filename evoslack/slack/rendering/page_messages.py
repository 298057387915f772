"""The sentences of the page that a form becomes, which shows the call as long as it is open."""

from __future__ import annotations

from evoslack.calling.calls import Call
from evoslack.slack.rendering.messages import escape

PAGE_TITLE = "Your call"
OPEN_CARD = "Open card"


def goes_on(call: Call, channel_id: str, card_link: str) -> str:
    """Where the call can be seen once this page is closed (mrkdwn). `card_link`: empty without a card."""
    channel = f"<#{channel_id}>"
    if not call.is_in_progress:
        words = f"The card in {channel} has the details."
    elif call.request.view_id:
        words = f"This page follows the call. You can close it; the card in {channel} goes on."
    else:
        words = f"You can close this page. It won't change; the card in {channel} will."
    return f"{words} *<{escape(card_link)}|{OPEN_CARD}>*" if card_link else words
