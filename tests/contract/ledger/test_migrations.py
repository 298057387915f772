"""A database of the version before is brought up to date with every row in it, on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from evoslack.calling.calls import CallRequest, Placed, State
from evoslack.calling.refusals import NumberBusy
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.notifications import NotificationLedger
from evoslack.ledger.store import Store

T0 = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BEFORE = "0003"
TABLES = ("calls", "news", "turns", "homes", "steps")


def call(state: str, **more: Any) -> dict[str, Any]:
    """A call in that state; each has a number of its own."""
    values = {
        "id": f"call {state}",
        "request_key": f"key {state}",
        "team_id": "T1",
        "user_id": "U_SARA",
        "account_id": "acc1",
        "flow_id": "flow1",
        "flow_name": "Überraschung ☎",
        "number": f"+1202555{sum(map(ord, state)):04}",
        "caller_id": "+12025550100",
        "channel_id": "C1",
        "response_url": "https://hooks.slack.com/x",
        "state": state,
        "detail": "",
        "accepted_at": T0,
    }
    return {**values, **more}


CALLS = [
    call("accepted"),
    call("placing", began_at=T0),
    call("placed", progress="ringing", session_id="s1", known_ids='["s0"]', skew_s=-1.5, found_later=False),
    call("rejected", reason="bad_request", detail="no such number", progress="waiting"),
    call("in_doubt", reason="no_answer", progress="lost", lost_reason="unclear", unclear=True),
    call("expired", reason="waited", finished_at=T0),
]


def notifications(of: dict[str, Any]) -> dict[str, Any]:
    """What is told of it: the card is there, the rest is due."""
    return {
        "call_id": of["id"],
        "revision": 2,
        "due_at": T0,
        "attempts": 0,
        "card_channel": "C_CALLS",
        "card_ts": "1.5",
        "card_revision": 1,
        "card_problem": "",
        "told_revision": 1,
        "told_bad_news": True,
        "told_what": of["state"],
    }


STEP = {
    "execution_id": "Fx1",
    "team_id": "T1",
    "inputs": "{}",
    "asked_at": T0,
    "call_id": "call placed",
    "attempts": 3,
}
REFUSED = {**STEP, "execution_id": "Fx2", "call_id": None, "refusal": "Nothing was dialed.", "ended_at": T0}
HOME = {"team_id": "T1", "user_id": "U_SARA", "look": "{}", "sees_all": True, "opened_at": T0}
TURN = {"name": "following", "holder": "bot 1", "until": T0}


def rows(engine: sa.Engine) -> dict[str, list[dict[str, Any]]]:
    """Everything in the tables of before, whatever they are called by columns now."""
    with engine.connect() as connection:
        return {
            name: sorted(
                (dict(row) for row in connection.execute(sa.text(f"SELECT * FROM {name}")).mappings()),
                key=str,
            )
            for name in TABLES
        }


@pytest.fixture
def before(database_url: str) -> dict[str, list[dict[str, Any]]]:
    """A database as the version before left it, with rows in every table; what is in it."""
    engine = sa.create_engine(database_url)
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
    assert set(tables.tables) == {*TABLES, "alembic_version"}
    filled = {
        "calls": CALLS,
        "news": [notifications(of) for of in CALLS],
        "steps": [STEP, REFUSED],
        "homes": [HOME],
        "turns": [TURN],
    }
    with engine.begin() as connection:
        for name, values in filled.items():
            for each in values:
                connection.execute(sa.insert(tables.tables[name]).values(**each))
    return rows(engine)


@pytest.fixture
def store(before: dict[str, list[dict[str, Any]]], database_url: str) -> Any:
    """The same database, opened by this version."""
    store = Store(database_url)
    store.open()
    yield store
    store.close()


def test_every_row_is_kept_as_it_was(before: dict[str, list[dict[str, Any]]], store: Store) -> None:
    after = rows(store.engine)

    assert {name: len(found) for name, found in after.items()} == {
        "calls": len(CALLS),
        "news": len(CALLS),
        "turns": 1,
        "homes": 1,
        "steps": 2,
    }
    for row in after["calls"]:
        assert row.pop("deliveries") is None
    assert {name: sorted(found, key=str) for name, found in after.items()} == before


def test_what_was_under_way_goes_on(store: Store) -> None:
    ledger = CallLedger(store)
    assert [each.state for each in ledger.newest(9)].count(State.PLACED) == 1
    begun = ledger.begin(at=T0, accepted_after=T0 - MINUTE)
    assert begun is not None
    assert begun.id == "call accepted"
    assert ledger.begin(at=T0, accepted_after=T0 - MINUTE) is None
    placed = ledger.finish(begun.id, Placed(), at=T0)
    assert placed is not None
    assert placed.state is State.PLACED
    assert ledger.abandon(at=T0 + MINUTE, received_before=None) == [], "nobody received anything then"
    assert [each.id for each in ledger.doubt_orphans(at=T0, began_before=T0)] == ["call placing"]
    assert NotificationLedger(store).count_untold() == len(CALLS)


@pytest.mark.parametrize("state", ["accepted", "placing"])
def test_a_number_that_was_being_dialed_is_still_held(store: Store, state: str) -> None:
    number = call(state)["number"]
    request = CallRequest("new", "T1", "U_BOSS", "acc1", "flow1", "Survey", number, "+12025550100")

    with pytest.raises(NumberBusy):
        CallLedger(store).receive(request, at=T0 + MINUTE, require_time=lambda: None)


@pytest.mark.parametrize("state", ["accepted", "placing", "received"])
def test_two_open_calls_to_one_number_meet_the_index(store: Store, state: str) -> None:
    """Whatever the statement before it overlooked."""
    with store.engine.begin() as connection:
        tables = sa.MetaData()
        tables.reflect(connection, only=["calls"])
    second = call(state, id="second", request_key="second", number=call("accepted")["number"])

    with pytest.raises(sa.exc.IntegrityError), store.engine.begin() as connection:
        connection.execute(sa.insert(tables.tables["calls"]).values(**second))
