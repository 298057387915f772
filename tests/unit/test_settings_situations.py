"""What an operator meets: an exit code, a sentence that says what to do, no traceback, and never a secret."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from evoslack.cli import main
from evoslack.settings import BadSettings
from evoslack.settings.environment import read_environment
from sandbox.bot_process import BOT

NOWHERE = "http://127.0.0.1:9"  # nothing listens on the discard port
ENOUGH = {
    "SLACK_BOT_TOKEN": "xoxb-sesame-1",
    "SLACK_APP_TOKEN": "xapp-sesame-2",
    "SLACK_API_URL": f"{NOWHERE}/api",
    "EVO_BASE_URL": NOWHERE,
    "EVO_USERNAME": "bot@acme.test",
    "EVO_PASSWORD": "sesame-3",
    "CALLS_CHANNEL": "C0123456789",
}
HTTP = {"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": "sesame4"}
LINES = "".join(f"{name}={value}\n" for name, value in ENOUGH.items())
POSTGRESQL = "postgresql://bot:{}@127.0.0.1:1/evoslack"

Folder = Callable[[Path], object]  # prepares the working directory


@dataclass(frozen=True, slots=True)
class Situation:
    """What is set, what is in the working directory, and what the operator reads."""

    name: str
    words: str
    variables: dict[str, str] = field(default_factory=dict)
    dot_env: bytes | None = None
    folder: Folder | None = None


def bad(name: str, words: str, **variables: str) -> Situation:
    """Variables that are wrong."""
    return Situation(name, words, {**ENOUGH, **variables})


def in_dot_env(name: str, words: str, content: bytes, **variables: str) -> Situation:
    """A file .env, and variables on top."""
    return Situation(name, words, variables, content)


def prepared(name: str, words: str, folder: Folder, **variables: str) -> Situation:
    """A working directory with something odd in it."""
    return Situation(name, words, {**ENOUGH, **variables}, None, folder)


def secret_in(content: bytes) -> Folder:
    return lambda folder: (folder / "secret").write_bytes(content)


def from_file(name: str, words: str, folder: Folder, secret: str = "EVO_PASSWORD") -> Situation:
    """A secret that is to be read from the file `secret`."""
    return prepared(name, words, folder, **{secret: "", f"{secret}_FILE": "secret"})


REFUSED = [
    # --- nothing, or the example as it is ---
    Situation("nothing at all", "SLACK_BOT_TOKEN is missing."),
    Situation("nothing, and no file", "No .env was read: there is none in"),
    in_dot_env("empty .env", "CALLS_CHANNEL is missing.", b""),
    in_dot_env("which .env was read", "Read from ", b"PORT=x\n"),
    in_dot_env(
        "the example unchanged", "EVO_USERNAME is missing.", (BOT.parent / ".env.example").read_bytes()
    ),
    bad("no bot token", "SLACK_BOT_TOKEN is missing.", SLACK_BOT_TOKEN=""),
    bad("no way in", "Set SLACK_APP_TOKEN", SLACK_APP_TOKEN=" "),
    bad("no login", "EVO_USERNAME is missing.", EVO_USERNAME=""),
    bad("no password", "EVO_PASSWORD is missing.", EVO_PASSWORD=""),
    bad("no channel", "CALLS_CHANNEL is missing.", CALLS_CHANNEL=""),
    # --- values in the wrong place or form ---
    bad("tokens swapped", "begins with xoxb-", SLACK_BOT_TOKEN="xapp-sesame-2"),
    bad("a token as the channel", "must be a channel id", CALLS_CHANNEL="xoxb-sesame-1"),
    bad("a token as a country", "is not a country code", ALLOWED_COUNTRIES="xoxb-sesame-1"),
    bad("a token as the region", "two-letter country code", DEFAULT_REGION="xoxb-sesame-1"),
    bad("a token as the signing secret", "copy it from", **{**HTTP, "SLACK_SIGNING_SECRET": "xapp-sesame-2"}),
    bad("a password as the log level", "must be one of DEBUG", LOG_LEVEL="sesame-3"),
    bad("a token in quotes", "leave them out", SLACK_BOT_TOKEN='"xoxb-sesame-1"'),
    bad("flows in quotes", "leave them out", EVO_FLOWS="'a,b'"),
    bad("a password of odd bytes", "not UTF-8", EVO_PASSWORD="sesame\udcff"),
    bad("channel by name", "not the channel's name", CALLS_CHANNEL="#calls"),
    bad("alert channel by name", "must be a channel id", ALERT_CHANNEL="#alerts"),
    bad("help contact by name", "must be an id", HELP_CONTACT="@alice"),
    bad("command without slash", "must look like /call", SLACK_COMMAND="call"),
    bad("plain http", "must begin with https://", EVO_BASE_URL="http://evovoice.io"),
    bad("login in the address", "without a login", EVO_BASE_URL="https://bot:sesame@evovoice.io"),
    bad("address with a space", "has a space", EVO_BASE_URL="https://evo voice.io"),
    bad("proxy with a bad port", "host or port", SLACK_API_URL="https://slack.com:port/api/"),
    bad("host with its port", "without a port", **HTTP, HOST="0.0.0.0:3000"),
    bad("host as an address of a page", "without a port", **HTTP, HOST="http://0.0.0.0"),
    bad("port too large", "from 1 to 65535", PORT="70000"),
    bad("port with digits of another script", "from 1 to 65535", PORT="٣٠٠٠"),
    bad("port of a thousand digits", "from 1 to 65535", PORT="9" * 5000),
    bad("port of a service in the cluster", "from 1 to 65535", HEALTH_PORT="tcp://10.0.0.1:80"),
    bad("one port for two", "choose another", **HTTP, PORT="8080", HEALTH_PORT="8080"),
    bad("health host with port", "without a port", HEALTH_HOST="127.0.0.1:9090"),
    bad("no country", "names no country", ALLOWED_COUNTRIES=","),
    bad("countries by semicolon", "codes such as US,CA", ALLOWED_COUNTRIES="US;CA"),
    bad("hours in words", "must look like 08:00-21:00", CALLING_HOURS="9am-5pm"),
    bad("hours of no length", "begins and ends", CALLING_HOURS="09:00-09:00"),
    bad("days in words", "must name weekdays", CALLING_DAYS="weekdays"),
    bad("dates as in the US", "must be dates such as", NO_CALL_DATES="12/25"),
    bad("limit below zero", "whole number from 0", MAX_CALLS_PER_HOUR="-1"),
    bad("limit as a word", "whole number from 0", MAX_CALLS_PER_DAY_ALL="unlimited"),
    bad("masking as yes", "never, shared, always", MASK_NUMBERS="yes"),
    bad("caller ID as typed", "E.164", EVO_CALLER_ID="(202) 555-0100"),
    bad("user map by colon", "U123=alice@example.com", EVO_USER_MAP="U1:a@b.test"),
    bad("unknown kind of number", "must list only", ALLOWED_NUMBER_KINDS="toll"),
    bad("log format", "must be one of text, json", LOG_FORMAT="logfmt"),
    # --- the database ---
    bad("mysql", "must be sqlite:///file.db or postgresql://", DATABASE_URL="mysql://bot:sesame@h/db"),
    bad("a bare file", "must be sqlite:///file.db", DATABASE_URL="evoslack.db"),
    bad("a ledger in memory", "must name a SQLite file", DATABASE_URL="sqlite:///:memory:"),
    bad("a folder as a ledger", "must name a SQLite file", DATABASE_URL="sqlite:///data/"),
    bad("SQLite with options", "without a ?", DATABASE_URL="sqlite:///a.db?mode=ro"),
    bad("@ in the database password", "write @ as %40", DATABASE_URL=POSTGRESQL.format("open@sesame")),
    bad("/ in the database password", "/ as %2F", DATABASE_URL=POSTGRESQL.format("open/sesame")),
    bad("# in the database password", "# as %23", DATABASE_URL=POSTGRESQL.format("open#sesame")),
    bad("? in the database password", "? as %3F", DATABASE_URL=POSTGRESQL.format("open?sesame")),
    bad("% in the database password", "% as %25", DATABASE_URL=POSTGRESQL.format("open%sesame")),
    bad("space in the database password", "a space as %20", DATABASE_URL=POSTGRESQL.format("open sesame")),
    bad("database port", "host or port", DATABASE_URL="postgresql://127.0.0.1:70000/evoslack"),
    # --- names ---
    bad("EVO_FLOW", "Did you mean EVO_FLOWS?", EVO_FLOW="a"),
    bad("CALL_CHANNEL", "Did you mean CALLS_CHANNEL?", CALL_CHANNEL="C1"),
    bad("SLACK_BOT_TOKENS", "Did you mean SLACK_BOT_TOKEN?", SLACK_BOT_TOKENS="xoxb-sesame-1"),
    bad("ALLOWED_COUNTRY", "Did you mean ALLOWED_COUNTRIES?", ALLOWED_COUNTRY="US"),
    bad("MAX_CALL_PER_HOUR", "Did you mean MAX_CALLS_PER_HOUR?", MAX_CALL_PER_HOUR="1"),
    bad("a login from a file", "only secrets can come from a file", EVO_USERNAME_FILE="/run/secrets/login"),
    in_dot_env("DATABASE_URI in .env", "Did you mean DATABASE_URL?", f"{LINES}DATABASE_URI=x".encode()),
    in_dot_env("small letters in .env", "Did you mean EVO_FLOWS?", f"{LINES}evo_flows=a".encode()),
    # --- .env ---
    in_dot_env("UTF-16", "looks like UTF-16", LINES.encode("utf-16")),
    in_dot_env("UTF-16 without a mark", "looks like UTF-16", LINES.encode("utf-16-le")),
    in_dot_env("Latin-1", "is not UTF-8 in line 8", f"{LINES}HELP_CONTACT=Zoë\n".encode("latin-1")),
    in_dot_env("far too large", "larger than 64 kB", b"#" * 70_000),
    in_dot_env("an open quote", "line 8: write NAME=value", f'{LINES}EVO_FLOWS="a,b\nPORT=1\n'.encode()),
    in_dot_env("a colon", "line 8: write NAME=value", f"{LINES}EVO_FLOWS: a\n".encode()),
    in_dot_env("a secret on a line of its own", "line 9: write", f"{LINES}\nsesame\n".encode()),
    prepared(".env is a directory", ".env is a directory", lambda folder: (folder / ".env").mkdir()),
    prepared(".env links to nothing", "a missing file", lambda folder: (folder / ".env").symlink_to("gone")),
    prepared(".env links to itself", "cannot be read", lambda folder: (folder / ".env").symlink_to(".env")),
    # --- secrets from files ---
    from_file("no file", "EVO_PASSWORD_FILE: ", lambda folder: None),
    from_file("empty file", "is empty; write the secret", secret_in(b"\n")),
    from_file("several lines", "more than one line", secret_in(b"sesame\nuser\n")),
    from_file("not UTF-8", "is not UTF-8", secret_in(b"sesame\xff\n")),
    from_file("a secret in UTF-16", "looks like UTF-16", secret_in("sesame".encode("utf-16"))),
    from_file("too large", "larger than 64 kB", secret_in(b"sesame" * 20_000)),
    from_file("a directory", "is a directory", lambda folder: (folder / "secret").mkdir()),
    from_file("a wrong token", "begins with xoxb-", secret_in(b"xapp-sesame-2\n"), "SLACK_BOT_TOKEN"),
    from_file(
        "a wrong database", "write @ as %40", secret_in(b"postgresql://u:p@sesame@h/db"), "DATABASE_URL"
    ),
    *(
        bad(f"{name} twice", "are both set; remove one of them", **{name: "x-sesame", f"{name}_FILE": "/x"})
        for name in (
            "SLACK_BOT_TOKEN",
            "SLACK_APP_TOKEN",
            "SLACK_SIGNING_SECRET",
            "EVO_PASSWORD",
            "DATABASE_URL",
        )
    ),
]

# Settings that are right: `--check` goes on, and says where they came from and what is odd.
ACCEPTED = [
    bad("enough", "settings: no .env was read"),
    in_dot_env("from .env", "/.env and the environment.", LINES.encode()),
    in_dot_env("with a byte order mark", "/.env and the environment.", b"\xef\xbb\xbf" + LINES.encode()),
    in_dot_env("as Windows writes lines", "/.env and the environment.", LINES.replace("\n", "\r\n").encode()),
    in_dot_env("readable by everybody", "chmod it to 600", LINES.encode()),
    in_dot_env("twice", "PORT is set more than once", f"{LINES}PORT=1\nPORT=2\n".encode()),
    bad("the ledger's file", "/evoslack.db, because DATABASE_URL is relative", DATABASE_URL=""),
    bad("unknown EVO_ name", "note     settings: EVO_REGION is not a setting", EVO_REGION="x"),
    bad("name of other programs", "note     settings: LOGLEVEL is not", LOGLEVEL="debug"),
    bad(
        "other Slack tools", "ok       settings: all valid", SLACK_CHANNEL="#x", SLACK_API_TOKEN="xoxp-sesame"
    ),
    bad("HTTP", "ok       settings: all valid", **HTTP, HOST="0.0.0.0", HEALTH_PORT="9090"),
    bad("encoded password", "database: ", DATABASE_URL=POSTGRESQL.format("open%40sesame")),
    from_file("password from a file", "ok       settings: all valid", secret_in(b"sesame\n")),
    from_file("from Windows", "ok       settings: all valid", secret_in(b"\xef\xbb\xbfsesame\r\n")),
    prepared(
        "a ledger that is not used",
        "because DATABASE_URL names another file",
        lambda folder: (folder / "evoslack.db").touch(),
        DATABASE_URL="sqlite:////tmp/no-such-evoslack-ledger.db",
    ),
]


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in (None, "evoslack", "slack_bolt", "slack_sdk.socket_mode")]
    before = [(logger, logger.level, logger.handlers[:]) for logger in loggers]
    yield
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def prepare(situation: Situation, folder: Path) -> None:
    if situation.dot_env is not None:
        (folder / ".env").write_bytes(situation.dot_env)
        (folder / ".env").chmod(0o644)
    if situation.folder is not None:
        situation.folder(folder)


def assert_sayable(text: str) -> None:
    """What an operator may be shown."""
    assert "Traceback" not in text
    assert "sesame" not in text
    assert "\ufeff" not in text


@pytest.mark.parametrize("situation", REFUSED, ids=lambda situation: situation.name)
@pytest.mark.parametrize("arguments", [[], ["--check"]], ids=["start", "check"])
def test_wrong_settings_end_in_a_sentence(
    situation: Situation, arguments: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(situation, folder)

    code = main(arguments, situation.variables)

    output = capsys.readouterr()
    assert code == 2
    assert output.err.startswith("EvoSlack cannot start. Fix these settings:\n  - ")
    assert situation.words in output.err
    assert output.out == ""
    assert_sayable(output.err)


@pytest.mark.parametrize("situation", ACCEPTED, ids=lambda situation: situation.name)
def test_right_settings_are_told_with_where_they_came_from(
    situation: Situation, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(situation, folder)

    code = main(["--check"], situation.variables)

    output = capsys.readouterr()
    assert code == 1, "nothing answers at these addresses"
    assert "ok       settings: all valid\n" in output.out
    assert situation.words in output.out
    assert "PROBLEM  Slack: " in output.out
    assert_sayable(output.out + output.err)


def test_there_are_as_many_situations_as_we_say() -> None:
    names = [situation.name for situation in (*REFUSED, *ACCEPTED)]
    assert len(names) >= 75
    assert len(set(names)) == len(names)


def test_each_problem_is_said_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([], {**ENOUGH, "EVO_PASSWORD": "", "EVO_PASSWORD_FILE": "gone", "EVO_FLOW": "a"})

    assert capsys.readouterr().err.splitlines() == [
        "EvoSlack cannot start. Fix these settings:",
        "  - EVO_FLOW is not a setting. Did you mean EVO_FLOWS?",
        f"  - EVO_PASSWORD_FILE: {folder}/gone does not exist.",
        f"No .env was read: there is none in {folder}.",
    ]


@pytest.mark.parametrize("content", ["sesame-3", "sesame-3\n", "sesame-3\r\n"])
def test_a_line_break_at_the_end_of_a_secret_is_not_part_of_it(folder: Path, content: str) -> None:
    (folder / "secret").write_text(content, encoding="utf-8", newline="")
    found = read_environment({**ENOUGH, "EVO_PASSWORD": "", "EVO_PASSWORD_FILE": str(folder / "secret")})
    assert found.settings.evo_password == "sesame-3"


def test_spaces_in_a_password_file_belong_to_it(folder: Path) -> None:
    (folder / "secret").write_text(" sesame  \n", encoding="utf-8")
    found = read_environment({**ENOUGH, "EVO_PASSWORD": "", "EVO_PASSWORD_FILE": "secret"})
    assert found.settings.evo_password == " sesame  "


# --- where it looks ----------------------------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout that an operator used before: it has settings and a ledger."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / ".env").write_text(LINES, encoding="utf-8")
    (folder / "evoslack.db").write_text("calls", encoding="utf-8")
    return folder


def test_a_file_beside_bot_py_is_named_when_there_is_none_here(folder: Path, checkout: Path) -> None:
    with pytest.raises(BadSettings) as bad:
        read_environment({}, beside=checkout)
    assert f"there is one in {checkout}. To use it, start EvoSlack in that folder" in bad.value.note


def test_a_second_ledger_is_not_begun_in_silence(folder: Path, checkout: Path) -> None:
    """An old press would be dialed again: the ledger that knows it is somewhere else."""
    with pytest.raises(BadSettings) as bad:
        read_environment(ENOUGH, beside=checkout)

    (problem,) = bad.value.problems
    assert f"there is a ledger in {checkout}/evoslack.db" in problem
    assert f"DATABASE_URL=sqlite:///{folder}/evoslack.db" in problem
    assert not (folder / "evoslack.db").exists()

    new = f"sqlite:///{folder}/evoslack.db"
    assert read_environment({**ENOUGH, "DATABASE_URL": new}, beside=checkout).settings.database_url == new
    (folder / "evoslack.db").touch()
    assert read_environment(ENOUGH, beside=checkout).settings.database_url == "sqlite:///evoslack.db"


def test_one_ledger_is_not_a_second_one(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout)
    assert read_environment({}, beside=checkout).facts == (
        ("settings", f"read from {checkout}/.env and the environment."),
        ("ledger", f"{checkout}/evoslack.db, because DATABASE_URL is relative to the working directory."),
    )
    (checkout / "evoslack.db").unlink()
    assert read_environment({}, beside=checkout).settings


# --- real processes ----------------------------------------------------------------------------------------


def start(bot: Path, folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "PYTHONWARNINGS": "error", **variables}
    command = [sys.executable, str(bot), *arguments]
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=30, check=False
    )


def test_a_process_ends_with_the_same_sentence(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(LINES.encode("utf-16"))

    result = start(BOT, tmp_path)

    assert result.returncode == 2
    assert result.stderr == (
        "EvoSlack cannot start. Fix these settings:\n"
        f"  - {tmp_path}/.env is not UTF-8 (it looks like UTF-16); save it as UTF-8.\n"
    )


def test_a_checkout_is_found_from_another_folder(tmp_path: Path, checkout: Path) -> None:
    shutil.copy(BOT, checkout)
    (checkout / "evoslack").symlink_to(BOT.parent / "evoslack")

    result = start(checkout / "bot.py", tmp_path, "--check", **ENOUGH)

    assert result.returncode == 2
    assert f"there is a ledger in {checkout}/evoslack.db" in result.stderr
    assert f"there is one in {checkout}." in result.stderr
    assert_sayable(result.stderr)
