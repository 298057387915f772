"""An operator starts the bot: what is away is waited for, what is wrong is said, and a signal is obeyed."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from evoslack import check
from evoslack.running import Bot
from evoslack.settings import BadSettings, Settings
from evoslack.settings.environment import Environment
from evoslack.start_trouble import Away, CannotStart
from evoslack.starting import Start, ToldToStop, until_there
from evoslack.wiring import build
from sandbox.bot_process import BotProcess, sandbox_settings
from tests.postgres import Postgres
from tests.scenario.office import Office, says_placed

Spoil = Callable[[Office], object]


def settings_of(office: Office, **more: str) -> Settings:
    return Settings.from_env(sandbox_settings(office.slack, office.evo, office.database_url) | more)


def over_http(office: Office, port: int, **more: str) -> Settings:
    env = sandbox_settings(office.slack, office.evo, office.database_url) | more
    del env["SLACK_APP_TOKEN"]
    return Settings.from_env(env | {"SLACK_SIGNING_SECRET": "sandbox-secret", "PORT": str(port)})


def why_not(settings: Settings) -> CannotStart:
    """Why a start fails; what is away is not waited for here."""
    bot: Bot | None = None
    with pytest.raises(CannotStart) as caught:
        bot = build(settings)
        bot.start()
    if bot is not None:
        bot.store.close()
    return caught.value


def checked(settings: Settings) -> list[str]:
    """The report of --check."""
    lines: list[str] = []
    check.check(Environment(settings, (), (), {}), lines.append)
    return lines


def waits(process: BotProcess) -> None:
    """Until the bot has said that it waits."""
    with process.changed:
        assert process.changed.wait_for(lambda: any("waits and tries" in line for line in process.log), 20)


# --- what is away


def test_slack_away_at_the_start_is_waited_for(empty_office: Office, process: BotProcess) -> None:
    empty_office.slack.fault("auth.test", "cut", times=2)
    empty_office.slack.fault("apps.connections.open", "500", times=1)

    process.start()

    assert process.stop() == 0, "and everything is read"
    said = [line for line in process.log if "evoslack.starting" in line]
    assert ["Slack cannot be reached (" in said[0], "failures: 2" in said[1]] == [True, True], said
    assert ["is not working right now" in said[2], "failures: 1" in said[3]] == [True, True], said
    assert len(said) == 4, said


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_is_obeyed_while_waiting(
    empty_office: Office, process: BotProcess, sent: signal.Signals
) -> None:
    empty_office.slack.fault("auth.test", "429", times=None, retry_after=60)
    process.spawn()
    waits(process)

    process.send(sent)

    assert process.wait(5) == 0
    assert process.output[-1] == "EvoSlack stopped before it was ready. Nothing was dialed."


def test_a_signal_is_obeyed_while_slack_keeps_the_start_waiting(
    empty_office: Office, process: BotProcess
) -> None:
    """The pools run already, and wait for nobody."""
    empty_office.slack.fault("apps.connections.open", "hang", times=None)
    process.spawn()
    empty_office.slack.wait_for(lambda: empty_office.slack.api_calls("apps.connections.open"), 20)

    assert process.stop(within_s=5) == 0
    assert process.output[-1] == "EvoSlack stopped. Unfinished calls: none."


def test_a_hangup_drains_like_a_sigterm(empty_office: Office, process: BotProcess) -> None:
    process.start()
    empty_office.evo.fault("/sessions/outgoing", "slow_after_ring", seconds=1.0)
    empty_office.call()
    empty_office.evo.wait_for(lambda: empty_office.rings)

    process.send(signal.SIGHUP)

    assert process.wait(20) == 0
    assert says_placed(empty_office.cards()[0]["text"])


def test_postgresql_away_at_the_start_is_waited_for(
    empty_office: Office, postgres_server: Postgres, new_postgres_url: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    away = settings_of(empty_office, DATABASE_URL=f"postgresql://evo:secret@127.0.0.1:{port}/evo")
    bot = build(away)
    with pytest.raises(Away, match=r"^PostgreSQL does not answer: .*[Cc]onnection refused") as caught:
        bot.open()
    assert "secret" not in str(caught.value)

    bot = build(settings_of(empty_office, DATABASE_URL=new_postgres_url))
    postgres_server.stop()
    try:
        with pytest.raises(Away):
            bot.open()
    finally:
        postgres_server.start()
    bot.open()  # as the start does when it tries again
    bot.store.close()


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        ("auth.test", "429"),
        ("auth.test", "500"),
        ("auth.test", "cut"),
        ("auth.test", "error:internal_error"),
        ("auth.test", "error:team_added_to_org"),
        ("apps.connections.open", "429"),
        ("apps.connections.open", "500"),
        ("apps.connections.open", "error:too_many_websockets"),
    ],
)
def test_what_passes_is_never_blamed_on_a_token(empty_office: Office, method: str, fault: str) -> None:
    empty_office.slack.fault(method, fault, times=None)

    reason = why_not(settings_of(empty_office))

    assert isinstance(reason, Away)
    (line, *_) = [line for line in checked(settings_of(empty_office)) if line.startswith("PROBLEM")]
    for words in (str(reason), line):
        assert "TOKEN" not in words


def test_the_pause_that_slack_asks_for_is_kept(empty_office: Office) -> None:
    empty_office.slack.fault("auth.test", "429", times=None, retry_after=7)

    reason = why_not(settings_of(empty_office))

    assert isinstance(reason, Away)
    assert reason.pause_s == 7


def test_each_reason_is_said_once_and_the_wait_grows(caplog: pytest.LogCaptureFixture) -> None:
    class Stopping(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            pauses.append(timeout)
            return False

    pauses: list[float | None] = []
    left = [Away("It hangs."), Away("It hangs."), Away("It is gone.", 9.0), Away("It hangs.")]

    def attempt() -> str:
        if left:
            raise left.pop(0)
        return "there"

    assert until_there(attempt, Stopping()) == "there"

    assert pauses == [0.5, 1.0, 9.0, 4.0]
    said = [record.message for record in caplog.records]
    assert [line.partition(" yet. ")[2] for line in said[:-1]] == ["It hangs.", "It is gone."]
    assert said[-1] == "That works now; failures: 4. EvoSlack goes on with its start."


def test_a_start_that_was_stopped_builds_nothing(empty_office: Office) -> None:
    start = Start(settings_of(empty_office))
    start.stop()

    with pytest.raises(ToldToStop):
        start.run()
    assert empty_office.slack.api_calls() == []


# --- what is wrong


@pytest.mark.parametrize("scope", ["commands", "chat:write", "users:read", "users:read.email"])
def test_a_scope_without_which_nobody_can_call_ends_the_start(empty_office: Office, scope: str) -> None:
    empty_office.slack.bot_scopes.discard(scope)

    reason = why_not(settings_of(empty_office))

    assert str(reason).startswith(f"SLACK_BOT_TOKEN lacks permissions: missing {scope}; update the app")
    assert not isinstance(reason, Away)


def test_any_other_scope_is_one_line(empty_office: Office, caplog: pytest.LogCaptureFixture) -> None:
    empty_office.slack.bot_scopes.discard("files:read")

    build(settings_of(empty_office))

    assert [record.message.partition(";")[0] for record in caplog.records] == ["scopes: missing files:read"]


def test_an_answer_without_the_scopes_is_only_a_note(empty_office: Office) -> None:
    """A proxy may take the header away; that says nothing about the token."""
    empty_office.slack.bot_scopes.clear()

    build(settings_of(empty_office))
    assert any(line.startswith("note     scopes: ") for line in checked(settings_of(empty_office)))


@pytest.mark.parametrize(
    ("spoil", "settings", "words"),
    [
        (lambda o: o.slack.channels["C_CALLS"].update(is_member=False), {}, "channel: the bot is not in"),
        (lambda o: o.slack.channels["C_CALLS"].update(is_archived=True), {}, "channel: #calls is archived"),
        (lambda o: None, {"CALLS_CHANNEL": "C_NOWHERE"}, "channel: channel_not_found; check CALLS_CHANNEL"),
        (lambda o: None, {"HELP_CONTACT": "U0NOBODY"}, "help contact: U0NOBODY: user_not_found"),
        (lambda o: None, {"EVO_PASSWORD": "wrong"}, "Evo Voice login: login failed; check EVO_USERNAME"),
        (lambda o: o.evo.stop(), {}, "Evo Voice login: login: Connection refused; check EVO_BASE_URL"),
        (lambda o: None, {"EVO_USERNAME": "readonly@acme.test"}, "access: the login is read-only"),
    ],
)
def test_what_is_wrong_but_not_fatal_is_said_after_the_start(
    empty_office: Office, spoil: Spoil, settings: dict[str, str], words: str
) -> None:
    """By the same code as in --check, in the same words."""
    spoil(empty_office)
    wrong = settings_of(empty_office, **settings)
    bot = build(wrong)

    (finding, *_) = check.problems_after_start(wrong, bot.evo)

    assert f"{finding.what}: {finding.words}".startswith(words)
    assert any(line.startswith(f"PROBLEM  {words}") for line in checked(wrong))


def test_the_running_bot_logs_what_is_wrong(
    empty_office: Office, bot_settings: dict[str, str], tmp_path: Path
) -> None:
    empty_office.slack.channels["C_CALLS"].update(is_member=False)
    bot = BotProcess({**bot_settings, "EVO_PASSWORD": "wrong"}, tmp_path)
    try:
        bot.start()
        with bot.changed:
            assert bot.changed.wait_for(
                lambda: all(
                    any(f"ERROR evoslack.cli {words}" in line for line in bot.log)
                    for words in ("channel: the bot is not in #calls", "Evo Voice login: login failed")
                ),
                20,
            ), bot.log
        assert bot.stop() == 0
    finally:
        bot.close()


def test_a_password_with_an_at_sign_is_bad_settings(empty_office: Office) -> None:
    wrong = settings_of(empty_office)
    object.__setattr__(wrong, "database_url", "postgresql+psycopg://evo:se@cret@db/x")

    with pytest.raises(BadSettings, match=r"^DATABASE_URL has an @ .*%40") as caught:
        build(wrong)
    assert "cret" not in str(caught.value)


def test_an_authority_that_cannot_be_read_is_bad_settings(
    empty_office: Office, bot_settings: dict[str, str], tmp_path: Path
) -> None:
    bot = BotProcess({**bot_settings, "SSL_CERT_FILE": "/nowhere/ca.pem"}, tmp_path)
    try:
        bot.spawn()
        assert bot.wait() == 2
        assert bot.log[-1] == "  - SSL_CERT_FILE cannot be read (No such file or directory)."
    finally:
        bot.close()


# --- --check is as strict as the start


def test_a_port_that_is_taken_is_found_beforehand(empty_office: Office) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = over_http(empty_office, other.getsockname()[1])
        words = f"Cannot listen on 127.0.0.1:{taken.port}: Address already in use."

        assert str(why_not(taken)) == words
        assert f"PROBLEM  receiver: {words} Check HOST and PORT, and what else runs there." in checked(taken)


def test_a_port_that_evoslack_has_is_a_note(empty_office: Office) -> None:
    bot = empty_office.open(over_http=True)

    lines = checked(over_http(empty_office, bot.receiver.port))  # type: ignore[attr-defined]

    (line,) = [line for line in lines if "receiver:" in line]
    assert line.startswith("note     receiver: HTTP on 127.0.0.1:")
    assert "is used by a running EvoSlack" in line


def test_a_host_that_is_none_of_ours_is_one_sentence(empty_office: Office) -> None:
    wrong = over_http(empty_office, 0, HOST="nobody.invalid")

    assert str(why_not(wrong)).startswith("Cannot listen on nobody.invalid:0: HOST is not a name")


def test_a_file_that_a_bot_has_is_a_note(
    empty_office: Office, process: BotProcess, bot_settings: dict[str, str], tmp_path: Path
) -> None:
    """Most likely it is the very bot that is being checked."""
    process.start()
    (tmp_path / "ledger.db.lock").unlink()  # the file itself is locked, too

    lines = checked(Settings.from_env(bot_settings))

    assert lines[-1] == "Everything is ready."
    (line,) = [line for line in lines if "database:" in line]
    assert line.startswith(f"note     database: {tmp_path}/ledger.db is in use by a bot that is running.")


def test_a_secret_that_cannot_be_tested_is_a_note(empty_office: Office) -> None:
    lines = checked(over_http(empty_office, 0))

    assert any(line.startswith("note     signing secret: cannot be tested from here") for line in lines)
