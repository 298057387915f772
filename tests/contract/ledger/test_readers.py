"""What takes long is read beside the writes: on SQLite by connections of their own, which hold up nobody."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from evoslack.calling.history_filter import HistoryFilter
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.history import CallHistory
from evoslack.ledger.schema import calls
from evoslack.ledger.sqlite_file import LedgerLost
from evoslack.ledger.store import Store
from tests.calls import call_request

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def accept(store: Store, number: str) -> None:
    CallLedger(store).accept(call_request(number, number), at=T0)


def found(store: Store) -> int:
    return len(CallHistory(store).page("T1", None, HistoryFilter(), limit=9).calls)


def test_a_press_does_not_wait_for_a_reader_who_is_not_done(store: Store) -> None:
    accept(store, "+12025550001")
    with store.readers.connect() as reading:
        assert reading.execute(sa.select(calls.c.id)).first()

        pressed = threading.Thread(target=accept, args=(store, "+12025550002"))
        pressed.start()
        pressed.join(10)

        assert not pressed.is_alive()
    assert found(store) == 2, "whoever begins to read now finds it"


def test_many_read_at_once(store: Store) -> None:
    accept(store, "+12025550001")
    with store.readers.connect() as first, store.readers.connect() as second:
        for each in (first, second):
            assert each.execute(sa.select(sa.func.count()).select_from(calls)).scalar_one() == 1
        assert found(store) == 1


@pytest.fixture
def sqlite_store(sqlite_url: str) -> Store:
    store = Store(sqlite_url)
    store.open()
    return store


def test_a_reader_of_a_sqlite_file_can_change_nothing(sqlite_store: Store) -> None:
    accept(sqlite_store, "+12025550001")
    for change in (sa.delete(calls), sa.update(calls).values(note="x"), sa.text("DROP TABLE pages")):
        with (
            pytest.raises(sa.exc.OperationalError, match="readonly"),
            sqlite_store.readers.begin() as connection,
        ):
            connection.execute(change)
    assert found(sqlite_store) == 1
    sqlite_store.close()


@pytest.mark.parametrize("ending", ["", "-wal"])
@pytest.mark.parametrize("was_open", [True, False])
def test_a_reader_notices_a_lost_file_as_the_writer_does(
    sqlite_store: Store, ending: str, was_open: bool
) -> None:
    accept(sqlite_store, "+12025550001")
    if was_open:
        assert found(sqlite_store) == 1
    file = sqlite_store.file
    assert file is not None
    Path(f"{file}{ending}").unlink()

    with pytest.raises(LedgerLost):
        found(sqlite_store)
    assert list(file.parent.glob("*.rescued-*")), "and a copy was saved"
    sqlite_store.close()
