"""What the ledger of tracked calls promises, on SQLite and PostgreSQL, and what a change makes due."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from evoslack.calling.calls import FINAL, Call, HangUp, LostReason, Progress, State
from evoslack.calling.matching import MAX_CALL, TrackedCall
from evoslack.calling.outcomes import InDoubt, NotSent, Outcome, Placed, Reason, Rejected
from evoslack.calling.status import CallStatus, status_of
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.dependents import mark_changed, mark_dependents_due
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.schema import home_tabs, workflow_steps
from evoslack.ledger.store import Store
from evoslack.ledger.tracked_calls import TrackedCallLedger
from tests.calls import call_request, own_number

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LONG_AGO = T0 - timedelta(days=1)
PLACED, DOUBT, REJECTED = Placed(), InDoubt(Reason.NO_ANSWER), Rejected(Reason.BAD_REQUEST, "no")
MANY = 8  # threads


class Ledgers:
    """The ledgers of one database."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.calls = CallLedger(store)
        self.notifications = NotificationLedger(store)
        self.tracked_calls = TrackedCallLedger(store)

    def call(self, key: str = "key", outcome: Outcome | None = PLACED, **more: Any) -> Call:
        """A call that was dialed and ended so; None: it is being placed."""
        at, known_ids = more.pop("at", T0), more.pop("known_ids", None)
        began_at = more.pop("began_at", at)
        request = call_request(key, **({"number": own_number(key)} | more))
        call = self.calls.accept(request, at=at)
        self.calls.begin(at=began_at, accepted_after=LONG_AGO)
        if outcome is not None:
            self.calls.finish(call.id, outcome, at=at + SECOND, known_ids=known_ids)
        return self.known(call.id)

    def known(self, call_id: str) -> Call:
        call = self.calls.get(call_id)
        assert call is not None
        return call

    def tracked(self, call: Call | None = None) -> TrackedCall:
        found = [one for one in self.tracked_calls.in_progress() if call is None or one.call_id == call.id]
        assert len(found) == 1
        return found[0]

    def write(self, before: TrackedCall, **changes: Any) -> list[str]:
        return self.tracked_calls.write([(before, replace(before, **changes))], at=T0 + 9 * SECOND)

    def tell_everything(self) -> None:
        while notifications := self.notifications.claim(
            at=T0 + timedelta(days=1), until=T0 + timedelta(days=2)
        ):
            lease = T0 + timedelta(days=2)
            self.notifications.release(notifications.call.id, lease=lease)

    def revision(self, call: Call) -> int:
        return self.notifications.read(call.id).revision


@pytest.fixture
def ledgers(store: Store) -> Ledgers:
    return Ledgers(store)


# --- which calls are tracked -----------------------------------------------------------------------------


REJECTIONS = [
    Rejected(reason)
    for reason in (Reason.BAD_REQUEST, Reason.NOT_PERMITTED, Reason.ROLE_MISSING, Reason.NOT_FOUND)
]
REJECTIONS += [Rejected(Reason.TOO_MANY, "30")]


@pytest.mark.parametrize("outcome", [Placed(), DOUBT, *REJECTIONS])
def test_a_call_that_may_have_been_dialed_is_tracked(ledgers: Ledgers, outcome: Outcome) -> None:
    call = ledgers.call(outcome=outcome, known_ids=["CA9", "S9"])

    tracked = ledgers.tracked()
    assert (tracked.call_id, tracked.account_id) == (call.id, "acc1")
    assert (tracked.number, tracked.caller_id) == (call.request.number, call.request.caller_id)
    assert (tracked.requested_at, tracked.known_ids) == (T0, {"CA9", "S9"})
    assert (tracked.progress, tracked.was_rejected) == (Progress.WAITING, isinstance(outcome, Rejected))


@pytest.mark.parametrize("outcome", [None, NotSent(Reason.UNREACHABLE), Rejected(Reason.LOGIN_REJECTED)])
def test_a_call_that_was_not_dialed_is_not_tracked(ledgers: Ledgers, outcome: Outcome | None) -> None:
    call = ledgers.call(outcome=outcome)

    assert ledgers.tracked_calls.in_progress() == []
    assert call.progress is None


@pytest.mark.parametrize("outcome", [NotSent(Reason.UNREACHABLE), Rejected(Reason.LOGIN_REJECTED)])
def test_a_doubt_that_is_settled_as_never_sent_is_no_longer_tracked(
    ledgers: Ledgers, outcome: Outcome
) -> None:
    call = ledgers.call(outcome=DOUBT)

    ledgers.calls.finish(call.id, outcome, at=T0 + 2 * SECOND)

    assert ledgers.tracked_calls.in_progress() == []
    assert not ledgers.known(call.id).is_in_progress


def test_the_names_in_the_answer_are_known_from_the_start(ledgers: Ledgers) -> None:
    ledgers.call(outcome=Placed("S1", "CA1"))

    tracked = ledgers.tracked()
    assert (tracked.session_id, tracked.call_sid, tracked.known_ids) == ("S1", "CA1", None)


def test_an_orphan_of_a_crash_is_tracked_without_an_earlier_snapshot(
    ledgers: Ledgers,
) -> None:
    ledgers.call(outcome=None)

    ledgers.calls.doubt_orphans(at=T0 + SECOND, began_before=None)

    assert ledgers.tracked().known_ids is None


def test_a_call_is_tracked_from_when_it_was_dialed(ledgers: Ledgers) -> None:
    """Not from when it was accepted: it may have waited in the queue."""
    ledgers.call(outcome=None, began_at=T0 + 30 * SECOND)

    ledgers.calls.doubt_orphans(at=T0 + 60 * SECOND, began_before=None)

    assert ledgers.tracked().requested_at == T0 + 30 * SECOND


def test_the_oldest_comes_first(ledgers: Ledgers) -> None:
    later = ledgers.call("b", at=T0 + 60 * SECOND)
    earlier = ledgers.call("a", at=T0)

    assert [tracked.call_id for tracked in ledgers.tracked_calls.in_progress()] == [earlier.id, later.id]


@pytest.mark.parametrize("progress", sorted(FINAL))
def test_a_finished_call_is_no_longer_tracked(ledgers: Ledgers, progress: Progress) -> None:
    ledgers.call()

    ledgers.write(ledgers.tracked(), progress=progress, ended_at=T0)

    assert ledgers.tracked_calls.in_progress() == []


# --- calls that are over, but whose sessions are still theirs --------------------------------------------


def over_and_open(ledgers: Ledgers, ago: timedelta, **more: Any) -> tuple[TrackedCall, list[TrackedCall]]:
    """A finished call, and the rivals of a later call to the same number."""
    ledgers.call("old", number="+12025550143", at=T0 - ago, **more)
    old = ledgers.tracked()
    ledgers.write(old, progress=Progress.ENDED, session_id="S1", call_sid="CA1", ended_at=T0)
    ledgers.call("new", number="+12025550143")
    return old, ledgers.tracked_calls.rivals(ledgers.tracked_calls.in_progress())


def test_an_earlier_call_to_the_same_number_keeps_its_session(ledgers: Ledgers) -> None:
    old, (rival,) = over_and_open(ledgers, timedelta(minutes=1))

    assert (rival.call_id, rival.progress) == (old.call_id, Progress.ENDED)
    assert (rival.session_id, rival.call_sid) == ("S1", "CA1")


def test_a_call_of_another_time_is_no_rival(ledgers: Ledgers) -> None:
    assert over_and_open(ledgers, MAX_CALL)[1] == []


def test_a_call_of_another_account_is_no_rival(ledgers: Ledgers) -> None:
    assert over_and_open(ledgers, timedelta(minutes=1), account_id="acc2")[1] == []


def test_a_call_to_another_number_is_no_rival(ledgers: Ledgers) -> None:
    ledgers.call("old")
    ledgers.write(ledgers.tracked(), progress=Progress.LOST)
    ledgers.call("new")

    assert ledgers.tracked_calls.rivals(ledgers.tracked_calls.in_progress()) == []


def test_a_call_that_is_known_has_no_rivals(ledgers: Ledgers) -> None:
    over_and_open(ledgers, timedelta(minutes=1))
    ledgers.write(ledgers.tracked(), call_sid="CA2")

    assert ledgers.tracked_calls.rivals(ledgers.tracked_calls.in_progress()) == []
    assert ledgers.tracked_calls.rivals([]) == []


# --- what is written down --------------------------------------------------------------------------------


def test_everything_that_was_found_is_saved(ledgers: Ledgers) -> None:
    call = ledgers.call(known_ids=["CA9"])
    found: dict[str, Any] = {
        "progress": Progress.ANSWERED,
        "session_id": "S1",
        "call_sid": "CA1",
        "answered_at": T0 + 3 * SECOND,
        "gone_since": T0 + 4 * SECOND,
        "is_ambiguous": True,
    }
    before = ledgers.tracked()

    assert ledgers.write(before, **found) == [call.id]

    assert ledgers.tracked() == replace(before, **found)
    call = ledgers.known(call.id)
    assert (call.progress, call.session_id, call.answered_at) == (Progress.ANSWERED, "S1", T0 + 3 * SECOND)


def test_the_end_is_saved(ledgers: Ledgers) -> None:
    call = ledgers.call()

    ledgers.write(ledgers.tracked(), progress=Progress.ENDED, ended_at=T0 + 5 * SECOND, outcome="x" * 500)

    call = ledgers.known(call.id)
    assert (call.progress, call.ended_at, call.evo_outcome) == (Progress.ENDED, T0 + 5 * SECOND, "x" * 200)


@pytest.mark.parametrize(
    "meanwhile",
    [
        {"progress": Progress.RINGING},
        {"hang_up": HangUp.ASKED},
        {"session_id": "S7"},
        {"call_sid": "CA7"},
    ],
    ids=str,
)
def test_a_concurrent_change_is_not_overwritten(ledgers: Ledgers, meanwhile: dict[str, Any]) -> None:
    call = ledgers.call()
    before = ledgers.tracked()
    ledgers.write(before, **meanwhile)
    revision, now = ledgers.revision(call), ledgers.tracked()

    assert ledgers.write(before, progress=Progress.ENDED, session_id="S1", ended_at=T0) == []

    assert ledgers.tracked() == now
    assert ledgers.revision(call) == revision


def test_one_poll_by_many_bots_is_saved_once(ledgers: Ledgers) -> None:
    call = ledgers.call()
    before, gate = ledgers.tracked(), threading.Barrier(MANY)
    revision = ledgers.revision(call)

    def write(_: int) -> list[str]:
        gate.wait(10)
        return ledgers.write(before, progress=Progress.RINGING, call_sid="CA1")

    with ThreadPoolExecutor(MANY) as pool:
        told = list(pool.map(write, range(MANY)))

    assert sorted(told) == [[]] * (MANY - 1) + [[call.id]]
    assert ledgers.revision(call) == revision + 1


def test_other_calls_are_not_touched(ledgers: Ledgers) -> None:
    other, call = ledgers.call("other"), ledgers.call("call")
    before = ledgers.known(other.id)

    ledgers.write(ledgers.tracked(call), progress=Progress.RINGING)

    assert ledgers.known(other.id) == before


# --- what needs a notification ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "is_due"),
    [
        ({"progress": Progress.RINGING}, True),
        ({"progress": Progress.LOST, "ended_at": T0}, True),
        ({"session_id": "S1"}, True),
        ({"hang_up": HangUp.NO_EFFECT}, True),
        ({"call_sid": "CA1"}, False),
        ({"gone_since": T0}, False),
        ({"is_ambiguous": True}, False),
    ],
    ids=str,
)
def test_only_a_change_that_a_card_shows_needs_a_notification(
    ledgers: Ledgers, changes: dict[str, Any], is_due: bool
) -> None:
    call = ledgers.call()
    ledgers.tell_everything()
    revision = ledgers.revision(call)

    told = ledgers.write(ledgers.tracked(), **changes)

    assert told == ([call.id] if is_due else [])
    assert ledgers.revision(call) == revision + is_due
    assert ledgers.notifications.count_untold() == is_due


@pytest.mark.parametrize("reason", sorted(LostReason))
def test_a_rejected_call_that_was_not_found_needs_a_notification(
    ledgers: Ledgers, reason: LostReason
) -> None:
    """Only now is it known that nothing rang; or that nobody can tell."""
    call = ledgers.call(outcome=REJECTED)
    ledgers.tell_everything()
    assert ledgers.known(call.id).is_uncertain

    assert ledgers.write(ledgers.tracked(), progress=Progress.LOST, ended_at=T0, lost_reason=reason) == [
        call.id
    ]

    call = ledgers.known(call.id)
    assert (call.state, call.is_uncertain) == (State.REJECTED, reason is not LostReason.UNSEEN)
    assert ledgers.notifications.count_untold() == 1


@pytest.mark.parametrize("outcome", [DOUBT, REJECTED])
@pytest.mark.parametrize("name", [{"session_id": "S1"}, {"call_sid": "CA1"}], ids=str)
def test_a_call_that_is_found_was_placed_whatever_the_answer_said(
    ledgers: Ledgers, outcome: Outcome, name: dict[str, str]
) -> None:
    call = ledgers.call(outcome=outcome)
    revision = ledgers.revision(call)

    assert ledgers.write(ledgers.tracked(), **name) == [call.id]

    call = ledgers.known(call.id)
    assert (call.state, call.reason, call.detail) == (State.PLACED, None, "")
    assert ledgers.revision(call) == revision + 1
    assert not ledgers.tracked().was_rejected


def test_a_doubt_stays_one_while_nothing_is_found(ledgers: Ledgers) -> None:
    call = ledgers.call(outcome=DOUBT)

    assert ledgers.write(ledgers.tracked(), progress=Progress.LOST, ended_at=T0) == [call.id], (
        "no longer tracked"
    )

    assert (ledgers.known(call.id).state, ledgers.known(call.id).reason) == (State.IN_DOUBT, Reason.NO_ANSWER)


def test_an_answer_that_comes_after_the_call_was_found_changes_nothing(ledgers: Ledgers) -> None:
    call = ledgers.call(outcome=DOUBT)
    ledgers.write(ledgers.tracked(), session_id="S1", progress=Progress.RINGING)
    before = ledgers.known(call.id)

    for late in (Placed(), REJECTED, NotSent(Reason.UNREACHABLE), DOUBT):
        assert ledgers.calls.finish(call.id, late, at=T0 + 20 * SECOND) is None
    assert ledgers.known(call.id) == before


# --- hanging up ------------------------------------------------------------------------------------------


def test_a_hang_up_is_saved_and_needs_a_notification(ledgers: Ledgers) -> None:
    call = ledgers.call()
    ledgers.tell_everything()

    assert ledgers.tracked_calls.hang_up(call.id, HangUp.ASKED, at=T0 + 3 * SECOND)

    tracked = ledgers.tracked()
    assert (tracked.hang_up, tracked.hang_up_at) == (HangUp.ASKED, T0 + 3 * SECOND)
    assert ledgers.known(call.id).hang_up is HangUp.ASKED
    assert ledgers.notifications.count_untold() == 1


def test_a_hang_up_can_be_cleared(ledgers: Ledgers) -> None:
    call = ledgers.call()
    ledgers.tracked_calls.hang_up(call.id, HangUp.ASKED, at=T0)

    assert ledgers.tracked_calls.hang_up(call.id, None, at=T0)

    assert ledgers.tracked().hang_up is None


def test_a_hang_up_that_failed_ended_nothing_even_if_the_call_ended_meanwhile(ledgers: Ledgers) -> None:
    call = ledgers.call()
    ledgers.tracked_calls.hang_up(call.id, HangUp.ASKED, at=T0, by="U_SARA")
    ledgers.write(ledgers.tracked(), progress=Progress.ENDED, ended_at=T0, outcome="Completed")
    assert status_of(ledgers.known(call.id)) is CallStatus.HUNG_UP

    assert not ledgers.tracked_calls.hang_up(call.id, None, at=T0, by="U_BOSS"), "Sara had asked"
    assert ledgers.tracked_calls.hang_up(call.id, None, at=T0, by="U_SARA")

    after = ledgers.known(call.id)
    assert (status_of(after), after.hung_up_by) == (CallStatus.COMPLETED, "")


@pytest.mark.parametrize("progress", sorted(FINAL))
def test_a_finished_call_cannot_be_hung_up(ledgers: Ledgers, progress: Progress) -> None:
    call = ledgers.call()
    ledgers.write(ledgers.tracked(), progress=progress, ended_at=T0)
    ledgers.tell_everything()

    assert not ledgers.tracked_calls.hang_up(call.id, HangUp.ASKED, at=T0)
    assert not ledgers.tracked_calls.hang_up("unknown", HangUp.ASKED, at=T0)

    assert (ledgers.known(call.id).hang_up, ledgers.notifications.count_untold()) == (None, 0)


# --- leases ----------------------------------------------------------------------------------------------


def test_of_several_bots_one_has_the_lease_until_it_expires(ledgers: Ledgers) -> None:
    until = T0 + 20 * SECOND

    assert ledgers.tracked_calls.take_lease("following", "one", at=T0, until=until)
    assert not ledgers.tracked_calls.take_lease(
        "following", "two", at=until - SECOND, until=until + 9 * SECOND
    )
    assert ledgers.tracked_calls.take_lease("following", "two", at=until, until=until + 9 * SECOND)
    assert not ledgers.tracked_calls.take_lease(
        "following", "one", at=until + SECOND, until=until + 99 * SECOND
    )


def test_the_holder_of_a_lease_can_renew_it(ledgers: Ledgers) -> None:
    for second in range(0, 60, 15):
        at = T0 + second * SECOND
        assert ledgers.tracked_calls.take_lease("following", "one", at=at, until=at + 20 * SECOND)
        assert not ledgers.tracked_calls.take_lease(
            "following", "two", at=at + 14 * SECOND, until=at + 99 * SECOND
        )


def test_leases_with_different_names_are_independent(ledgers: Ledgers) -> None:
    for name in ("following", "counting"):
        assert ledgers.tracked_calls.take_lease(name, "one", at=T0, until=T0 + SECOND)
    for name in ("following", "counting"):
        assert not ledgers.tracked_calls.take_lease(name, "two", at=T0, until=T0 + SECOND)
    assert ledgers.tracked_calls.take_lease("sweeping", "two", at=T0, until=T0 + SECOND)


@pytest.mark.parametrize("is_first", [True, False])
def test_of_bots_that_ask_concurrently_one_gets_the_lease(ledgers: Ledgers, is_first: bool) -> None:
    if not is_first:
        assert ledgers.tracked_calls.take_lease("following", "gone", at=T0 - 9 * SECOND, until=T0)
    gate = threading.Barrier(MANY)

    def take(index: int) -> bool:
        gate.wait(10)
        return ledgers.tracked_calls.take_lease("following", f"bot{index}", at=T0, until=T0 + 20 * SECOND)

    with ThreadPoolExecutor(MANY) as pool:
        assert sorted(pool.map(take, range(MANY))) == [False] * (MANY - 1) + [True]


# --- what shows a call besides its card ------------------------------------------------------------------


def open_home(
    ledgers: Ledgers,
    user_id: str,
    *,
    team_id: str = "T1",
    sees_all: bool = False,
    due: int | None = None,
) -> None:
    with ledgers.store.engine.begin() as connection:
        connection.execute(
            sa.insert(home_tabs).values(
                team_id=team_id,
                user_id=user_id,
                history_filter={},
                sees_all=sees_all,
                opened_at=T0,
                due_at=None if due is None else T0 + due * SECOND,
            )
        )


def run_step(ledgers: Ledgers, name: str, call: Call, *, ended: bool = False) -> None:
    with ledgers.store.engine.begin() as connection:
        connection.execute(
            sa.insert(workflow_steps).values(
                execution_id=name,
                team_id="T1",
                inputs={},
                asked_at=T0,
                call_id=call.id,
                attempts=0,
                ended_at=T0 if ended else None,
            )
        )


def due(ledgers: Ledgers, table: sa.Table, name: sa.Column[Any]) -> dict[str, int]:
    """Who is due, and how many seconds after T0."""
    with ledgers.store.engine.begin() as connection:
        rows = connection.execute(sa.select(name, table.c.due_at).where(table.c.due_at.is_not(None)))
        return {row[0]: int((row[1] - T0).total_seconds()) for row in rows}


def test_the_homes_that_show_the_call_are_due(ledgers: Ledgers) -> None:
    call = ledgers.call()
    open_home(ledgers, "U_SARA")
    open_home(ledgers, "U_SARA", team_id="T2")
    open_home(ledgers, "U_BOSS")
    open_home(ledgers, "U_ROOT", sees_all=True)

    ledgers.write(ledgers.tracked(call), progress=Progress.RINGING)

    assert due(ledgers, home_tabs, home_tabs.c.user_id) == {"U_SARA": 9, "U_ROOT": 9}
    with ledgers.store.engine.begin() as connection:
        other_team = sa.select(home_tabs.c.due_at).where(home_tabs.c.team_id == "T2")
        assert connection.execute(other_team).scalar_one() is None


def test_a_home_that_is_already_due_is_not_postponed(ledgers: Ledgers) -> None:
    open_home(ledgers, "U_SARA", due=2)

    ledgers.call(at=T0 + 5 * SECOND)

    assert due(ledgers, home_tabs, home_tabs.c.user_id) == {"U_SARA": 2}


def test_a_step_that_waits_for_the_call_is_due_and_one_that_ended_is_not(ledgers: Ledgers) -> None:
    call, other = ledgers.call("call"), ledgers.call("other")
    run_step(ledgers, "waits", call)
    run_step(ledgers, "ended", call, ended=True)
    run_step(ledgers, "of another", other)

    ledgers.write(ledgers.tracked(call), progress=Progress.RINGING)

    assert due(ledgers, workflow_steps, workflow_steps.c.execution_id) == {"waits": 9}


def test_a_step_is_due_even_for_a_change_without_a_notification(ledgers: Ledgers) -> None:
    """Such as which call of Evo Voice's carrier it is."""
    call = ledgers.call()
    run_step(ledgers, "waits", call)

    assert ledgers.write(ledgers.tracked(), call_sid="CA1") == []

    assert due(ledgers, workflow_steps, workflow_steps.c.execution_id) == {"waits": 9}


@pytest.mark.parametrize("change", ["accepted", "finished", "orphaned", "hung up"])
def test_every_change_of_a_call_reaches_everything_that_shows_it(ledgers: Ledgers, change: str) -> None:
    placed, orphan = ledgers.call("placed"), ledgers.call("orphan", outcome=None)
    open_home(ledgers, "U_SARA")

    match change:
        case "accepted":
            ledgers.call("new", at=T0 + SECOND)
        case "finished":
            ledgers.calls.finish(orphan.id, PLACED, at=T0 + SECOND)
        case "orphaned":
            ledgers.calls.doubt_orphans(at=T0 + SECOND, began_before=None)
        case "hung up":
            ledgers.tracked_calls.hang_up(placed.id, HangUp.ASKED, at=T0 + SECOND)

    assert due(ledgers, home_tabs, home_tabs.c.user_id) == {"U_SARA": 1}


def test_a_notification_is_due_now_and_not_postponed_if_it_was_due_already(ledgers: Ledgers) -> None:
    call = ledgers.call()
    with ledgers.store.engine.begin() as connection:
        mark_changed(connection, [call.id], T0 + 99 * SECOND)

    assert ledgers.notifications.claim(at=T0, until=T0 + SECOND) is not None


def test_without_a_change_nothing_becomes_due(ledgers: Ledgers) -> None:
    ledgers.call()
    ledgers.tell_everything()
    open_home(ledgers, "U_ROOT", sees_all=True)
    with ledgers.store.engine.begin() as connection:
        mark_changed(connection, [], T0)

    assert (due(ledgers, home_tabs, home_tabs.c.user_id), ledgers.notifications.count_untold()) == ({}, 0)


def test_after_a_failed_change_nothing_becomes_due(ledgers: Ledgers) -> None:
    call = ledgers.call()
    ledgers.tell_everything()
    open_home(ledgers, "U_SARA")
    run_step(ledgers, "waits", call)

    with pytest.raises(OSError, match="broken"), ledgers.store.engine.begin() as connection:
        mark_dependents_due(connection, [call.id], T0)
        mark_changed(connection, [call.id], T0)
        raise OSError("broken")

    assert ledgers.notifications.count_untold() == 0
    assert (
        due(ledgers, home_tabs, home_tabs.c.user_id)
        == due(ledgers, workflow_steps, workflow_steps.c.execution_id)
        == {}
    )
