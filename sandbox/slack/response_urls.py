"""Messages that answer what a person did: the ack of a command, and POSTs to a response_url (slack-facts 1).

Call it with the team's lock held.
"""

from __future__ import annotations

import time
from typing import Any

from sandbox.slack.block_kit import Json
from sandbox.slack.errors import SlackError
from sandbox.slack.messages import checked_message
from sandbox.slack.team import BOT_USER_ID, ResponseUrl, Team

LIFETIME_S = 30 * 60


class ResponseUrls:
    """Posts and replaces the messages that answer people."""

    def __init__(self, team: Team) -> None:
        self._team = team

    def respond(self, key: str, args: Json) -> Json:
        """A POST to a response_url: up to 5 within 30 minutes, ephemeral by default. Raises SlackError."""
        target = self._team.response_urls.get(key)
        if target is None or time.monotonic() - target.made_at > LIFETIME_S:
            raise SlackError("expired_url")
        if target.posts_left == 0:
            raise SlackError("used_url")
        target.posts_left -= 1
        content = checked_message(args)
        if args.get("delete_original") and target.message_ts:
            self._team.remove(target.channel_id, target.message_ts)
            self._team.forget(target.user_id, target.message_ts)
        elif not content.get("text") and not content.get("blocks"):
            raise SlackError("no_text")
        elif args.get("replace_original") and target.message_ts:
            self._replace(target, content)
        else:
            self.answer(target, "response_url", args.get("response_type"), content, args.get("thread_ts"))
        return {}

    def answer(
        self, target: ResponseUrl, kind: str, response_type: Any, content: Json, thread_ts: Any = None
    ) -> None:
        """Reply to a person: in the channel if `response_type` says so, otherwise privately."""
        text, blocks = content.get("text", ""), content.get("blocks", [])
        if response_type == "in_channel":
            post = self._team.post(target.channel_id, BOT_USER_ID, text, blocks=blocks, thread_ts=thread_ts)
            ts = str(post["ts"])
        else:
            ts = self._team.show_privately(kind, target.user_id, target.channel_id, text, blocks)
        if not target.is_click:  # after a command, "the original" is the last reply
            target.message_ts = ts

    def _replace(self, target: ResponseUrl, content: Json) -> None:
        ts = str(target.message_ts)
        message = self._team.message(target.channel_id, ts)
        changes: Json = {"text": "", "blocks": []} | content
        if message is not None:
            self._team.edit(target.channel_id, message, changes)
        else:
            self._team.rewrite(target.user_id, ts, changes["text"], changes["blocks"])
