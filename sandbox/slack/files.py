"""Files that the bot shares, in Slack's three steps: ask for an address, send the bytes there, share them.

Errors: the pages of files.getUploadURLExternal and files.completeUploadExternal. Call it with the team's
lock held.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from sandbox.slack.block_kit import Json
from sandbox.slack.posts import Posts
from sandbox.slack.team import BOT_USER_ID, Refused, Team, make_id, need

_NOT_KNOWN = ("channels", "blocks")  # Slack takes these too; nothing here would come of them


@dataclass(frozen=True)
class SharedFile:
    """A file as people find it in a channel, with the words that came with it."""

    id: str
    name: str
    title: str
    content: bytes
    channel_id: str
    comment: str
    thread_ts: str | None


@dataclass
class _Upload:
    id: str
    name: str
    length: int
    content: bytes | None = None


class Files:
    """Files on their way, and the files that were shared."""

    def __init__(self, team: Team, posts: Posts) -> None:
        self._team = team
        self._posts = posts
        self._uploads: dict[str, _Upload] = {}  # by the secret in the address
        self._shared: list[SharedFile] = []

    def in_channel(self, channel_id: str) -> list[SharedFile]:
        """What was shared there, oldest first."""
        return [each for each in self._shared if each.channel_id == channel_id]

    def get_upload_url(self, args: Json) -> Json:
        """files.getUploadURLExternal: where to send the bytes."""
        if str(args.get("length")) == "0":
            raise Refused("missing_argument")
        need(args, "filename", "length")
        if not str(args["length"]).isdecimal():
            raise Refused("invalid_arguments", ["[ERROR] must be an integer [json-pointer:/length]"])
        ticket = secrets.token_hex(16)
        self._uploads[ticket] = _Upload(make_id("F"), str(args["filename"]), int(args["length"]))
        return {"upload_url": f"{self._team.url}/upload/v1/{ticket}", "file_id": self._uploads[ticket].id}

    def receive(self, ticket: str, content: bytes) -> str:
        """The bytes arrive; as many as were announced."""
        upload = self._uploads.get(ticket)
        if upload is None:
            raise Refused("no such upload")
        if len(content) != upload.length:
            raise Refused(f"{upload.length} bytes were announced, {len(content)} came")
        upload.content = content
        return f"OK - {len(content)}"

    def complete(self, args: Json) -> Json:
        """files.completeUploadExternal: share the files, in one message, with a comment or without."""
        need(args, "files")
        if any(args.get(name) for name in _NOT_KNOWN):
            raise Refused("invalid_arguments", [f"[ERROR] unknown here: {', '.join(_NOT_KNOWN)}"])
        found = self._arrived(args["files"])
        channel_id = str(args.get("channel_id") or "")
        comment, thread_ts = str(args.get("initial_comment") or ""), args.get("thread_ts") or None
        if channel_id:
            self._posts.shareable(channel_id)
        shared = [
            SharedFile(upload.id, upload.name, title or upload.name, content, channel_id, comment, thread_ts)
            for upload, content, title in found
        ]
        told = [{"id": s.id, "name": s.name, "title": s.title, "size": len(s.content)} for s in shared]
        if channel_id:
            self._team.post(channel_id, BOT_USER_ID, comment, thread_ts=thread_ts, files=told)
        self._shared += shared
        gone = {each.id for each in shared}
        self._uploads = {key: each for key, each in self._uploads.items() if each.id not in gone}
        return {"files": told}

    def _arrived(self, wanted: Any) -> list[tuple[_Upload, bytes, str]]:
        """The uploads that are meant, with their bytes and titles."""
        if not isinstance(wanted, list) or not all(isinstance(each, dict) for each in wanted):
            raise Refused("invalid_arguments", ["[ERROR] must provide an array [json-pointer:/files]"])
        by_id = {upload.id: upload for upload in self._uploads.values()}
        found = []
        for each in wanted:
            upload = by_id.get(str(each.get("id")))
            if upload is None or upload.content is None:
                raise Refused("file_not_found")
            found.append((upload, upload.content, str(each.get("title") or "")))
        return found
