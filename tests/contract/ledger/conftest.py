"""The ledgers of one open store, on each kind of database."""

from __future__ import annotations

import pytest

from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notes import NoteLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.store import Store


@pytest.fixture
def ledger(store: Store) -> CallLedger:
    return CallLedger(store)


@pytest.fixture
def notes(store: Store) -> NoteLedger:
    return NoteLedger(store)


@pytest.fixture
def notifications(store: Store) -> NotificationLedger:
    return NotificationLedger(store)
