"""The conversations.* methods of the Web API, and which conversations the bot may read and write.

Errors and scopes: slack-facts 8. Call it with the team's lock held.
"""

from __future__ import annotations

import base64
import copy
from typing import Any

from sandbox.slack.block_kit import Json
from sandbox.slack.errors import SlackError
from sandbox.slack.team import Team


class Conversations:
    """What the bot may do with conversations. The methods raise SlackError."""

    def __init__(self, team: Team) -> None:
        self._team = team

    def writable(self, name: Any, bypass: bool = False) -> Json:
        """The channel, if the bot may write there."""
        channel = self._team.find_channel(str(name))
        if channel is None or (channel["is_private"] and not channel["is_member"] and not bypass):
            raise SlackError("channel_not_found")
        if channel["is_archived"]:
            raise SlackError("is_archived")
        if not channel["is_member"] and not bypass and "chat:write.public" not in self._team.scopes:
            raise SlackError("not_in_channel")
        return channel

    def readable(self, name: Any, right: str | None = None) -> Json:
        """The channel, if the bot can see it and has the scope (`read`, `history`) for its kind."""
        channel = self._team.channels.get(str(name))
        kinds = {True: "groups", False: "channels"}
        if right is not None and not self._team.scopes & {f"{kind}:{right}" for kind in kinds.values()}:
            self._team.need_scope(f"channels:{right}")
        if channel is None or (channel["is_private"] and not channel["is_member"]):
            raise SlackError("channel_not_found")
        if right is not None:
            kind = "im" if channel.get("is_im") else kinds[channel["is_private"]]
            self._team.need_scope(f"{kind}:{right}")
        return channel

    def info(self, args: Json) -> Json:
        """One channel."""
        return {"channel": copy.deepcopy(self.readable(args.get("channel"), "read"))}

    def members(self, args: Json) -> Json:
        """A page of the people in a channel: everyone who has not left."""
        channel = self.readable(args.get("channel"), "read")
        departed = self._team.departed.get(channel["id"], set())
        members = [user_id for user_id in sorted(self._team.users) if user_id not in departed]
        start, limit = int(args.get("cursor") or 0), int(args.get("limit") or 100)
        rest = members[start + limit :]
        cursor = str(start + limit) if rest else ""
        return {"members": members[start : start + limit], "response_metadata": {"next_cursor": cursor}}

    def history(self, args: Json) -> Json:
        """The messages outside threads, newest first."""
        channel = self.readable(args.get("channel"), "history")
        if not channel["is_member"]:
            raise SlackError("not_in_channel")
        found = [m for m in self._team.messages(channel["id"]) if m.get("thread_ts", m["ts"]) == m["ts"]]
        found = [copy.deepcopy(m) for m in reversed(found) if _is_between(m["ts"], args)]
        limit = int(args.get("limit") or 100)
        page, rest = found[:limit], found[limit:]
        if not args.get("include_all_metadata"):
            page = [{key: m[key] for key in m if key != "metadata"} for m in page]
        answer: Json = {"messages": page, "has_more": bool(rest), "pin_count": 0}
        if rest:
            cursor = base64.b64encode(page[-1]["ts"].encode()).decode()
            answer["response_metadata"] = {"next_cursor": cursor}
        return answer

    def open(self, args: Json) -> Json:
        """The bot's direct message channel with one person, new or existing."""
        known = self._team.channels.get(str(args.get("channel")))
        if args.get("channel") and known is None:
            raise SlackError("channel_not_found")
        if known is not None and not known["is_im"]:
            raise SlackError("method_not_supported_for_channel_type")
        user_id = str(known["user"] if known else args.get("users") or "")
        if not user_id:
            raise SlackError("users_list_not_supplied")
        if "," in user_id:
            raise SlackError(
                "invalid_arguments", ["[ERROR] the sandbox does not support group conversations"]
            )
        if user_id not in self._team.users:
            raise SlackError("user_not_found")
        if self._team.users[user_id]["deleted"]:
            raise SlackError("user_disabled")
        channel = self._team.direct(user_id)
        return {"channel": copy.deepcopy(channel) if args.get("return_im") else {"id": channel["id"]}}

    def shareable(self, channel_id: str) -> None:
        """Raise SlackError unless the bot is a member of this conversation, given by its id."""
        if channel_id not in self._team.channels:
            raise SlackError("channel_not_found")
        if not self.writable(channel_id)["is_member"]:
            raise SlackError("not_in_channel")


def _is_between(ts: str, args: Json) -> bool:
    """Whether a message is within oldest..latest (ends included if `inclusive`) and before the cursor."""
    at, ends = float(ts), bool(args.get("inclusive"))
    if args.get("cursor") and at >= float(base64.b64decode(args["cursor"])):
        return False
    oldest, latest = float(args.get("oldest") or 0), float(args.get("latest") or "inf")
    return oldest <= at <= latest if ends else oldest < at < latest
