"""A whole day of trouble at the loudest log level, read through for what nobody may find there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.bot_process import BotProcess, sandbox_settings
from tests.scenario.office import BOSS, SARA, Office

SECRETS = ("xoxb-sandbox", "xapp-sandbox", "let-me-in", "sandbox-secret", "hunter2")
CALLED = ("8144043001", "8144043002", "8144043003", "8144043004", "8144043005")
PARTS = [number[3:] for number in CALLED] + [f"{number[3:6]}-{number[6:]}" for number in CALLED]
PEOPLE = ("sara@acme.test", "boss@acme.test")


@pytest.fixture(params=["text", "json"])
def bot(empty_office: Office, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[BotProcess]:
    settings = sandbox_settings(empty_office.slack, empty_office.evo, empty_office.database_url)
    bot = BotProcess({**settings, "LOG_LEVEL": "DEBUG", "LOG_FORMAT": request.param}, tmp_path)
    yield bot
    bot.close()


def test_no_secret_and_no_full_number_is_ever_printed(
    empty_office: Office, bot: BotProcess, tmp_path: Path
) -> None:
    office, slack, evo = empty_office, empty_office.slack, empty_office.evo
    bot.start()
    slack.wait_for_connection()

    office.call(SARA, CALLED[0])
    evo.wait_for(lambda: evo.posts == 1)
    evo.fault("/sessions/outgoing", "403_text")
    slack.fault("response_url", "500")
    office.call(SARA, CALLED[1])
    evo.wait_for(lambda: evo.posts == 2)
    evo.fault("/sessions/outgoing", "cut_after_ring")
    slack.fault("chat.postMessage", "lose_answer")
    office.call(BOSS, CALLED[2])
    office.wait_until_told("connection to Evo Voice broke", BOSS)
    evo.expire_logins()
    evo.fault("/auth/credentials", "garbage_200")
    slack.fault("chat.update", "error:cant_update_message", times=None)
    office.call(BOSS, CALLED[3])
    slack.fault("users.info", "cut", times=None)
    slack.type_command("U_ROOT", CALLED[4])
    slack.wait_for_modal("U_ROOT", "call_notice")
    slack.send(
        "view_submission", {"user": {"id": SARA}, "view": {"callback_id": "call_form", "oops": CALLED[4]}}
    )
    slack.wait_for(lambda: len(office.told(BOSS)) == 2)
    with sqlite3.connect(tmp_path / "ledger.db") as other:
        other.execute("BEGIN EXCLUSIVE")
        office.form(SARA)
        office.fill(SARA, CALLED[4])
        office.press(SARA)  # the database is locked
    slack.disconnect("token_revoked")
    office.slack.wait_for(lambda: any("SLACK_APP_TOKEN" in line for line in list(bot.log)), 10)
    assert bot.stop() == 0

    printed = "\n".join(bot.output + bot.log)
    assert "+18…01" in printed or "+18\\u202601" in printed, "numbers are there, masked"
    assert "Traceback" in printed, "something really broke"
    for word in (*SECRETS, *PARTS, *PEOPLE):
        assert word not in printed, word
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("ledger.db*"))
    for word in (*SECRETS, *PEOPLE):
        assert word.encode() not in kept, word


@pytest.mark.parametrize(
    "url", ["postgresql://bot:hunter2@127.0.0.1:1/x", "postgresql://bot:hunter2@[::1]:1/x?sslmode=disable"]
)
def test_a_database_that_cannot_be_reached_is_reported_without_its_password(
    empty_office: Office, tmp_path: Path, url: str
) -> None:
    settings = sandbox_settings(empty_office.slack, empty_office.evo, url)
    bot = BotProcess({**settings, "LOG_LEVEL": "DEBUG"}, tmp_path)
    bot.spawn()
    try:
        words = "PostgreSQL does not answer"
        empty_office.slack.wait_for(lambda: any(words in line for line in list(bot.log)), 20)
        assert bot.stop() == 0
    finally:
        bot.close()

    assert "hunter2" not in "\n".join(bot.output + bot.log)
