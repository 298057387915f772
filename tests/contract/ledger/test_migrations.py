"""A database of the previous version is brought up to date with every row in it, on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from evoslack.calling.calls import HangUp, LostReason, Progress, State
from evoslack.calling.history_filter import HistoryFilter, HomeTab, Scope
from evoslack.calling.outcomes import Placed, Reason
from evoslack.calling.refusals import FormUsed, NumberBusy
from evoslack.calling.workflow_step import StepInputs, WorkflowStep
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.home_tabs import HomeTabLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.schema import metadata
from evoslack.ledger.store import Store
from evoslack.ledger.tables import newest_version
from evoslack.ledger.tracked_calls import TrackedCallLedger
from evoslack.ledger.workflow_steps import WorkflowStepLedger
from tests.calls import call_request

T0 = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
BEFORE = "0004"
NEW_TABLES = {
    "calls": "calls",
    "news": "notifications",
    "homes": "home_tabs",
    "steps": "workflow_steps",
    "turns": "leases",
    "used_keys": "used_keys",
}
NEW_COLUMNS = {
    "calls": {
        "why": "reason",
        "lost_why": "lost_reason",
        "by_sight": "found_later",
        "end_word": "evo_outcome",
        "unclear": "is_ambiguous",
    },
    "homes": {"look": "history_filter"},
}
ADDED = {
    "calls": {
        **dict.fromkeys(("caller_id_label", "view_id", "anyway", "note"), ""),
        **dict.fromkeys(("hung_up_by", "result", "noted_by", "noted_at")),
        "note_revision": 0,
        "due_at": None,
        "hours_reason": "",
        "canceled_by": None,
    },
    "news": {"told_channel": "", "told_ts": "", "card_is_masked": None},
    "homes": {"attempts": 0},
}
JSON_COLUMNS = {("calls", "known_ids"), ("homes", "look"), ("steps", "inputs")}
FILTER = HistoryFilter(Scope.TEAM, "814 404", "U_BOSS")  # on the newest page
OLD_FILTER = '{"whose":"team","typed":"814 404","person":"U_BOSS","page":2}'  # as 0004 wrote it
INPUTS = {"user_id": "U_SARA", "flow_id": "flow2", "number": "\ud83d 814\x00", "caller_id": ""}


def call(name: str, state: str, **more: Any) -> dict[str, Any]:
    """A call in that state; each has a number of its own."""
    values = {
        "id": f"call {name}",
        "request_key": f"key {name}",
        "team_id": "T1",
        "user_id": "U_SARA",
        "account_id": "acc1",
        "flow_id": "flow1",
        "flow_name": "Überraschung ☎",
        "number": f"+1202555{sum(map(ord, name)):04}",
        "caller_id": "+12025550100",
        "channel_id": "C1",
        "response_url": "https://hooks.slack.com/x",
        "state": state,
        "detail": "",
        "accepted_at": T0,
    }
    return {**values, **more}


# Every state, every reason, every progress, every way to lose a call.
CALLS = [
    call("received", "received", deliveries=2),
    call("accepted", "accepted"),
    call("placing", "placing", began_at=T0),
    call("placed", "placed", finished_at=T0, session_id="s1", call_sid="CA1"),
    call("in doubt", "in_doubt", why="no_answer", detail="30 s", progress="waiting", known_ids="[]"),
    call("expired", "expired", why="waited", finished_at=T0),
    call(
        "ended",
        "placed",
        progress="ended",
        by_sight=True,
        answered_at=T0,
        ended_at=T0 + MINUTE,
        gone_since=T0,
        end_word="Completed",
    ),
    *(
        call(f"progress {progress}", "placed", progress=progress, known_ids='["CA0", "s0"]', skew_s=-1.5)
        for progress in Progress
    ),
    *(
        call(f"hang up {hang_up}", "placed", progress="ringing", hang_up=hang_up, hang_up_at=T0)
        for hang_up in HangUp
    ),
    *(call(f"lost {why}", "in_doubt", progress="lost", lost_why=why, unclear=True) for why in LostReason),
    *(call(f"why {why}", "rejected", why=why) for why in Reason if why is not Reason.LOGIN_REJECTED),
    call("refused", "rejected", why="login_refused"),
]


def notification_row(of: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Its notification row: the card is posted, the rest is due."""
    values = {
        "call_id": of["id"],
        "revision": 2,
        "due_at": None if of["state"] == "received" else T0,
        "attempts": 0,
        "card_channel": "C_CALLS",
        "card_ts": "1.5",
        "card_revision": 1,
        "card_problem": "",
        "told_revision": 1,
        "told_bad_news": True,
        "told_what": of["state"],
    }
    return {**values, **more}


# Nothing due, waiting, and leased by a bot of the previous version, which left `due_at` set.
NOTIFICATIONS = {of["id"]: notification_row(of) for of in CALLS}
NOTIFICATIONS["call placed"] |= {"due_at": None}
NOTIFICATIONS["call expired"] |= {
    "due_at": T0 + MINUTE,
    "attempts": 3,
    "card_due_at": T0 + MINUTE,
    "card_tried_at": T0,
}
NOTIFICATIONS["call in doubt"] |= {"leased_until": T0 + MINUTE, "attempts": 1}


def step(execution_id: str, **more: Any) -> dict[str, Any]:
    """A workflow step that is due."""
    values = {
        "execution_id": execution_id,
        "team_id": "T1",
        "inputs": json.dumps(INPUTS),
        "asked_at": T0,
        "due_at": T0,
        "attempts": 0,
    }
    return {**values, **more}


def home(user_id: str, **more: Any) -> dict[str, Any]:
    """A Home tab that is up to date."""
    values = {"team_id": "T1", "user_id": user_id, "look": "", "sees_all": False, "opened_at": T0}
    return {**values, **more}


ROWS: dict[str, list[dict[str, Any]]] = {
    "calls": CALLS,
    "news": list(NOTIFICATIONS.values()),
    "steps": [
        step("Fx due"),
        step("Fx unreadable", inputs="", due_at=T0 + SECOND),
        step("Fx left", due_at=None, leased_until=T0 + 2 * SECOND, attempts=3),
        step("Fx waits", due_at=T0 + DAY, call_id="call placed"),
        step("Fx changed", leased_until=T0 + DAY, call_id="call accepted", attempts=1),
        step("Fx over", due_at=None, call_id="call ended", ended_at=T0),
        step("Fx refused", due_at=None, refusal="Nothing was dialed.", ended_at=T0),
    ],
    "homes": [
        home("U_NEW"),
        home("U_DUE", due_at=T0, look=OLD_FILTER, sees_all=True),
        home("U_LEFT", leased_until=T0 + SECOND),
        home("U_RESTS", due_at=T0, shown_at=T0),
    ],
    "turns": [{"name": "following", "holder": "bot 1", "until": T0 + MINUTE}],
    "used_keys": [{"request_key": "used", "used_at": T0}],
}


def read(engine: sa.Engine, names: Any) -> dict[str, list[dict[str, Any]]]:
    """Every value in these tables, by whatever columns they have."""
    with engine.connect() as connection:
        return {
            name: sorted(
                (dict(row) for row in connection.execute(sa.text(f"SELECT * FROM {name}")).mappings()),
                key=lambda row: str(sorted(row.items())[:4]),
            )
            for name in names
        }


def renamed(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """A row of the previous version as it must stand in this one."""
    names = NEW_COLUMNS.get(table, {})
    after = {names.get(column, column): value for column, value in row.items()}
    for _, column in (each for each in JSON_COLUMNS if each[0] == table):
        name = names.get(column, column)
        after[name] = json.loads(row[column]) if row[column] else None
    if after.get("reason") == "login_refused":
        after["reason"] = "login_rejected"
    return after | ADDED.get(table, {})


@pytest.fixture
def before(new_database_url: str) -> dict[str, list[dict[str, Any]]]:
    """A database as the previous version left it, with rows of every kind; what is in it."""
    engine = sa.create_engine(new_database_url)
    try:
        return filled_before(engine)
    finally:
        engine.dispose()


def filled_before(engine: sa.Engine) -> dict[str, list[dict[str, Any]]]:
    config = Config()
    config.set_main_option("script_location", "evoslack.ledger:migrations")
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, BEFORE)
        connection.commit()
    tables = sa.MetaData()
    tables.reflect(engine)
    assert set(tables.tables) == {*NEW_TABLES, "alembic_version"}
    with engine.begin() as connection:
        for name, rows in ROWS.items():
            for row in rows:
                connection.execute(sa.insert(tables.tables[name]).values(**row))
    found = read(engine, NEW_TABLES)
    engine.dispose()
    return found


@pytest.fixture
def store(before: dict[str, list[dict[str, Any]]], new_database_url: str) -> Iterator[Store]:
    """The same database, opened by this version."""
    store = Store(new_database_url)
    store.open()
    yield store
    store.close()


def test_every_row_and_value_is_kept(before: dict[str, list[dict[str, Any]]], store: Store) -> None:
    after = read(store.engine, NEW_TABLES.values())

    for old, new in NEW_TABLES.items():
        for row in after[new]:
            row.pop("outcome", None)  # the database computes it
            for column in (each for each in row if (new, each) in _json_columns()):
                row[column] = json.loads(row[column]) if isinstance(row[column], str) else row[column]
        expected = [renamed(old, row) for row in before[old]]
        assert len(expected) == len(ROWS[old])
        assert sorted(after[new], key=_order) == sorted(expected, key=_order)


def _json_columns() -> set[tuple[str, str]]:
    return {
        (table.name, column.name)
        for table in metadata.sorted_tables
        for column in table.c
        if isinstance(column.type, sa.JSON)
    }


def _order(row: dict[str, Any]) -> str:
    return str(sorted(row.items()))


def test_every_call_can_be_read(store: Store) -> None:
    found = {call.id: call for call in CallLedger(store).newest(100)}

    assert {call["id"]: call["state"] for call in CALLS} == {each.id: each.state for each in found.values()}
    assert {call.reason for call in found.values()} == {None, *Reason}
    assert found["call refused"].reason is Reason.LOGIN_REJECTED
    assert {call.progress for call in found.values()} == {None, *Progress}
    assert {call.lost_reason for call in found.values()} == {None, *LostReason}
    assert {call.hang_up for call in found.values()} == {None, *HangUp}
    ended = found["call ended"]
    assert (ended.evo_outcome, ended.found_later, ended.talked_s) == ("Completed", True, 60)


def test_what_was_received_accepted_or_placing_goes_on(store: Store) -> None:
    ledger = CallLedger(store)
    begun = ledger.begin(at=T0, accepted_after=T0 - MINUTE)
    assert begun is not None
    assert begun.id == "call accepted"
    assert ledger.begin(at=T0, accepted_after=T0 - MINUTE) is None
    placed = ledger.finish(begun.id, Placed(), at=T0)
    assert placed is not None
    assert placed.state is State.PLACED
    assert [each.id for each in ledger.confirm(["call received"], at=T0)] == ["call received"]
    assert [each.id for each in ledger.doubt_orphans(at=T0, began_before=T0)] == ["call placing"]


def test_what_was_tracked_is_still_tracked(store: Store) -> None:
    tracked = TrackedCallLedger(store)
    found = {each.call_id: each for each in tracked.in_progress()}

    expected = {each["id"] for each in CALLS if each.get("progress") in {"waiting", "ringing", "answered"}}
    assert found.keys() == expected
    assert found["call progress ringing"].known_ids == {"CA0", "s0"}
    assert found["call progress ringing"].skew == -1.5 * SECOND
    assert (found["call in doubt"].known_ids, found["call hang up asked"].known_ids) == (frozenset(), None)
    assert not tracked.take_lease("following", "bot 2", at=T0 + MINUTE - SECOND, until=T0 + DAY)
    assert tracked.take_lease("following", "bot 2", at=T0 + MINUTE, until=T0 + DAY)


def told_at(notifications: NotificationLedger, at: datetime) -> set[str]:
    """The calls that can be claimed then."""
    lease = at + DAY
    return {each.call.id for each in iter(lambda: notifications.claim(at=at, until=lease), None)}


def test_pending_and_leased_notifications_are_delivered(store: Store) -> None:
    notifications = NotificationLedger(store)
    at_peace = {"call received", "call placed"}
    assert notifications.count_untold() == len(CALLS) - len(at_peace)

    at_once = told_at(notifications, T0)

    later = {"call expired", "call in doubt"}
    assert at_once == {each["id"] for each in CALLS} - at_peace - later
    assert told_at(notifications, T0 + MINUTE - SECOND) == set()
    left = notifications.claim(at=T0 + MINUTE, until=T0 + DAY)
    assert left is not None
    assert left.attempts in {2, 4}
    assert {left.call.id} | told_at(notifications, T0 + MINUTE) == later
    assert notifications.count_untold() == len(CALLS) - len(at_peace), "nothing is told yet"


def test_a_bot_that_is_alone_delivers_at_once_what_the_previous_version_leased(store: Store) -> None:
    notifications = NotificationLedger(store)
    notifications.drop_leases(at=T0)

    assert told_at(notifications, T0) == {each["id"] for each in CALLS} - {"call received", "call placed"}


def test_a_change_of_a_call_with_a_leased_notification_is_delivered_as_well(store: Store) -> None:
    ledger, notifications = CallLedger(store), NotificationLedger(store)
    ledger.finish("call in doubt", Placed(), at=T0 + SECOND)
    assert "call in doubt" not in told_at(notifications, T0 + SECOND), "its bot still has the lease"

    claimed = notifications.claim(at=T0 + MINUTE, until=T0 + 2 * MINUTE)
    while claimed is not None and claimed.call.id != "call in doubt":
        claimed = notifications.claim(at=T0 + MINUTE, until=T0 + 2 * MINUTE)

    assert claimed is not None
    assert (claimed.call.state, claimed.revision) == (State.PLACED, 3)


def test_steps_go_on_where_they_were(store: Store) -> None:
    steps, inputs = WorkflowStepLedger(store), StepInputs(**INPUTS)

    def claim(at: datetime) -> WorkflowStep | None:
        return steps.claim(at=at, until=at + DAY + DAY)

    assert claim(T0) == WorkflowStep("Fx due", "T1", inputs, T0)
    assert claim(T0) is None
    assert claim(T0 + SECOND) == WorkflowStep("Fx unreadable", "T1", None, T0)
    assert claim(T0 + 2 * SECOND) == WorkflowStep("Fx left", "T1", inputs, T0, attempts=3)
    assert claim(T0 + DAY - SECOND) is None
    last = [claim(T0 + DAY), claim(T0 + DAY)]
    assert {each.execution_id for each in last if each} == {"Fx waits", "Fx changed"}
    assert claim(T0 + DAY) is None, "what has ended stays so"


def test_home_tabs_go_on_where_they_were(store: Store) -> None:
    homes = HomeTabLedger(store)

    def claim(at: datetime) -> HomeTab | None:
        return homes.claim(at=at, until=at + DAY, shown_before=at - 2 * SECOND)

    assert claim(T0) == HomeTab("T1", "U_DUE", FILTER, T0, sees_all=True)
    assert claim(T0) is None
    assert claim(T0 + SECOND) == HomeTab("T1", "U_LEFT", None, T0)
    assert claim(T0 + 2 * SECOND) == HomeTab("T1", "U_RESTS", None, T0)
    assert claim(T0 + 2 * SECOND) is None
    homes.mark_opened("T1", "U_NEW", at=T0 + MINUTE)
    assert claim(T0 + MINUTE) == HomeTab("T1", "U_NEW", None, T0 + MINUTE)


def test_a_form_whose_call_is_deleted_is_still_used(store: Store) -> None:
    request = call_request("used")

    with pytest.raises(FormUsed):
        CallLedger(store).accept(request, at=T0)


@pytest.mark.parametrize("name", ["received", "accepted", "placing"])
def test_a_number_that_was_being_dialed_is_still_held(store: Store, name: str) -> None:
    number = call(name, name)["number"]
    request = call_request("new", number, user_id="U_BOSS")

    with pytest.raises(NumberBusy):
        CallLedger(store).receive(request, at=T0 + MINUTE, require_time=lambda: None)


@pytest.mark.parametrize("state", ["accepted", "placing", "received"])
def test_two_open_calls_to_one_number_violate_the_index(store: Store, state: str) -> None:
    """Whatever the statement before it overlooked."""
    second = call("second", state, number=call("accepted", "accepted")["number"])

    with pytest.raises(sa.exc.IntegrityError), store.engine.begin() as connection:
        connection.execute(sa.insert(metadata.tables["calls"]).values(**second))


def test_the_newest_version_is_that_of_the_last_migration() -> None:
    """It stands in `ledger.tables` too, so that a start need not import Alembic to know it."""
    config = Config()
    config.set_main_option("script_location", "evoslack.ledger:migrations")

    assert ScriptDirectory.from_config(config).get_current_head() == newest_version()
