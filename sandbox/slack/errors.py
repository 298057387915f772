"""The error responses of the Web API."""

from __future__ import annotations

from typing import Any

from sandbox.slack.block_kit import Json


class SlackError(Exception):
    """An error response: its `error` code, and its other fields."""

    def __init__(self, code: str, messages: list[str] | None = None, **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.response: Json = {"ok": False, "error": code, **more}
        if messages:
            self.response["response_metadata"] = {"messages": messages}


def require_args(args: Json, *names: str) -> None:
    """Raise SlackError unless all these arguments are present."""
    missing = [name for name in names if not args.get(name)]
    if missing:
        raise SlackError("invalid_arguments", [f"[ERROR] missing required field: {name}" for name in missing])
