"""What the stand-in Slack remembers of its one workspace: people, channels, messages, private notes.

Plain memory behind one lock. Everything that changes it notifies `changed`, so that a waiting test wakes
up at once. Nothing here speaks HTTP.
"""

from __future__ import annotations

import copy
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.slack.block_kit import Json, elements_of

TEAM_ID = "T0SANDBOX"
APP_ID = "A0SANDBOX"
BOT_USER_ID = "U0BOT"
BOT_ID = "B0BOT"


class Refused(Exception):
    """Slack says no: the `error` of its answer, and what else stands there."""

    def __init__(self, code: str, messages: list[str] | None = None, **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.answer: Json = {"ok": False, "error": code, **more}
        if messages:
            self.answer["response_metadata"] = {"messages": messages}


def need(args: Json, *names: str) -> None:
    """Refuse unless all these arguments are given."""
    missing = [name for name in names if not args.get(name)]
    if missing:
        raise Refused("invalid_arguments", [f"[ERROR] missing required field: {name}" for name in missing])


@dataclass(frozen=True)
class Private:
    """Something only one person was shown; `at` in Unix seconds. `kind`: ack, response_url, ephemeral, dm."""

    kind: str
    channel_id: str
    text: str
    blocks: list[Json]
    at: float
    ts: str


@dataclass(frozen=True)
class Shown:
    """What could be read at some moment, even if it was replaced later; `at` in Unix seconds.

    `user_id` is the only one who could read it; empty: everybody in the channel. `text` has all its words,
    those in blocks too; `metadata` is the message's own.
    """

    at: float
    user_id: str
    channel_id: str
    ts: str
    text: str
    metadata: Json


@dataclass
class Trigger:
    """The right to open one view for one person (slack-facts 2)."""

    user_id: str
    channel_id: str | None
    in_modal: bool
    made_at: float = field(default_factory=time.monotonic)
    used: bool = False


@dataclass
class ResponseUrl:
    """The right to answer a person's act a few times, wherever it happened (slack-facts 1)."""

    user_id: str
    channel_id: str
    message_ts: str | None  # what replace_original means
    is_click: bool
    made_at: float = field(default_factory=time.monotonic)
    posts_left: int = 5


def make_id(prefix: str) -> str:
    """A fresh id in Slack's looks."""
    return prefix + secrets.token_hex(5).upper()


def words_of(text: str, part: object) -> str:
    """The text of a message and every word in its blocks."""
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


def with_ids(blocks: list[Json]) -> list[Json]:
    """A copy of the blocks in which Slack has filled in the ids that the app left open."""
    blocks = copy.deepcopy(blocks)
    for block in blocks:
        block.setdefault("block_id", secrets.token_hex(3))
        for element in elements_of(block):
            element.setdefault("action_id", secrets.token_hex(3))
    return blocks


class Team:
    """One workspace's memory. Hold `change()` or `lock` while touching it from several threads."""

    def __init__(self) -> None:
        self.url = ""
        self.changed = threading.Condition(threading.RLock())
        self.version = 0
        self.trigger_lifetime_s = 3.0
        self.scopes: set[str] = set()  # what the bot token may do
        self.users: dict[str, Json] = {}
        self.channels: dict[str, Json] = {}
        self.absent: dict[str, set[str]] = {}  # who left a channel, by its id
        self.complaints: list[str] = []
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.shown: list[Shown] = []  # by the app, in order
        self._messages: dict[str, list[Json]] = {}
        self._private: dict[str, list[Private]] = {}
        self._last_ts = 0

    @contextmanager
    def change(self) -> Iterator[None]:
        """Hold the lock, then wake everybody who waits for something."""
        with self.changed:
            try:
                yield
            finally:
                self.version += 1
                self.changed.notify_all()

    def complain(self, about: str, problems: list[str]) -> None:
        """Record an answer of the app that real Slack would not have understood."""
        with self.change():
            self.complaints.extend(f"{about}: {problem}" for problem in problems)

    def need_scope(self, scope: str | None) -> None:
        """Refuse unless the bot token has this scope."""
        if scope is not None and scope not in self.scopes:
            raise Refused("missing_scope", needed=scope, provided=",".join(sorted(self.scopes)))

    # --- people and channels

    def add_user(self, user_id: str, name: str, email: str | None, fields: Json) -> None:
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

    def add_channel(self, channel_id: str, name: str, *, private: bool, **flags: bool) -> None:
        """A full channel object; `flags` add to it."""
        kind = {"is_channel": not private, "is_group": private, "is_im": False, "is_private": private}
        self.channels[channel_id] = {"id": channel_id, "name": name} | kind | flags

    def direct(self, user_id: str) -> Json:
        """The bot's direct messages with a person, always the same conversation."""
        channel: Json = {"id": f"D{user_id[1:]}", "is_im": True, "user": user_id, "is_member": True}
        channel |= {"is_private": True, "is_archived": False, "is_ext_shared": False}
        return self.channels.setdefault(channel["id"], channel)

    def find_channel(self, name: str) -> Json | None:
        """A channel by id or name, or the bot's direct messages with a person by the person's id."""
        if name in self.users:
            return self.direct(name)
        by_name = (c for c in self.channels.values() if c.get("name") == name.removeprefix("#"))
        return self.channels.get(name) or next(by_name, None)

    # --- messages

    def next_ts(self) -> str:
        """Unix time with six digits, unique and growing: Slack's name for a message."""
        self._last_ts = max(self._last_ts + 1, time.time_ns() // 1000)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def messages(self, channel_id: str) -> list[Json]:
        """The messages of a channel, oldest first (the live objects)."""
        return self._messages.setdefault(channel_id, [])

    def message(self, channel_id: str, ts: str) -> Json | None:
        """One message (the live object)."""
        return next((m for m in self.messages(channel_id) if m["ts"] == ts), None)

    def post(self, channel_id: str, user_id: str, text: str, **more: Any) -> Json:
        """Put a message into a channel; what the bot writes into a person's DM is a private note as well."""
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
            self.whisper("dm", person, channel_id, text, more.get("blocks") or [], ts=message["ts"])
        return message

    def edit(self, channel_id: str, message: Json, changes: Json) -> None:
        """Change a message where it stands."""
        message.update(changes, edited={"user": BOT_USER_ID, "ts": self.next_ts()})
        person = self.channels[channel_id].get("user")
        if person:
            self.rewrite(person, message["ts"], message["text"], message.get("blocks", []))
        else:
            self._note("", channel_id, message)

    def remove(self, channel_id: str, ts: str) -> None:
        """Delete a message; nothing happens when it is gone already."""
        self._messages[channel_id] = [m for m in self.messages(channel_id) if m["ts"] != ts]

    # --- what only one person is shown

    def private(self, user_id: str) -> list[Private]:
        """What this person alone was shown, oldest first (the live list)."""
        return self._private.setdefault(user_id, [])

    def whisper(
        self, kind: str, user_id: str, channel_id: str, text: str, blocks: list[Json], *, ts: str = ""
    ) -> str:
        """Show something to one person; returns its ts."""
        note = Private(kind, channel_id, text, blocks, time.time(), ts or self.next_ts())
        self.private(user_id).append(note)
        self._note(user_id, channel_id, {"ts": note.ts, "text": text, "blocks": blocks})
        return note.ts

    def rewrite(self, user_id: str, ts: str, text: str, blocks: list[Json]) -> None:
        """Replace what a private note says."""
        notes = self.private(user_id)
        notes[:] = [replace(n, text=text, blocks=blocks) if n.ts == ts else n for n in notes]
        self._note(user_id, "", {"ts": ts, "text": text, "blocks": blocks})

    def forget(self, user_id: str, ts: str) -> None:
        """Take a private note away."""
        self._private[user_id] = [note for note in self.private(user_id) if note.ts != ts]

    def _note(self, user_id: str, channel_id: str, message: Json) -> None:
        words = words_of(message["text"], message.get("blocks"))
        metadata = message.get("metadata") or {}
        self.shown.append(Shown(time.time(), user_id, channel_id, str(message["ts"]), words, metadata))

    # --- rights to answer

    def new_trigger(self, user_id: str, channel_id: str | None = None, in_modal: bool = False) -> str:
        """A trigger_id for something this person just did."""
        trigger_id = f"{time.time_ns() // 1000}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self.triggers[trigger_id] = Trigger(user_id, channel_id, in_modal)
        return trigger_id

    def valid_trigger(self, trigger_id: Any) -> Trigger:
        """The trigger with this id, or a refusal as Slack gives it; whoever opens a view sets `used`."""
        trigger = self.triggers.get(str(trigger_id))
        if trigger is None:
            raise Refused("invalid_trigger_id")
        if trigger.used:
            raise Refused("exchanged_trigger_id")
        if time.monotonic() - trigger.made_at > self.trigger_lifetime_s:
            raise Refused("expired_trigger_id")
        return trigger

    def new_response_url(self, user_id: str, channel_id: str, message_ts: str | None = None) -> str:
        """An address to answer this person's act at; `message_ts` when it was a click in a message."""
        key = secrets.token_hex(12)
        self.response_urls[key] = ResponseUrl(user_id, channel_id, message_ts, message_ts is not None)
        return f"{self.url}/response/{key}"
