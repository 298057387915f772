"""The database is deleted, locked, full, read-only, gone, or cut off in the middle of a sentence.

Whatever happens to it: nothing is dialed that is not written down, the person who pressed is told honestly,
and the bot goes on as soon as the trouble is over. After a SQLite file was deleted, that takes an operator.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import psycopg
import pytest

from evoslack.calling.calls import State
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.store import Store
from sandbox.bot_process import BOT, BotProcess
from sandbox.evo.faults import Fault
from sandbox.slack.delivery import Delivery
from tests.database_proxy import DatabaseProxy
from tests.postgres import Postgres
from tests.scenario.office import TYPED, Office, says_placed

OUTGOING = "/sessions/outgoing"
BROKE = "Something broke in EvoSlack (reference "
NOT_WRITTEN = "could not be stored yet"
PATIENCE_S = 30.0  # with Evo Voice; a story says itself when the answer comes
OTHER_NUMBER = "814 404 3094"


def ledger_file(office: Office, ending: str = "") -> Path:
    return Path(office.database_url.removeprefix("sqlite:///") + ending)


def ready_to_press(office: Office, number: str = TYPED) -> None:
    office.form()
    office.fill(number=number)


def is_told_that_it_broke(office: Office) -> Delivery:
    """Press and hear under the field, within Slack's three seconds, that it did not work."""
    delivery = office.press()
    assert delivery.acked
    assert BROKE in office.under("number")
    return delivery


def let_the_story_end(office: Office) -> State:
    """Until nothing is open and everything is told; a lease that nobody gave back is waited for quickly."""
    office.slack.wait_for(lambda: not any(call.is_open for call in office.ledger()), what="the end of it")
    told = False
    ends = time.monotonic() + 15
    while not told:
        assert time.monotonic() < ends, f"never told: {office.ledger()}"
        with contextlib.suppress(AssertionError):
            told = office.slack.wait_for(lambda: office.bot.notifications.count_untold() == 0, 0.3)
        if not told:
            office.pass_time(seconds=20)
            office.bot.wake()
    return office.ledger()[0].state


def is_placed_with_one_ring(office: Office) -> None:
    assert let_the_story_end(office) is State.PLACED
    office.wait_for_card(says_placed)
    assert (office.rings, len(office.ledger())) == (1, 1)


def is_safe_to_press_again(office: Office, delivery: Delivery) -> None:
    """Slack delivers the very same press once more."""
    rings, calls = office.rings, len(office.ledger())
    assert office.slack.redeliver(delivery).payload["response_action"] == "update"
    let_the_story_end(office)
    assert (office.rings, len(office.ledger()), len(office.cards())) == (rings, calls, 1)


@pytest.fixture
def patient_office(empty_office: Office) -> Office:
    """The bot is running and waits long for Evo Voice."""
    empty_office.open(dial_deadline_s=PATIENCE_S)
    return empty_office


def ringing(office: Office, notifications: NotificationLedger) -> tuple[Delivery, Fault]:
    """Press; the phone rings, the first card is there, and Evo Voice says so byte by byte, very slowly."""
    answer = office.evo.fault(OUTGOING, "drip_after_ring", seconds=0.1)
    delivery = office.press()
    assert delivery.acked
    office.evo.wait_for(lambda: office.rings)
    office.slack.wait_for(lambda: office.cards() and not notifications.count_untold())
    return delivery, answer


def press_is_told_honestly_and_nothing_rings(office: Office, trouble: AbstractContextManager[None]) -> None:
    """A press during the trouble is neither written down nor dialed; after it, the same form works."""
    ready_to_press(office)
    with trouble:
        is_told_that_it_broke(office)
    assert (office.rings, office.ledger()) == (0, [])

    delivery = office.press()
    is_placed_with_one_ring(office)
    is_safe_to_press_again(office, delivery)


def outcome_waits_for_the_end_of(
    trouble: AbstractContextManager[None], office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """The trouble starts while the phone rings: the outcome is written as soon as it is over."""
    ready_to_press(office)
    delivery, answer = ringing(office, office.bot.notifications)
    with trouble:
        answer.seconds = 0
        office.slack.wait_for(lambda: NOT_WRITTEN in caplog.text, 10, "a write that failed")

    is_placed_with_one_ring(office)
    is_safe_to_press_again(office, delivery)


# --- the SQLite file is deleted or replaced --------------------------------------------------------------


def put_the_copy_in_place(office: Office) -> None:
    """What the log asks an operator to do, while the bot is stopped."""
    (copy,) = ledger_file(office).parent.glob("*.rescued-*")
    copy.replace(ledger_file(office))


@pytest.mark.parametrize(
    "endings", [("",), ("-wal",), ("-shm",), ("", "-wal", "-shm", ".lock")], ids=" and ".join
)
def test_a_deleted_ledger_stops_the_dialing_until_its_copy_is_put_in_place(
    office: Office, endings: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    delivery = office.call()
    is_placed_with_one_ring(office)
    ready_to_press(office, OTHER_NUMBER)

    for ending in endings:
        ledger_file(office, ending).unlink()

    is_told_that_it_broke(office)
    assert office.slack.redeliver(delivery).payload["response_action"] == "errors"
    assert office.rings == 1
    assert office.bot.health()["database"] is False
    assert len([line for line in caplog.messages if "the ledger is lost" in line]) == 1
    assert len([line for line in caplog.messages if "Stop EvoSlack, move that file to" in line]) == 1
    office.bot.stop()
    put_the_copy_in_place(office)

    office.open()
    is_safe_to_press_again(office, delivery)
    assert [call.state for call in office.ledger()] == [State.PLACED]
    assert office.press().acked
    office.slack.wait_for(lambda: office.rings == 2)
    assert [call.state for call in office.wait_until_settled()] == [State.PLACED] * 2


def test_a_call_that_rings_while_its_ledger_is_deleted_is_found_after_the_restart(
    empty_office: Office, process: BotProcess
) -> None:
    """What Evo Voice answered could not be written down: the call is searched for, and never dialed again."""
    office, store = empty_office, Store(empty_office.database_url)
    process.start()
    office.slack.wait_for_connection()
    ready_to_press(office)
    delivery, answer = ringing(office, NotificationLedger(store))
    store.close()
    for ending in ("", "-wal", "-shm"):
        ledger_file(office, ending).unlink()
    answer.seconds = 0
    office.slack.wait_for(lambda: any(NOT_WRITTEN in line for line in process.log), 10)
    office.slack.wait_for(lambda: any("move that file to" in line for line in process.log), 10)
    process.kill()
    put_the_copy_in_place(office)

    office.open()
    is_placed_with_one_ring(office)
    is_safe_to_press_again(office, delivery)


def test_no_bot_starts_with_an_empty_ledger_beside_a_copy(
    office: Office, process: BotProcess, caplog: pytest.LogCaptureFixture
) -> None:
    """Or a form that is still open could ring again."""
    office.call()
    is_placed_with_one_ring(office)
    ledger_file(office).unlink()
    office.slack.wait_for(lambda: "Stop EvoSlack, move that file to" in caplog.text)
    office.bot.stop()

    process.spawn()

    assert process.wait() == 1
    assert any("ledger.db is missing. Rename ledger.db.rescued-" in line for line in process.log)
    assert not ledger_file(office).exists()


def test_nothing_is_dialed_on_the_word_of_another_file(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    first = office.call()
    is_placed_with_one_ring(office)
    ready_to_press(office, OTHER_NUMBER)
    another, ours = ledger_file(office, ".other"), ledger_file(office, ".ours")
    with contextlib.closing(sqlite3.connect(another)) as making:
        making.execute("CREATE TABLE precious (a)")
    content = another.read_bytes()
    os.link(ledger_file(office), ours)
    another.replace(ledger_file(office))

    is_told_that_it_broke(office)
    assert office.slack.redeliver(first).payload["response_action"] == "errors"

    assert office.rings == 1
    assert ledger_file(office).read_bytes() == content, "a person may need that file"
    assert len([line for line in caplog.messages if "the ledger is lost" in line]) == 1
    ours.replace(ledger_file(office))
    assert office.press().acked
    office.slack.wait_for(lambda: office.rings == 2)
    assert [call.state for call in office.wait_until_settled()] == [State.PLACED] * 2


def test_a_bot_never_makes_an_empty_ledger_in_place_of_a_lost_folder(office: Office) -> None:
    delivery = office.call()
    is_placed_with_one_ring(office)
    folder = ledger_file(office).parent
    gone = folder.with_name("gone")
    folder.rename(gone)

    assert office.slack.redeliver(delivery).payload["response_action"] == "errors"

    assert not folder.exists()
    gone.rename(folder)
    is_safe_to_press_again(office, delivery)


# --- SQLite is locked, full or read-only -----------------------------------------------------------------


@contextlib.contextmanager
def locked(office: Office) -> Iterator[None]:
    """Another program works in the ledger and lets nobody write."""
    with contextlib.closing(sqlite3.connect(ledger_file(office), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def test_a_locked_ledger_is_told_honestly_and_nothing_rings(office: Office) -> None:
    press_is_told_honestly_and_nothing_rings(office, locked(office))


def test_an_outcome_waits_until_the_ledger_is_free_again(
    patient_office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    outcome_waits_for_the_end_of(locked(patient_office), patient_office, caplog)


@contextlib.contextmanager
def full_disk(process: BotProcess) -> Iterator[None]:
    """No file of the bot's can be written to, as on a full disk."""
    before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, before[1]))
    yield
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux can fill a disk for one program")
def test_a_full_disk_is_told_honestly_and_an_outcome_waits_for_space(
    empty_office: Office, process: BotProcess
) -> None:
    office, store = empty_office, Store(empty_office.database_url)
    process.start()
    office.slack.wait_for_connection()
    ready_to_press(office)
    with full_disk(process):
        is_told_that_it_broke(office)
        assert (office.rings, CallLedger(store).newest(9)) == (0, [])

    _delivery, answer = ringing(office, NotificationLedger(store))
    with full_disk(process):
        answer.seconds = 0
        office.slack.wait_for(lambda: any(NOT_WRITTEN in line for line in process.log), 10)
        assert CallLedger(store).newest(9)[0].state is State.PLACING

    office.wait_for_card(says_placed, 10)
    assert office.rings == 1
    store.close()


# Even root has to keep to a file's permissions, without CAP_DAC_OVERRIDE (1; 24 is PR_CAPBSET_DROP).
WITHOUT_POWER_OVER_FILES = """
import ctypes, os, sys
if os.geteuid() == 0:
    ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def test_a_ledger_that_may_not_be_written_to_ends_the_start_in_one_sentence(
    office: Office, bot_settings: dict[str, str], tmp_path: Path
) -> None:
    office.bot.stop()
    ledger_file(office).chmod(0o400)

    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_POWER_OVER_FILES, BOT],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], **bot_settings},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert ended.returncode == 1
    assert "The database cannot be used: attempt to write a readonly database" in ended.stderr
    assert "Traceback" not in ended.stderr


# --- PostgreSQL is gone or read-only for a while ---------------------------------------------------------


@pytest.fixture
def pg_office(tmp_path: Path, postgres_url: str) -> Iterator[Office]:
    """The bot is running on PostgreSQL."""
    office = Office(tmp_path, postgres_url)
    office.open(dial_deadline_s=PATIENCE_S)
    yield office
    office.close()


@contextlib.contextmanager
def stopped(server: Postgres) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


def test_postgresql_restarted_while_nothing_happens_costs_nobody_a_call(
    pg_office: Office, postgres_server: Postgres
) -> None:
    first = pg_office.call()
    is_placed_with_one_ring(pg_office)
    with stopped(postgres_server):
        pass

    is_safe_to_press_again(pg_office, first)
    pg_office.call(number=OTHER_NUMBER)
    pg_office.slack.wait_for(lambda: pg_office.rings == 2)


def test_a_press_while_postgresql_is_away_is_told_honestly(
    pg_office: Office, postgres_server: Postgres
) -> None:
    press_is_told_honestly_and_nothing_rings(pg_office, stopped(postgres_server))


def test_an_outcome_waits_until_postgresql_is_back(
    pg_office: Office, postgres_server: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    outcome_waits_for_the_end_of(stopped(postgres_server), pg_office, caplog)


@contextlib.contextmanager
def read_only(server: Postgres) -> Iterator[None]:
    """As after a fail-over, while only the standby answers."""
    with psycopg.connect(server.uri, autocommit=True) as operator:
        operator.execute("SET default_transaction_read_only = off")
        for everywhere in ("on", "off"):
            operator.execute(f"ALTER DATABASE postgres SET default_transaction_read_only = {everywhere}")
            operator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            if everywhere == "on":
                yield


def test_a_read_only_postgresql_is_told_honestly_and_nothing_rings(
    pg_office: Office, postgres_server: Postgres
) -> None:
    press_is_told_honestly_and_nothing_rings(pg_office, read_only(postgres_server))


# --- the connection is cut at the worst moment -----------------------------------------------------------


@pytest.fixture
def proxy(postgres_server: Postgres) -> Iterator[DatabaseProxy]:
    postgres_server.empty()
    with DatabaseProxy(postgres_server.socket) as proxy:
        yield proxy


@pytest.fixture
def far_office(tmp_path: Path, proxy: DatabaseProxy) -> Iterator[Office]:
    """The bot is running on PostgreSQL behind a connection that can be cut."""
    office = Office(tmp_path, proxy.url)
    office.open()
    yield office
    office.close()


MOMENTS = {
    "accept": "INSERT INTO calls",
    "begin": "began_at=",
    "finish": "SET state=$1, reason=",
    "claim the notification": "attempts=(notifications.attempts",
    "try the card": "card_tried_at=",
    "note the card": "card_ts=",
    "note what was told": "told_revision=",
    "give the lease back": "SET leased_until=",
}
KINDS = pytest.mark.parametrize("answer_only", [False, True], ids=["COMMIT lost", "only its answer lost"])


def press_until_accepted(office: Office) -> Delivery:
    """Press; a person who is told that it broke presses again, as the sentence says."""
    ready_to_press(office)
    delivery = office.press()
    assert delivery.acked
    if not office.page().startswith("*⏳"):
        assert BROKE in office.under("number")
        assert office.ledger() == [], "whose press was written down is told so, even if the answer was lost"
        delivery = office.press()
        assert delivery.acked
    office.wait_for_page("· dialing")
    return delivery


@KINDS
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_call_survives_a_cut_at_any_moment(
    far_office: Office,
    proxy: DatabaseProxy,
    moment: str,
    answer_only: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cut = proxy.cut(MOMENTS[moment], answer_only=answer_only)

    delivery = press_until_accepted(far_office)
    taken_unheard = (moment, answer_only) == ("begin", True)
    if taken_unheard:  # for dialing, but nobody learned that they may
        far_office.slack.wait_for(lambda: cut.done)
        far_office.pass_time(minutes=1)
        far_office.bot.wake()
    state = let_the_story_end(far_office)

    assert cut.done
    if taken_unheard:
        assert (state, far_office.rings) == (State.IN_DOUBT, 0)
        assert "may have rung" in far_office.told()[0]
        far_office.wait_for_card("not certain")
    else:
        assert (state, far_office.rings) == (State.PLACED, 1)
        far_office.wait_for_card(says_placed)
        assert far_office.told() == []
    is_safe_to_press_again(far_office, delivery)
    far_office.bot.stop()  # when nobody tries to write anything any more
    assert "came after the call was closed" not in caplog.text


@KINDS
@pytest.mark.parametrize("moment", ["finish", "note what was told"])
def test_a_no_is_heard_despite_a_cut_at_any_moment(
    far_office: Office, proxy: DatabaseProxy, moment: str, answer_only: bool
) -> None:
    far_office.evo.fault(OUTGOING, "400_json")
    cut = proxy.cut(MOMENTS[moment], answer_only=answer_only)

    delivery = press_until_accepted(far_office)
    state = let_the_story_end(far_office)

    assert cut.done
    assert (state, far_office.rings) == (State.REJECTED, 0)
    far_office.wait_for_card("rejected")
    assert all("checking whether the phone rang" in line for line in far_office.told())
    # Told twice is the price of never leaving a person untold.
    assert len(far_office.told()) == (2 if (moment, answer_only) == ("note what was told", False) else 1)
    is_safe_to_press_again(far_office, delivery)
