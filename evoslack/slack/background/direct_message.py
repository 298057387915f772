"""One direct message to one person, made of paragraphs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from slack_sdk import WebClient

MAX_CHARACTERS = 4000  # in one message (slack-facts 4)
SEPARATOR = "\n\n"


def send(client: WebClient, user_id: str, paragraphs: Iterable[str]) -> None:
    """Post the paragraphs (mrkdwn) as one message. Raises what the client raises."""
    client.chat_postMessage(
        channel=user_id, text=SEPARATOR.join(paragraphs), unfurl_links=False, unfurl_media=False
    )


def fits(paragraphs: Sequence[str], another: str) -> bool:
    """Whether one more paragraph fits into the same message."""
    return len(SEPARATOR.join([*paragraphs, another])) <= MAX_CHARACTERS
