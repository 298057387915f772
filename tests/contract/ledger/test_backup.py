"""A backup is complete, checked and private, whatever the bot writes; at rest the main file is too."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from evoslack.ledger.backup import MARKED_AS_COPY, CannotBackUp, back_up, back_up_before
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.store import Store
from evoslack.ledger.tables import NEWEST
from tests.calls import call_request
from tests.databases import new_sqlite, tables_of_version

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    store = Store(new_sqlite(file))
    store.open()
    yield store
    store.close()


def accept(store: Store, number: int) -> None:
    CallLedger(store).accept(call_request(f"key{number}", f"+1202555{number:04}"), at=T0)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def keys(path: Path) -> list[str]:
    """The calls in a file, without anything that lies beside it."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [key for (key,) in connection.execute("SELECT request_key FROM calls ORDER BY 1")]


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_backup_holds_every_call_of_a_running_bot_and_is_one_private_file(
    store: Store, file: Path, tmp_path: Path
) -> None:
    accept(store, 1)
    before = os.umask(0)
    try:
        made = back_up(file, tmp_path / "copy")
    finally:
        os.umask(before)

    assert keys(tmp_path / "copy") == ["key1"]
    assert str(made).startswith(f"{tmp_path / 'copy'} (1 call, ")
    assert mode(made.path) == 0o600
    assert left_in(tmp_path) == {"ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db.lock", "copy"}
    with closing(sqlite3.connect(made.path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (MARKED_AS_COPY,)


def test_presses_go_on_during_a_backup_and_do_not_start_it_over(
    store: Store, file: Path, tmp_path: Path
) -> None:
    """It is of the moment when it began: of what is pressed while it copies, nothing is there."""
    accept(store, 0)
    with store.engine.begin() as connection:  # some megabytes, so that it takes several steps
        connection.execute(sa.text("UPDATE calls SET note = :note"), {"note": "x" * 24_000_000})
    made = threading.Thread(target=back_up, args=(file, tmp_path / "copy"))
    made.start()
    pressed, has_begun = 0, 0
    while made.is_alive():
        if not has_begun and is_being_filled(tmp_path / "copy.partial"):
            has_begun = pressed
        pressed += 1
        accept(store, pressed)
    made.join()

    assert pressed > has_begun > 0
    found = {int(key.removeprefix("key")) for key in keys(tmp_path / "copy")}
    assert found <= set(range(has_begun + 1))
    assert 0 in found


def is_being_filled(partial: Path) -> bool:
    return partial.exists() and partial.stat().st_size > 0


def test_a_backup_of_a_stopped_bot_is_complete_too(store: Store, file: Path, tmp_path: Path) -> None:
    accept(store, 1)
    store.close()

    back_up(file, tmp_path / "copy")

    assert keys(tmp_path / "copy") == ["key1"]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("ledger.db", "is the ledger itself"),
        ("ledger.db-wal", "is the ledger itself"),
        ("link", "is the ledger itself"),
        ("older", "exists already, and backups are never overwritten"),
        ("dangling", "exists already"),
        ("missing/copy", "There is no folder"),
        ("folder", "is a folder"),
        ("n" * 300, "cannot be written: File name too long"),
    ],
)
def test_no_backup_where_it_would_do_harm(
    store: Store, file: Path, tmp_path: Path, target: str, words: str
) -> None:
    (tmp_path / "link").hardlink_to(file)
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    (tmp_path / "older").write_text("older")
    (tmp_path / "folder").mkdir()
    before = left_in(tmp_path)

    with pytest.raises(CannotBackUp, match=words):
        back_up(file, tmp_path / target)

    assert left_in(tmp_path) == before
    assert (tmp_path / "older").read_text() == "older"
    accept(store, 1)  # the bot goes on


def test_without_room_nothing_is_written(store: Store, file: Path, tmp_path: Path) -> None:
    with pytest.raises(CannotBackUp, match=r"There is no room in .* and 0\.0 MB are free. Make room"):
        back_up(file, tmp_path / "copy", room=lambda _folder: 1000)

    assert "copy" not in left_in(tmp_path)


def test_what_a_killed_backup_left_is_no_obstacle_and_two_at_once_do_not_mix(
    store: Store, file: Path, tmp_path: Path
) -> None:
    accept(store, 1)
    (tmp_path / "copy.partial").write_text("half a copy")
    back_up(file, tmp_path / "copy")
    assert keys(tmp_path / "copy") == ["key1"]

    with (tmp_path / "second.partial").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(CannotBackUp, match="Another backup to second is running"):
            back_up(file, tmp_path / "second")


def test_a_damaged_ledger_or_another_database_makes_no_backup(
    tmp_path: Path, store: Store, file: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE cars (name)")
    with pytest.raises(CannotBackUp, match="it is not a ledger"):
        back_up(tmp_path / "other.db", tmp_path / "copy")

    for number in range(3):
        accept(store, number)
    store.close()
    content = bytearray(file.read_bytes())
    content[8192:12288] = bytes(4096)
    file.write_bytes(content)
    with pytest.raises(CannotBackUp, match=r"damaged|could not be copied"):
        back_up(file, tmp_path / "copy")
    assert "copy" not in left_in(tmp_path)


def test_at_rest_and_after_a_stop_the_main_file_alone_holds_every_call(
    store: Store, file: Path, tmp_path: Path
) -> None:
    accept(store, 1)
    store.rest()  # it was written to a moment ago
    store.rest()
    shutil.copy(file, tmp_path / "idle")
    accept(store, 2)
    store.close()
    shutil.copy(file, tmp_path / "stopped")

    assert keys(tmp_path / "idle") == ["key1"]
    assert keys(tmp_path / "stopped") == ["key1", "key2"]


def test_a_ledger_that_is_read_or_written_is_not_disturbed_by_the_rest(store: Store, file: Path) -> None:
    accept(store, 1)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        store.rest()
        store.rest()  # returns at once
        other.execute("UPDATE calls SET note = 'written'")
        other.execute("COMMIT")
    store.rest()
    store.rest()

    assert CallLedger(store).find("key1").note.text == "written"  # type: ignore[union-attr]
    assert file.with_name("ledger.db-wal").stat().st_size == 0


def test_right_after_its_first_start_a_copy_of_the_main_file_has_its_tables(tmp_path: Path) -> None:
    with closing(Store(f"sqlite:///{tmp_path}/new.db")) as store:
        store.open()
        shutil.copy(tmp_path / "new.db", tmp_path / "copy")
        assert keys(tmp_path / "copy") == []


def test_no_bot_starts_on_a_copy_that_was_made_without_its_wal(tmp_path: Path) -> None:
    """As older versions left it: 4 kB, and all calls in the -wal."""
    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    assert (tmp_path / "copy.db").stat().st_size > 0

    with (
        closing(Store(f"sqlite:///{tmp_path}/copy.db")) as store,
        pytest.raises(OSError, match="is empty"),
    ):
        store.open()


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A ledger of the version before, with one call."""
    file = tmp_path / "old.db"
    engine = tables_of_version("0007", f"sqlite:///{file}")
    values = dict.fromkeys(("team_id", "user_id", "account_id", "flow_id", "flow_name", "caller_id"), "x")
    values |= dict.fromkeys(("channel_id", "response_url", "detail"), "")
    values |= {"id": "call1", "request_key": "key1", "number": "+12025550001", "state": "placed"}
    with engine.begin() as connection:
        known = sa.Table("calls", sa.MetaData(), autoload_with=connection)
        connection.execute(sa.insert(known).values(**values, accepted_at=T0.replace(tzinfo=None)))
    engine.dispose()
    return file


def test_before_its_tables_change_a_ledger_is_copied(old: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(Store(f"sqlite:///{old}")) as store:
        store.open()
    with closing(Store(f"sqlite:///{old}")) as store:
        store.open()  # nothing to change, so no copy

    (copy,) = old.parent.glob("old.db.before-*")
    assert copy.name == f"old.db.before-{NEWEST}"
    assert keys(copy) == ["key1"]
    assert mode(copy) == 0o600
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT * FROM alembic_version").fetchone() == ("0007",)
    assert [line for line in caplog.messages if f"0007 to {NEWEST}" in line and str(copy) in line]


def test_without_a_copy_the_tables_stay_as_they_are(old: Path) -> None:
    Path(f"{old}.before-{NEWEST}").mkdir()
    with closing(Store(f"sqlite:///{old}")) as store, pytest.raises(CannotBackUp, match="is a folder"):
        store.open()

    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("SELECT * FROM alembic_version").fetchone() == ("0007",)


def test_only_the_two_latest_such_copies_are_kept(store: Store, file: Path) -> None:
    for revision in ("0006", "0007", "0008", "0009"):
        back_up_before(revision, file)

    assert {path.name for path in file.parent.glob("*.before-*")} == {
        "ledger.db.before-0008",
        "ledger.db.before-0009",
    }


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o277])
def test_a_new_ledger_is_for_its_owner_only(new_sqlite_url: str, tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with closing(Store(new_sqlite_url)) as store:
            store.open()
            accept(store, 1)
            assert {path.name: mode(path) for path in tmp_path.iterdir()} == {
                f"ledger.db{ending}": 0o600 for ending in ("", "-wal", "-shm", ".lock")
            }
    finally:
        os.umask(before)


def test_files_that_others_could_read_are_tightened_with_a_line(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = new_sqlite(file)
    for path in (file, Path(f"{file}-wal"), Path(f"{file}.lock")):
        path.touch()
        path.chmod(0o664)
    with closing(Store(url)) as store:
        store.open()
        accept(store, 1)
        assert {mode(path) for path in file.parent.iterdir()} == {0o600}

    assert [line for line in caplog.messages if "other users could read ledger.db" in line]
