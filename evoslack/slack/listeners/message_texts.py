"""What a message says: its own text, and what stands in its blocks and attachments.

A message can have any shape, depth and size, so depth, number and length are limited.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from evoslack.calling.number_search import LONGEST_MESSAGE

DEEPEST = 12  # how far blocks may be nested in each other
MOST_PARTS = 10_000  # blocks, lists and texts that are read; Slack takes 50 blocks (slack-facts 4)
_NAMES = ("text", "pretext", "title", "value", "fallback", "fields", "elements", "blocks")
_NO_MORE = object()


def texts_of(message: Mapping[str, Any]) -> Iterator[str]:
    """Every text in a message, in order, until `LONGEST_MESSAGE` characters or `MOST_PARTS` are reached."""
    top = (message.get("text"), message.get("blocks"), message.get("attachments"))
    waiting: list[Iterator[object]] = [iter(top)]
    parts = characters = 0
    while waiting and parts < MOST_PARTS and characters < LONGEST_MESSAGE:
        part = next(waiting[-1], _NO_MORE)
        if part is _NO_MORE:
            waiting.pop()
            continue
        parts += 1
        if isinstance(part, str):
            characters += len(part)
            yield part
        elif len(waiting) < DEEPEST:
            waiting.append(iter(_inside(part)))


def _inside(part: object) -> Iterable[object]:
    """What a list or a block holds; a link to a number is written as Slack writes one in a text."""
    if isinstance(part, list):
        return part
    if not isinstance(part, dict):
        return ()
    url = part.get("url")
    link = [f"<{url}>"] if isinstance(url, str) and url.startswith("tel:") else []
    return [*link, *(part[name] for name in _NAMES if part.get(name) is not None)]
