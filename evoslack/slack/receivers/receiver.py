"""What both receivers have in common."""

from __future__ import annotations

from typing import Protocol


class Receiver(Protocol):
    """Receives Slack's payloads and has the app answer them."""

    def start(self) -> str:
        """Start receiving; returns words for the ready line."""

    def stop(self) -> None:
        """Stop receiving; answer what has arrived."""

    def is_open(self) -> bool:
        """Whether payloads can come in right now."""

    def connection_count(self) -> int:
        """Over how many connections they can; an HTTP server that runs counts as one."""
