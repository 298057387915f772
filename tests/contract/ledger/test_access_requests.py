"""A request for access is sent once a day for each person, by one bot, and never gets stuck."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from evoslack.calling.access import ASK_AGAIN_AFTER
from evoslack.ledger.access_requests import SENDING_TAKES, AccessRequestLedger
from evoslack.ledger.retention import ACCESS_REQUESTS_ARE_KEPT, PURGE_EVERY, CallRetention
from evoslack.ledger.store import Store

T0 = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ALICE = ("T1", "U_ALICE")


@pytest.fixture
def requests(store: Store) -> AccessRequestLedger:
    return AccessRequestLedger(store)


def sent(requests: AccessRequestLedger, at: datetime = T0) -> None:
    assert requests.claim(*ALICE, at=at)
    requests.mark_sent(*ALICE, at=at)


def test_a_person_can_ask_again_after_a_day(requests: AccessRequestLedger) -> None:
    sent(requests)

    assert requests.asked_at(*ALICE) == T0
    assert not requests.claim(*ALICE, at=T0)
    assert not requests.claim(*ALICE, at=T0 + ASK_AGAIN_AFTER - SECOND)
    assert requests.asked_at(*ALICE) == T0, "asking in vain does not start the day again"
    sent(requests, T0 + ASK_AGAIN_AFTER)
    assert not requests.claim(*ALICE, at=T0 + ASK_AGAIN_AFTER + SECOND)


def test_people_and_workspaces_do_not_share_a_day(requests: AccessRequestLedger) -> None:
    sent(requests)

    assert requests.asked_at("T1", "U_BOB") is None
    assert requests.claim("T1", "U_BOB", at=T0)
    assert requests.claim("T2", "U_ALICE", at=T0)


def test_a_request_that_was_not_sent_can_be_sent_at_once(requests: AccessRequestLedger) -> None:
    assert requests.claim(*ALICE, at=T0)
    requests.release(*ALICE)

    assert requests.claim(*ALICE, at=T0 + SECOND)


def test_what_a_killed_bot_was_sending_is_taken_over_after_a_minute(requests: AccessRequestLedger) -> None:
    assert requests.claim(*ALICE, at=T0)  # and then it is killed

    assert not requests.claim(*ALICE, at=T0 + SENDING_TAKES - SECOND), "it may still be sending"
    assert requests.claim(*ALICE, at=T0 + SENDING_TAKES)
    assert not requests.claim(*ALICE, at=T0 + SENDING_TAKES + SECOND), "now this one is sending"


@pytest.mark.parametrize("first", [None, T0 - ASK_AGAIN_AFTER], ids=["the first time", "a day later"])
def test_of_twenty_presses_at_once_one_is_sent(
    store: Store, requests: AccessRequestLedger, first: datetime | None
) -> None:
    if first is not None:
        sent(requests, first)
    bots = [AccessRequestLedger(store) for _ in range(20)]

    with ThreadPoolExecutor(20) as fingers:
        claims = list(fingers.map(lambda bot: bot.claim(*ALICE, at=T0), bots))

    assert sorted(claims) == [False] * 19 + [True]


def test_old_requests_are_purged(store: Store, requests: AccessRequestLedger) -> None:
    at = [T0]
    retention = CallRetention(store, lambda: at[0])
    sent(requests)

    at[0] = T0 + PURGE_EVERY
    retention.purge(timedelta(days=365))
    assert requests.asked_at(*ALICE) == T0
    at[0] = T0 + ACCESS_REQUESTS_ARE_KEPT + SECOND
    retention.purge(timedelta(days=365))
    assert requests.asked_at(*ALICE) is None


def test_only_a_request_that_was_sent_has_a_moment_when_it_was_sent(requests: AccessRequestLedger) -> None:
    assert requests.sent_at(*ALICE) is None
    assert requests.claim(*ALICE, at=T0)
    assert requests.sent_at(*ALICE) is None, "its bot may be killed before it is sent"
    requests.mark_sent(*ALICE, at=T0)
    assert requests.sent_at(*ALICE) == T0
    requests.release(*ALICE)
    assert requests.sent_at(*ALICE) is None
