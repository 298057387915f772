"""How a call goes on after it was asked for: from what Evo Voice shows to what is known of a call.

Pure rules. Evo Voice does not say which of its sessions belongs to which request (evo-voice-api 7), so one is
taken for ours only if nothing else can be; and what is not seen is not claimed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from evoslack.calls import OVER, HangUp, Progress

_RANK = {progress: rank for rank, progress in enumerate(Progress)}

UNSEEN_FOR = timedelta(seconds=90)  # a call that left no trace by then did not ring, or is not shown to us
RECORDED_FOR = timedelta(minutes=5)  # likewise for a call that has a session, which says nothing yet
LONGEST_CALL = timedelta(hours=4)
GONE_FOR = timedelta(seconds=10)  # a call that is not listed any more is over, unless its session says more
CLOCKS_DIFFER = timedelta(seconds=5)  # that is left when the server's clock was taken into account
HANG_UP_TAKES = timedelta(seconds=15)  # after that a call that goes on was not ended


@dataclass(frozen=True, slots=True)
class Active:
    """A call that is going on, by the carrier (evo-voice-api 5.6). Numbers are digits only."""

    sid: str
    to: str
    sender: str
    is_answered: bool
    created_at: datetime | None = None  # None: not given, or in a form or zone that is not known


@dataclass(frozen=True, slots=True)
class Session:
    """A call in Evo Voice's own record (evo-voice-api 5.5). Numbers are digits only."""

    id: str
    call_sid: str
    numbers: frozenset[str]  # from, to and destination: which of them holds the callee is not known
    created_at: datetime | None
    is_ringing: bool
    is_talking: bool
    is_over: bool
    completed_at: datetime | None = None
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What Evo Voice showed of one account at one moment."""

    taken_at: datetime  # by our clock
    skew: timedelta  # how far the server's clock is ahead of ours
    active: tuple[Active, ...]
    sessions: tuple[Session, ...]

    def ids(self, number: str, caller_id: str) -> frozenset[str]:
        """Everything in it that could be taken for a call between these two (E.164)."""
        both = {_digits(number), _digits(caller_id)}
        sessions = [session for session in self.sessions if both <= session.numbers]
        return frozenset(
            {active.sid for active in self.active if both == {active.to, active.sender}}
            | {session.id for session in sessions}
            | {session.call_sid for session in sessions if session.call_sid}
        )


@dataclass(frozen=True, slots=True)
class Trail:
    """What is known of how one call goes on."""

    call_id: str
    account_id: str
    number: str  # E.164, as is the caller ID
    caller_id: str
    asked_at: datetime  # when the request left, by our clock
    known_ids: frozenset[str] | None  # sessions and SIDs that were there before; None: nobody looked
    was_refused: bool = False  # Evo Voice said no, so it most likely never shows up
    progress: Progress = Progress.WAITING
    session_id: str = ""
    call_sid: str = ""
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    gone_since: datetime | None = None  # it was listed, and is not any more
    outcome: str = ""  # Evo Voice's own word for how it ended; empty: not reported
    hang_up: HangUp | None = None
    hang_up_at: datetime | None = None

    @property
    def is_bound(self) -> bool:
        """Whether it is known which session or call it is."""
        return bool(self.session_id or self.call_sid)


def follow(trails: Iterable[Trail], snapshot: Snapshot) -> list[Trail]:
    """Every trail as it stands after this look, in the order given."""
    found = list(trails)
    active = {one.sid: one for one in snapshot.active}
    sessions = {one.id: one for one in snapshot.sessions}
    return [
        _note_hang_up(
            _advance(trail, active.get(trail.call_sid), sessions.get(trail.session_id), snapshot), snapshot
        )
        for trail in _bind(found, snapshot)
    ]


def give_up(trail: Trail, now: datetime) -> Trail:
    """For when nothing can be seen at all: a call is lost sight of only after the longest time."""
    is_late = trail.progress not in OVER and now - trail.asked_at >= LONGEST_CALL
    return _lost(trail, now) if is_late else trail


def _bind(trails: list[Trail], snapshot: Snapshot) -> list[Trail]:
    """Give each trail its SID and its session where exactly one fits, and fits no other trail."""
    found, records = list(trails), _Records(snapshot)
    for index, sid in _pairs(found, records.sids_for, "call_sid").items():
        found[index] = replace(found[index], call_sid=sid)
    while bound := _pairs(found, records.sessions_for, "session_id"):
        for index, session_id in bound.items():
            sid = found[index].call_sid or records.by_id[session_id].call_sid
            found[index] = replace(found[index], session_id=session_id, call_sid=sid)
    return found


def _pairs(
    trails: list[Trail], options_for: Callable[[Trail, set[str]], list[str]], name: str
) -> dict[int, str]:
    """Which of the trails without that name get which, by their place in the list."""
    taken = {value for trail in trails for value in (trail.call_sid, trail.session_id) if value}
    options = {
        index: options_for(trail, taken)
        for index, trail in enumerate(trails)
        if trail.progress not in OVER and not getattr(trail, name)
    }
    claims: dict[str, list[int]] = defaultdict(list)
    for was_refused in (False, True):  # a call that was refused stands back
        for index, each in options.items():
            if trails[index].was_refused is was_refused:
                for value in each:
                    if not was_refused or not any(not trails[i].was_refused for i in claims[value]):
                        claims[value].append(index)
    return {i: each[0] for i, each in options.items() if len(each) == 1 and claims[each[0]] == [i]}


class _Records:
    """A snapshot, to be looked up by numbers and by SID."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._skew = snapshot.skew
        self.by_id = {session.id: session for session in snapshot.sessions}
        self._calls: dict[tuple[str, str], list[Active]] = defaultdict(list)
        self._by_sid: dict[str, list[Session]] = defaultdict(list)
        self._by_number: dict[str, list[Session]] = defaultdict(list)
        for active in snapshot.active:
            self._calls[active.to, active.sender].append(active)
        for session in snapshot.sessions:
            self._by_sid[session.call_sid].append(session)
            for number in session.numbers:
                self._by_number[number].append(session)

    def sids_for(self, trail: Trail, taken: set[str]) -> list[str]:
        """The SIDs that can be this call's."""
        between = self._calls.get((_digits(trail.number), _digits(trail.caller_id)), [])
        old = (trail.known_ids or frozenset()) | taken
        return [one.sid for one in between if one.sid not in old and self._is_new(one.created_at, trail)]

    def sessions_for(self, trail: Trail, taken: set[str]) -> list[str]:
        """The ids of the sessions that can be this call's: by its SID, else by numbers and time."""
        if trail.call_sid and (same := self._by_sid.get(trail.call_sid)):
            return [session.id for session in same if session.id not in taken]
        caller_id, old = _digits(trail.caller_id), (trail.known_ids or frozenset()) | taken
        return [
            session.id
            for session in self._by_number.get(_digits(trail.number), [])
            if caller_id in session.numbers
            and not {session.id, session.call_sid} & old
            and not (trail.call_sid and session.call_sid)
            and self._is_new(session.created_at, trail)
        ]

    def _is_new(self, created_at: datetime | None, trail: Trail) -> bool:
        if created_at is None:  # without a time only a look before the request tells old from new
            return trail.known_ids is not None
        return created_at >= trail.asked_at + self._skew - CLOCKS_DIFFER


def _advance(trail: Trail, active: Active | None, session: Session | None, snapshot: Snapshot) -> Trail:
    """Bring the progress of a trail up to what is to be seen of it."""
    if trail.progress in OVER:
        return trail
    now = snapshot.taken_at
    if session is not None and session.is_over:
        completed_at = now if session.completed_at is None else session.completed_at - snapshot.skew
        ended_at = max(min(completed_at, now), trail.answered_at or trail.asked_at)
        return replace(trail, progress=Progress.ENDED, ended_at=ended_at, outcome=session.outcome)
    if active is not None or (session is not None and (session.is_ringing or session.is_talking)):
        talking = (active is not None and active.is_answered) or (session is not None and session.is_talking)
        seen = Progress.ANSWERED if talking else Progress.RINGING
        if _RANK[seen] > _RANK[trail.progress]:
            trail = replace(trail, progress=seen)
        if talking and trail.answered_at is None:
            trail = replace(trail, answered_at=now)
        return replace(trail, gone_since=None) if now - trail.asked_at < LONGEST_CALL else _lost(trail, now)
    return _out_of_sight(trail, now, UNSEEN_FOR if session is None else RECORDED_FOR)


def _note_hang_up(trail: Trail, snapshot: Snapshot) -> Trail:
    now = snapshot.taken_at
    if trail.hang_up is not HangUp.ASKED or trail.hang_up_at is None or trail.progress in OVER:
        return trail
    return trail if now - trail.hang_up_at < HANG_UP_TAKES else replace(trail, hang_up=HangUp.NO_EFFECT)


def _out_of_sight(trail: Trail, now: datetime, patience: timedelta) -> Trail:
    """Nothing shows that it is going on."""
    if trail.progress is Progress.WAITING:
        return _lost(trail, now) if now - trail.asked_at >= patience else trail
    if trail.gone_since is None:
        return replace(trail, gone_since=now)
    if now - trail.gone_since < GONE_FOR:
        return trail
    return replace(trail, progress=Progress.ENDED, ended_at=trail.gone_since)


def _lost(trail: Trail, now: datetime) -> Trail:
    return replace(trail, progress=Progress.LOST, ended_at=now)


def _digits(number: str) -> str:
    return number.removeprefix("+")
