"""What `--check` says about the port of the health pages."""

from __future__ import annotations

from collections.abc import Iterator

from evoslack.check.finding import Finding
from evoslack.slack.receivers.address import is_one_of_us, listen_problem

WHAT = "health pages"


def findings(host: str, port: int | None) -> Iterator[Finding]:
    """Whether the port can be had; nothing if no port is set. A bot that is running has it: a note."""
    if port is None:
        return
    problem = listen_problem(host, port, "HEALTH_HOST")
    if problem is None:
        yield Finding(WHAT, True, f"on {host}:{port}")
    elif is_one_of_us(host, port):
        words = f"{host}:{port} is used by a running EvoSlack. Stop that one before you start another"
        yield Finding(WHAT, True, words, is_note=True)
    else:
        yield Finding(WHAT, False, f"{problem} Check HEALTH_HOST and HEALTH_PORT, and what else runs there.")
