"""What both ways in have in common."""

from __future__ import annotations

from typing import Protocol


class Receiver(Protocol):
    """A way in for payloads."""

    def start(self) -> str:
        """Begin to take payloads; returns words for the ready line."""

    def stop(self) -> None:
        """Take no more."""

    def is_open(self) -> bool:
        """Whether payloads can come in right now."""
