"""The chat.* methods of the Web API.

Takes parsed arguments (see `api`), returns Slack's JSON, and raises SlackError. Errors and limits:
slack-facts 4 and 8. Call it with the team's lock held.
"""

from __future__ import annotations

import copy
from typing import Any

from sandbox.slack.block_kit import Json, problems_in_blocks
from sandbox.slack.conversations import Conversations
from sandbox.slack.errors import SlackError
from sandbox.slack.ids import with_ids
from sandbox.slack.limits import Limits
from sandbox.slack.team import BOT_USER_ID, Team

MOST_CHARS_IN_BLOCKS = 13_200


def _text_of(value: Any) -> int:
    """The number of characters of text in blocks."""
    if isinstance(value, list):
        return sum(_text_of(each) for each in value)
    if isinstance(value, dict):
        own = value.get("text")
        return sum(_text_of(each) for each in value.values()) + (len(own) if isinstance(own, str) else 0)
    return 0


def checked_message(args: Json) -> Json:
    """The text, blocks, and metadata in the arguments. Raises SlackError when they are invalid."""
    content: Json = {}
    if args.get("text") is not None:
        content["text"] = str(args["text"])
    if args.get("blocks") is not None:
        problems = problems_in_blocks(args["blocks"])
        if problems:
            raise SlackError("invalid_blocks", problems, errors=problems)
        if _text_of(args["blocks"]) > MOST_CHARS_IN_BLOCKS:
            raise SlackError("msg_blocks_too_long")
        content["blocks"] = with_ids(args["blocks"])
    metadata = args.get("metadata")
    if metadata:
        shape = {"event_type": str, "event_payload": dict}
        if not isinstance(metadata, dict) or any(
            not isinstance(metadata.get(k), t) for k, t in shape.items()
        ):
            raise SlackError("invalid_metadata_format")
    if metadata is not None:
        content["metadata"] = metadata or None
    return content


class Messages:
    """Posts and edits the bot's messages."""

    def __init__(self, team: Team, conversations: Conversations) -> None:
        self._team = team
        self._conversations = conversations
        self.limits = Limits()

    def post(self, args: Json) -> Json:
        """chat.postMessage; a user id as channel is the direct message channel with that person."""
        channel = self._conversations.writable(args.get("channel"))
        content = checked_message(args)
        if not content.get("text") and not content.get("blocks"):
            raise SlackError("no_text")
        self.limits.post(channel["id"])
        content["text"] = content.get("text", "")[:40_000]
        message = self._team.post(
            channel["id"], BOT_USER_ID, thread_ts=args.get("thread_ts") or None, **content
        )
        return {"channel": channel["id"], "ts": message["ts"], "message": copy.deepcopy(message)}

    def update(self, args: Json) -> Json:
        """chat.update of one of the bot's messages; omitted fields are kept."""
        channel = self._team.channels.get(str(args.get("channel")))
        if channel is None:
            raise SlackError("channel_not_found")
        message = self._team.message(channel["id"], str(args.get("ts")))
        if message is None:
            raise SlackError("message_not_found")
        if message["user"] != BOT_USER_ID:
            raise SlackError("cant_update_message")
        if channel["is_archived"]:
            raise SlackError("is_inactive")
        content = checked_message(args)
        if len(content.get("text", "")) > 4000:
            raise SlackError("msg_too_long")
        if not content:
            raise SlackError("no_text")
        self.limits.update()
        self._team.edit(channel["id"], message, content)
        told = copy.deepcopy(message)
        return {"channel": channel["id"], "ts": message["ts"], "text": message["text"], "message": told}

    def post_ephemeral(self, args: Json) -> Json:
        """chat.postEphemeral."""
        channel = self._conversations.writable(args.get("channel"))
        if args.get("user") not in self._team.users:
            raise SlackError("user_not_in_channel")
        content = checked_message(args)
        if not content.get("text") and not content.get("blocks"):
            raise SlackError("no_text")
        note = (content.get("text", ""), content.get("blocks", []))
        return {"message_ts": self._team.show_privately("ephemeral", args["user"], channel["id"], *note)}

    def get_permalink(self, args: Json) -> Json:
        """chat.getPermalink."""
        channel = self._conversations.readable(args.get("channel"))
        ts = str(args.get("message_ts"))
        if self._team.message(channel["id"], ts) is None:
            raise SlackError("message_not_found")
        link = f"{self._team.url}/archives/{channel['id']}/p{ts.replace('.', '')}"
        return {"channel": channel["id"], "permalink": link}
