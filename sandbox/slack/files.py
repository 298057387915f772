"""Files that the bot shares, and files that people put into a form.

The bot shares in Slack's three steps: get an upload URL, upload the bytes, share the file.

Errors: the pages of files.getUploadURLExternal and files.completeUploadExternal. Call it with the team's
lock held.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sandbox.slack.block_kit import Json
from sandbox.slack.conversations import Conversations
from sandbox.slack.errors import SlackError, require_args
from sandbox.slack.ids import make_id
from sandbox.slack.team import BOT_USER_ID, TEAM_ID, Team

MOST_BYTES = 10_000_000  # of a file in a form
_UNSUPPORTED = ("channels", "blocks")  # Slack has these too; the sandbox does not implement them


@dataclass(frozen=True)
class SharedFile:
    """A file in a channel, with its comment."""

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
    """Uploads in progress, and shared files."""

    def __init__(self, team: Team, conversations: Conversations) -> None:
        self._team = team
        self._conversations = conversations
        self._uploads: dict[str, _Upload] = {}  # by the ticket in the URL
        self._shared: list[SharedFile] = []
        self._private: dict[str, bytes] = {}  # by the path of their URL

    def in_channel(self, channel_id: str) -> list[SharedFile]:
        """The files shared there, oldest first."""
        return [each for each in self._shared if each.channel_id == channel_id]

    def attach(self, user_id: str, name: str, content: bytes) -> Json:
        """A person uploads a file in a form: the file object that payloads carry. ValueError: too large."""
        if len(content) > MOST_BYTES:
            raise ValueError(f"Slack takes at most {MOST_BYTES:,} bytes")
        file_id, extension = make_id("F"), name.rpartition(".")[2].lower()
        path = f"/files-pri/{TEAM_ID}-{file_id}/download/{quote(name)}"
        self._private[path] = content
        return {
            "id": file_id,
            "name": name,
            "title": name,
            "mimetype": "text/csv" if extension == "csv" else "text/plain",
            "filetype": extension,
            "user": user_id,
            "user_team": TEAM_ID,
            "size": len(content),
            "mode": "hosted",
            "is_external": False,
            "is_public": False,
            "url_private": f"{self._team.url}{path.replace('/download/', '/')}",
            "url_private_download": f"{self._team.url}{path}",
        }

    def content_at(self, path: str) -> bytes | None:
        """What was uploaded there; None if nothing was. The token is checked before."""
        return self._private.get(path)

    def get_upload_url(self, args: Json) -> Json:
        """files.getUploadURLExternal: a URL to upload to."""
        if str(args.get("length")) == "0":
            raise SlackError("missing_argument")
        require_args(args, "filename", "length")
        if not str(args["length"]).isdecimal():
            raise SlackError("invalid_arguments", ["[ERROR] must be an integer [json-pointer:/length]"])
        ticket = secrets.token_hex(16)
        self._uploads[ticket] = _Upload(make_id("F"), str(args["filename"]), int(args["length"]))
        return {"upload_url": f"{self._team.url}/upload/v1/{ticket}", "file_id": self._uploads[ticket].id}

    def receive(self, ticket: str, content: bytes) -> str:
        """Take the bytes of an upload, which must be as many as announced."""
        upload = self._uploads.get(ticket)
        if upload is None:
            raise SlackError("no such upload")
        if len(content) != upload.length:
            raise SlackError(f"{upload.length} bytes were announced, {len(content)} came")
        upload.content = content
        return f"OK - {len(content)}"

    def complete(self, args: Json) -> Json:
        """files.completeUploadExternal: share the files in one message, with an optional comment."""
        require_args(args, "files")
        if any(args.get(name) for name in _UNSUPPORTED):
            raise SlackError(
                "invalid_arguments", [f"[ERROR] not supported by the sandbox: {', '.join(_UNSUPPORTED)}"]
            )
        found = self._arrived(args["files"])
        channel_id = str(args.get("channel_id") or "")
        comment, thread_ts = str(args.get("initial_comment") or ""), args.get("thread_ts") or None
        if channel_id:
            self._conversations.shareable(channel_id)
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
        """These uploads with their bytes and titles."""
        if not isinstance(wanted, list) or not all(isinstance(each, dict) for each in wanted):
            raise SlackError("invalid_arguments", ["[ERROR] must provide an array [json-pointer:/files]"])
        by_id = {upload.id: upload for upload in self._uploads.values()}
        found = []
        for each in wanted:
            upload = by_id.get(str(each.get("id")))
            if upload is None or upload.content is None:
                raise SlackError("file_not_found")
            found.append((upload, upload.content, str(each.get("title") or "")))
        return found
