"""Decides which Evo Voice session belongs to which of our calls, and how far each call has come.

Pure rules. Evo Voice does not say which session belongs to which request (evo-voice-api 7). So a session is
taken for ours only if it can be nothing else, and nothing is claimed that was not seen.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from evoslack.calling.calls import FINAL, HangUp, LostReason, Progress
from evoslack.calling.snapshot import Active, Session, Snapshot, digits

_RANK = {progress: rank for rank, progress in enumerate(Progress)}

UNSEEN_LIMIT = timedelta(seconds=90)  # a call not seen by then did not ring, or is not shown to us
RECORDED_LIMIT = timedelta(minutes=5)  # the same for a call whose session says nothing yet
BLIND_LIMIT = timedelta(minutes=5)  # the same while Evo Voice can't be polled
MAX_CALL = timedelta(hours=4)
GONE_LIMIT = timedelta(seconds=10)  # a call no longer listed is over, unless its session says more
CLOCKS_DIFFER = timedelta(seconds=5)  # left over after the server's clock is taken into account
HANG_UP_LIMIT = timedelta(seconds=15)  # a call still in progress after that was not ended
MAX_UNWATCHED = timedelta(seconds=30)  # between polls; in a longer pause a call could come and go unnoticed


@dataclass(frozen=True, slots=True)
class TrackedCall:
    """One call that is tracked, and what is known of its progress."""

    call_id: str
    account_id: str
    number: str  # E.164, as is the caller ID
    caller_id: str
    requested_at: datetime  # when the request was sent, by our clock
    known_ids: frozenset[str] | None  # sessions and SIDs that existed before; None: unknown
    skew: timedelta | None = None  # of Evo Voice's clock at the request; None: unknown
    answered_by: datetime | None = None  # when Evo Voice had answered: a session made later is not ours
    was_rejected: bool = False  # Evo Voice rejected it, so it most likely never shows up
    is_ambiguous: bool = False  # several sessions could be it, so no later one is taken for it
    progress: Progress = Progress.WAITING
    session_id: str = ""
    call_sid: str = ""
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    gone_since: datetime | None = None  # it was listed, and no longer is
    outcome: str = ""  # Evo Voice's own word for how it ended; empty: not reported
    lost_reason: LostReason | None = None
    hang_up: HangUp | None = None
    hang_up_at: datetime | None = None
    user_id: str = ""  # its caller, and the flow: for the log
    flow_id: str = ""

    @property
    def is_matched(self) -> bool:
        """Whether its session is known."""
        return bool(self.session_id or self.call_sid)


def advance_all(
    tracked_calls: Iterable[TrackedCall], snapshot: Snapshot, *, polled_since: datetime | None = None
) -> list[TrackedCall]:
    """Every call as it stands after this snapshot, in the order given.

    Pass finished calls of the same time and numbers too, so that their sessions are not taken for others'.
    `polled_since`: when the unbroken series of polls that ends with this one began; None: with this one.
    """
    since = polled_since or snapshot.taken_at
    active = {one.sid: one for one in snapshot.active}
    sessions = {one.id: one for one in snapshot.sessions}
    return [
        _note_hang_up(
            _advance(
                tracked, active.get(tracked.call_sid), sessions.get(tracked.session_id), snapshot, since
            ),
            snapshot,
        )
        for tracked in _match(list(tracked_calls), snapshot)
    ]


def give_up(tracked: TrackedCall, now: datetime) -> TrackedCall:
    """The call as it stands when Evo Voice can't be polled, which is no sign that it ended."""
    patience = BLIND_LIMIT if tracked.progress is Progress.WAITING else MAX_CALL
    is_late = tracked.progress not in FINAL and now - tracked.requested_at >= patience
    return _lost(tracked, now, LostReason.BLIND) if is_late else tracked


@dataclass(frozen=True, slots=True)
class _SeenCall:
    """One call as a snapshot shows it: by the carrier, in the record, or in both."""

    sid: str
    active: Active | None
    sessions: tuple[Session, ...]

    @property
    def ids(self) -> frozenset[str]:
        return frozenset({self.sid, *(session.id for session in self.sessions)} - {""})

    @property
    def numbers(self) -> frozenset[str]:
        if self.active is not None:  # the carrier knows best
            return frozenset({self.active.to, self.active.sender})
        return frozenset().union(*(session.numbers for session in self.sessions))

    def can_be(self, tracked: TrackedCall, snapshot: Snapshot) -> bool:
        """Whether it is outbound and began when that call was requested; the numbers match already."""
        number, one = digits(tracked.number), self.active
        if one is not None and (one.to != number or not one.is_by_request):
            return False
        if one is None and any(session.destination not in {"", number} for session in self.sessions):
            return False
        # Compared by Evo Voice's clock: ours may have been corrected since then, or be another bot's.
        skew = snapshot.skew if tracked.skew is None else tracked.skew
        answered_by = tracked.answered_by and tracked.answered_by + skew + CLOCKS_DIFFER
        if one is not None and one.created_at is not None and answered_by and one.created_at > answered_by:
            return False
        times = [one and one.created_at, *(session.created_at for session in self.sessions)]
        began_at = min((at for at in times if at), default=None)
        if began_at is None:  # then only a snapshot from before the request tells old from new
            return tracked.known_ids is not None and snapshot.taken_at - tracked.requested_at <= UNSEEN_LIMIT
        return -CLOCKS_DIFFER <= began_at - (tracked.requested_at + skew) <= UNSEEN_LIMIT


def _calls_in(snapshot: Snapshot) -> list[_SeenCall]:
    """Carrier calls and sessions grouped by SID; a session without one stands alone."""
    listed = {one.sid: one for one in snapshot.active}
    recorded: dict[str, list[Session]] = defaultdict(list)
    for session in snapshot.sessions:
        recorded[session.call_sid].append(session)
    alone = [_SeenCall("", None, (session,)) for session in recorded.pop("", [])]
    sids = {**listed, **recorded}
    return [_SeenCall(sid, listed.get(sid), tuple(recorded.get(sid, []))) for sid in sids] + alone


def _match(tracked_calls: list[TrackedCall], snapshot: Snapshot) -> list[TrackedCall]:
    """Give each call its SID and its session: by id where one is known, else the only one that fits."""
    seen = _calls_in(snapshot)
    found = _match_by_id(tracked_calls, seen)
    options = _options(found, seen, snapshot)
    claims: dict[_SeenCall, list[int]] = defaultdict(list)
    for index in sorted(options, key=lambda index: found[index].was_rejected):
        for one in options[index]:  # a rejected call yields to others
            if not found[index].was_rejected or all(found[other].was_rejected for other in claims[one]):
                claims[one].append(index)
    for index, each in options.items():
        if found[index].progress in FINAL or found[index].is_ambiguous:
            continue
        if len(each) == 1 and claims[each[0]] == [index]:
            found[index] = _matched(found[index], each[0])
        elif any(index in claims[one] for one in each):
            found[index] = replace(found[index], is_ambiguous=True)
    return found


def _match_by_id(tracked_calls: list[TrackedCall], seen: list[_SeenCall]) -> list[TrackedCall]:
    """Fill in the session of a call whose SID is known, and the other way round, if that is unambiguous."""
    by_name = {name: one for one in seen for name in one.ids}
    owned = [
        {by_name.get(name) for name in (tracked.call_sid, tracked.session_id) if name}
        for tracked in tracked_calls
    ]
    owners = Counter(one for each in owned for one in each)
    found = list(tracked_calls)
    for index, (tracked, each) in enumerate(zip(tracked_calls, owned, strict=True)):
        one = each.pop() if len(each) == 1 else None
        if one and owners[one] == 1 and tracked.progress not in FINAL and not one.ids & _known(tracked):
            found[index] = _matched(tracked, one)
    return found


def _matched(tracked: TrackedCall, one: _SeenCall) -> TrackedCall:
    session_id = tracked.session_id or (one.sessions[0].id if len(one.sessions) == 1 else "")
    return replace(tracked, session_id=session_id, call_sid=tracked.call_sid or one.sid)


def _options(
    tracked_calls: list[TrackedCall], seen: list[_SeenCall], snapshot: Snapshot
) -> dict[int, list[_SeenCall]]:
    """What each unmatched call can be, by index; a session without a SID only if none with one can."""
    taken = {name for tracked in tracked_calls for name in (tracked.call_sid, tracked.session_id)}
    between: dict[frozenset[str], list[_SeenCall]] = defaultdict(list)
    for one in seen:
        if not one.ids & taken:
            between[one.numbers].append(one)
    options: dict[int, list[_SeenCall]] = {}
    for index, tracked in enumerate(tracked_calls):
        if not tracked.is_matched:
            both = frozenset({digits(tracked.number), digits(tracked.caller_id)})
            new = [one for one in between[both] if not one.ids & _known(tracked)]
            fitting = [one for one in new if one.can_be(tracked, snapshot)]
            options[index] = [one for one in fitting if one.sid] or fitting
    return options


def _known(tracked: TrackedCall) -> frozenset[str]:
    return tracked.known_ids or frozenset()


def _advance(
    tracked: TrackedCall, active: Active | None, session: Session | None, snapshot: Snapshot, since: datetime
) -> TrackedCall:
    """Bring the progress of a call up to what the snapshot shows."""
    if tracked.progress in FINAL:
        return tracked
    now = snapshot.taken_at
    if session is not None and session.is_over:
        completed_at = now if session.completed_at is None else session.completed_at - snapshot.skew
        ended_at = max(min(completed_at, now), tracked.answered_at or tracked.requested_at)
        return replace(tracked, progress=Progress.ENDED, ended_at=ended_at, outcome=session.outcome)
    if active is not None or (session is not None and (session.is_ringing or session.is_talking)):
        talking = (active is not None and active.is_answered) or (session is not None and session.is_talking)
        seen = Progress.ANSWERED if talking else Progress.RINGING
        if _RANK[seen] > _RANK[tracked.progress]:
            tracked = replace(tracked, progress=seen)
        if talking and tracked.answered_at is None:
            tracked = replace(tracked, answered_at=now)
        if now - tracked.requested_at >= MAX_CALL:
            return _lost(tracked, now, LostReason.LONG)
        return replace(tracked, gone_since=None)
    return _out_of_sight(tracked, now, UNSEEN_LIMIT if session is None else RECORDED_LIMIT, since)


def _note_hang_up(tracked: TrackedCall, snapshot: Snapshot) -> TrackedCall:
    now = snapshot.taken_at
    if tracked.hang_up is not HangUp.ASKED or tracked.hang_up_at is None or tracked.progress in FINAL:
        return tracked
    if tracked.gone_since is not None:  # it seems to be ending
        return tracked
    return tracked if now - tracked.hang_up_at < HANG_UP_LIMIT else replace(tracked, hang_up=HangUp.NO_EFFECT)


def _out_of_sight(tracked: TrackedCall, now: datetime, patience: timedelta, since: datetime) -> TrackedCall:
    """Nothing shows that it is in progress."""
    if tracked.progress is Progress.WAITING:
        reason = LostReason.UNCLEAR if tracked.is_ambiguous else LostReason.UNSEEN
        if tracked.was_rejected and since - (tracked.answered_by or tracked.requested_at) > MAX_UNWATCHED:
            reason = LostReason.BLIND  # "nothing was dialed" may be claimed only after polling all the time
        return _lost(tracked, now, reason) if now - tracked.requested_at >= patience else tracked
    if tracked.gone_since is None:
        return replace(tracked, gone_since=now)
    if now - tracked.gone_since < GONE_LIMIT:
        return tracked
    return replace(tracked, progress=Progress.ENDED, ended_at=tracked.gone_since)


def _lost(tracked: TrackedCall, now: datetime, reason: LostReason) -> TrackedCall:
    return replace(tracked, progress=Progress.LOST, ended_at=now, lost_reason=reason)
