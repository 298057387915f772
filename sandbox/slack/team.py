"""The data of the stand-in Slack's one workspace: people, channels, messages, and private messages. No HTTP.

In memory, behind one lock. Every change notifies `changed`, so a waiting test wakes up at once.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.slack.block_kit import Json
from sandbox.slack.errors import SlackError
from sandbox.slack.message_records import PrivateMessage, ShownMessage, words_of
from sandbox.slack.triggers import Triggers

TEAM_ID = "T0SANDBOX"
APP_ID = "A0SANDBOX"
BOT_USER_ID = "U0BOT"
BOT_ID = "B0BOT"


@dataclass
class ResponseUrl:
    """A response_url: up to five replies to something a person did (slack-facts 1)."""

    user_id: str
    channel_id: str
    message_ts: str | None  # what replace_original replaces
    is_click: bool
    made_at: float = field(default_factory=time.monotonic)
    posts_left: int = 5


class Team:
    """One workspace's data. Hold `change()` or `changed` while using it from several threads."""

    def __init__(self) -> None:
        self.url = ""
        self.changed = threading.Condition(threading.RLock())
        self.version = 0
        self.scopes: set[str] = set()  # of the bot token
        self.users: dict[str, Json] = {}
        self.channels: dict[str, Json] = {}
        self.departed: dict[str, set[str]] = {}  # channel id -> people who left it
        self.complaints: list[str] = []
        self.triggers = Triggers()
        self.response_urls: dict[str, ResponseUrl] = {}
        self.shown: list[ShownMessage] = []  # every version of the app's messages, oldest first
        self._messages: dict[str, list[Json]] = {}
        self._private: dict[str, list[PrivateMessage]] = {}
        self._last_ts = 0

    @contextmanager
    def change(self) -> Iterator[None]:
        """Hold the lock, then wake all waiting threads."""
        with self.changed:
            try:
                yield
            finally:
                self.version += 1
                self.changed.notify_all()

    def report_problems(self, about: str, problems: list[str]) -> None:
        """Record a response of the app that real Slack would not accept."""
        with self.change():
            self.complaints.extend(f"{about}: {problem}" for problem in problems)

    def need_scope(self, scope: str | None) -> None:
        """Raise SlackError unless the bot token has this scope."""
        if scope is not None and scope not in self.scopes:
            raise SlackError("missing_scope", needed=scope, provided=",".join(sorted(self.scopes)))

    # --- people and channels

    def add_user(self, user_id: str, name: str, email: str | None = None, **fields: Any) -> None:
        """A full user object (slack-facts 9); `fields` override."""
        profile = {"real_name": name.title(), "display_name": name}
        self.users[user_id] = {
            "id": user_id,
            "team_id": TEAM_ID,
            "name": name,
            "real_name": name.title(),
            "deleted": False,
            "is_bot": False,
            "is_app_user": False,
            "is_admin": False,
            "is_owner": False,
            "is_restricted": False,
            "is_ultra_restricted": False,
            "is_stranger": False,
            "is_email_confirmed": email is not None,
            "tz": "America/New_York",
            "tz_offset": -18000,
            "profile": profile | ({"email": email} if email else {}),
        } | fields

    def add_channel(self, channel_id: str, name: str, is_private: bool = False, **flags: bool) -> None:
        """A full channel object; `flags` override."""
        channel: Json = {"id": channel_id, "name": name, "is_im": False, "is_private": is_private}
        channel |= {"is_channel": not is_private, "is_group": is_private, "is_archived": False}
        channel |= {"is_member": True, "is_shared": flags.get("is_ext_shared", False), "is_ext_shared": False}
        self.channels[channel_id] = channel | flags

    def direct(self, user_id: str) -> Json:
        """The bot's direct message channel with a person; created on first use."""
        channel: Json = {"id": f"D{user_id[1:]}", "is_im": True, "user": user_id, "is_member": True}
        channel |= {"is_private": True, "is_archived": False, "is_ext_shared": False}
        return self.channels.setdefault(channel["id"], channel)

    def find_channel(self, name: str) -> Json | None:
        """A channel by id or name, or the direct message channel of a user id."""
        if name in self.users:
            return self.direct(name)
        by_name = (c for c in self.channels.values() if c.get("name") == name.removeprefix("#"))
        return self.channels.get(name) or next(by_name, None)

    # --- messages

    def next_ts(self) -> str:
        """A message id: Unix time with six decimals, unique and increasing."""
        self._last_ts = max(self._last_ts + 1, time.time_ns() // 1000)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def messages(self, channel_id: str) -> list[Json]:
        """The messages of a channel, oldest first (the live objects)."""
        return self._messages.setdefault(channel_id, [])

    def message(self, channel_id: str, ts: str) -> Json | None:
        """One message (the live object)."""
        return next((m for m in self.messages(channel_id) if m["ts"] == ts), None)

    def post(self, channel_id: str, user_id: str, text: str, **more: Any) -> Json:
        """Post a message; a direct message of the bot is also recorded as a private message."""
        message: Json = {
            "type": "message",
            "user": user_id,
            "text": text,
            "ts": self.next_ts(),
            "team": TEAM_ID,
        }
        if user_id == BOT_USER_ID:
            message |= {"bot_id": BOT_ID, "app_id": APP_ID}
        message |= {key: value for key, value in more.items() if value is not None}
        self.messages(channel_id).append(message)
        person = self.channels[channel_id].get("user")
        if user_id == BOT_USER_ID and not person:
            self._note("", channel_id, message)
        if person and user_id == BOT_USER_ID:
            self.show_privately("dm", person, channel_id, text, more.get("blocks") or [], ts=message["ts"])
        return message

    def edit(self, channel_id: str, message: Json, changes: Json) -> None:
        """Edit a message in place."""
        message.update(changes, edited={"user": BOT_USER_ID, "ts": self.next_ts()})
        person = self.channels[channel_id].get("user")
        if person:
            self.rewrite(person, message["ts"], message["text"], message.get("blocks", []))
        else:
            self._note("", channel_id, message)

    def remove(self, channel_id: str, ts: str) -> None:
        """Delete a message, if it still exists."""
        self._messages[channel_id] = [m for m in self.messages(channel_id) if m["ts"] != ts]

    # --- private messages

    def private(self, user_id: str) -> list[PrivateMessage]:
        """This person's private messages, oldest first (the live list)."""
        return self._private.setdefault(user_id, [])

    def show_privately(
        self, kind: str, user_id: str, channel_id: str, text: str, blocks: list[Json], *, ts: str = ""
    ) -> str:
        """Show a message to one person; returns its ts."""
        note = PrivateMessage(kind, channel_id, text, blocks, time.time(), ts or self.next_ts())
        self.private(user_id).append(note)
        self._note(user_id, channel_id, {"ts": note.ts, "text": text, "blocks": blocks})
        return note.ts

    def rewrite(self, user_id: str, ts: str, text: str, blocks: list[Json]) -> None:
        """Edit a private message."""
        notes = self.private(user_id)
        notes[:] = [replace(n, text=text, blocks=blocks) if n.ts == ts else n for n in notes]
        self._note(user_id, "", {"ts": ts, "text": text, "blocks": blocks})

    def forget(self, user_id: str, ts: str) -> None:
        """Delete a private message."""
        self._private[user_id] = [note for note in self.private(user_id) if note.ts != ts]

    def _note(self, user_id: str, channel_id: str, message: Json) -> None:
        words = words_of(message["text"], message.get("blocks"))
        metadata = message.get("metadata") or {}
        self.shown.append(ShownMessage(time.time(), user_id, channel_id, str(message["ts"]), words, metadata))

    # --- response_urls

    def new_response_url(self, user_id: str, channel_id: str, message_ts: str | None = None) -> str:
        """A response_url for something this person did; `message_ts` for a click in a message."""
        key = secrets.token_hex(12)
        self.response_urls[key] = ResponseUrl(user_id, channel_id, message_ts, message_ts is not None)
        return f"{self.url}/response/{key}"
