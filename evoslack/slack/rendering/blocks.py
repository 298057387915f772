"""The parts of Block Kit that views, cards, the Home tab and the history are made of."""

from __future__ import annotations

from typing import Any

Block = dict[str, Any]


def plain(words: str) -> Block:
    """A text without markup."""
    return {"type": "plain_text", "text": words, "emoji": False}


def mrkdwn(words: str) -> Block:
    """A text with markup."""
    # verbatim: Slack must not turn names, addresses or @words of foreign text into links and mentions.
    return {"type": "mrkdwn", "text": words, "verbatim": True}


def section(words: str) -> Block:
    """A paragraph with markup."""
    return {"type": "section", "text": mrkdwn(words)}


def context(words: str) -> Block:
    """A small line without markup."""
    return {"type": "context", "elements": [plain(words)]}


def small(words: str) -> Block:
    """A small line with markup."""
    return {"type": "context", "elements": [mrkdwn(words)]}


def actions(elements: list[Block], block_id: str = "") -> Block:
    """A row of buttons and menus."""
    name = {"block_id": block_id} if block_id else {}
    return {"type": "actions", "elements": elements} | name


def button(action_id: str, words: str, value: str = "") -> Block:
    """A button. `value` is sent when it is pressed."""
    carries = {"value": value} if value else {}
    return {"type": "button", "action_id": action_id, "text": plain(words)} | carries


def overflow(action_id: str, options: list[tuple[str, str]]) -> Block:
    """A menu behind three dots: words and value of each option, at most five."""
    shown = [{"text": plain(words), "value": value} for words, value in options]
    return {"type": "overflow", "action_id": action_id, "options": shown}


def field(block_id: str, label: str, hint: str, element: Block) -> Block:
    """An input with its label and hint."""
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "hint": plain(hint),
        "element": element,
    }


def confirm(title: str, words: str, yes: str, no: str) -> Block:
    """The question that a button asks first."""
    return {"title": plain(title), "text": plain(words), "confirm": plain(yes), "deny": plain(no)}


def modal(callback_id: str, title: str, close: str, blocks: list[Block]) -> Block:
    """A view in a window of its own."""
    return {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain(title),
        "close": plain(close),
        "blocks": blocks,
    }
