"""Gets calls dialed, and cleans up after a crash. `intake` takes them in, `tracker` tracks them afterwards.

The ledger's row is the program counter. Each step reads rows and brings one of them further, so a crash
anywhere is repaired by the next pass; only dialing is never repeated.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from evoslack.calling.call_log import fields_of, log_state, log_step
from evoslack.calling.calls import STATE_OF, Call
from evoslack.calling.outcomes import InDoubt, NotSent, Outcome, Reason
from evoslack.calling.ports import CallLedger, PhoneSystem
from evoslack.calling.snapshot import Snapshot

log = logging.getLogger(__name__)

# Dialing takes 30 s at most (evo-voice-api 7); the rest is for writing the result down.
PLACING_LIMIT = timedelta(seconds=45)
# A submission is answered within three seconds or never; the rest is for a process that was paused.
ANSWERING_LIMIT = timedelta(seconds=15)
# A machine that was paused must not dial after people were told that the call is in doubt.
LATEST_DIALING = timedelta(seconds=10)
CLOCK_STEP = timedelta(seconds=5)  # of the wall clock; a smaller change is an ordinary correction
WRITE_PAUSE_S = 1.0
WRITE_TRIES = 120
WRITES_PER_LOG_LINE = 30  # failed tries to write before it is logged again


class Switchboard:
    """Dials accepted calls. `on_change` wakes the worker pools that tell people.

    A call that has waited longer than `max_wait` is never dialed: it would surprise both ends.
    `snapshot_before` gives what Evo Voice shows of an account right before a call, or None. `before_dialing`
    asks the rules once more: a call may have waited past its hour, or its number may be blocked by now.
    """

    def __init__(
        self,
        ledger: CallLedger,
        phone: PhoneSystem,
        snapshot_before: Callable[[str], Snapshot | None],
        *,
        max_wait: timedelta,
        now: Callable[[], datetime],
        on_change: Callable[[], None],
        before_dialing: Callable[[Call], NotSent | None],
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._wall = wall
        self._ledger = ledger
        self._phone = phone
        self._snapshot_before = snapshot_before
        self._max_wait = max_wait
        self._before_dialing = before_dialing
        self._lead_lock = threading.Lock()
        self._lead = wall() - now()  # how far the wall clock was ahead when it was last read
        self._step = now(), timedelta(0)  # when that grew suddenly, and by how much
        self._now = now
        self._on_change = on_change
        self._stopping = threading.Event()

    def dial_next(self) -> bool:
        """Dial the oldest waiting call. Returns whether there was one.

        Between `begin`, which is committed, and `finish` a phone may ring, once.
        """
        waiting = self._ledger.waiting(accepted_after=self._oldest())
        if waiting is None:
            return False
        # Before `begin`, not after it: there it would prolong the time in which a crash leaves doubt.
        before = self._snapshot_before(waiting.request.account_id)
        now, wall = self._now(), self._wall()
        call = self._ledger.begin(at=now, accepted_after=self._oldest())
        if call is None:
            return False  # another thread or bot was quicker
        log_state(call)
        if call.request.account_id != waiting.request.account_id:
            before = None  # it is of another account

        def is_early() -> bool:
            """Whether it is early enough by both clocks: either may stand still, or be set back, alone."""
            return max(self._now() - now, self._wall() - wall) <= LATEST_DIALING

        log_step(call, "session list read" if before else "session list unknown", at=self._now())
        outcome = self._dial(call, is_early)
        log_step(call, f"dialing ended: {type(outcome).__name__}", at=self._now())
        self._finish(call, outcome, before)
        return True

    def sweep(self, *, everything_is_orphaned: bool = False) -> None:
        """Close calls that waited too long, and the orphans of a crash.

        `everything_is_orphaned` is for the start of a bot that knows it is the only one.
        """
        now = self._now()
        closed = self._ledger.expire(at=now, accepted_before=self._oldest())
        answering = None if everything_is_orphaned else now - ANSWERING_LIMIT
        closed += self._ledger.abandon(at=now, received_before=answering)
        limit = None if everything_is_orphaned else now - PLACING_LIMIT
        closed += self._ledger.doubt_orphans(at=now, began_before=limit)
        for call in closed:
            log_state(call)
        if closed:
            self._on_change()

    def restored(self, closed: Sequence[Call], words: str) -> None:
        """The ledger was restored from a backup, and these calls were closed in it: log them, tell people."""
        log.warning(words)
        for call in closed:
            log_state(call)
        self._on_change()

    def stop(self) -> None:
        """Stop retrying to write results down; the sweep of the next start is honest too."""
        self._stopping.set()

    def _oldest(self) -> datetime:
        """A call that was accepted before this time has waited too long.

        On a machine that was paused both clocks stop, until the wall clock is set right. So when it steps
        forward, a call that was waiting then may have waited that much longer.
        """
        now = self._now()
        with self._lead_lock:
            lead = self._wall() - now
            if lead - self._lead > CLOCK_STEP:
                self._step = now, lead - self._lead
            self._lead = lead
            at, span = self._step
        oldest = now - self._max_wait
        return max(oldest, min(at, oldest + span))

    def _dial(self, call: Call, is_early: Callable[[], bool]) -> Outcome:
        denied: NotSent | None = None

        def may_leave() -> bool:
            """Right before the first byte: until then, logging in and connecting may have taken seconds."""
            nonlocal denied
            denied = self._before_dialing(call)
            return denied is None and is_early()

        if not may_leave():  # then nothing is opened at all
            return denied or NotSent(Reason.HELD_UP)
        try:
            outcome = self._phone.dial(call.request, may_leave)
        except Exception:
            log.exception("call %s: dialing failed unexpectedly", call.id, extra=fields_of(call))
            return InDoubt(Reason.BOT_BROKE)
        is_held_back = outcome == NotSent(Reason.HELD_UP)
        return denied if denied is not None and is_held_back else outcome

    def _finish(self, call: Call, outcome: Outcome, before: Snapshot | None) -> None:
        """Write the outcome down, patiently: it is known only here, and dialing again is no option."""
        request = call.request
        known_ids = None if before is None else before.ids(request.number, request.caller_id)
        skew = None if before is None else before.skew
        for attempt in range(WRITE_TRIES):
            try:
                finished = self._ledger.finish(
                    call.id, outcome, at=self._now(), known_ids=known_ids, skew=skew
                )
                # On a second try: what was written, if only its confirmation was lost.
                written = finished or self._ledger.find(call.request.key)
            except Exception:
                if attempt % WRITES_PER_LOG_LINE == 0:
                    log.exception(
                        "call %s: the outcome %s could not be stored yet; retrying",
                        call.id,
                        type(outcome).__name__,
                        extra=fields_of(call),
                    )
                if self._stopping.wait(WRITE_PAUSE_S):
                    return
                continue
            if written is not None and written.state is STATE_OF[type(outcome)]:
                log_state(written)
            else:
                log.error(
                    "call %s: the outcome %s came after the call was closed", call.id, type(outcome).__name__
                )
            self._on_change()
            return
