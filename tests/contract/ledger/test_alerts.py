"""Of several bots one tells a trouble, and one its end; a restart forgets neither."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import pytest
import sqlalchemy as sa

from evoslack.calling.alerts import Alert, AlertKind
from evoslack.calling.outcomes import InDoubt, Reason
from evoslack.ledger.alerts import PREFIX, AlertLedger
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.schema import leases
from evoslack.ledger.store import Store
from tests.calls import T0, call_request

LOGIN = AlertKind.EVO_LOGIN
MINUTE = timedelta(minutes=1)


@pytest.fixture
def alerts(store: Store) -> AlertLedger:
    return AlertLedger(store)


def test_the_first_to_claim_tells_and_everyone_prolongs(alerts: AlertLedger) -> None:
    assert alerts.claim(LOGIN, T0, at=T0, until=T0 + MINUTE)
    alerts.mark_told(LOGIN)
    assert not alerts.claim(LOGIN, T0 + MINUTE, at=T0 + MINUTE, until=T0 + 3 * MINUTE)
    assert not alerts.claim(LOGIN, T0, at=T0 + MINUTE, until=T0 + 2 * MINUTE), "it is never shortened"

    assert alerts.told() == {LOGIN: Alert(LOGIN, T0, T0 + 3 * MINUTE)}


def test_what_its_bot_never_sent_another_bot_sends(alerts: AlertLedger) -> None:
    assert alerts.claim(LOGIN, T0, at=T0, until=T0 + MINUTE)
    soon, late, end = T0 + MINUTE / 2, T0 + 2 * MINUTE, T0 + 3 * MINUTE
    assert not alerts.claim(LOGIN, T0, at=soon, until=late), "its bot may be sending it"
    assert not alerts.claim(LOGIN, T0, at=soon, until=T0 + MINUTE * 1.5, is_sending=True), "it is"
    assert alerts.told() == {LOGIN: Alert(LOGIN, T0, T0 + MINUTE * 1.5)}

    assert [alerts.claim(LOGIN, T0 + MINUTE, at=late, until=end) for _ in range(2)] == [True, False]
    alerts.mark_told(LOGIN)
    alerts.mark_told(LOGIN)

    assert not alerts.claim(LOGIN, T0, at=end, until=end + MINUTE)
    assert alerts.told() == {LOGIN: Alert(LOGIN, T0, end + MINUTE)}


def test_the_end_is_told_once_and_not_while_anybody_meets_it(alerts: AlertLedger) -> None:
    alerts.claim(LOGIN, T0, at=T0, until=T0 + MINUTE)

    assert not alerts.end(LOGIN, at=T0)
    assert [alerts.end(LOGIN, at=T0 + MINUTE) for _ in range(2)] == [True, False]
    assert alerts.told() == {}


def test_a_kind_that_only_a_newer_version_knows_is_left_alone(store: Store, alerts: AlertLedger) -> None:
    row = {"name": f"{PREFIX}newer", "holder": "1", "until": T0}
    with store.engine.begin() as connection:
        connection.execute(sa.insert(leases).values(**row))

    assert alerts.told() == {}


@pytest.mark.parametrize("kind", list(AlertKind))
def test_every_kind_survives_the_start_of_the_only_bot(
    kind: AlertKind, alerts: AlertLedger, notifications: NotificationLedger
) -> None:
    alerts.claim(kind, T0, at=T0, until=T0 + MINUTE)
    notifications.drop_leases(at=T0)

    assert list(alerts.told()) == [kind]


def test_doubts_are_counted_from_the_first(alerts: AlertLedger, ledger: CallLedger) -> None:
    for minute in range(3):
        at = T0 + minute * MINUTE
        call = ledger.accept(call_request(f"key{minute}", f"+1202555014{minute}"), at=at)
        ledger.begin(at=at, accepted_after=T0 - MINUTE)
        ledger.finish(call.id, InDoubt(Reason.NO_ANSWER), at=at)

    assert alerts.doubts(since=T0 + MINUTE) == (2, T0 + MINUTE)
    assert alerts.doubts(since=T0 + 3 * MINUTE) == (0, None)


def test_cards_are_stuck_while_a_problem_is_known(
    alerts: AlertLedger, ledger: CallLedger, notifications: NotificationLedger
) -> None:
    call = ledger.accept(call_request(), at=T0)
    assert alerts.stuck_cards() == 0

    notifications.set_card_problem(call.id, "channel_not_found")
    assert alerts.stuck_cards() == 1

    notifications.mark_card_shown(call.id, 1, "C_CALLS", "1.2")
    assert alerts.stuck_cards() == 0


def test_asking_for_stuck_cards_reads_only_what_is_not_told_yet(sqlite_url: str) -> None:
    """On SQLite a press waits for whoever reads: with a year of calls that would be tenths of a second."""
    with closing(Store(sqlite_url)) as store:
        store.open()
        asked: list[str] = []

        @sa.event.listens_for(store.engine, "before_cursor_execute")
        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            asked.append(statement)

        AlertLedger(store).stuck_cards()
        (question,) = [statement for statement in asked if "notifications" in statement]
        with store.engine.connect() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {question}", ("",) * question.count("?"))
            assert "USING INDEX notifications_by_due" in plan.one().detail
