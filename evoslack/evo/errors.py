"""Why Evo Voice could not be asked. Dialing raises none of these: it returns an `Outcome`."""

from __future__ import annotations


class EvoError(Exception):
    """Evo Voice could not be asked. The text is for the log."""


class EvoUnavailable(EvoError):
    """No answer, or one that makes no sense. `pause_s`: how many seconds Evo Voice asked us to wait."""

    def __init__(self, words: str, *, pause_s: float | None = None) -> None:
        super().__init__(words)
        self.pause_s = pause_s


class LoginFailed(EvoError):
    """Evo Voice does not accept the bot's login."""


class Forbidden(EvoError):
    """The bot's login may not read this."""
