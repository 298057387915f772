"""The two questions that a supervisor asks: is the bot alive, and can it be used?

Alive means that work is moving. That never depends on Slack, Evo Voice or the database: restarting EvoSlack
would not bring them back, and it could interrupt a call that is being written down.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from evoslack import __version__
from evoslack.health import check
from evoslack.health.check import Check
from evoslack.health.ledger_probe import LedgerProbe
from evoslack.health.services import BotToken, EvoLogin
from evoslack.runtime.heartbeat import Heartbeat
from evoslack.runtime.worker_pool import WorkerPool
from evoslack.slack.receivers.receiver import Receiver

SILENT_S = 10.0  # without a heartbeat, which beats ten times a second
# No step takes that long, even if each of its requests waits for a name lookup. Only a database that is away
# can hold one up for longer: an outcome that is known is written down patiently.
STUCK_S = 600.0
LEDGER_WORKED_S = 60.0  # after that long, a step that still runs does not wait for the ledger
READY_WITHIN_S = 1.5  # an answer after two seconds would be none


class Phase(StrEnum):
    """What the process is doing."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"


@dataclass(slots=True)
class Parts:
    """The parts of a running bot that are asked."""

    pools: Sequence[WorkerPool]
    receiver: Receiver
    heartbeat: Heartbeat


class Probes:
    """Answers both questions within two seconds. `phase` is set from outside."""

    def __init__(self, parts: Parts, ledger: LedgerProbe, token: BotToken, login: EvoLogin) -> None:
        self._parts = parts
        self._ledger = ledger
        self._token = token
        self._login = login
        self.phase = Phase.STARTING

    def live(self) -> dict[str, Check]:
        """Whether work is moving, by part. While the bot starts or stops, no part has to."""
        if self.phase is not Phase.RUNNING:
            return {"process": Check.OK}
        silent_s = self._parts.heartbeat.silent_s
        checks = {
            "heartbeat": check.of(silent_s < SILENT_S, f"The heartbeat has been silent for {silent_s:.0f} s.")
        }
        for pool in self._parts.pools:
            checks[pool.name] = self._pool(pool)
        return checks

    def ready(self) -> dict[str, Check]:
        """Whether a call can be placed, as far as EvoSlack can tell. `OPTIONAL` names what does not count."""
        ends_s = time.monotonic() + READY_WITHIN_S
        self._ledger.reading(0)  # both are asked at the same time
        words = {
            Phase.STARTING: "EvoSlack is still starting.",
            Phase.STOPPING: "EvoSlack is stopping.",
        }
        is_open = self._parts.receiver.is_open()
        checks = {
            "process": check.of(self.phase is Phase.RUNNING, words.get(self.phase, "")),
            "slack_connection": check.of(is_open, "Nothing can come in from Slack: no connection is open."),
            "slack_token": self._token.check(READY_WITHIN_S / 2),
        }
        problem = self._ledger.reading(max(ends_s - time.monotonic(), 0.1)).problem
        return {
            **checks,
            "ledger": check.of(not problem, problem),
            "evo_voice_login": self._login.check(),
        }

    def _pool(self, pool: WorkerPool) -> Check:
        if not pool.has_all_threads:
            return Check.failed("A thread has ended that should run.")
        step_s = pool.step_s
        if step_s > STUCK_S and self._ledger.worked_for_s() > LEDGER_WORKED_S:
            return Check.failed(f"A step has been running for {step_s / 60:.0f} minutes.")
        return Check.OK


OPTIONAL = frozenset({"evo_voice_login"})  # forms, Home tabs and cards work without it


def is_fine(checks: dict[str, Check]) -> bool:
    """Whether everything works that counts."""
    return all(each.is_ok for name, each in checks.items() if name not in OPTIONAL)


def as_json(checks: dict[str, Check]) -> dict[str, Any]:
    """The checks as a page shows them: the reasons first, for people."""
    failed = {name: each for name, each in checks.items() if not each.is_ok}
    return {
        "ok": is_fine(checks),
        "reasons": [each.reason for name, each in failed.items() if name not in OPTIONAL],
        "warnings": [each.reason for name, each in failed.items() if name in OPTIONAL],
        "checks": {
            name: {"ok": each.is_ok, "required": name not in OPTIONAL}
            | ({} if each.is_ok else {"reason": each.reason})
            for name, each in checks.items()
        },
        "version": __version__,
    }
