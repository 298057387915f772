"""What people saw of the app's messages, kept for tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.slack.block_kit import Json


@dataclass(frozen=True)
class PrivateMessage:
    """A message for one person; `at` in Unix seconds. `kind`: ack, response_url, ephemeral, dm."""

    kind: str
    channel_id: str
    text: str
    blocks: list[Json]
    at: float
    ts: str


@dataclass(frozen=True)
class ShownMessage:
    """One version of a message of the app, even if replaced later; `at` in Unix seconds.

    Only `user_id` could read it; empty: everyone in the channel. `text` includes the text of blocks;
    `metadata` is the message's own.
    """

    at: float
    user_id: str
    channel_id: str
    ts: str
    text: str
    metadata: Json


def words_of(text: str, part: object) -> str:
    """The text of a message and of its blocks."""
    return "\n".join([text, *_words(part)])


def _words(part: object) -> Iterator[str]:
    if isinstance(part, list):
        for each in part:
            yield from _words(each)
    elif isinstance(part, dict):
        if isinstance(part.get("text"), str):
            yield part["text"]
        for value in part.values():
            yield from _words(value)
