"""What the benches of one bot share: a call to another number each time, and what a process uses."""

from __future__ import annotations

import itertools
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from evoslack.calling.calls import CallRequest, Progress, State
from evoslack.ledger.schema import calls, notifications
from evoslack.ledger.store import Store
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
    return CallRequest(
        f"bench-{number}", "T0SANDBOX", SARA, "acc1", "flow2", "Survey", number, "+12025550100"
    )


def write_over(store: Store, count: int, at: datetime) -> None:
    """That many calls that are over and told about, into the ledger at once."""
    if not count:
        return
    rows = [_over(call_request(), at) for _ in range(count)]
    told = {"revision": 2, "card_revision": 2, "told_revision": 2, "attempts": 0, "card_channel": "C_CALLS"}
    rest = {"card_problem": "", "told_bad_news": False, "card_is_masked": False}
    cards = [
        {**told, **rest, "call_id": row["id"], "card_ts": f"20000{row['number'][2:7]}.{row['number'][7:]}"}
        for row in rows
    ]
    with store.engine.begin() as connection:
        connection.execute(sa.insert(calls), rows)
        connection.execute(sa.insert(notifications), cards)


def _over(request: CallRequest, at: datetime) -> dict[str, Any]:
    return {
        "id": f"over{request.number}",
        "request_key": request.key,
        "team_id": request.team_id,
        "user_id": request.user_id,
        "account_id": request.account_id,
        "flow_id": request.flow_id,
        "flow_name": request.flow_name,
        "number": request.number,
        "caller_id": request.caller_id,
        "channel_id": "C_GENERAL",
        "response_url": "",
        "detail": "",
        "state": State.PLACED,
        "accepted_at": at,
        "began_at": at,
        "finished_at": at,
        "progress": Progress.ENDED,
        "evo_outcome": "Completed",
    }


def readings(pid: int) -> list[tuple[str, float, str]]:
    """Memory, threads and open handles of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    status = dict(line.split(":", 1) for line in lines)
    return [
        ("memory (RSS)", int(status["VmRSS"].split()[0]) / 1024, "MB"),
        ("threads", int(status["Threads"]), ""),
        ("open handles", sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()), ""),
    ]


def cpu_s(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
