"""Exponential backoff: how long to wait before the next try."""

from __future__ import annotations

import math
from dataclasses import dataclass

_LARGEST_EXPONENT = 30  # keeps the power in range however long something fails


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses that double from `first_s` to `longest_s` seconds.

    A pause that the server asked for wins; `longest_asked_s` caps it.
    """

    first_s: float
    longest_s: float
    longest_asked_s: float = math.inf

    def pause_s(self, attempt: int, asked_s: float | None = None) -> float:
        """Seconds to wait after failed attempt number `attempt`, counted from 0.

        `asked_s` is the pause that the server asked for, if any.
        """
        if asked_s is not None:
            return min(asked_s, self.longest_asked_s)
        return min(self.first_s * 2.0 ** min(attempt, _LARGEST_EXPONENT), self.longest_s)
