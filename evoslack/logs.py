"""How EvoSlack logs: one line per event on standard error, as text for people or JSON for machines."""

from __future__ import annotations

import logging

from pythonjsonlogger.json import JsonFormatter

FIELDS = "%(asctime)s %(levelname)s %(name)s %(message)s"


def set_up_logging(*, level: str, as_json: bool) -> None:
    """Log our own events from `level` on. Libraries log only warnings: at INFO they log whole payloads."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(FIELDS) if as_json else logging.Formatter(FIELDS))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("slack_bolt").setLevel(logging.ERROR)  # it warns about a token it does not need
    # socket_mode.py logs it in plain words.
    logging.getLogger("slack_sdk.socket_mode").setLevel(logging.CRITICAL)
    logging.getLogger("evoslack").setLevel(level)
