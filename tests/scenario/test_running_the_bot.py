"""An operator runs `python bot.py`: the ready line, the shutdown, --check, and wrong settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from evoslack import __version__
from evoslack.settings.environment import read_environment
from sandbox.bot_process import BOT, BotProcess, sandbox_settings
from tests.scenario.office import SARA, TYPED, Office, says_placed

HELP = {"HELP_CONTACT": "C_HELP"}, "not in #help; type /invite"
SECRETS = ("xoxb-sandbox", "xapp-sandbox", "let-me-in", "sandbox-secret")


def run(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "PYTHONWARNINGS": "error", **settings}
    command = [sys.executable, str(BOT), *arguments]
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=30, check=False
    )


def press_call(office: Office) -> None:
    office.slack.wait_for_connection()
    office.form(SARA, TYPED)
    office.fill()
    assert office.press().acked


def test_one_ready_line_then_a_call_then_a_clean_stop(empty_office: Office, process: BotProcess) -> None:
    assert process.start() == f"EvoSlack {__version__} is ready: Socket Mode, /call, cards go to C_CALLS."

    press_call(empty_office)
    empty_office.wait_for_card(says_placed)

    assert process.stop() == 0
    assert process.output[-1] == "EvoSlack stopped. Unfinished calls: none."
    for secret in (*SECRETS, "8144043093", "404-3093"):
        assert secret not in "\n".join(process.output + process.log)


def test_stopped_while_dialing_the_bot_finishes_the_call(empty_office: Office, process: BotProcess) -> None:
    process.start()
    empty_office.evo.fault("/sessions/outgoing", "slow_after_ring", seconds=1.5)
    press_call(empty_office)
    empty_office.evo.wait_for(lambda: empty_office.rings)

    assert process.stop() == 0

    assert "· calling" in empty_office.cards()[0]["text"]
    assert process.output[-1] == "EvoSlack stopped. Unfinished calls: none."


def test_json_logs_are_one_object_per_line(
    empty_office: Office, bot_settings: dict[str, str], tmp_path: Path
) -> None:
    bot = BotProcess({**bot_settings, "LOG_FORMAT": "json"}, tmp_path)
    try:
        bot.start()
        press_call(empty_office)
        empty_office.wait_for_card(says_placed)
        assert bot.stop() == 0
    finally:
        bot.close()

    lines = [json.loads(line) for line in bot.log]
    assert [line["state"] for line in lines if "state" in line] == ["accepted", "placing", "placed"]
    assert len({line["call_id"] for line in lines if "call_id" in line}) == 1


def test_every_problem_with_the_settings_is_listed_at_once(tmp_path: Path) -> None:
    result = run(tmp_path, SLACK_BOT_TOKEN="secret-but-wrong", PORT="many", EVO_BASE_URL="http://evovoice.io")

    assert result.returncode == 2
    for words in ("SLACK_BOT_TOKEN is not", "PORT is not", "EVO_BASE_URL must", "EVO_PASSWORD is missing"):
        assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert "secret-but-wrong" not in result.stderr + result.stdout


def test_a_dot_env_file_is_read_and_the_real_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=many\nLOG_FORMAT=loud\n", encoding="utf-8")

    result = run(tmp_path, PORT="3000")

    assert "LOG_FORMAT must" in result.stderr
    assert "PORT" not in result.stderr


def test_a_dot_env_file_is_taken_literally(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password may look like a variable, in any kind of quotes."""
    lines = [
        "EVO_PASSWORD='p${HOME}w'",
        'EVO_USERNAME="u${HOME}"',
        "DATABASE_URL=postgresql://x:${a:-b}$c@db",
        *("SLACK_BOT_TOKEN=xoxb-1", "SLACK_APP_TOKEN=xapp-1", "CALLS_CHANNEL=C1"),
    ]
    (tmp_path / ".env").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    found = read_environment({}).settings

    assert found.evo_password == "p${HOME}w"
    assert found.evo_username == "u${HOME}"
    assert found.database_url == "postgresql+psycopg://x:${a:-b}$c@db"


def test_the_log_begins_with_where_the_settings_came_from(
    empty_office: Office, bot_settings: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("EVO_REGION=x\nDATABASE_URL=sqlite:///here.db\n", encoding="utf-8")
    (tmp_path / ".env").chmod(0o600)
    del bot_settings["DATABASE_URL"]
    bot = BotProcess(bot_settings, tmp_path)
    try:
        bot.start()
        assert bot.stop() == 0
    finally:
        bot.close()

    assert [line.split(" ", 1)[1] for line in bot.log[:3]] == [
        f"INFO evoslack.cli settings: read from {tmp_path}/.env and the environment.",
        (
            f"INFO evoslack.cli ledger: {tmp_path}/here.db, "
            "because DATABASE_URL is relative to the working directory."
        ),
        "WARNING evoslack.cli settings: EVO_REGION is not a setting of EvoSlack, so it has no effect.",
    ]
    assert (tmp_path / "here.db").exists()


def test_an_unknown_host_ends_in_a_sentence(bot_settings: dict[str, str], tmp_path: Path) -> None:
    http = {"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": "sandbox-secret", "HOST": "no.such.host.invalid"}

    result = run(tmp_path, **bot_settings | http)

    assert result.returncode == 1
    assert "HOST is not a name or an address of this machine" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("is_lock_deleted", [False, True])
def test_a_second_bot_on_the_same_file_stops_with_one_sentence(
    process: BotProcess, bot_settings: dict[str, str], tmp_path: Path, is_lock_deleted: bool
) -> None:
    process.start()
    if is_lock_deleted:
        (tmp_path / "ledger.db.lock").unlink()

    result = run(tmp_path, **bot_settings)

    assert result.returncode == 1
    assert "Another bot is using" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("name", "token"), [("SLACK_BOT_TOKEN", "xoxb-wrong"), ("SLACK_APP_TOKEN", "xapp-wrong")]
)
def test_a_token_that_slack_rejects_ends_in_one_sentence(
    bot_settings: dict[str, str], tmp_path: Path, name: str, token: str
) -> None:
    result = run(tmp_path, **{**bot_settings, name: token})

    assert result.returncode == 1
    assert f"Slack rejected {name}: invalid_auth." in result.stderr
    assert "Traceback" not in result.stderr


def test_check_finds_everything_ready_and_changes_nothing(empty_office: Office, tmp_path: Path) -> None:
    settings = sandbox_settings(empty_office.slack, empty_office.evo, f"sqlite:///{tmp_path}/new.db")

    result = run(tmp_path, "--check", **settings)

    assert result.returncode == 0, result.stdout + result.stderr
    assert "PROBLEM" not in result.stdout
    assert result.stdout.rstrip().endswith("Everything is ready.")
    assert (empty_office.rings, empty_office.evo.posts, empty_office.cards()) == (0, 0, [])
    assert not (tmp_path / "new.db").exists()


@pytest.mark.parametrize(
    ("roles", "words"), [(("Manager", "User"), "may end calls"), (("Manager",), "lacks")]
)
def test_check_says_whether_cards_can_offer_hang_up(
    empty_office: Office, tmp_path: Path, roles: tuple[str, ...], words: str
) -> None:
    empty_office.evo.world.logins["bot@acme.test"].roles = roles
    settings = sandbox_settings(empty_office.slack, empty_office.evo, f"sqlite:///{tmp_path}/new.db")

    result = run(tmp_path, "--check", **settings)

    assert result.returncode == 0, "not a problem: calls can still be placed"
    (line,) = [line for line in result.stdout.splitlines() if "hang up:" in line]
    assert words in line


@pytest.mark.parametrize(
    ("contact", "words"),
    [
        ("", "HELP_CONTACT is not set"),
        ("IT support", "only the words “IT support” are shown"),
        ("U_ROOT", "requests for access go to @rut"),
        ("C_GENERAL", "requests for access go to #general"),
    ],
)
def test_check_says_where_requests_for_access_go(
    empty_office: Office, tmp_path: Path, contact: str, words: str
) -> None:
    settings = sandbox_settings(empty_office.slack, empty_office.evo, f"sqlite:///{tmp_path}/new.db")

    result = run(tmp_path, "--check", **settings, HELP_CONTACT=contact)

    assert result.returncode == 0, result.stdout
    assert f"ok       help contact: {words}" in result.stdout


@pytest.mark.parametrize(
    ("spoil", "settings", "words"),
    [
        (lambda o: o.slack.bot_scopes.discard("users:read.email"), {}, "missing users:read.email"),
        (lambda o: o.slack.channels["C_CALLS"].update(is_member=False), {}, "type /invite"),
        (lambda o: o.slack.channels["C_CALLS"].update(is_archived=True), {}, "is archived"),
        (lambda o: o.slack.channels["C_CALLS"].update(is_ext_shared=True), {}, "shared with other companies"),
        (lambda o: o.slack.channels["C_CALLS"].update(is_pending_ext_shared=True), {}, "hide the numbers"),
        (
            lambda o: o.slack.channels["C_CALLS"].update(is_ext_shared=True),
            {"MASK_NUMBERS": "never"},
            "lets them read the numbers",
        ),
        (lambda o: None, {"CALLS_CHANNEL": "C_NOWHERE"}, "check CALLS_CHANNEL"),
        (lambda o: None, {"HELP_CONTACT": "U0NOBODY"}, "user_not_found; check HELP_CONTACT"),
        (lambda o: o.slack.users["U_BOSS"].update(deleted=True), {"HELP_CONTACT": "U_BOSS"}, "another HELP_"),
        (lambda o: o.slack.add_channel("C_HELP", "help", bot_is_member=False), *HELP),
        (lambda o: None, {"SLACK_APP_TOKEN": "xapp-wrong"}, "check SLACK_APP_TOKEN"),
        (lambda o: None, {"SLACK_BOT_TOKEN": "xoxb-wrong"}, "check SLACK_BOT_TOKEN"),
        (lambda o: None, {"EVO_PASSWORD": "wrong"}, "check EVO_USERNAME and EVO_PASSWORD"),
        (lambda o: o.evo.stop(), {}, "check EVO_BASE_URL"),
        (
            lambda o: setattr(o.evo.world.logins["bot@acme.test"], "roles", ("User",)),
            {},
            "needs the role Manager",
        ),
        (lambda o: None, {"EVO_USERNAME": "readonly@acme.test"}, "read-only"),
        (
            lambda o: o.evo.fault("/calls/active", "403_text", times=None),
            {},
            "cannot show what happens to a call",
        ),
        (lambda o: None, {"EVO_ACCOUNT_ID": "acc2"}, "cannot see EVO_ACCOUNT_ID"),
        (lambda o: None, {"EVO_FLOWS": "flow1,gone"}, "or without nodes: gone"),
        (lambda o: None, {"EVO_CALLER_ID": "+12025550177"}, "is not a number the account owns"),
        (lambda o: None, {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x"}, "check DATABASE_URL"),
        (lambda o: None, {"DATABASE_URL": "sqlite:////nowhere/at/all.db"}, "is not writable"),
        (lambda o: None, {"DATABASE_URL": "sqlite:///lost.db"}, "Rename lost.db.rescued-1 to lost.db"),
    ],
)
def test_check_names_the_problem_and_what_to_do(
    empty_office: Office, tmp_path: Path, spoil: object, settings: dict, words: str
) -> None:
    spoil(empty_office)
    (tmp_path / "lost.db.rescued-1").touch()
    env = sandbox_settings(empty_office.slack, empty_office.evo, f"sqlite:///{tmp_path}/new.db")

    result = run(tmp_path, "--check", **{**env, **settings})

    assert result.returncode == 1
    problems = [line for line in result.stdout.splitlines() if line.startswith("PROBLEM")]
    assert any(words in line for line in problems), result.stdout
    for secret in (*SECRETS, "Traceback"):
        assert secret not in result.stdout + result.stderr
