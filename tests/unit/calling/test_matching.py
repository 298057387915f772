"""A call's progress, from what Evo Voice shows: nothing is claimed that was not seen, and in doubt no call
is taken for ours, because the wrong people would see it and could hang it up.
"""

from __future__ import annotations

import itertools
import random
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoslack.calling.calls import FINAL, HangUp, LostReason, Progress
from evoslack.calling.matching import (
    BLIND_LIMIT,
    GONE_LIMIT,
    HANG_UP_LIMIT,
    MAX_CALL,
    MAX_UNWATCHED,
    RECORDED_LIMIT,
    UNSEEN_LIMIT,
    TrackedCall,
    advance_all,
    give_up,
)
from evoslack.calling.snapshot import Active, Session, Snapshot

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
NUMBER, CALLER_ID, THIRD = "12025550143", "12025550100", "12025550177"
BOTH = frozenset({NUMBER, CALLER_ID})
NO_SNAPSHOT = None
EMPTY_SNAPSHOT: frozenset[str] = frozenset()


def after(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def asked(at: float = 0, **more: Any) -> TrackedCall:
    """A call of ours that was requested that many seconds after T0."""
    values: dict[str, Any] = {
        "call_id": f"call-{at}",
        "account_id": "acc1",
        "number": f"+{NUMBER}",
        "caller_id": f"+{CALLER_ID}",
        "requested_at": after(at),
        "known_ids": EMPTY_SNAPSHOT,
    }
    return TrackedCall(**(values | more))


def ringing(sid: str = "CA1", at: float | None = 0.5, **more: Any) -> Active:
    """A call in the carrier's list, created at that second; None: no creation time."""
    values: dict[str, Any] = {"to": NUMBER, "sender": CALLER_ID, "is_answered": False}
    return Active(sid, created_at=None if at is None else after(at), **(values | more))


def answered(sid: str = "CA1", at: float | None = 0.5, **more: Any) -> Active:
    return ringing(sid, at, is_answered=True, **more)


def recorded(name: str = "S1", sid: str = "", at: float | None = 0.5, **more: Any) -> Session:
    """A new session: its `callState` is Disconnected, which says nothing yet."""
    values: dict[str, Any] = {"numbers": BOTH, "is_ringing": False, "is_talking": False, "is_over": False}
    return Session(name, sid, created_at=None if at is None else after(at), **(values | more))


def ended(name: str = "S1", sid: str = "", at: float | None = 0.5, **more: Any) -> Session:
    return recorded(name, sid, at, is_over=True, **more)


def shown(at: float, *found: Active | Session, ahead_s: float = 0) -> Snapshot:
    """A snapshot at that second; Evo Voice's clock may be ahead of ours."""
    return Snapshot(
        after(at),
        timedelta(seconds=ahead_s),
        tuple(one for one in found if isinstance(one, Active)),
        tuple(one for one in found if isinstance(one, Session)),
    )


def poll(tracked: TrackedCall, at: float, *found: Active | Session, **more: Any) -> TrackedCall:
    (seen,) = advance_all([tracked], shown(at, *found, **more))
    return seen


def ids(tracked: TrackedCall) -> tuple[str, str]:
    return (tracked.session_id, tracked.call_sid)


# --- a call that Evo Voice rejected ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("polled_since", "reason"),
    [
        (-5.0, LostReason.UNSEEN),
        (2 + MAX_UNWATCHED.total_seconds(), LostReason.UNSEEN),
        (2.1 + MAX_UNWATCHED.total_seconds(), LostReason.BLIND),
        (None, LostReason.BLIND),  # the first poll in a long time
    ],
)
def test_only_polls_since_the_answer_prove_that_a_rejected_call_did_not_ring(
    polled_since: float | None, reason: LostReason
) -> None:
    tracked = asked(was_rejected=True, answered_by=after(2))
    since = None if polled_since is None else after(polled_since)
    window = UNSEEN_LIMIT.total_seconds()

    (waiting,) = advance_all([tracked], shown(window - 0.1), polled_since=since)
    (lost,) = advance_all([tracked], shown(window), polled_since=since)

    assert waiting.progress is Progress.WAITING
    assert (lost.progress, lost.lost_reason) == (Progress.LOST, reason)


# --- a call from the first ring to its end ---------------------------------------------------------------


def test_a_call_is_waiting_then_ringing_then_answered_then_ended() -> None:
    tracked = poll(asked(), 1)
    assert tracked.progress is Progress.WAITING

    tracked = poll(tracked, 3, ringing())
    assert (tracked.progress, ids(tracked)) == (Progress.RINGING, ("", "CA1"))

    tracked = poll(tracked, 6, answered(), recorded(sid="CA1", is_talking=True))
    assert (tracked.progress, ids(tracked), tracked.answered_at) == (
        Progress.ANSWERED,
        ("S1", "CA1"),
        after(6),
    )

    over = ended(sid="CA1", completed_at=after(20), outcome="Completed")
    tracked = poll(tracked, 21, over)
    assert (tracked.progress, tracked.outcome) == (Progress.ENDED, "Completed")
    assert (tracked.answered_at, tracked.ended_at) == (after(6), after(20))


@pytest.mark.parametrize("found", [recorded(is_ringing=True), ringing()])
def test_it_rings_as_soon_as_either_list_says_so(found: Active | Session) -> None:
    assert poll(asked(), 1, found).progress is Progress.RINGING


@pytest.mark.parametrize("found", [recorded(is_talking=True), answered()])
def test_it_is_answered_as_soon_as_either_list_says_so(found: Active | Session) -> None:
    tracked = poll(asked(), 1, found)

    assert (tracked.progress, tracked.answered_at) == (Progress.ANSWERED, after(1))


def test_the_answer_time_is_when_it_was_first_seen() -> None:
    tracked = poll(poll(asked(), 2, answered()), 9, answered())

    assert tracked.answered_at == after(2)


def test_a_list_that_lags_behind_takes_nothing_back() -> None:
    tracked = poll(asked(), 2, answered())

    tracked = poll(tracked, 4, ringing())

    assert (tracked.progress, tracked.answered_at) == (Progress.ANSWERED, after(2))


def test_disconnected_is_not_the_end() -> None:
    """A session also says so before anyone answers (evo-voice-api 5.5)."""
    tracked = poll(asked(), 3, ringing(), recorded(sid="CA1"))
    assert tracked.progress is Progress.RINGING

    tracked = poll(tracked, 60, answered(), recorded(sid="CA1"))
    assert tracked.progress is Progress.ANSWERED


def test_the_record_of_the_end_comes_before_a_list_that_still_has_the_call() -> None:
    """The lists are read one after the other; the call may end in between."""
    tracked = poll(asked(), 9, answered(), ended(sid="CA1", outcome="Completed"))

    assert (tracked.progress, tracked.outcome) == (Progress.ENDED, "Completed")


def test_a_call_that_was_answered_and_ended_between_two_polls_claims_no_answer() -> None:
    tracked = poll(asked(), 9, ended(completed_at=after(5), outcome="Completed"))

    assert (tracked.progress, tracked.answered_at, tracked.ended_at) == (Progress.ENDED, None, after(5))


def test_a_session_that_is_seen_late_still_gives_the_end() -> None:
    tracked = poll(asked(), 600, ended(sid="CA1", completed_at=after(300), outcome="No Answer"))

    assert (tracked.progress, tracked.ended_at, tracked.outcome) == (Progress.ENDED, after(300), "No Answer")


@pytest.mark.parametrize(
    ("completed_at", "expected"),
    [(None, 30), (after(25), 25), (after(99), 30), (after(-99), 6)],
    ids=["not said", "said", "after the poll", "before the answer"],
)
def test_the_end_lies_between_the_answer_and_the_poll(completed_at: datetime | None, expected: int) -> None:
    tracked = poll(asked(), 6, answered())

    tracked = poll(tracked, 30, ended(sid="CA1", completed_at=completed_at))

    assert tracked.ended_at == after(expected)


def test_an_end_that_was_never_answered_is_not_before_the_call_was_asked_for() -> None:
    assert poll(asked(10), 30, ended(at=10, completed_at=T0)).ended_at == after(10)


@pytest.mark.parametrize("ahead_s", [-300, 300])
def test_the_end_is_given_in_our_clock(ahead_s: float) -> None:
    over = ended(at=0.5 + ahead_s, completed_at=after(20 + ahead_s))

    assert poll(asked(), 30, over, ahead_s=ahead_s).ended_at == after(20)


# --- no longer listed ------------------------------------------------------------------------------------


def test_a_call_that_is_not_listed_any_more_is_over_after_a_while() -> None:
    tracked = poll(poll(asked(), 3, answered()), 20)
    assert (tracked.progress, tracked.gone_since) == (Progress.ANSWERED, after(20))

    almost = GONE_LIMIT.total_seconds() - 0.1
    assert poll(tracked, 20 + almost).progress is Progress.ANSWERED

    tracked = poll(tracked, 20 + GONE_LIMIT.total_seconds())
    assert (tracked.progress, tracked.ended_at, tracked.outcome) == (Progress.ENDED, after(20), "")


def test_a_call_that_was_gone_for_a_moment_goes_on() -> None:
    tracked = poll(poll(asked(), 3, ringing()), 8)
    tracked = poll(tracked, 11, answered())
    assert (tracked.progress, tracked.gone_since) == (Progress.ANSWERED, None)

    assert poll(tracked, 19).progress is Progress.ANSWERED, "the seconds before do not count"


def test_the_record_that_comes_while_a_call_is_gone_tells_how_it_ended() -> None:
    tracked = poll(poll(asked(), 3, answered()), 20)

    tracked = poll(tracked, 25, ended(sid="CA1", completed_at=after(18), outcome="Completed"))

    assert (tracked.progress, tracked.ended_at, tracked.outcome) == (Progress.ENDED, after(18), "Completed")


def test_a_call_that_is_never_seen_is_lost_after_a_while() -> None:
    window = UNSEEN_LIMIT.total_seconds()
    assert poll(asked(), window - 0.1).progress is Progress.WAITING

    tracked = poll(asked(), window)
    assert (tracked.progress, tracked.ended_at) == (Progress.LOST, after(window))


def test_a_call_that_has_a_record_is_waited_for_longer() -> None:
    """It may be ringing: such sessions say Disconnected until someone answers."""
    tracked = poll(asked(), 3, recorded())
    window = RECORDED_LIMIT.total_seconds()

    assert poll(tracked, window - 0.1, recorded()).progress is Progress.WAITING
    assert poll(tracked, window, recorded()).progress is Progress.LOST


@pytest.mark.parametrize("going_on", [answered(), ringing(), recorded(sid="CA1", is_talking=True)])
def test_a_call_that_never_ends_is_left_alone_after_the_longest_time(going_on: Active | Session) -> None:
    tracked = poll(asked(), 3, ringing())
    longest = MAX_CALL.total_seconds()

    assert poll(tracked, longest - 1, going_on).progress not in FINAL
    assert poll(tracked, longest, going_on).progress is Progress.LOST


@pytest.mark.parametrize("progress", sorted(set(Progress) - FINAL))
def test_failed_polls_end_no_call_before_the_longest_time(progress: Progress) -> None:
    tracked = asked(progress=progress)
    patience = BLIND_LIMIT if progress is Progress.WAITING else MAX_CALL

    assert give_up(tracked, T0 + patience - timedelta(seconds=1)) == tracked
    lost = give_up(tracked, T0 + patience)
    assert (lost.progress, lost.lost_reason) == (Progress.LOST, LostReason.BLIND)


@pytest.mark.parametrize("progress", sorted(FINAL))
def test_a_finished_call_does_not_change(progress: Progress) -> None:
    tracked = asked(progress=progress, call_sid="CA1", session_id="S1", ended_at=after(5))

    assert poll(tracked, 10**6, answered(), recorded(sid="CA1", is_talking=True)) == tracked
    assert poll(replace(tracked, session_id=""), 9, ended(sid="CA1")) == replace(tracked, session_id="")
    assert give_up(tracked, T0 + 2 * MAX_CALL) == tracked


# --- hanging up ------------------------------------------------------------------------------------------


def hung_up(at: float) -> TrackedCall:
    return poll(asked(hang_up=HangUp.ASKED, hang_up_at=after(at)), at, answered())


def test_a_call_that_goes_on_after_hanging_up_was_not_ended() -> None:
    takes = HANG_UP_LIMIT.total_seconds()

    assert poll(hung_up(5), 5 + takes - 0.1, answered()).hang_up is HangUp.ASKED
    tracked = poll(hung_up(5), 5 + takes, answered())
    assert (tracked.hang_up, tracked.progress) == (HangUp.NO_EFFECT, Progress.ANSWERED)


def test_a_call_that_ends_after_hanging_up_keeps_the_request() -> None:
    tracked = poll(hung_up(5), 60, ended(sid="CA1"))

    assert (tracked.hang_up, tracked.progress) == (HangUp.ASKED, Progress.ENDED)


def test_a_call_that_is_no_longer_listed_is_not_said_to_go_on() -> None:
    """The poll after a hang-up may be late when Evo Voice was slow or down."""
    tracked = poll(hung_up(5), 60)
    assert (tracked.hang_up, tracked.progress) == (HangUp.ASKED, Progress.ANSWERED)

    tracked = poll(tracked, 60 + GONE_LIMIT.total_seconds())
    assert (tracked.hang_up, tracked.progress) == (HangUp.ASKED, Progress.ENDED)


def test_a_call_that_was_not_hung_up_does_not_say_so() -> None:
    assert poll(poll(asked(), 3, answered()), 600, answered()).hang_up is None


# --- which call is ours ----------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [-4.9, 0, 30, 89])
@pytest.mark.parametrize("known_ids", [NO_SNAPSHOT, EMPTY_SNAPSHOT])
def test_the_only_call_of_the_time_is_ours(at: float, known_ids: frozenset[str] | None) -> None:
    tracked = asked(known_ids=known_ids)

    assert ids(poll(tracked, 100, ringing(at=at))) == ("", "CA1")
    assert ids(poll(tracked, 100, recorded(at=at))) == ("S1", "")
    assert ids(poll(tracked, 100, recorded(sid="CA1", at=at))) == ("S1", "CA1")
    assert ids(poll(tracked, 100, ringing(at=at), recorded(sid="CA1", at=at))) == ("S1", "CA1")


@pytest.mark.parametrize("at", [-3600, -6, 91, 3600])
@pytest.mark.parametrize("known_ids", [NO_SNAPSHOT, EMPTY_SNAPSHOT])
def test_a_call_of_another_time_is_not_ours(at: float, known_ids: frozenset[str] | None) -> None:
    tracked = asked(known_ids=known_ids)

    for found in (ringing(at=at), recorded(at=at), recorded(sid="CA1", at=at)):
        assert not poll(tracked, 80, found).is_matched
        assert not poll(tracked, 3700, found).is_matched


@pytest.mark.parametrize("ahead_s", [-600, -3, 3, 600])
def test_times_are_compared_in_evo_voices_clock(ahead_s: float) -> None:
    def made(at: float) -> list[Active | Session]:
        return [ringing(at=at + ahead_s), recorded(at=at + ahead_s), recorded(sid="CA1", at=at + ahead_s)]

    for ours, not_ours in zip(made(1), made(-30), strict=True):
        assert poll(asked(), 9, ours, ahead_s=ahead_s).is_matched
        assert not poll(asked(), 9, not_ours, ahead_s=ahead_s).is_matched


@pytest.mark.parametrize("found", [ringing(at=None), recorded(at=None), recorded(sid="CA1", at=None)])
def test_without_a_time_only_an_earlier_snapshot_tells_old_from_new(found: Active | Session) -> None:
    assert poll(asked(), 9, found).is_matched
    assert not poll(asked(known_ids=NO_SNAPSHOT), 9, found).is_matched
    assert not poll(asked(), 91, found).is_matched, "by then it may be a later call"


@pytest.mark.parametrize("known", ["CA1", "S1"])
def test_what_was_there_before_is_never_ours(known: str) -> None:
    tracked = asked(known_ids=frozenset({known}))

    for at in (0.5, None):
        assert not poll(tracked, 9, ringing(at=at), recorded(sid="CA1", at=at)).is_matched
        assert not poll(tracked, 9, recorded(sid="CA1", at=at)).is_matched


def test_a_session_that_was_there_before_is_not_joined_by_its_sid() -> None:
    tracked = asked(known_ids=frozenset({"S1"}), call_sid="CA1")

    assert poll(tracked, 9, answered(), recorded(sid="CA1")).session_id == ""


@pytest.mark.parametrize(
    "other",
    [
        {"to": CALLER_ID, "sender": NUMBER},
        {"to": THIRD},
        {"sender": THIRD},
        {"to": ""},
        {"is_by_request": False},
    ],
    ids=["called back", "other number", "other caller ID", "no number", "dialed by a phone"],
)
def test_a_call_between_others_or_the_other_way_is_not_ours(other: dict[str, Any]) -> None:
    assert not poll(asked(), 9, ringing(**other)).is_matched
    assert not poll(asked(), 9, ringing(**other), recorded(sid="CA1")).is_matched, "nor its session"


@pytest.mark.parametrize(
    "other",
    [
        {"numbers": BOTH | {THIRD}},
        {"numbers": frozenset({NUMBER})},
        {"numbers": frozenset({CALLER_ID})},
        {"numbers": frozenset({NUMBER, THIRD})},
        {"destination": CALLER_ID},
    ],
    ids=["three people", "only the number", "only the caller ID", "other caller ID", "called back"],
)
def test_a_session_of_others_or_the_other_way_is_not_ours(other: dict[str, Any]) -> None:
    """A person who calls back has the same two numbers, and Hang up would end that call."""
    assert not poll(asked(), 9, recorded(**other)).is_matched
    assert not poll(asked(), 9, recorded(sid="CA1", **other)).is_matched


def test_a_call_with_an_older_record_is_not_ours() -> None:
    assert not poll(asked(), 9, ringing(at=1), recorded(sid="CA1", at=-30)).is_matched


def test_a_call_from_a_number_to_itself_is_not_matched() -> None:
    tracked = asked(number=f"+{CALLER_ID}")

    assert not poll(tracked, 9, recorded(), ringing(to=THIRD)).is_matched


def test_the_sid_joins_a_session_whatever_its_addresses_look_like() -> None:
    tracked = poll(asked(), 2, ringing())

    tracked = poll(tracked, 9, answered(), recorded(sid="CA1", numbers=frozenset({THIRD}), at=None))

    assert ids(tracked) == ("S1", "CA1")


def test_a_session_without_a_sid_is_not_taken_for_a_call_with_one() -> None:
    tracked = poll(asked(), 2, ringing())

    assert poll(tracked, 9, answered(), recorded()).session_id == ""


def test_a_session_without_a_sid_does_not_stand_against_a_call_with_one() -> None:
    assert ids(poll(asked(), 2, ringing(), recorded())) == ("", "CA1")


def test_two_records_of_one_sid_leave_the_session_open() -> None:
    tracked = poll(asked(), 9, answered(), recorded("S1", "CA1"), recorded("S2", "CA1"))

    assert (ids(tracked), tracked.progress) == (("", "CA1"), Progress.ANSWERED)


def test_a_session_known_from_the_answer_brings_its_own_sid_and_no_other() -> None:
    tracked = asked(session_id="S1")

    assert ids(poll(tracked, 9, ringing("CA9"), recorded(sid="CA1"))) == ("S1", "CA1")
    assert ids(poll(tracked, 9, ringing("CA9"))) == ("S1", "")


def test_two_calls_never_share_a_sid() -> None:
    one, other = asked(0, session_id="S1"), asked(1, session_id="S2")

    found = advance_all([one, other], shown(9, recorded("S1", "CA1"), recorded("S2", "CA1")))

    assert [ids(tracked) for tracked in found] == [("S1", ""), ("S2", "")]


# --- in doubt, none --------------------------------------------------------------------------------------

RIVALS = [
    (ringing("CA1"), ringing("CA2", at=20)),
    (recorded("S1", "CA1"), recorded("S2", "CA2")),
    (recorded("S1"), recorded("S2")),
    (ringing("CA1"), ended("S2", "CA2", at=3)),
]


@pytest.mark.parametrize("two", RIVALS)
def test_of_two_that_fit_neither_is_ours(two: tuple[Active | Session, ...]) -> None:
    assert not poll(asked(), 25, *two).is_matched


@pytest.mark.parametrize("two", RIVALS)
@pytest.mark.parametrize("left", [0, 1])
def test_the_remaining_one_of_two_is_not_ours_either(two: tuple[Any, ...], left: int) -> None:
    """The one that went may have been ours."""
    tracked = poll(asked(), 25, *two)

    for at in (28, 31, 80):
        tracked = poll(tracked, at, two[left])
        assert not tracked.is_matched
    assert poll(tracked, 90).progress is Progress.LOST


def test_a_third_one_is_not_ours_after_two_that_fitted() -> None:
    tracked = poll(asked(), 25, ringing("CA1"), ringing("CA2"))

    assert not poll(tracked, 40, ringing("CA3", at=38)).is_matched


def test_the_session_of_one_of_two_calls_is_not_ours() -> None:
    """Both ring; only the one that is answered gets a record."""
    tracked = poll(asked(), 5, ringing("CA1"), answered("CA2"), recorded("S2", "CA2"))

    assert not tracked.is_matched


def test_a_later_call_of_another_person_does_not_change_a_matched_one() -> None:
    tracked = poll(asked(), 2, ringing("CA1"))
    tracked = poll(tracked, 20, ringing("CA1"), answered("CA2", at=10), recorded("S2", "CA2", at=10))

    assert (ids(tracked), tracked.progress) == (("", "CA1"), Progress.RINGING)


def test_two_calls_of_ours_to_one_number_are_told_apart_if_they_show_up_one_by_one() -> None:
    first = poll(asked(0), 2, ringing("CA1"))

    first, second = advance_all([first, asked(12)], shown(14, ringing("CA1"), ringing("CA2", at=12.5)))

    assert (first.call_sid, second.call_sid) == ("CA1", "CA2")


@pytest.mark.parametrize("turned", [False, True])
def test_a_call_that_could_be_either_of_two_is_given_to_neither(turned: bool) -> None:
    """The first may have rung unseen until someone answered."""
    tracked_calls = [asked(0), asked(12)]
    tracked_calls.reverse() if turned else None

    tracked_calls = advance_all(tracked_calls, shown(15, recorded("S1", "CA1", at=14)))
    assert not any(tracked.is_matched for tracked in tracked_calls)

    tracked_calls = advance_all(tracked_calls, shown(95, recorded("S1", "CA1", at=14, is_talking=True)))
    tracked_calls = advance_all(tracked_calls, shown(100, recorded("S1", "CA1", at=14, is_talking=True)))
    assert not any(tracked.is_matched for tracked in tracked_calls), "not even when the first was given up"


def test_a_call_that_could_be_anothers_makes_the_next_one_uncertain_too() -> None:
    """It may have been ours, and it is over."""
    tracked_calls = advance_all([asked(0), asked(12)], shown(15, ringing("CA2", at=12.5)))

    tracked_calls = advance_all(tracked_calls, shown(18, ringing("CA1", at=1)))

    assert not any(tracked.is_matched for tracked in tracked_calls)


def test_two_calls_of_ours_never_share_a_sid_however_they_got_it() -> None:
    """Two records with one SID, and each has the numbers of another call."""
    theirs = recorded("S2", "CA1", numbers=frozenset({THIRD, CALLER_ID}))

    tracked_calls = advance_all(
        [asked(0), asked(0, number=f"+{THIRD}")], shown(9, recorded("S1", "CA1"), theirs)
    )

    assert not any(tracked.is_matched for tracked in tracked_calls)


def test_a_recently_lost_call_may_still_be_the_one_that_shows_up() -> None:
    lost = asked(0, progress=Progress.LOST, ended_at=after(90))

    lost, other = advance_all([lost, asked(60)], shown(100, recorded(at=58)))

    assert (lost.is_matched, other.is_matched) == (False, False)


def test_the_session_of_a_finished_call_is_given_to_no_other() -> None:
    """The snapshot before the second one failed, so nothing else tells them apart."""
    over = asked(0, progress=Progress.ENDED, session_id="S1", call_sid="CA1", ended_at=after(13))
    second = asked(12, known_ids=NO_SNAPSHOT)
    found = [ended("S1", "CA1", at=11), ended("S3", "CA3", at=11)]

    assert not advance_all([over, second], shown(20, found[0]))[1].is_matched
    assert advance_all([over, second], shown(20, *found))[1].session_id == "S3"


def test_a_rejected_call_yields_to_another() -> None:
    rejected, retried = advance_all([asked(0, was_rejected=True), asked(12)], shown(14, ringing(at=12.5)))

    assert (rejected.is_matched, retried.call_sid) == (False, "CA1")


def test_a_rejected_call_that_shows_up_anyway_is_found() -> None:
    assert poll(asked(was_rejected=True), 9, answered()).call_sid == "CA1"


def test_of_two_rejected_calls_neither_gets_the_one_that_shows_up() -> None:
    tracked_calls = [asked(0, was_rejected=True), asked(1, was_rejected=True)]

    assert not any(tracked.is_matched for tracked in advance_all(tracked_calls, shown(9, answered(at=1.5))))


# --- what is remembered before a call goes out -----------------------------------------------------------


def test_everything_between_the_two_is_remembered_whichever_way_it_goes() -> None:
    there = shown(
        0,
        ringing("CA1"),
        ringing("CA2", to=CALLER_ID, sender=NUMBER),
        ringing("CA3", to=THIRD),
        ringing("CA6", sender=THIRD),
        recorded("S1", "CA4"),
        recorded("S2", numbers=BOTH | {THIRD}),
        recorded("S3", "CA5", numbers=frozenset({NUMBER, THIRD})),
    )

    assert there.ids(f"+{NUMBER}", f"+{CALLER_ID}") == {"CA1", "CA2", "CA4", "S1", "S2"}


# --- whatever Evo Voice shows, in whatever order ---------------------------------------------------------

NAMES = ["CA1", "CA2", "CA3"]
TIMES = st.one_of(st.none(), st.integers(-10, 100).map(after))
PEOPLE = st.sampled_from([NUMBER, NUMBER, NUMBER, THIRD])


@st.composite
def records_of(draw: st.DrawFn, sid: str) -> list[Active | Session]:
    """What one poll shows of the call with this SID: nothing, the call, its record, or both."""
    people, at = frozenset({draw(PEOPLE), CALLER_ID}), draw(TIMES)
    (to,) = people - {CALLER_ID}
    call = Active(sid, to, CALLER_ID, draw(st.booleans()), at, draw(st.sampled_from([True, True, False])))
    flags = draw(st.sampled_from(["is_ringing", "is_talking", "is_over", "nothing"]))
    states = {name: name == flags for name in ("is_ringing", "is_talking", "is_over")}
    record = Session(f"S{sid}", draw(st.sampled_from([sid, sid, "", "CA1"])), people, at, **states)
    return draw(st.sampled_from([[], [call], [record], [call, record], [call, record]]))


POLLS = st.lists(
    st.tuples(st.integers(0, 120), st.integers(-3, 3), st.tuples(*map(records_of, NAMES))),
    min_size=1,
    max_size=6,
)
TRACKED_CALLS = st.lists(
    st.builds(
        asked,
        st.integers(0, 100),
        call_id=st.uuids().map(str),
        number=PEOPLE.map("+{}".format),
        known_ids=st.sampled_from([None, frozenset(), frozenset(), frozenset({"CA1"}), frozenset({"SCA2"})]),
        was_rejected=st.booleans(),
        progress=st.sampled_from([Progress.WAITING, Progress.WAITING, Progress.LOST]),
    ),
    min_size=1,
    max_size=4,
)
ORDER = {progress: rank for rank, progress in enumerate(Progress)}


def story(tracked_calls: list[TrackedCall], polls: list[Any]) -> list[list[TrackedCall]]:
    """The tracked calls after each poll; the polls may come in any order of time."""
    told = [tracked_calls]
    for at, ahead_s, found in polls:
        told.append(advance_all(told[-1], shown(at, *itertools.chain(*found), ahead_s=ahead_s)))
    return told


@given(TRACKED_CALLS, POLLS)
def test_progress_never_goes_back_and_what_is_known_stays(
    tracked_calls: list[TrackedCall], polls: list[Any]
) -> None:
    told = story(tracked_calls, polls)

    for before, now in itertools.pairwise(told):
        for old, new in zip(before, now, strict=True):
            assert ORDER[new.progress] >= ORDER[old.progress]
            assert old.progress not in FINAL or new == old
            assert old.session_id in {"", new.session_id}
            assert old.call_sid in {"", new.call_sid}
            assert old.answered_at in {None, new.answered_at}
            assert (new.ended_at is None) == (new.progress not in FINAL) or old.progress in FINAL


@given(TRACKED_CALLS, POLLS)
def test_no_session_and_no_sid_is_ever_two_calls(tracked_calls: list[TrackedCall], polls: list[Any]) -> None:
    for now in story(tracked_calls, polls):
        held = [name for tracked in now for name in (tracked.session_id, tracked.call_sid) if name]
        assert len(held) == len(set(held))


@given(TRACKED_CALLS, POLLS)
def test_nothing_that_was_there_before_is_ever_ours(
    tracked_calls: list[TrackedCall], polls: list[Any]
) -> None:
    for now in story(tracked_calls, polls):
        for tracked in now:
            assert not {tracked.session_id, tracked.call_sid} & (tracked.known_ids or frozenset())


@given(TRACKED_CALLS, POLLS, st.randoms(use_true_random=False))
def test_the_order_of_calls_and_of_answers_does_not_matter(
    tracked_calls: list[TrackedCall], polls: list[Any], chance: random.Random
) -> None:
    shuffled = chance.sample(tracked_calls, len(tracked_calls))
    mixed = [(at, ahead_s, chance.sample(found, len(found))) for at, ahead_s, found in polls]

    one, other = story(tracked_calls, polls)[-1], story(shuffled, mixed)[-1]

    assert sorted(one, key=lambda tracked: tracked.call_id) == sorted(
        other, key=lambda tracked: tracked.call_id
    )


def test_a_thousand_open_calls_take_well_under_a_second() -> None:
    """Each with its session, and with four old ones in the record."""

    def number(index: int) -> str:
        return f"1202{index:07}"

    tracked_calls = [
        asked(index / 100, call_id=str(index), number=f"+{number(index)}") for index in range(1000)
    ]
    found: list[Active | Session] = []
    for index in range(1000):
        both = frozenset({number(index), CALLER_ID})
        found.append(ringing(f"CA{index}", at=index / 100, to=number(index)))
        found.append(recorded(f"S{index}", f"CA{index}", at=index / 100, numbers=both))
        found.extend(recorded(f"O{index}-{old}", at=-600, numbers=both) for old in range(4))

    began = time.process_time()
    advanced = advance_all(tracked_calls, shown(11, *found))
    took_s = time.process_time() - began

    assert [tracked.session_id for tracked in advanced] == [f"S{index}" for index in range(1000)]
    assert took_s < 0.5, took_s


@pytest.mark.parametrize("step_s", [-600, -20, 20, 600])
def test_our_clock_may_be_corrected_between_dialing_and_polling(step_s: float) -> None:
    """Call times are Evo Voice's; what counts is the clock difference at the time of dialing."""
    tracked = replace(asked(), skew=timedelta(0), answered_by=after(1))
    step = timedelta(seconds=step_s)
    seen = ringing("CA1", 0.5)

    (now,) = advance_all([tracked], Snapshot(after(3) + step, -step, (seen,), ()))

    assert now.call_sid == "CA1"
