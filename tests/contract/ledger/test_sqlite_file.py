"""What was written down stays written down, even if the SQLite file is deleted or replaced meanwhile.

Nothing more is written then, and everything that was is in a copy for the operator to put in place.
"""

from __future__ import annotations

import re
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

from evoslack.calling.calls import State
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.sqlite_file import LedgerLost
from evoslack.ledger.store import LedgerTaken, Store
from tests.calls import call_request

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ENDINGS = ("", "-wal", "-shm")
WRITERS = 4


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
    CallLedger(store).accept(call_request(key, number), at=T0)


def keys(store: Store) -> set[str]:
    return {call.request.key for call in CallLedger(store).newest(1000)}


def delete(file: Path, *endings: str) -> None:
    for ending in endings:
        file.with_name(file.name + ending).unlink(missing_ok=True)


def copies(file: Path) -> list[Path]:
    return sorted(file.parent.glob("*.rescued-*"))


def content(file: Path) -> dict[str, str]:
    """The state of each call in a file that no bot has open."""
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return dict(connection.execute("SELECT request_key, state FROM calls").fetchall())


def restart_with_copy(store: Store, file: Path) -> Store:
    """What the log asks for."""
    store.close()
    (copy,) = copies(file)
    copy.replace(file)
    again = Store(f"sqlite:///{file}")
    again.open()
    return again


def test_what_is_committed_after_the_file_was_deleted_fails(store: Store, file: Path) -> None:
    """Or the phone would ring for a call that only a deleted file knows."""
    accept(store, "before")
    with pytest.raises(LedgerLost), store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE calls SET state = 'placing'"))
        delete(file, *ENDINGS)

    with closing(restart_with_copy(store, file)) as again:
        call = CallLedger(again).find("before")
    assert call is not None
    assert call.state is State.ACCEPTED


WHAT_IS_DELETED = pytest.mark.parametrize("endings", [("",), ("-wal",), ("-shm",), ENDINGS], ids=" and ".join)


@WHAT_IS_DELETED
@pytest.mark.parametrize("is_idle", [False, True])
def test_a_lost_file_is_never_written_to_or_made_anew_and_its_copy_is_complete(
    store: Store, file: Path, endings: tuple[str, ...], is_idle: bool, caplog: pytest.LogCaptureFixture
) -> None:
    accept(store, "early")
    with store.engine.connect() as connection:  # the rest is in the -wal only
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    accept(store, "late", number="+12025550144")
    if is_idle:
        store.engine.dispose()
    delete(file, *endings)

    for _ in range(3):
        with pytest.raises(LedgerLost):
            keys(store)
        with pytest.raises(LedgerLost):
            accept(store, "after", number="+12025550145")
        assert not store.answers()
    assert file.exists() == ("" not in endings)

    (copy,) = copies(file)
    assert re.fullmatch(r"ledger\.db\.rescued-\d{8}T\d{6}Z", copy.name)
    assert content(copy).keys() == {"early", "late"}
    assert copy.stat().st_mode & 0o077 == 0, "nobody else may read it"
    first, second = caplog.messages
    assert first.startswith("the ledger is lost")
    assert first.endswith(f"replaced: {', '.join(f'{file}{ending}' for ending in endings)}")
    assert str(copy) in second
    assert f"move that file to {file}" in second

    with closing(restart_with_copy(store, file)) as again:
        assert keys(again) == {"early", "late"}
        accept(again, "after", number="+12025550145")
    assert content(file).keys() == {"early", "late", "after"}


def test_a_file_that_was_deleted_unnoticed_is_copied_at_shutdown(store: Store, file: Path) -> None:
    accept(store, "before")
    delete(file, *ENDINGS)
    store.close()

    (copy,) = copies(file)
    assert sorted(each.name for each in file.parent.iterdir()) == ["ledger.db.lock", copy.name]
    assert content(copy).keys() == {"before"}


def test_a_copy_that_fails_is_tried_once_more_at_shutdown(
    store: Store, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    accept(store, "before")
    in_the_way = file.with_name("ledger.db.partial")
    in_the_way.mkdir()
    delete(file, *ENDINGS)
    for _ in range(3):
        assert not store.answers()
    assert len([line for line in caplog.messages if "could not be copied" in line]) == 1
    assert copies(file) == []

    in_the_way.rmdir()
    store.close()

    (copy,) = copies(file)
    assert content(copy).keys() == {"before"}


def test_no_bot_starts_empty_beside_a_copy_that_waits_to_be_put_in_place(store: Store, file: Path) -> None:
    accept(store, "before")
    delete(file, *ENDINGS)
    store.close()
    (copy,) = copies(file)

    with closing(Store(f"sqlite:///{file}")) as again:
        with pytest.raises(FileNotFoundError, match=f"Rename {copy.name} to ledger.db, or move it away"):
            again.open()
        assert not file.exists()
        copy.unlink()
        again.open()
        assert keys(again) == set()


@pytest.mark.parametrize("endings", [("-wal",), ("-wal", "-shm")])
def test_no_bot_starts_on_a_file_that_lacks_the_latest_calls(
    store: Store, file: Path, endings: tuple[str, ...]
) -> None:
    """Another program reads, so what the deleted -wal had cannot be moved into the file."""
    accept(store, "first")
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM calls").fetchall()
        accept(store, "latest", "+12025550144")
        delete(file, *endings)
        with pytest.raises(LedgerLost):
            keys(store)
        store.close()

    (copy,) = copies(file)
    with closing(Store(f"sqlite:///{file}")) as again, pytest.raises(FileNotFoundError, match="Rename"):
        again.open()
    copy.replace(file)
    delete(file, *ENDINGS[1:])
    with closing(Store(f"sqlite:///{file}")) as again:
        again.open()
        assert keys(again) == {"first", "latest"}


def test_a_transaction_that_outlives_a_lost_file_does_not_commit(store: Store, file: Path) -> None:
    accept(store, "before")
    with store.engine.connect() as connection:
        connection.execute(sa.text("UPDATE calls SET flow_name = 'late'"))
        delete(file, *ENDINGS)
        store.close()
        with pytest.raises(LedgerLost):
            connection.commit()
        connection.invalidate()


def test_a_store_leaves_no_file_open(file: Path) -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    Store(f"sqlite:///{file}").close()
    before = count()
    for _ in range(3):
        with closing(Store(f"sqlite:///{file}")) as store:
            store.open()
    assert count() <= before


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
    assert len(copies(file)) == 1

    away.replace(file)  # the right file again
    assert keys(store) == {"before"}
    assert copies(file) == [], "it is out of date from the next call on"


def test_a_file_that_is_lost_again_is_copied_again(store: Store, file: Path) -> None:
    away = file.with_name("away.db")
    for key, number in (("first", "+12025550143"), ("second", "+12025550144")):
        accept(store, key, number)
        file.rename(away)
        assert not store.answers()
        (copy,) = copies(file)
        assert key in content(copy)
        away.rename(file)
        assert store.answers()


def test_nothing_of_a_lost_file_is_read_into_the_one_in_its_place(store: Store, file: Path) -> None:
    """SQLite would read what lies beside it as a -wal, whichever file it was of."""
    for index in range(20):
        accept(store, f"before {index}", number=f"+120255501{index:02}")
    file.unlink()
    with closing(sqlite3.connect(file.with_name("other.db"))) as making:
        making.execute("CREATE TABLE precious (a)")
        making.commit()
    file.with_name("other.db").rename(file)
    assert not store.answers()

    with closing(sqlite3.connect(file)) as reader:
        assert reader.execute("SELECT name FROM sqlite_master").fetchall() == [("precious",)]
    store.close()
    with closing(sqlite3.connect(file)) as reader:
        assert reader.execute("SELECT name FROM sqlite_master").fetchall() == [("precious",)]


def test_a_moved_file_is_complete_without_what_lay_beside_it(store: Store, file: Path) -> None:
    accept(store, "before")
    away = file.with_name("away.db")
    file.rename(away)
    assert not store.answers()
    store.close()

    assert content(away).keys() == {"before"}


def test_a_folder_that_vanishes_is_not_made_again(store: Store, tmp_path: Path, file: Path) -> None:
    accept(store, "before")
    gone = tmp_path.with_name(f"{tmp_path.name}-gone")
    tmp_path.rename(gone)

    assert not store.answers()
    assert not tmp_path.exists()

    gone.rename(tmp_path)
    assert keys(store) == {"before"}
    assert copies(file) == []


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


def test_without_its_lock_file_the_ledger_still_belongs_to_one_bot(store: Store, file: Path) -> None:
    delete(file, ".lock")

    with pytest.raises(LedgerTaken):
        Store(f"sqlite:///{file}").open()
    assert another_program(OPEN, file) == "taken"

    accept(store, "goes on")
    store.close()
    assert another_program(OPEN, file) == "opened", "the next one gets it after the stop"


def test_a_bot_that_lost_its_file_leaves_its_copy_to_the_next_one(store: Store, file: Path) -> None:
    """Nobody stopped the first bot, and its lock was deleted as well."""
    accept(store, "before")
    delete(file, *ENDINGS, ".lock")
    assert not store.answers()
    copies(file)[0].replace(file)

    with closing(Store(f"sqlite:///{file}")) as again:
        again.open()
        assert not store.answers()
        store.close()
        accept(again, "after", number="+12025550144")
        assert keys(again) == {"before", "after"}
    assert copies(file) == []


def test_a_bot_that_cannot_start_does_not_disturb_the_running_one(store: Store, file: Path) -> None:
    """SQLite's locks of this program stay, or the next program to close the file would delete the -wal."""
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
        assert file.with_name("ledger.db-wal").exists(), "another process may not remove it"
    with closing(Store(f"sqlite:///{file}")) as again:
        again.open()


@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.05, 0.1, 0.2])
def test_whatever_was_accepted_while_files_vanish_is_there_after_a_restart(
    store: Store, file: Path, after_s: float
) -> None:
    """With writers at work: what they were told is true."""
    accepted: set[str] = set()
    accept(store, "before")

    def write(writer: int) -> None:
        with suppress(LedgerLost):
            for index in range(1000):
                key = f"{writer}-{index}"
                accept(store, key, number=f"+1202555{writer}{index:03}")
                accepted.add(key)

    with ThreadPoolExecutor(WRITERS) as pool:
        writing = [pool.submit(write, writer) for writer in range(WRITERS)]
        threading.Event().wait(after_s)
        delete(file, *ENDINGS)
        for each in writing:
            each.result()

    with closing(restart_with_copy(store, file)) as again:
        assert keys(again) >= accepted | {"before"}
