"""Tells systemd how the service is: ready, alive, stopping (sd_notify(3)). Only where systemd asks for it."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping

log = logging.getLogger(__name__)

_LONGEST_STATUS = 200


class Systemd:
    """The socket that `NOTIFY_SOCKET` names; `watchdog_s` is the time within which systemd wants a sign."""

    def __init__(self, address: str, watchdog_s: float | None = None) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.watchdog_s = watchdog_s
        self._is_reported = False

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Systemd | None:
        """None if this process was not started by systemd as a service that notifies."""
        address = env.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            return None
        asked, for_pid = env.get("WATCHDOG_USEC", ""), env.get("WATCHDOG_PID", "")
        is_for_us = for_pid in {"", str(os.getpid())}
        watchdog_s = int(asked) / 1_000_000 if asked.isdecimal() and int(asked) and is_for_us else None
        return cls(address, watchdog_s)

    def ready(self, status: str) -> None:
        """The start is over."""
        self._send("READY=1", _status(status))

    def status(self, status: str) -> None:
        """What `systemctl status` shows."""
        self._send(_status(status))

    def alive(self) -> None:
        """The sign for the watchdog."""
        self._send("WATCHDOG=1")

    def stopping(self, status: str) -> None:
        """The stop has begun."""
        self._send("STOPPING=1", _status(status))

    def _send(self, *lines: str) -> None:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
                sock.settimeout(1)
                sock.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:
            if not self._is_reported:
                log.warning("systemd could not be notified: %s", error.strerror or error)
            self._is_reported = True


def _status(words: str) -> str:
    return f"STATUS={' '.join(words.split())[:_LONGEST_STATUS]}"
