"""What happens to a call: connect it, and look after what a crash left behind. `intake` takes calls in.

The ledger's row is the program counter. Each step looks at rows and brings one of them further, so a
crash anywhere is repaired by looking again; only dialing is never repeated.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Protocol

from evoslack.calling.calls import STATE_OF, Call, InDoubt, NotSent, Outcome, Reason, State
from evoslack.calling.numbers import masked

log = logging.getLogger(__name__)

# Dialing takes 30 s at the most (evo-voice-api 7); the rest is for writing the result down.
PLACING_LIMIT = timedelta(seconds=45)
# A press is answered within three seconds or never; the rest is for a process that stood still.
ANSWERING_LIMIT = timedelta(seconds=15)
# A machine that stood still must not dial after people were told that the call is in doubt.
LATEST_DIALING = timedelta(seconds=10)
LEAP = timedelta(seconds=5)  # of the wall clock, that is more than it being put right a little
FORGET_EVERY = timedelta(hours=1)
KEYS_ARE_KEPT = timedelta(days=2)  # no form can be pressed any more when it is so old
WRITE_PAUSE_S = 1.0
WRITE_TRIES = 120
WRITES_PER_LINE = 30  # that do not work, before it is logged again


class Ledger(Protocol):
    """The durable record; see `ledger.calls.CallLedger` for what each promises."""

    def abandon(self, *, at: datetime, received_before: datetime | None) -> list[Call]: ...
    def waiting(self, *, accepted_after: datetime) -> Call | None: ...
    def begin(self, *, at: datetime, accepted_after: datetime) -> Call | None: ...
    def finish(
        self,
        call_id: str,
        outcome: Outcome,
        *,
        at: datetime,
        known_ids: Collection[str] | None,
        skew: timedelta | None,
    ) -> Call | None: ...
    def expire(self, *, at: datetime, accepted_before: datetime) -> list[Call]: ...
    def doubt_orphans(self, *, at: datetime, began_before: datetime | None) -> list[Call]: ...
    def forget(self, *, accepted_before: datetime, at: datetime) -> int: ...
    def forget_keys(self, *, used_before: datetime) -> None: ...
    def find(self, request_key: str) -> Call | None: ...
    def get(self, call_id: str) -> Call | None: ...
    def latest_of(self, user_id: str, team_id: str, limit: int) -> list[Call]: ...


class Phone(Protocol):
    """The phone system."""

    def dial(self, *, flow_id: str, number: str, caller_id: str, may_leave: Callable[[], bool]) -> Outcome:
        """Send one request, if `may_leave` says yes right before its first byte; never raises."""


class Sight(Protocol):
    """What was there before the call went out."""

    @property
    def skew(self) -> timedelta: ...
    def ids(self, number: str, caller_id: str) -> Collection[str]: ...


class Watch(Protocol):
    """Whoever follows calls; see `follower.Follower`."""

    def look_before(self, account_id: str) -> Sight | None: ...


class Switchboard:
    """Gets calls dialed. `on_news` wakes whoever tells people.

    A call that has waited longer than `longest_wait` is never dialed: it would surprise both ends.
    """

    def __init__(
        self,
        ledger: Ledger,
        phone: Phone,
        watch: Watch,
        *,
        longest_wait: timedelta,
        now: Callable[[], datetime],
        on_change: Callable[[], None],
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._wall = wall
        self._ledger = ledger
        self._phone = phone
        self._watch = watch
        self._longest_wait = longest_wait
        self._forget_at = now() + FORGET_EVERY
        self._leading = threading.Lock()
        self._lead = wall() - now()  # of the wall clock, when it was looked at last
        self._leap = now(), timedelta(0)  # when that grew suddenly, and by how much
        self._now = now
        self._on_news = on_change
        self._stopping = threading.Event()

    def find(self, request_key: str) -> Call | None:
        """The call that a form became, if it did."""
        return self._ledger.find(request_key)

    def get(self, call_id: str) -> Call | None:
        """The call with that id."""
        return self._ledger.get(call_id)

    def latest_of(self, user_id: str, team_id: str, limit: int) -> list[Call]:
        """The latest calls that this person asked for, newest first."""
        return self._ledger.latest_of(user_id, team_id, limit)

    def connect_next(self) -> bool:
        """Dial the oldest waiting call; whether there was one.

        Between `begin`, which is committed, and `finish` a phone may ring, once.
        """
        waiting = self._ledger.waiting(accepted_after=self._oldest())
        if waiting is None:
            return False
        # Before, and not after `begin`: there it would make the time longer in which a crash leaves doubt.
        sight = self._watch.look_before(waiting.request.account_id)
        now, wall = self._now(), self._wall()
        call = self._ledger.begin(at=now, accepted_after=self._oldest())
        if call is None:
            return False  # another one was quicker
        log_state(call)
        if call.request.account_id != waiting.request.account_id:
            sight = None  # of another account

        def may_leave() -> bool:
            """Whether it is early enough by both clocks: each may stand still, or be put back, alone."""
            return max(self._now() - now, self._wall() - wall) <= LATEST_DIALING

        self._finish(call, self._dial(call, may_leave), sight)
        return True

    def sweep(self, *, everything_is_orphaned: bool = False) -> None:
        """Close what nobody works on any more: calls that waited too long, and orphans of a crash.

        `everything_is_orphaned` is for the start of a bot that knows that it is the only one.
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
            self._on_news()

    def forget(self, history: timedelta) -> None:
        """Delete calls that are older than that, over and told; once an hour, as looking is not cheap.

        Only for a bot whose clock can be trusted. Keys stay, as the form of such a call may still be open.
        """
        now = self._now()
        if now < self._forget_at:
            return
        while self._ledger.forget(accepted_before=now - history, at=now):
            pass
        self._ledger.forget_keys(used_before=now - KEYS_ARE_KEPT)
        self._forget_at = now + FORGET_EVERY

    def stop(self) -> None:
        """Do not insist any longer on writing results down; the sweep of the next start is honest too."""
        self._stopping.set()

    def _oldest(self) -> datetime:
        """What was accepted before has waited too long.

        A machine that was paused has both clocks stopped, until the wall clock is put right. So when that
        leaps forward, what waited then may have waited for so much longer.
        """
        now = self._now()
        with self._leading:
            lead = self._wall() - now
            if lead - self._lead > LEAP:
                self._leap = now, lead - self._lead
            self._lead = lead
            at, span = self._leap
        oldest = now - self._longest_wait
        return max(oldest, min(at, oldest + span))

    def _dial(self, call: Call, may_leave: Callable[[], bool]) -> Outcome:
        if not may_leave():
            return NotSent(Reason.HELD_UP)
        request = call.request
        try:
            return self._phone.dial(
                flow_id=request.flow_id,
                number=request.number,
                caller_id=request.caller_id,
                may_leave=may_leave,
            )
        except Exception:
            log.exception("call %s: dialing broke", call.id)
            return InDoubt(Reason.BOT_BROKE)

    def _finish(self, call: Call, outcome: Outcome, before: Sight | None) -> None:
        """Write the outcome down, patiently: it is known only here, and dialing again is no way out."""
        request = call.request
        known_ids = None if before is None else before.ids(request.number, request.caller_id)
        skew = None if before is None else before.skew
        for attempt in range(WRITE_TRIES):
            try:
                finished = self._ledger.finish(
                    call.id, outcome, at=self._now(), known_ids=known_ids, skew=skew
                )
                # What was written, if its confirmation got lost and this is the second try.
                written = finished or self._ledger.find(call.request.key)
            except Exception:
                if attempt % WRITES_PER_LINE == 0:
                    log.exception(
                        "call %s: the outcome %s is not written yet", call.id, type(outcome).__name__
                    )
                if self._stopping.wait(WRITE_PAUSE_S):
                    return
                continue
            if written is not None and written.state is STATE_OF[type(outcome)]:
                log_state(written)
            else:
                log.error("call %s: the outcome %s came too late", call.id, type(outcome).__name__)
            self._on_news()
            return


def log_state(call: Call) -> None:
    """One line for each change of a call, with a masked number."""
    level = logging.WARNING if call.state is State.IN_DOUBT else logging.INFO
    log.log(
        level,
        "call %s to %s by %s: %s%s",
        call.id,
        masked(call.request.number),
        call.request.user_id,
        call.state,
        f" ({call.reason})" if call.reason else "",
        extra={"call_id": call.id, "state": call.state.value},
    )
