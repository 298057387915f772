"""How EvoSlack logs: one line per event on standard error, as text for people or JSON for machines.

Times are UTC and say so, whatever the machine's zone is. `docs/logs.md` lists the fields.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from pythonjsonlogger.json import JsonFormatter

TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"
# The fields of every JSON line; what is passed as `extra` comes on top.
JSON = "%(time)s %(level)s %(logger)s %(message)s"

Foreseen = Callable[[BaseException], str | None]  # an error of a known kind in words, else None


def set_up_logging(*, level: str, as_json: bool, foreseen: Foreseen = lambda _error: None) -> None:
    """Log our own events from `level` on. Libraries log only warnings: at INFO they log whole payloads.

    An error that is `foreseen`, such as a database that is away, is logged in words; all others with their
    traceback.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if as_json else TextLines(TEXT))
    handler.addFilter(InWords(foreseen))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("slack_bolt").setLevel(logging.ERROR)  # it warns about a token it does not need
    # socket_mode.py logs it in plain words.
    logging.getLogger("slack_sdk.socket_mode").setLevel(logging.CRITICAL)
    logging.getLogger("evoslack").setLevel(level)


def utc(record: logging.LogRecord) -> str:
    """When it was logged: ISO 8601 with milliseconds, such as 2026-11-29T10:20:48.123Z."""
    at = datetime.fromtimestamp(record.created, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


class TextLines(logging.Formatter):
    """Lines for people."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802
        """The time of the line."""
        return utc(record)


class JsonLines(JsonFormatter):
    """One JSON object a line."""

    def __init__(self) -> None:
        super().__init__(JSON, json_ensure_ascii=False)

    def add_fields(
        self, log_data: dict[str, object], record: logging.LogRecord, message_dict: dict[str, object]
    ) -> None:
        """Name the standard fields as the others are named."""
        record.time, record.level, record.logger = utc(record), record.levelname, record.name
        super().add_fields(log_data, record, message_dict)


class InWords(logging.Filter):
    """Puts words in the place of a foreseen error's traceback, which only says where we met it."""

    def __init__(self, foreseen: Foreseen) -> None:
        super().__init__()
        self._foreseen = foreseen

    def filter(self, record: logging.LogRecord) -> bool:
        """Keeps every record."""
        error = record.exc_info[1] if record.exc_info else None
        words = None if error is None else self._foreseen(error)
        if words is not None:
            record.msg, record.args = f"{record.getMessage()}: {words}", ()
            record.exc_info = record.exc_text = None
        return True
