"""Starts calls whose time has come, after asking everything again.

Every bot runs one. The row is the program counter: a call is read, its caller's role, its offer and the rules
are asked, and one conditional update lets it be dialed; of several bots one wins, and a crash anywhere is
repaired by the next pass.

What is promised about time, by `now` (`runtime.clock.Clock.now`): nothing starts before its time, and nothing
starts longer than `GRACE` after it; that is closed, and people are told. While a bot runs, nobody can set
`now`. If its reference is set (the database's clock, or the machine's for SQLite), `now` follows by one
second in ten. So a step forward of a day starts none of tomorrow's calls today and misses none of today's,
and after a step back calls wait by the old time at first. Until `now` has caught up, a call may be early or
late by the reference, by as much as the log says. What a start reads is taken as right: nothing can tell.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from evoslack.calling.access import Access
from evoslack.calling.call_log import fields_of, log_state
from evoslack.calling.calls import Call
from evoslack.calling.denial_log import denial_name
from evoslack.calling.outcomes import Reason
from evoslack.calling.ports import ScheduledCallLedger
from evoslack.calling.refusals import (
    CannotCheck,
    CannotEvaluate,
    NothingToOffer,
    Refusal,
    UnknownCallerId,
    UnknownFlow,
)
from evoslack.calling.rule_check import RuleCheck
from evoslack.calling.rules import reason_of
from evoslack.calling.scheduled_time import GRACE

log = logging.getLogger(__name__)

RETRY_AFTER = timedelta(seconds=5)  # of a call that cannot be checked; another bot may read a newer rule
MOST_DUE = 100  # read at once


class Scheduler:
    """Starts scheduled calls. `on_work` wakes the workers that dial, `on_change` those that tell people."""

    def __init__(
        self,
        ledger: ScheduledCallLedger,
        access: Access,
        rule_check: RuleCheck,
        *,
        now: Callable[[], datetime],
        on_work: Callable[[], None],
        on_change: Callable[[], None],
    ) -> None:
        self._ledger = ledger
        self._access = access
        self._rule_check = rule_check
        self._now = now
        self._on_work = on_work
        self._on_change = on_change
        self._lock = threading.Lock()
        self._rests: dict[str, datetime] = {}  # call ids, until when they are being worked on or rest

    def run_next(self) -> bool:
        """Bring one due call further, or close those that were missed; returns whether there were any."""
        now = self._now()
        due = self._due(now)
        if any(_is_missed(call, now) for call in due):
            missed = self._ledger.miss(at=now, due_before=now - GRACE)
            self._tell(missed)
            return bool(missed)
        call = self._take(due, now)
        if call is None:
            return False
        again_at = now + RETRY_AFTER
        try:
            self._start(call)
        except (CannotCheck, CannotEvaluate, NothingToOffer) as refusal:
            name = denial_name(refusal)
            log.info("call %s: its time has come; retrying: %s", call.id, name, extra=fields_of(call))
            self._deny_if_last(call, again_at)
        except Refusal as refusal:
            self._deny(call, reason_of(refusal))
        except Exception:
            self._deny_if_last(call, again_at)
            raise
        else:
            again_at = now
        finally:
            with self._lock:
                self._rests[call.id] = again_at
        return True

    def _due(self, now: datetime) -> list[Call]:
        """Due calls, oldest first: enough to find one that does not rest, if there is one."""
        with self._lock:
            resting = len(self._rests)
        return self._ledger.due(at=now, limit=MOST_DUE + resting)

    def _take(self, due: list[Call], now: datetime) -> Call | None:
        """The first of them that no other thread of this bot works on, and that does not rest."""
        with self._lock:
            waiting = {call.id for call in due}
            self._rests = {key: until for key, until in self._rests.items() if key in waiting}
            for call in due:
                if self._rests.get(call.id, now) <= now:
                    self._rests[call.id] = datetime.max.replace(tzinfo=now.tzinfo)
                    return call
        return None

    def _start(self, call: Call) -> None:
        """Ask everything again, then let it be dialed. Raises `Refusal`."""
        request = call.request
        offer = self._access.offer_to(request.user_id, request.team_id)
        role = self._access.role_of(request.user_id, request.team_id)
        if offer.account_id != request.account_id or offer.flow(request.flow_id) is None:
            raise UnknownFlow
        if offer.caller_id(request.caller_id) is None:
            raise UnknownCallerId
        self._rule_check.require(request, role, call_id=call.id)
        at = self._now()  # asking takes time, and a process may be paused
        if _is_missed(call, at):
            return  # the next pass closes it
        started = self._ledger.start(call, at=at)
        if started is not None:
            self._tell([started])
            self._on_work()

    def _deny_if_last(self, call: Call, again_at: datetime) -> None:
        """It could not be checked, and the next try would come too late."""
        if _is_missed(call, again_at):
            self._deny(call, Reason.UNCHECKED)

    def _deny(self, call: Call, reason: Reason) -> None:
        denied = self._ledger.deny(call, reason, at=self._now())
        self._tell([denied] if denied else [])

    def _tell(self, changed: list[Call]) -> None:
        for call in changed:
            log_state(call)
        if changed:
            self._on_change()


def _is_missed(call: Call, at: datetime) -> bool:
    return call.request.due_at is not None and at > call.request.due_at + GRACE
