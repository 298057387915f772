"""Messages and channels by Web API: posting, updating, whispering, reading, and answers to a response_url.

Arguments arrive parsed (see `api`), answers are the JSON that Slack gives; a refusal is raised as
Refused. Errors, limits and scopes: slack-facts 1, 4 and 8. Call it with the team's lock held.
"""

from __future__ import annotations

import base64
import copy
import time
from typing import Any

from sandbox.slack.block_kit import Json, problems_in_blocks
from sandbox.slack.limits import Limits
from sandbox.slack.team import BOT_USER_ID, Refused, ResponseUrl, Team, with_ids

MOST_CHARS_IN_BLOCKS = 13_200
RESPONSE_URL_LIFETIME_S = 30 * 60


def _text_of(value: Any) -> int:
    """How many characters of text there are in blocks."""
    if isinstance(value, list):
        return sum(_text_of(each) for each in value)
    if isinstance(value, dict):
        own = value.get("text")
        return sum(_text_of(each) for each in value.values()) + (len(own) if isinstance(own, str) else 0)
    return 0


def checked_message(args: Json) -> Json:
    """The text, blocks and metadata that stand in the arguments, if Slack would take them."""
    content: Json = {}
    if args.get("text") is not None:
        content["text"] = str(args["text"])
    if args.get("blocks") is not None:
        problems = problems_in_blocks(args["blocks"])
        if problems:
            raise Refused("invalid_blocks", problems, errors=problems)
        if _text_of(args["blocks"]) > MOST_CHARS_IN_BLOCKS:
            raise Refused("msg_blocks_too_long")
        content["blocks"] = with_ids(args["blocks"])
    metadata = args.get("metadata")
    if metadata:
        shape = {"event_type": str, "event_payload": dict}
        if not isinstance(metadata, dict) or any(
            not isinstance(metadata.get(k), t) for k, t in shape.items()
        ):
            raise Refused("invalid_metadata_format")
    if metadata is not None:
        content["metadata"] = metadata or None
    return content


class Posts:
    """What the bot may do with messages and channels."""

    def __init__(self, team: Team) -> None:
        self._team = team
        self.limits = Limits()

    def _writable(self, name: Any, bypass: bool = False) -> Json:
        """The channel, if the bot may write there."""
        channel = self._team.find_channel(str(name))
        if channel is None or (channel["is_private"] and not channel["is_member"] and not bypass):
            raise Refused("channel_not_found")
        if channel["is_archived"]:
            raise Refused("is_archived")
        if not channel["is_member"] and not bypass and "chat:write.public" not in self._team.scopes:
            raise Refused("not_in_channel")
        return channel

    def chat_post_message(self, args: Json) -> Json:
        """Post; a user id as channel means the bot's direct messages with that person."""
        channel = self._writable(args.get("channel"))
        content = checked_message(args)
        if not content.get("text") and not content.get("blocks"):
            raise Refused("no_text")
        self.limits.post(channel["id"])
        content["text"] = content.get("text", "")[:40_000]
        message = self._team.post(
            channel["id"], BOT_USER_ID, thread_ts=args.get("thread_ts") or None, **content
        )
        return {"channel": channel["id"], "ts": message["ts"], "message": copy.deepcopy(message)}

    def shareable(self, channel_id: str) -> None:
        """Refuse unless the bot may share a file there: in a conversation it is in, given by its id."""
        if channel_id not in self._team.channels:
            raise Refused("channel_not_found")
        if not self._writable(channel_id)["is_member"]:
            raise Refused("not_in_channel")

    def chat_update(self, args: Json) -> Json:
        """Change an own message; what is left out stays as it is."""
        channel = self._team.channels.get(str(args.get("channel")))
        if channel is None:
            raise Refused("channel_not_found")
        message = self._team.message(channel["id"], str(args.get("ts")))
        if message is None:
            raise Refused("message_not_found")
        if message["user"] != BOT_USER_ID:
            raise Refused("cant_update_message")
        if channel["is_archived"]:
            raise Refused("is_inactive")
        content = checked_message(args)
        if len(content.get("text", "")) > 4000:
            raise Refused("msg_too_long")
        if not content:
            raise Refused("no_text")
        self.limits.update()
        self._team.edit(channel["id"], message, content)
        told = copy.deepcopy(message)
        return {"channel": channel["id"], "ts": message["ts"], "text": message["text"], "message": told}

    def chat_post_ephemeral(self, args: Json) -> Json:
        """Show something to one person in a channel."""
        channel = self._writable(args.get("channel"))
        if args.get("user") not in self._team.users:
            raise Refused("user_not_in_channel")
        content = checked_message(args)
        if not content.get("text") and not content.get("blocks"):
            raise Refused("no_text")
        note = (content.get("text", ""), content.get("blocks", []))
        return {"message_ts": self._team.whisper("ephemeral", args["user"], channel["id"], *note)}

    def chat_get_permalink(self, args: Json) -> Json:
        """The address of a message."""
        channel = self._readable(args.get("channel"))
        ts = str(args.get("message_ts"))
        if self._team.message(channel["id"], ts) is None:
            raise Refused("message_not_found")
        link = f"{self._team.url}/archives/{channel['id']}/p{ts.replace('.', '')}"
        return {"channel": channel["id"], "permalink": link}

    # --- channels

    def _readable(self, name: Any, right: str | None = None) -> Json:
        """The channel, if the bot knows of it and may do this (`read`, `history`) with its kind."""
        channel = self._team.channels.get(str(name))
        kinds = {True: "groups", False: "channels"}
        if right is not None and not self._team.scopes & {f"{kind}:{right}" for kind in kinds.values()}:
            self._team.need_scope(f"channels:{right}")
        if channel is None or (channel["is_private"] and not channel["is_member"]):
            raise Refused("channel_not_found")
        if right is not None:
            kind = "im" if channel.get("is_im") else kinds[channel["is_private"]]
            self._team.need_scope(f"{kind}:{right}")
        return channel

    def conversations_info(self, args: Json) -> Json:
        """One channel."""
        return {"channel": copy.deepcopy(self._readable(args.get("channel"), "read"))}

    def conversations_members(self, args: Json) -> Json:
        """The people in a channel, page by page; everybody who did not leave."""
        channel = self._readable(args.get("channel"), "read")
        absent = self._team.absent.get(channel["id"], set())
        members = [user_id for user_id in sorted(self._team.users) if user_id not in absent]
        start, limit = int(args.get("cursor") or 0), int(args.get("limit") or 100)
        rest = members[start + limit :]
        cursor = str(start + limit) if rest else ""
        return {"members": members[start : start + limit], "response_metadata": {"next_cursor": cursor}}

    def conversations_history(self, args: Json) -> Json:
        """The messages outside threads, newest first."""
        channel = self._readable(args.get("channel"), "history")
        if not channel["is_member"]:
            raise Refused("not_in_channel")
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

    def conversations_open(self, args: Json) -> Json:
        """The bot's direct messages with one person; opened before or not, it is the same conversation."""
        known = self._team.channels.get(str(args.get("channel")))
        if args.get("channel") and known is None:
            raise Refused("channel_not_found")
        if known is not None and not known["is_im"]:
            raise Refused("method_not_supported_for_channel_type")
        user_id = str(known["user"] if known else args.get("users") or "")
        if not user_id:
            raise Refused("users_list_not_supplied")
        if "," in user_id:
            raise Refused("invalid_arguments", ["[ERROR] the sandbox knows no conversations of several"])
        if user_id not in self._team.users:
            raise Refused("user_not_found")
        if self._team.users[user_id]["deleted"]:
            raise Refused("user_disabled")
        channel = self._team.direct(user_id)
        return {"channel": copy.deepcopy(channel) if args.get("return_im") else {"id": channel["id"]}}

    # --- response_url

    def respond(self, key: str, args: Json) -> Json:
        """A POST to a response_url: 5 times within 30 minutes, ephemeral unless said otherwise."""
        right = self._team.response_urls.get(key)
        if right is None or time.monotonic() - right.made_at > RESPONSE_URL_LIFETIME_S:
            raise Refused("expired_url")
        if right.posts_left == 0:
            raise Refused("used_url")
        right.posts_left -= 1
        content = checked_message(args)
        if args.get("delete_original") and right.message_ts:
            self._team.remove(right.channel_id, right.message_ts)
            self._team.forget(right.user_id, right.message_ts)
        elif not content.get("text") and not content.get("blocks"):
            raise Refused("no_text")
        elif args.get("replace_original") and right.message_ts:
            self._replace(right, content)
        else:
            self.answer(right, "response_url", args.get("response_type"), content, args.get("thread_ts"))
        return {}

    def answer(
        self, right: ResponseUrl, kind: str, response_type: Any, content: Json, thread_ts: Any = None
    ) -> None:
        """Show an answer to a person's act: in the channel if asked to, else to that person alone."""
        text, blocks = content.get("text", ""), content.get("blocks", [])
        if response_type == "in_channel":
            post = self._team.post(right.channel_id, BOT_USER_ID, text, blocks=blocks, thread_ts=thread_ts)
            ts = str(post["ts"])
        else:
            ts = self._team.whisper(kind, right.user_id, right.channel_id, text, blocks)
        if not right.is_click:  # after a command, "the original" is what was answered last
            right.message_ts = ts

    def _replace(self, right: ResponseUrl, content: Json) -> None:
        ts = str(right.message_ts)
        message = self._team.message(right.channel_id, ts)
        changes: Json = {"text": "", "blocks": []} | content
        if message is not None:
            self._team.edit(right.channel_id, message, changes)
        else:
            self._team.rewrite(right.user_id, ts, changes["text"], changes["blocks"])


def _is_between(ts: str, args: Json) -> bool:
    """Whether a message lies in oldest..latest (or before the cursor), whose ends count when `inclusive`."""
    at, ends = float(ts), bool(args.get("inclusive"))
    if args.get("cursor") and at >= float(base64.b64decode(args["cursor"])):
        return False
    oldest, latest = float(args.get("oldest") or 0), float(args.get("latest") or "inf")
    return oldest <= at <= latest if ends else oldest < at < latest
