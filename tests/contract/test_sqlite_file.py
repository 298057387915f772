"""What was written down stays written down, whoever deletes or replaces the SQLite file meanwhile."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from evoslack.calls import CallRequest, State
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.sqlite_file import LedgerLost
from evoslack.ledger.store import Store

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ENDINGS = ("", "-wal", "-shm")
WRITERS, CALLS_EACH = 4, 20


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{file}")
    store.open()
    yield store
    store.close()


def accept(store: Store, key: str, number: str = "+12025550143") -> None:
    request = CallRequest(key, "T1", "U_SARA", "acc1", "flow1", "Flow", number, "+12025550100")
    CallLedger(store).accept(request, at=T0)


def keys(store: Store) -> set[str]:
    return {call.request.key for call in CallLedger(store).newest(1000)}


def delete(file: Path, *endings: str) -> None:
    for ending in endings:
        file.with_name(file.name + ending).unlink(missing_ok=True)


def test_what_is_committed_after_the_file_was_deleted_fails(store: Store, file: Path) -> None:
    """Or the phone would ring for a call that only a deleted file knows."""
    accept(store, "before")
    with pytest.raises(LedgerLost), store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE calls SET state = 'placing'"))
        delete(file, *ENDINGS)

    call = CallLedger(store).find("before")
    assert call is not None
    assert call.state is State.ACCEPTED


def test_a_file_deleted_while_nobody_else_has_it_open_is_put_back(store: Store, file: Path) -> None:
    accept(store, "before")
    store.engine.dispose()
    delete(file, *ENDINGS)

    assert keys(store) == {"before"}
    assert store.answers()


def test_a_file_that_is_put_back_is_as_closed_to_others_as_can_be(store: Store, file: Path) -> None:
    delete(file, "")
    assert store.answers()

    assert file.stat().st_mode & 0o077 == 0


def test_a_stop_leaves_the_file_whole_and_alone(store: Store, file: Path) -> None:
    accept(store, "before")
    delete(file, "")
    store.close()

    assert sorted(each.name for each in file.parent.iterdir()) == ["ledger.db", "ledger.db.lock"]
    with closing(sqlite3.connect(file)) as looking:
        assert looking.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert looking.execute("SELECT request_key FROM calls").fetchall() == [("before",)]


def test_another_file_is_neither_written_to_nor_overwritten(store: Store, file: Path) -> None:
    accept(store, "before")
    away = file.with_name("away.db")
    file.rename(away)
    file.write_bytes(b"")

    with pytest.raises(LedgerLost):
        accept(store, "after")
    assert not store.answers()
    store.engine.dispose()
    assert not store.answers(), "nor on a new connection"
    assert file.read_bytes() == b""

    away.replace(file)  # the right file again
    assert keys(store) == {"before"}


def test_a_store_that_was_never_opened_makes_no_file(file: Path) -> None:
    store = Store(f"sqlite:///{file}")
    assert not store.answers()
    store.close()
    assert not file.exists()


def test_whatever_was_accepted_while_files_vanish_is_there_after_a_restart(store: Store, file: Path) -> None:
    """A new file every moment, with writers at work: what they were told is true."""
    accepted: set[str] = set()
    done = threading.Event()

    def write(writer: int) -> None:
        for index in range(CALLS_EACH):
            key = f"{writer}-{index}"
            with suppress(sa.exc.SQLAlchemyError):
                accept(store, key, number=f"+1202555{writer}{index:03}")
                accepted.add(key)

    def wreck() -> int:
        rounds = 0
        while not done.wait(0.02):
            delete(file, *(ENDINGS[rounds % 3 :] + ENDINGS[: rounds % 2]))
            rounds += 1
        return rounds

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        wrecking = pool.submit(wreck)
        list(pool.map(write, range(WRITERS)))
        done.set()

    assert wrecking.result() > 3
    assert len(accepted) > WRITERS, "some got through"
    store.close()
    again = Store(f"sqlite:///{file}")
    again.open()
    assert keys(again) >= accepted
    again.close()
