"""SQL and Python agree on how a call stands, on SQLite and PostgreSQL, for every kind of call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
import sqlalchemy as sa

from evoslack.calling.calls import DOUBT_WINDOW, Call, HangUp, LostReason, Progress, State
from evoslack.calling.history_filter import HistoryFilter, OutcomeGroup, group_of
from evoslack.calling.outcomes import Reason
from evoslack.calling.status import STATUS_OF_OUTCOME, CallStatus, status_of
from evoslack.ledger.history import PIECE, CallHistory
from evoslack.ledger.rows import REQUEST_FIELDS, call_of
from evoslack.ledger.schema import calls
from evoslack.ledger.store import Store
from tests.calls import call_request

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SPELLINGS = (
    *("", "Completed", "COMPLETED", "No Answer", "no-answer", "NO_ANSWER", "noAnswer", "No\tanswer"),
    *("Cancelled", "canceled", "Done", "completed!", "incompleted", "%", "=HYPERLINK(1)", "Ümlaut", "😀"),
)


def kinds() -> Iterator[dict[str, Any]]:
    """Every kind of call, as columns."""
    for state in State:
        yield {"state": state}
    for state, progress in product((State.PLACED, State.IN_DOUBT, State.REJECTED), Progress):
        yield {"state": state, "progress": progress, "evo_outcome": "Completed"}
    for word in (*STATUS_OF_OUTCOME, *SPELLINGS):
        for hang_up, by in product((None, HangUp.ASKED, HangUp.NO_EFFECT), (None, "", "U_BOSS")):
            ended = {"state": State.PLACED, "progress": Progress.ENDED, "evo_outcome": word or None}
            for answered_at in (None, T0):
                yield ended | {"hang_up": hang_up, "hung_up_by": by, "answered_at": answered_at}
    for state, progress in product((State.PLACED, State.IN_DOUBT, State.REJECTED), Progress):
        yield {"state": state, "progress": progress, "answered_at": T0}


def write(store: Store, kinds: Iterable[dict[str, Any]]) -> list[Call]:
    """Calls with these columns, a second apart; as they are read again."""
    with store.engine.begin() as connection:
        for index, kind in enumerate(kinds):
            request = call_request(f"key{index}", f"+1202{index:07}")
            row = {field: getattr(request, field) for field in REQUEST_FIELDS} | {
                "id": f"call{index}",
                "request_key": request.key,
                "detail": "",
                "accepted_at": T0 + timedelta(seconds=index),
            }
            connection.execute(sa.insert(calls).values(row | kind))
        return [call_of(row) for row in connection.execute(sa.select(calls))]


def group(call: Call) -> OutcomeGroup:
    return group_of(status_of(call), was_answered=call.answered_at is not None)


def ids(found: tuple[list[Call], int]) -> set[str]:
    assert len(found[0]) == found[1]
    return {call.id for call in found[0]}


def test_a_search_by_outcome_finds_the_calls_whose_cards_say_so(store: Store) -> None:
    written, history = write(store, kinds()), CallHistory(store)

    for outcome in OutcomeGroup:
        found = history.page("T1", None, HistoryFilter(outcome=outcome), limit=999)
        assert {call.id for call in found.calls} == {call.id for call in written if group(call) is outcome}
        assert found.calls, f"no example of {outcome}"


def test_totals_are_the_calls_of_each_outcome_since_then(store: Store) -> None:
    written, history = write(store, kinds()), CallHistory(store)
    since = T0 + timedelta(seconds=9)

    totals = history.totals("T1", None, since=since)

    assert totals == Counter(group(call) for call in written if call.accepted_at >= since)
    assert history.totals("T1", "U_SARA", since=since) == totals
    assert history.totals("T1", "U_BOSS", since=since) == history.totals("T2", None, since=since) == {}


@pytest.mark.parametrize("was_answered", [True, False])
def test_every_status_belongs_to_a_group(was_answered: bool) -> None:
    groups = {group_of(status, was_answered=was_answered) for status in CallStatus}

    assert OutcomeGroup.REACHED in groups
    assert was_answered or groups == set(OutcomeGroup)


@pytest.mark.parametrize(
    ("outcome", "by", "group_unanswered"),
    [
        ("Done", "", OutcomeGroup.ENDED),
        ("", "", OutcomeGroup.ENDED),
        ("Completed", "U_SARA", OutcomeGroup.CANCELED),
        ("canceled", "", OutcomeGroup.CANCELED),
    ],
)
def test_a_call_that_was_answered_reached_someone_however_it_ended(
    store: Store, outcome: str, by: str, group_unanswered: OutcomeGroup
) -> None:
    hang_up = HangUp.ASKED if by else None
    ended = {"state": State.PLACED, "progress": Progress.ENDED, "evo_outcome": outcome}
    ended |= {"hang_up": hang_up, "hung_up_by": by}
    lost = {"state": State.PLACED, "progress": Progress.LOST}
    write(store, [ended | {"answered_at": T0}, lost | {"answered_at": T0}, ended, lost])

    totals = CallHistory(store).totals("T1", None, since=T0)

    assert totals == Counter([*[OutcomeGroup.REACHED] * 2, group_unanswered, OutcomeGroup.ENDED])
    reached = HistoryFilter(outcome=OutcomeGroup.REACHED)
    found = CallHistory(store).page("T1", None, reached, limit=9)
    assert {call.id for call in found.calls} == {"call0", "call1"}


def test_a_call_that_is_going_on_reached_no_one_yet() -> None:
    assert group_of(CallStatus.ON_THE_CALL, was_answered=True) is OutcomeGroup.IN_PROGRESS


def test_live_are_the_calls_that_may_be_on_the_phone(store: Store) -> None:
    at = T0 + timedelta(hours=1)
    old, recent = (at - DOUBT_WINDOW + timedelta(seconds=shift) for shift in (-1, 1))
    proven = {"state": State.REJECTED, "reason": Reason.NOT_FOUND, "lost_reason": LostReason.UNSEEN}
    found = write(
        store,
        [
            *({"state": state, "finished_at": when} for state in State for when in (old, recent)),
            *({"state": State.PLACED, "progress": each, "ended_at": recent} for each in Progress),
            {"state": State.PLACED, "progress": Progress.LOST, "ended_at": old},
            proven | {"progress": Progress.LOST, "ended_at": recent},
        ],
    )
    uncertain = [call for call in found if call.state is not State.REJECTED or call.progress is not None]

    live = CallHistory(store).live("T1", None, at=at, limit=999)

    assert ids(live) >= {call.id for call in uncertain if call.may_be_on_the_phone(at)}
    assert ids(live) <= {call.id for call in found if call.may_be_on_the_phone(at)}
    order = [(group(call) is not OutcomeGroup.IN_PROGRESS, at - call.accepted_at) for call in live[0]]
    assert order == sorted(order), "those that are live for certain first, then the newest"


def test_some_live_calls_and_how_many_there_are(store: Store) -> None:
    write(store, ({"state": State.PLACED, "progress": Progress.RINGING} for _call in range(12)))

    found, total = CallHistory(store).live("T1", "U_SARA", at=T0 + timedelta(minutes=1), limit=10)

    assert (len(found), total) == (10, 12)
    assert CallHistory(store).live("T1", "U_BOSS", at=T0, limit=10) == ([], 0)
    assert CallHistory(store).live("T1", None, at=T0 + timedelta(days=2), limit=10) == ([], 0)


def test_an_export_is_every_matching_call_once_oldest_first(store: Store) -> None:
    write(
        store, ({"state": State.NOT_SENT if index % 2 else State.EXPIRED} for index in range(PIECE * 2 + 3))
    )

    found = list(CallHistory(store).matching("T1", None, HistoryFilter(search="+1 202", place="oldest")))

    assert [call.id for call in found] == [f"call{index}" for index in range(PIECE * 2 + 3)]
