"""Tracks calls after they were placed, by polling Evo Voice, and ends one when a person hangs up.

One poll shows all calls of an account, so tracking a thousand costs as much as tracking one. Of several bots
on one database, one polls. `matching` has the rules that turn what a poll shows into progress.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta

from evoslack.calling.call_log import fields_of, log_progress
from evoslack.calling.calls import Call, Ending, HangUp, Progress
from evoslack.calling.matching import MAX_UNWATCHED, TrackedCall, advance_all, give_up
from evoslack.calling.ports import TrackedCallLedger
from evoslack.calling.snapshot import Snapshot
from evoslack.runtime.backoff import Backoff
from evoslack.runtime.trouble_log import TroubleLog

log = logging.getLogger(__name__)

FAST = timedelta(seconds=2.5)  # between two polls while a call may begin to ring or be answered
SLOW = timedelta(seconds=5)  # while people talk
LEASE = timedelta(seconds=20)  # after that another bot takes over; a poll takes ten at most
FRESH = timedelta(seconds=3)  # a snapshot that is no older is as good as a new one
POLL_BUDGET_S = 10.0
BEFORE_DIALING_S = 2.0
BACKOFF = Backoff(first_s=10.0, longest_s=60.0, longest_asked_s=300.0)  # after failed polls
END_BUDGET_S = 10.0

# (account_id, since, budget_s): what Evo Voice shows of calls placed after `since`. Raises when it can't.
PollSessions = Callable[[str, datetime, float], Snapshot]
# (session_id, budget_s): asks Evo Voice to end a session. Raises when that can't be asked.
EndSession = Callable[[str, float], Ending]


class CallTracker:
    """Tracks the calls in this database. `on_change` wakes the worker pools that tell people."""

    def __init__(
        self,
        poll_sessions: PollSessions,
        end_session: EndSession,
        ledger: TrackedCallLedger,
        *,
        now: Callable[[], datetime],
        on_change: Callable[[], None],
    ) -> None:
        self._poll_sessions = poll_sessions
        self._end_session = end_session
        self._ledger = ledger
        self._now = now
        self._on_change = on_change
        self._name = uuid.uuid4().hex
        self._next_poll: datetime | None = None
        self._polled_at: datetime | None = None
        self._latest: dict[str, Snapshot] = {}
        self._polled_since: dict[str, datetime] = {}  # by account: the first of polls without a long pause
        self._polling = threading.Lock()
        self._paused_until: dict[str, datetime] = {}  # by account, as is the trouble
        self._failures: dict[str, int] = {}  # in a row
        self._trouble = TroubleLog(log, "polling calls")

    def poll(self) -> bool:
        """Poll for the calls in progress, if it is time. Always False: there is no hurry to poll again."""
        now = self._now()
        if not _has_come(self._next_poll, now, FAST):
            return False
        self._next_poll = now + FAST
        tracked_calls = self._ledger.in_progress()
        if not tracked_calls or not (any(map(_is_young, tracked_calls)) or self._is_time_for_all(now)):
            return False
        if not self._ledger.take_lease("tracking", self._name, at=now, until=now + LEASE):
            return False
        self._polled_at = now
        of_account: dict[str, list[TrackedCall]] = defaultdict(list)
        for tracked in tracked_calls:
            of_account[tracked.account_id].append(tracked)
        for account_id, theirs in of_account.items():
            since = min(tracked.requested_at for tracked in theirs)
            snapshot = None
            if not self._is_paused(account_id, now):
                snapshot = self._snapshot(account_id, since, budget_s=POLL_BUDGET_S)
            if snapshot is None:
                after = [give_up(tracked, now) for tracked in theirs]
            else:
                since = self._polled_since[account_id]
                after = advance_all([*theirs, *self._ledger.rivals(theirs)], snapshot, polled_since=since)[
                    : len(theirs)
                ]
            self._write(theirs, after)
        return False

    def _is_time_for_all(self, now: datetime) -> bool:
        return self._polled_at is None or _has_come(self._polled_at + SLOW, now, SLOW)

    def _is_paused(self, account_id: str, now: datetime) -> bool:
        return not _has_come(
            self._paused_until.get(account_id), now, timedelta(seconds=BACKOFF.longest_asked_s)
        )

    def snapshot_before(self, account_id: str) -> Snapshot | None:
        """What Evo Voice shows before a call goes out; None if it can't be asked, which holds nothing up."""
        now = self._now()
        latest = self._latest.get(account_id)
        if latest is not None and _is_fresh(latest, now):
            return latest
        if self._is_paused(account_id, now):
            return None
        return self._snapshot(account_id, now, budget_s=BEFORE_DIALING_S, may_be_old=True)

    def hang_up(self, call: Call, by: str) -> Ending | None:
        """Ask Evo Voice to end this call, for the person `by` (user id); None if it could not be asked.

        The next polls show whether it worked. Raises what the database raises when the hang up could not be
        written down; Evo Voice was not asked then.
        """
        try:
            if not call.can_hang_up or not self._ledger.hang_up(call.id, HangUp.ASKED, at=self._now(), by=by):
                return Ending.GONE
        except Exception:
            self._take_back(call, by)  # it may have been written down anyway
            raise
        self._on_change()
        try:
            ending = self._end_session(call.session_id, END_BUDGET_S)
        except Exception as error:  # noqa: BLE001 - said to the person, and logged here
            log.warning("call %s could not be hung up: %s", call.id, error, extra=fields_of(call))
            ending = None
        words = "call %s: hang up requested by %s: %s"
        log.info(words, call.id, by, ending or "no answer", extra=fields_of(call))
        if ending in {None, Ending.FORBIDDEN}:
            self._take_back(call, by)
        self._next_poll = None
        return ending

    def _take_back(self, call: Call, by: str) -> None:
        """Nothing was asked. If this cannot be written down, the next polls find that it had no effect."""
        try:
            self._ledger.hang_up(call.id, None, at=self._now(), by=by)
        except Exception:
            log.exception("call %s: could not write down that the hang up failed", call.id)
        self._on_change()

    def _write(self, before: list[TrackedCall], after: list[TrackedCall]) -> None:
        changes = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
        told = self._ledger.write(changes, at=self._now()) if changes else []
        for old, new in changes:
            if old.progress is not new.progress:
                log_progress(new)
        if told:
            self._on_change()

    def _snapshot(
        self, account_id: str, since: datetime, *, budget_s: float, may_be_old: bool = False
    ) -> Snapshot | None:
        """Poll, one thread at a time; None if it fails."""
        ends = time.monotonic() + budget_s
        if not self._polling.acquire(timeout=budget_s):
            return None
        try:
            latest = self._latest.get(account_id)
            if may_be_old and latest is not None and _is_fresh(latest, self._now()):
                return latest  # another thread was quicker
            left_s = max(ends - time.monotonic(), 0.0)
            snapshot = self._poll_sessions(account_id, since, left_s)
            if latest is None or snapshot.taken_at - latest.taken_at > MAX_UNWATCHED:
                self._polled_since[account_id] = snapshot.taken_at
            self._latest[account_id] = snapshot
        except Exception as error:  # noqa: BLE001 - logged once; the next poll tries again
            self._failures[account_id] = failures = self._failures.get(account_id, 0) + 1
            asked_s = getattr(error, "pause_s", None)
            # The longer of the two: Evo Voice may ask for a shorter pause than it needs.
            pause_s = max(BACKOFF.pause_s(failures - 1), BACKOFF.pause_s(failures - 1, asked_s))
            self._paused_until[account_id] = self._now() + timedelta(seconds=pause_s)
            self._trouble.failed(f"{type(error).__name__}: {error}", key=account_id)
            return None
        finally:
            self._polling.release()
        self._paused_until.pop(account_id, None)
        self._failures.pop(account_id, None)
        self._trouble.worked(account_id)
        return snapshot


def _has_come(at: datetime | None, now: datetime, longest: timedelta) -> bool:
    """Whether that time has come; if it is implausibly far ahead, the clock was set back."""
    return at is None or now >= at or at - now > longest


def _is_fresh(snapshot: Snapshot, now: datetime) -> bool:
    return timedelta(0) <= now - snapshot.taken_at <= FRESH


def _is_young(tracked: TrackedCall) -> bool:
    return tracked.progress in {Progress.WAITING, Progress.RINGING} or tracked.hang_up is HangUp.ASKED
