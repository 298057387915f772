"""Nobody rings a number that may be on the phone, unless they say so; on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
import sqlalchemy as sa

from evoslack.calling.calls import ANY_CALL, DOUBT_WINDOW, FINAL, LostReason, Progress, State
from evoslack.calling.outcomes import Reason
from evoslack.calling.refusals import NumberBusy
from evoslack.ledger.busy_numbers import JUST_PLACED, may_be_on_the_phone
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.history import CallHistory
from evoslack.ledger.rows import call_of
from evoslack.ledger.schema import calls
from evoslack.ledger.store import Store
from tests.calls import call_request, own_number

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
NUMBER = "+12025550143"
LONG_AFTER = T0 + timedelta(minutes=30)


def change(store: Store, call_id: str, **values: object) -> None:
    with store.engine.begin() as connection:
        connection.execute(sa.update(calls).where(calls.c.id == call_id).values(**values))


def test_the_ledger_and_the_call_agree_on_every_kind_of_call(ledger: CallLedger, store: Store) -> None:
    kinds = product(
        State, [None, *Progress], [None, *LostReason], [None, Reason.LOGIN_REJECTED, Reason.NOT_FOUND]
    )
    ages = [timedelta(0), DOUBT_WINDOW - SECOND, DOUBT_WINDOW]
    for index, (state, progress, lost_reason, reason) in enumerate(kinds):
        made = ledger.accept(call_request(f"k{index}", number=f"+1202{index:07}"), at=T0)
        ended_at = LONG_AFTER - ages[index % 3] if progress in FINAL else None
        finished_at = LONG_AFTER - ages[index // 3 % 3] if index % 5 else None
        change(
            store,
            made.id,
            state=state,
            progress=progress,
            lost_reason=lost_reason if progress is Progress.LOST else None,
            reason=reason,
            ended_at=ended_at,
            finished_at=finished_at,
        )

    with store.engine.connect() as connection:
        on_the_phone = may_be_on_the_phone(LONG_AFTER).label("on_the_phone")
        rows = connection.execute(sa.select(calls, on_the_phone)).all()

    told = {(call_of(row), bool(row.on_the_phone)) for row in rows}
    assert {says for _, says in told} == {True, False}
    assert [call for call, says in told if call.may_be_on_the_phone(LONG_AFTER) is not says] == []


@pytest.fixture
def first(ledger: CallLedger, store: Store) -> str:
    """The id of Sara's call to the number, which goes on."""
    call_id = ledger.accept(call_request("first", number=NUMBER), at=T0).id
    change(store, call_id, state=State.PLACED, progress=Progress.ANSWERED)
    return call_id


def press(ledger: CallLedger, key: str, at: datetime = LONG_AFTER, **more: str) -> State:
    return ledger.accept(call_request(key, number=NUMBER, user_id="U_BOSS", **more), at=at).state


def test_a_number_stays_busy_for_as_long_as_people_talk(ledger: CallLedger, first: str) -> None:
    with pytest.raises(NumberBusy) as busy:
        press(ledger, "second")

    assert (busy.value.call.id, busy.value.ago) == (first, LONG_AFTER - T0)


@pytest.mark.parametrize("known", ["the call", ANY_CALL])
def test_a_person_who_knows_of_the_call_can_call_anyway(ledger: CallLedger, first: str, known: str) -> None:
    assert press(ledger, "second", anyway=first if known == "the call" else known) is State.ACCEPTED


def test_a_call_that_is_not_known_of_is_in_the_way(ledger: CallLedger, store: Store, first: str) -> None:
    second = ledger.accept(call_request("second", number=NUMBER, anyway=first), at=LONG_AFTER).id
    change(store, second, state=State.PLACED, progress=Progress.RINGING)

    with pytest.raises(NumberBusy) as busy:
        press(ledger, "third", anyway=first)
    assert busy.value.call.id == second


@pytest.mark.parametrize("state", [State.RECEIVED, State.ACCEPTED, State.PLACING])
@pytest.mark.parametrize("known", ["the call", ANY_CALL])
def test_nobody_passes_a_call_that_is_being_dialed(
    ledger: CallLedger, store: Store, first: str, state: State, known: str
) -> None:
    """Their sessions at Evo Voice could not be told apart (evo-voice-api 7)."""
    change(store, first, state=state, progress=None)

    with pytest.raises(NumberBusy):
        press(ledger, "second", anyway=first if known == "the call" else known)


def test_another_number_is_free(ledger: CallLedger, first: str) -> None:
    del first
    other = call_request("second", number=own_number("second"))
    assert ledger.accept(other, at=LONG_AFTER).state is State.ACCEPTED


@pytest.mark.parametrize("reason", LostReason)
def test_a_call_that_was_lost_sight_of_is_in_the_way_within_its_window(
    ledger: CallLedger, store: Store, first: str, reason: LostReason
) -> None:
    change(store, first, progress=Progress.LOST, lost_reason=reason, ended_at=LONG_AFTER)

    with pytest.raises(NumberBusy):
        press(ledger, "second", LONG_AFTER + DOUBT_WINDOW - SECOND)
    assert press(ledger, "third", LONG_AFTER + DOUBT_WINDOW) is State.ACCEPTED


def test_a_call_that_is_over_is_in_the_way_for_a_moment_only(
    ledger: CallLedger, store: Store, first: str
) -> None:
    """Who presses at the same time has not seen its card."""
    change(store, first, progress=Progress.ENDED, ended_at=T0, evo_outcome="Busy")

    with pytest.raises(NumberBusy):
        press(ledger, "second", T0 + JUST_PLACED - SECOND)
    assert press(ledger, "third", T0 + JUST_PLACED) is State.ACCEPTED


def test_a_form_reads_the_latest_call_of_its_person_and_of_its_number(
    ledger: CallLedger, store: Store, first: str
) -> None:
    history = CallHistory(store)
    ledger.accept(call_request("elsewhere", number=NUMBER, account_id="acc2"), at=LONG_AFTER)
    mine = ledger.accept(call_request("mine", number=own_number("mine"), user_id="U_BOSS"), at=LONG_AFTER)

    last, latest = history.for_a_form("U_BOSS", "T1", "acc1", NUMBER, 10)

    assert (last, [call.id for call in latest]) == (mine, [first])
    assert history.latest_of("U_BOSS", "T1", 2) == [mine]
    assert [call.id for call in history.latest_to("acc1", NUMBER, 2)] == [first]
    assert history.for_a_form("U_BOSS", "T2", "acc1", "", 10) == (None, [])
