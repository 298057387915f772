"""What the benches of one bot share: a call to another number each time, and what a process uses."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from evoslack.calling.calls import CallRequest
from tests.scenario.office import SARA

_AREAS = ("202", "303", "404", "814", "512", "212", "415", "617")
_numbers = itertools.count()


def new_number() -> str:
    """Another number each time."""
    area, line = divmod(next(_numbers), 9000)
    return f"+1{_AREAS[area]}555{1000 + line}"


def call_request() -> CallRequest:
    """What a form asks for."""
    number = new_number()
    return CallRequest(f"bench-{number}", "T0SANDBOX", SARA, "acc1", "flow2", "Survey", number, "+12025550100")


def readings(pid: int) -> list[tuple[str, float, str]]:
    """Memory, threads and open handles of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    status = dict(line.split(":", 1) for line in lines)
    return [
        ("memory (RSS)", int(status["VmRSS"].split()[0]) / 1024, "MB"),
        ("threads", int(status["Threads"]), ""),
        ("open handles", len(os.listdir(f"/proc/{pid}/fd")), ""),
    ]


def cpu_s(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
