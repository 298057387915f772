"""How a call goes on after it was asked for: from what Evo Voice shows to what is known of a call.

Pure rules. Evo Voice does not say which of its sessions belongs to which request (evo-voice-api 7), so one is
taken for ours only if nothing else can be; and what is not seen is not claimed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from evoslack.calling.calls import FINAL, HangUp, LostReason, Progress
from evoslack.calling.snapshot import Active, Session, Snapshot, digits

_RANK = {progress: rank for rank, progress in enumerate(Progress)}

UNSEEN_FOR = timedelta(seconds=90)  # a call that left no trace by then did not ring, or is not shown to us
RECORDED_FOR = timedelta(minutes=5)  # likewise for a call that has a session, which says nothing yet
BLIND_FOR = timedelta(minutes=5)  # likewise when nobody can look
LONGEST_CALL = timedelta(hours=4)
GONE_FOR = timedelta(seconds=10)  # a call that is not listed any more is over, unless its session says more
CLOCKS_DIFFER = timedelta(seconds=5)  # that is left when the server's clock was taken into account
HANG_UP_TAKES = timedelta(seconds=15)  # after that a call that goes on was not ended
MOST_UNWATCHED = timedelta(seconds=30)  # a call that came and went in a longer pause would not be noticed


@dataclass(frozen=True, slots=True)
class TrackedCall:
    """What is known of how one call goes on."""

    call_id: str
    account_id: str
    number: str  # E.164, as is the caller ID
    caller_id: str
    asked_at: datetime  # when the request left, by our clock
    known_ids: frozenset[str] | None  # sessions and SIDs that were there before; None: nobody looked
    skew: timedelta | None = None  # of Evo Voice's clock when it was asked; None: nobody knows
    answered_by: datetime | None = None  # when Evo Voice had said yes or no: what was made later is not ours
    was_refused: bool = False  # Evo Voice said no, so it most likely never shows up
    is_unclear: bool = False  # several calls could have been it, so none that comes later is taken for it
    progress: Progress = Progress.WAITING
    session_id: str = ""
    call_sid: str = ""
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    gone_since: datetime | None = None  # it was listed, and is not any more
    outcome: str = ""  # Evo Voice's own word for how it ended; empty: not reported
    lost_reason: LostReason | None = None
    hang_up: HangUp | None = None
    hang_up_at: datetime | None = None

    @property
    def is_bound(self) -> bool:
        """Whether it is known which session or call it is."""
        return bool(self.session_id or self.call_sid)


def follow(
    trails: Iterable[TrackedCall], snapshot: Snapshot, *, watched_since: datetime | None = None
) -> list[TrackedCall]:
    """Every trail as it stands after this look, in the order given.

    Trails that are over belong among them if they are of the same time and numbers: what is theirs is theirs.
    `watched_since`: when the looks began that lead up to this one without a long pause; None: with this one.
    """
    since = watched_since or snapshot.taken_at
    active = {one.sid: one for one in snapshot.active}
    sessions = {one.id: one for one in snapshot.sessions}
    return [
        _note_hang_up(
            _advance(trail, active.get(trail.call_sid), sessions.get(trail.session_id), snapshot, since),
            snapshot,
        )
        for trail in _bind(list(trails), snapshot)
    ]


def give_up(trail: TrackedCall, now: datetime) -> TrackedCall:
    """For when nothing can be seen at all, which is no sign of an end."""
    patience = BLIND_FOR if trail.progress is Progress.WAITING else LONGEST_CALL
    is_late = trail.progress not in FINAL and now - trail.asked_at >= patience
    return _lost(trail, now, LostReason.BLIND) if is_late else trail


@dataclass(frozen=True, slots=True)
class _Seen:
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

    def can_be(self, trail: TrackedCall, snapshot: Snapshot) -> bool:
        """Whether it goes the right way and began when that call was asked for; its numbers are right."""
        number, one = digits(trail.number), self.active
        if one is not None and (one.to != number or not one.is_by_request):
            return False
        if one is None and any(session.destination not in {"", number} for session in self.sessions):
            return False
        # Compared by Evo Voice's clock: ours may have been put right since then, or be another bot's.
        skew = snapshot.skew if trail.skew is None else trail.skew
        answered_by = trail.answered_by and trail.answered_by + skew + CLOCKS_DIFFER
        if one is not None and one.created_at is not None and answered_by and one.created_at > answered_by:
            return False
        times = [one and one.created_at, *(session.created_at for session in self.sessions)]
        began_at = min((at for at in times if at), default=None)
        if began_at is None:  # then only a look before the request tells old from new
            return trail.known_ids is not None and snapshot.taken_at - trail.asked_at <= UNSEEN_FOR
        return -CLOCKS_DIFFER <= began_at - (trail.asked_at + skew) <= UNSEEN_FOR


def _calls_in(snapshot: Snapshot) -> list[_Seen]:
    """What belongs together, by SID; a session without one stands alone."""
    listed = {one.sid: one for one in snapshot.active}
    recorded: dict[str, list[Session]] = defaultdict(list)
    for session in snapshot.sessions:
        recorded[session.call_sid].append(session)
    alone = [_Seen("", None, (session,)) for session in recorded.pop("", [])]
    sids = {**listed, **recorded}
    return [_Seen(sid, listed.get(sid), tuple(recorded.get(sid, []))) for sid in sids] + alone


def _bind(trails: list[TrackedCall], snapshot: Snapshot) -> list[TrackedCall]:
    """Give each trail its SID and its session: what belongs to it by name, else the only call that fits."""
    seen = _calls_in(snapshot)
    found = _join(trails, seen)
    options = _options(found, seen, snapshot)
    claims: dict[_Seen, list[int]] = defaultdict(list)
    for index in sorted(options, key=lambda index: found[index].was_refused):
        for one in options[index]:  # a call that was refused stands back
            if not found[index].was_refused or all(found[other].was_refused for other in claims[one]):
                claims[one].append(index)
    for index, each in options.items():
        if found[index].progress in FINAL or found[index].is_unclear:
            continue
        if len(each) == 1 and claims[each[0]] == [index]:
            found[index] = _bound(found[index], each[0])
        elif any(index in claims[one] for one in each):
            found[index] = replace(found[index], is_unclear=True)
    return found


def _join(trails: list[TrackedCall], seen: list[_Seen]) -> list[TrackedCall]:
    """Trails that know their SID get their session with it, and the other way round; if that is clear."""
    by_name = {name: one for one in seen for name in one.ids}
    owned = [{by_name.get(name) for name in (trail.call_sid, trail.session_id) if name} for trail in trails]
    owners = Counter(one for each in owned for one in each)
    found = list(trails)
    for index, (trail, each) in enumerate(zip(trails, owned, strict=True)):
        one = each.pop() if len(each) == 1 else None
        if one and owners[one] == 1 and trail.progress not in FINAL and not one.ids & _known(trail):
            found[index] = _bound(trail, one)
    return found


def _bound(trail: TrackedCall, one: _Seen) -> TrackedCall:
    session_id = trail.session_id or (one.sessions[0].id if len(one.sessions) == 1 else "")
    return replace(trail, session_id=session_id, call_sid=trail.call_sid or one.sid)


def _options(trails: list[TrackedCall], seen: list[_Seen], snapshot: Snapshot) -> dict[int, list[_Seen]]:
    """The calls that each trail without a name can be; one without a SID only if none with a SID can."""
    taken = {name for trail in trails for name in (trail.call_sid, trail.session_id)}
    between: dict[frozenset[str], list[_Seen]] = defaultdict(list)
    for one in seen:
        if not one.ids & taken:
            between[one.numbers].append(one)
    options: dict[int, list[_Seen]] = {}
    for index, trail in enumerate(trails):
        if not trail.is_bound:
            both = frozenset({digits(trail.number), digits(trail.caller_id)})
            new = [one for one in between[both] if not one.ids & _known(trail)]
            fitting = [one for one in new if one.can_be(trail, snapshot)]
            options[index] = [one for one in fitting if one.sid] or fitting
    return options


def _known(trail: TrackedCall) -> frozenset[str]:
    return trail.known_ids or frozenset()


def _advance(
    trail: TrackedCall, active: Active | None, session: Session | None, snapshot: Snapshot, since: datetime
) -> TrackedCall:
    """Bring the progress of a trail up to what is to be seen of it."""
    if trail.progress in FINAL:
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
        if now - trail.asked_at >= LONGEST_CALL:
            return _lost(trail, now, LostReason.LONG)
        return replace(trail, gone_since=None)
    return _out_of_sight(trail, now, UNSEEN_FOR if session is None else RECORDED_FOR, since)


def _note_hang_up(trail: TrackedCall, snapshot: Snapshot) -> TrackedCall:
    now = snapshot.taken_at
    if trail.hang_up is not HangUp.ASKED or trail.hang_up_at is None or trail.progress in FINAL:
        return trail
    if trail.gone_since is not None:  # it seems to be ending
        return trail
    return trail if now - trail.hang_up_at < HANG_UP_TAKES else replace(trail, hang_up=HangUp.NO_EFFECT)


def _out_of_sight(trail: TrackedCall, now: datetime, patience: timedelta, since: datetime) -> TrackedCall:
    """Nothing shows that it is going on."""
    if trail.progress is Progress.WAITING:
        reason = LostReason.UNCLEAR if trail.is_unclear else LostReason.UNSEEN
        if trail.was_refused and since - (trail.answered_by or trail.asked_at) > MOST_UNWATCHED:
            reason = LostReason.BLIND  # "nothing was dialed" is claimed only by whoever watched all the time
        return _lost(trail, now, reason) if now - trail.asked_at >= patience else trail
    if trail.gone_since is None:
        return replace(trail, gone_since=now)
    if now - trail.gone_since < GONE_FOR:
        return trail
    return replace(trail, progress=Progress.ENDED, ended_at=trail.gone_since)


def _lost(trail: TrackedCall, now: datetime, reason: LostReason) -> TrackedCall:
    return replace(trail, progress=Progress.LOST, ended_at=now, lost_reason=reason)
