"""Counts the payloads that are being answered, so that a stop can wait for them."""

from __future__ import annotations

import threading


class InFlight:
    """Counts the payloads that have arrived and are not answered yet."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    def begin(self) -> None:
        with self._changed:
            self._count += 1

    def end(self) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def wait_until_none(self, within_s: float) -> bool:
        """Whether none is left within that time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._count <= 0, within_s)
