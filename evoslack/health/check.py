"""The result of one health check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Check:
    """Whether something works, and if not, why: one plain sentence."""

    OK: ClassVar[Check]
    is_ok: bool
    reason: str = ""

    @classmethod
    def failed(cls, reason: str) -> Check:
        """It does not work, for that reason."""
        return cls(False, reason)


Check.OK = Check(True)


def of(is_ok: bool, reason: str) -> Check:
    """The check with that result; `reason` is for a failure."""
    return Check.OK if is_ok else Check.failed(reason)
