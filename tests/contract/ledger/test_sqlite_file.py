"""What was written down stays written down, whoever deletes or replaces the SQLite file meanwhile."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from evoslack.calling.calls import CallRequest, State
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.sqlite_file import LedgerLost
from evoslack.ledger.store import LedgerTaken, Store

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


LOOK_AND_CLOSE = """
import sqlite3, sys
looking = sqlite3.connect(sys.argv[1])
looking.execute("SELECT count(*) FROM calls").fetchall()
looking.close()
"""
OPEN = """
import sys
from evoslack.ledger.store import LedgerTaken, Store
try:
    Store(f"sqlite:///{sys.argv[1]}").open()
except LedgerTaken:
    print("taken")
else:
    print("opened")
"""


def another_program(code: str, file: Path) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", code, str(file)], capture_output=True, text=True, timeout=30, check=True
    )
    return ended.stdout.strip()


@pytest.mark.parametrize("is_put_back", [False, True], ids=["as it was", "put back before"])
def test_without_its_lock_file_the_ledger_still_belongs_to_one_bot(
    store: Store, file: Path, is_put_back: bool
) -> None:
    if is_put_back:
        delete(file, *ENDINGS)
        assert store.answers()
    delete(file, ".lock")

    with pytest.raises(LedgerTaken):
        Store(f"sqlite:///{file}").open()
    assert another_program(OPEN, file) == "taken"

    accept(store, "goes on")
    store.close()
    assert another_program(OPEN, file) == "opened", "whoever comes after the stop gets it"


def test_a_bot_that_is_turned_away_takes_nothing_from_the_one_that_runs(store: Store, file: Path) -> None:
    """SQLite's locks of this program are there still: else the next to look would clear away the -wal."""
    accept(store, "before")
    delete(file, ".lock")
    with pytest.raises(LedgerTaken):
        Store(f"sqlite:///{file}").open()
    beside = file.with_name("ledger.db-wal")
    wal = beside.stat()

    another_program(LOOK_AND_CLOSE, file)

    assert beside.exists()
    assert beside.stat().st_ino == wal.st_ino
    assert keys(store) == {"before"}


def test_a_thread_that_the_stop_did_not_wait_for_keeps_its_locks(store: Store, file: Path) -> None:
    with store.engine.connect() as late:
        late.execute(sa.text("SELECT count(*) FROM calls"))
        store.close()

        another_program(LOOK_AND_CLOSE, file)
        assert file.with_name("ledger.db-wal").exists(), "somebody else may not clear it away"
    with closing(Store(f"sqlite:///{file}")) as again:
        again.open()


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
