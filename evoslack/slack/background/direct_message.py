"""One direct message to one person, made of paragraphs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from slack_sdk import WebClient

MAX_CHARACTERS = 4000  # in one message (slack-facts 4)
SEPARATOR = "\n\n"

Place = tuple[str, str]  # the channel and the ts of a message; both empty: unknown
NOWHERE: Place = ("", "")


def send(
    client: WebClient, user_id: str, paragraphs: Iterable[str], blocks: Sequence[dict[str, Any]] | None = None
) -> Place:
    """Post the paragraphs (mrkdwn) as one message; `blocks` say the same. Raises what the client raises."""
    posted = client.chat_postMessage(
        channel=user_id,
        text=SEPARATOR.join(paragraphs),
        blocks=blocks,
        unfurl_links=False,
        unfurl_media=False,
    )
    channel, ts = posted.get("channel"), posted.get("ts")
    return (channel, ts) if isinstance(channel, str) and isinstance(ts, str) else NOWHERE


def edit(
    client: WebClient, place: Place, paragraphs: Iterable[str], blocks: Sequence[dict[str, Any]]
) -> None:
    """Replace a message that was posted before. Raises what the client raises."""
    channel, ts = place
    client.chat_update(channel=channel, ts=ts, text=SEPARATOR.join(paragraphs), blocks=blocks)


def fits(paragraphs: Sequence[str], another: str) -> bool:
    """Whether one more paragraph fits into the same message."""
    return len(SEPARATOR.join([*paragraphs, another])) <= MAX_CHARACTERS
