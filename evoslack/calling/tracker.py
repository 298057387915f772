"""Follows calls after they were placed, and ends them when somebody wants that.

One look at a time shows all calls of an account, so following one costs as much as following a thousand. Of
several bots on one database one looks. What a look shows is written down; `progress` has the rules.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import Protocol

from evoslack.calling.calls import Call, Ending, HangUp, Progress
from evoslack.calling.matching import MOST_UNWATCHED, TrackedCall, follow, give_up
from evoslack.calling.snapshot import Snapshot
from evoslack.runtime.backoff import Backoff
from evoslack.runtime.trouble_log import TroubleLog

log = logging.getLogger(__name__)

QUICK = timedelta(seconds=2.5)  # while something may begin to ring or be answered
SLOW = timedelta(seconds=5)  # while people talk
TURN = timedelta(seconds=20)  # after that another bot takes over; a look takes ten at the most
FRESH = timedelta(seconds=3)  # a look that is not older is as good as a new one
LOOK_BUDGET_S = 10.0
BEFORE_DIALING_S = 2.0
BACKOFF = Backoff(first_s=10.0, longest_s=60.0, longest_asked_s=300.0)  # after failed polls
END_BUDGET_S = 10.0


class Eyes(Protocol):
    """What is to be seen at the phone system."""

    def poll(self, account_id: str, since: datetime, *, budget_s: float) -> Snapshot: ...


class End(Protocol):
    """How a session is ended."""

    def __call__(self, session_id: str, *, budget_s: float) -> Ending: ...


class Book(Protocol):
    """Which calls are followed; see `ledger.trails.TrailLedger`."""

    def take_lease(self, name: str, holder: str, *, at: datetime, until: datetime) -> bool: ...
    def going_on(self) -> list[TrackedCall]: ...
    def rivals(self, trails: Collection[TrackedCall]) -> list[TrackedCall]: ...
    def write(self, changes: Iterable[tuple[TrackedCall, TrackedCall]], *, at: datetime) -> list[str]: ...
    def hang_up(self, call_id: str, wish: HangUp | None, *, at: datetime) -> bool: ...


class CallTracker:
    """Looks after the calls of this database."""

    def __init__(
        self,
        eyes: Eyes,
        end: End,
        book: Book,
        *,
        now: Callable[[], datetime],
        on_change: Callable[[], None],
    ) -> None:
        self._eyes = eyes
        self._end = end
        self._book = book
        self._now = now
        self._on_news = on_change
        self._name = uuid.uuid4().hex
        self._next_turn: datetime | None = None
        self._looked_at: datetime | None = None
        self._latest: dict[str, Snapshot] = {}
        self._watched_since: dict[str, datetime] = {}  # by account: the first of looks without a long pause
        self._looking = threading.Lock()
        self._blind_until: dict[str, datetime] = {}  # by account
        self._failures: dict[str, int] = {}  # in a row
        self._trouble = TroubleLog(log, "polling calls")

    def look(self) -> bool:
        """Look at the calls that are going on, if it is time. Always False: there is no hurry to go on."""
        now = self._now()
        if not _has_come(self._next_turn, now, QUICK):
            return False
        self._next_turn = now + QUICK
        trails = self._book.going_on()
        if not trails or not (any(map(_is_young, trails)) or self._is_time_for_all(now)):
            return False
        if not self._book.take_lease("following", self._name, at=now, until=now + TURN):
            return False
        self._looked_at = now
        of_account: dict[str, list[TrackedCall]] = defaultdict(list)
        for trail in trails:
            of_account[trail.account_id].append(trail)
        for account_id, theirs in of_account.items():
            since = min(trail.asked_at for trail in theirs)
            snapshot = None
            if not self._is_blind(account_id, now):
                snapshot = self._snapshot(account_id, since, budget_s=LOOK_BUDGET_S)
            if snapshot is None:
                after = [give_up(trail, now) for trail in theirs]
            else:
                since = self._watched_since[account_id]
                after = follow([*theirs, *self._book.rivals(theirs)], snapshot, watched_since=since)[
                    : len(theirs)
                ]
            self._write(theirs, after)
        return False

    def _is_time_for_all(self, now: datetime) -> bool:
        return self._looked_at is None or _has_come(self._looked_at + SLOW, now, SLOW)

    def _is_blind(self, account_id: str, now: datetime) -> bool:
        return not _has_come(
            self._blind_until.get(account_id), now, timedelta(seconds=BACKOFF.longest_asked_s)
        )

    def look_before(self, account_id: str) -> Snapshot | None:
        """What is there before a call goes out; None if that cannot be seen, which holds nothing up."""
        now = self._now()
        latest = self._latest.get(account_id)
        if latest is not None and _is_fresh(latest, now):
            return latest
        if self._is_blind(account_id, now):
            return None
        return self._snapshot(account_id, now, budget_s=BEFORE_DIALING_S, may_be_old=True)

    def hang_up(self, call: Call) -> Ending | None:
        """Ask Evo Voice to end this call; None if that could not be asked.

        Whether it worked is what the next looks show. Raises what the database raises when the wish could not
        be written down; nothing was asked then.
        """
        try:
            if not call.may_be_ended or not self._book.hang_up(call.id, HangUp.ASKED, at=self._now()):
                return Ending.GONE
        except Exception:
            self._take_back(call)  # it may be written down all the same
            raise
        self._on_news()
        try:
            ending = self._end(call.session_id, budget_s=END_BUDGET_S)
        except Exception as error:  # noqa: BLE001 - said to the person, and logged here
            log.warning("call %s could not be ended: %s", call.id, error)
            ending = None
        log.info("call %s: somebody hung up: %s", call.id, ending or "no answer")
        if ending in {None, Ending.FORBIDDEN}:
            self._take_back(call)
        self._next_turn = None
        return ending

    def _take_back(self, call: Call) -> None:
        """Nobody took the wish. If this cannot be written down, the next looks find that it had no effect."""
        try:
            self._book.hang_up(call.id, None, at=self._now())
        except Exception:
            log.exception("call %s: that nobody ends it is not written yet", call.id)
        self._on_news()

    def _write(self, before: list[TrackedCall], after: list[TrackedCall]) -> None:
        changes = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
        told = self._book.write(changes, at=self._now()) if changes else []
        for old, new in changes:
            if old.progress is not new.progress:
                log.info("call %s: %s", new.call_id, new.progress, extra={"call_id": new.call_id})
        if told:
            self._on_news()

    def _snapshot(
        self, account_id: str, since: datetime, *, budget_s: float, may_be_old: bool = False
    ) -> Snapshot | None:
        """A look, one thread at a time; None if it does not work."""
        ends = time.monotonic() + budget_s
        if not self._looking.acquire(timeout=budget_s):
            return None
        try:
            latest = self._latest.get(account_id)
            if may_be_old and latest is not None and _is_fresh(latest, self._now()):
                return latest  # somebody else's, who was quicker
            left_s = max(ends - time.monotonic(), 0.0)
            snapshot = self._eyes.poll(account_id, since, budget_s=left_s)
            if latest is None or snapshot.taken_at - latest.taken_at > MOST_UNWATCHED:
                self._watched_since[account_id] = snapshot.taken_at
            self._latest[account_id] = snapshot
        except Exception as error:  # noqa: BLE001 - each trouble once; it is looked again anyway
            self._failures[account_id] = failures = self._failures.get(account_id, 0) + 1
            asked_s = getattr(error, "pause_s", None)
            # The longer of the two: Evo Voice may ask for a shorter pause than it needs.
            pause_s = max(BACKOFF.pause_s(failures - 1), BACKOFF.pause_s(failures - 1, asked_s))
            self._blind_until[account_id] = self._now() + timedelta(seconds=pause_s)
            self._trouble.failed(f"{type(error).__name__}: {error}", key=account_id)
            return None
        finally:
            self._looking.release()
        self._blind_until.pop(account_id, None)
        self._failures.pop(account_id, None)
        self._trouble.worked(account_id)
        return snapshot


def _has_come(at: datetime | None, now: datetime, longest: timedelta) -> bool:
    """Whether that time is over; further ahead than it can be means that the clock was put back."""
    return at is None or now >= at or at - now > longest


def _is_fresh(snapshot: Snapshot, now: datetime) -> bool:
    return timedelta(0) <= now - snapshot.taken_at <= FRESH


def _is_young(trail: TrackedCall) -> bool:
    return trail.progress in {Progress.WAITING, Progress.RINGING} or trail.hang_up is HangUp.ASKED
