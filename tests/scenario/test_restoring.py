"""An operator backs the ledger up and restores it: what was forgotten does not ring again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from evoslack.calling.calls import State
from evoslack.ledger.calls import CallLedger
from evoslack.ledger.store import Store
from sandbox.bot_process import BOT
from tests.calls import call_request
from tests.scenario.office import BOSS, SARA, Office

DAY = timedelta(days=1)
OTHER = "201 555 0123"


def run(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The command line, with nothing set but what is given."""
    env = {"PATH": os.environ["PATH"], "PYTHONWARNINGS": "error", **settings}
    command = [sys.executable, str(BOT), *arguments]
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False
    )


def ledger_of(office: Office) -> Path:
    return Path(str(sa.make_url(office.database_url).database))


def test_ring_back_up_ring_restore_and_no_form_of_before_rings_again(office: Office, tmp_path: Path) -> None:
    """The restored ledger has forgotten the second call, and its form is still open on another device."""
    office.call(BOSS, OTHER)
    office.form(SARA)
    office.fill(SARA)
    office.wait_until_settled()

    made = run(tmp_path, "--backup", "ledger.backup", DATABASE_URL=office.database_url)
    assert made.stdout.startswith(f"Backed up {ledger_of(office)} to {tmp_path}/ledger.backup (1 call, ")
    assert (made.returncode, made.stderr) == (0, "")
    forgotten = office.press(SARA)
    office.wait_until_settled()
    assert office.rings == 2

    office.bot.stop()
    shutil.copy(tmp_path / "ledger.backup", ledger_of(office))
    office.open()
    office.slack.wait_for(office.bot.catalog.refresh, what="flows to offer")
    answer = office.slack.redeliver(forgotten).payload

    assert "EvoSlack was restored from a backup while this form was open." in str(answer)
    assert office.rings == 2
    office.call(SARA)  # a new form, after checking
    office.evo.wait_for(lambda: office.rings == 3)


def test_a_call_for_later_is_not_certain_after_a_restore_and_its_caller_is_told(
    empty_office: Office, tmp_path: Path
) -> None:
    """It may have been taken back since the backup: never a ring after a no."""
    store = Store(empty_office.database_url)
    store.open()
    calls = CallLedger(store)
    request = call_request("a-key", team_id=empty_office.slack.team_id, due_at=datetime.now(UTC) + DAY)
    call = calls.receive(request, at=datetime.now(UTC), require_time=lambda: None)
    calls.confirm([call.id], at=datetime.now(UTC))
    store.close()

    said = run(tmp_path, "--restored", DATABASE_URL=empty_office.database_url)
    empty_office.open()

    assert said.stdout.startswith(
        "This ledger was restored from a backup. Calls that waited in it: 1; they are "
    )
    assert said.returncode == 0
    card = empty_office.wait_for_card("not certain")
    assert "It may have rung, once. EvoSlack won't redial. Check Evo Voice before calling again." in str(card)
    assert "restored from a backup in which this call was still waiting" in str(card)
    words = empty_office.wait_until_told("restored from a backup")
    assert "not certain" in words
    empty_office.pass_time(days=2)
    empty_office.bot.wake()
    assert empty_office.wait_until_settled()[0].state is State.IN_DOUBT
    assert empty_office.rings == 0


@pytest.mark.parametrize(
    ("arguments", "url", "code", "words"),
    [
        (["--backup", "copy"], "sqlite:///none.db", 1, "No backup was made. There is no ledger yet: "),
        (["--backup", "copy"], "mysql://db", 2, "DATABASE_URL"),
        (["--restored"], "sqlite:///none.db", 1, "There is no ledger: "),
        (["--restored"], "postgresql://u:secret@127.0.0.1:1/calls", 1, "The ledger cannot be used: "),
        (
            ["--backup", "a copy"],
            "postgresql://u:secret@db/calls?sslmode=require&sslpassword=secret",
            1,
            "pg_dump --format=custom '--file=a copy' 'postgresql://u@db/calls?sslmode=require'",
        ),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    tmp_path: Path, arguments: list[str], url: str, code: int, words: str
) -> None:
    said = run(tmp_path, *arguments, DATABASE_URL=url)

    assert (said.returncode, said.stdout) == (code, "")
    assert words in said.stderr
    assert "secret" not in said.stderr
    assert "Traceback" not in said.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_that_a_bot_uses_is_not_declared_restored(office: Office, tmp_path: Path) -> None:
    said = run(tmp_path, "--restored", DATABASE_URL=office.database_url)

    assert said.stderr == f"A bot is using {ledger_of(office)}. Stop it first.\n"
    assert said.returncode == 1
