"""The environment is read once. Every problem is reported at once, and no secret is ever shown."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from evoslack.calling.calling_hours import CallingHours
from evoslack.calling.rulebook import A_DAY, HOUR, Limit, Masking, NumberKind, Rules
from evoslack.settings import BadSettings, Settings

SECRETS = {
    "SLACK_BOT_TOKEN": "xoxb-secret-1",
    "SLACK_APP_TOKEN": "xapp-secret-2",
    "SLACK_SIGNING_SECRET": "secret-3",
    "EVO_PASSWORD": "secret-4",
    "DATABASE_URL": "postgresql://bot:secret-5@db.example/evoslack",
}
ENOUGH = {
    "SLACK_BOT_TOKEN": "xoxb-secret-1",
    "SLACK_APP_TOKEN": "xapp-secret-2",
    "EVO_USERNAME": "bot@acme.test",
    "EVO_PASSWORD": "secret-4",
    "CALLS_CHANNEL": "C0123456789",
}


def read(**changes: str) -> Settings:
    return Settings.from_env({**ENOUGH, **changes})


def problems(**changes: str) -> list[str]:
    try:
        read(**changes)
    except BadSettings as bad:
        return bad.problems
    return []


def test_the_defaults_are_safe() -> None:
    settings = read()

    assert settings.slack_command == "/call"
    assert settings.slack_api_url == "https://slack.com/api/"
    assert (settings.host, settings.port) == ("127.0.0.1", 3000)
    assert (settings.health_host, settings.health_port) == ("127.0.0.1", None)
    assert settings.alert_channel == ""
    assert settings.evo_base_url == "https://evovoice.io"
    assert (settings.evo_account_id, settings.evo_flows, settings.evo_caller_id) == (None, (), None)
    assert settings.evo_user_map == {}
    assert (settings.default_region, settings.allowed_countries) == ("US", {"US"})
    assert (settings.max_calls_at_once, settings.max_wait_seconds) == (8, 120)
    assert settings.history_days == 365
    assert settings.rules == Rules(
        countries=frozenset({"US"}),
        hours=(CallingHours(8 * 60, 21 * 60),),
        limits=(Limit(60, HOUR, per_person=True),),
        masking=Masking.SHARED,
    )
    assert settings.database_url == "sqlite:///evoslack.db"
    assert (settings.log_level, settings.log_format) == ("INFO", "text")


def test_every_setting_is_read() -> None:
    settings = Settings.from_env(
        {
            **SECRETS,
            "SLACK_COMMAND": "/dial-2_x",
            "SLACK_API_URL": "http://127.0.0.1:8000/api",
            "HOST": "0.0.0.0",
            "PORT": "0",
            "HEALTH_HOST": "::1",
            "HEALTH_PORT": "9464",
            "EVO_BASE_URL": "https://team.evovoice.io/",
            "EVO_USERNAME": " bot@acme.test ",
            "EVO_ACCOUNT_ID": "acc1",
            "EVO_FLOWS": "flow1, flow2,,",
            "EVO_CALLER_ID": "+12025550100",
            "EVO_USER_MAP": "U1=a@b.test, W2=c@d.test",
            "CALLS_CHANNEL": "C1",
            "HELP_CONTACT": " U0ADMIN ",
            "ALERT_CHANNEL": " C0ALERTS ",
            "DEFAULT_REGION": "gb",
            "ALLOWED_COUNTRIES": "gb, us",
            "MAX_CALLS_AT_ONCE": "64",
            "MAX_WAIT_SECONDS": " 10 ",
            "HISTORY_DAYS": "1",
            "ALLOWED_NUMBER_KINDS": "premium, UAN",
            "CALLING_HOURS": " 9:00 - 17:30 ",
            "CALLING_DAYS": "mon-fri",
            "NO_CALL_DATES": "2026-11-26, 12-25",
            "MAX_CALLS_PER_HOUR": "1",
            "MAX_CALLS_PER_HOUR_ALL": "2",
            "MAX_CALLS_PER_DAY": "3",
            "MAX_CALLS_PER_DAY_ALL": "999999",
            "MASK_NUMBERS": "Always",
            "LOG_LEVEL": "debug",
            "LOG_FORMAT": "JSON",
        }
    )
    assert settings == Settings(
        slack_bot_token="xoxb-secret-1",
        slack_app_token="xapp-secret-2",
        slack_signing_secret="secret-3",
        slack_command="/dial-2_x",
        slack_api_url="http://127.0.0.1:8000/api/",
        host="0.0.0.0",
        port=0,
        health_host="::1",
        health_port=9464,
        evo_base_url="https://team.evovoice.io",
        evo_username="bot@acme.test",
        evo_password="secret-4",
        evo_account_id="acc1",
        evo_flows=("flow1", "flow2"),
        evo_caller_id="+12025550100",
        evo_user_map={"U1": "a@b.test", "W2": "c@d.test"},
        calls_channel="C1",
        help_contact="U0ADMIN",
        alert_channel="C0ALERTS",
        default_region="GB",
        allowed_countries=frozenset({"GB", "US"}),
        max_calls_at_once=64,
        max_wait_seconds=10,
        history_days=1,
        allowed_number_kinds=frozenset({NumberKind.PREMIUM, NumberKind.UAN}),
        calling_hours=CallingHours(9 * 60, 17 * 60 + 30),
        calling_days=frozenset({0, 1, 2, 3, 4}),
        no_call_dates=frozenset({"2026-11-26", "12-25"}),
        max_calls_per_hour=1,
        max_calls_per_hour_all=2,
        max_calls_per_day=3,
        max_calls_per_day_all=999_999,
        mask_numbers=Masking.ALWAYS,
        database_url="postgresql+psycopg://bot:secret-5@db.example/evoslack",
        log_level="DEBUG",
        log_format="json",
    )


def test_every_problem_is_reported_at_once() -> None:
    with pytest.raises(BadSettings) as bad:
        Settings.from_env({"PORT": "many", "DEFAULT_REGION": "USA", "LOG_LEVEL": "loud"})
    named = [problem.split()[0] for problem in bad.value.problems]
    assert set(named) == {
        *("SLACK_BOT_TOKEN", "Set", "EVO_USERNAME", "EVO_PASSWORD", "CALLS_CHANNEL"),
        *("PORT", "DEFAULT_REGION", "LOG_LEVEL"),
    }
    assert len(named) == 8


@pytest.mark.parametrize("name", ["SLACK_BOT_TOKEN", "EVO_USERNAME", "EVO_PASSWORD", "CALLS_CHANNEL"])
@pytest.mark.parametrize("empty", ["", "   "])
def test_an_empty_variable_counts_as_missing(name: str, empty: str) -> None:
    assert problems(**{name: empty}) == [f"{name} is missing."]


def test_an_empty_optional_variable_means_its_default() -> None:
    optional = {"PORT": "", "EVO_FLOWS": " ", "EVO_CALLER_ID": "", "ALLOWED_COUNTRIES": "", "LOG_LEVEL": ""}
    assert read(**optional) == read()


@pytest.mark.parametrize(
    ("app_token", "secret", "socket_mode"),
    [("xapp-1", "", True), ("xapp-1", "s", True), ("", "s", False)],
)
def test_an_app_token_means_socket_mode_and_a_signing_secret_alone_means_http(
    app_token: str, secret: str, socket_mode: bool
) -> None:
    settings = read(SLACK_APP_TOKEN=app_token, SLACK_SIGNING_SECRET=secret)
    assert (settings.slack_app_token is not None) is socket_mode


def test_without_app_token_and_signing_secret_the_problem_names_both_ways() -> None:
    (problem,) = problems(SLACK_APP_TOKEN="")
    assert "SLACK_APP_TOKEN" in problem
    assert "SLACK_SIGNING_SECRET" in problem


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLACK_BOT_TOKEN", "xapp-secret"),
        ("SLACK_BOT_TOKEN", "xoxb-sec ret"),
        ("SLACK_BOT_TOKEN", "xoxb-sécret"),
        ("SLACK_APP_TOKEN", "xoxb-secret"),
        ("SLACK_COMMAND", "call"),
        ("SLACK_COMMAND", "/Call"),
        ("SLACK_COMMAND", "/"),
        ("SLACK_COMMAND", "/call me"),
        ("SLACK_COMMAND", "/" + "x" * 32),
        ("SLACK_API_URL", "http://slack.com/api/"),
        ("SLACK_API_URL", "slack.com/api"),
        ("PORT", "-1"),
        ("PORT", "65536"),
        ("PORT", "3000x"),
        ("EVO_BASE_URL", "http://evovoice.io"),
        ("EVO_BASE_URL", "http://127.0.0.1.evil.test"),
        ("EVO_BASE_URL", "http://localhost.evil.test"),
        ("EVO_BASE_URL", "ftp://127.0.0.1"),
        ("EVO_BASE_URL", "https://"),
        ("EVO_BASE_URL", "https://bot:secret@evovoice.io"),
        ("EVO_BASE_URL", "https://evovoice.io/?secret=1"),
        ("EVO_BASE_URL", "https://evovoice.io/#secret"),
        ("EVO_BASE_URL", "http://[::1"),
        ("EVO_CALLER_ID", "2025550100"),
        ("EVO_CALLER_ID", "+1 202 555 0100"),
        ("EVO_USER_MAP", "U1"),
        ("EVO_USER_MAP", "U1=alice"),
        ("EVO_USER_MAP", "sara=alice@example.com"),
        ("EVO_USER_MAP", "U1=a@b.test,U1=c@d.test"),
        ("EVO_USER_MAP", "U1=a@b.test;U2=c@d.test"),
        ("CALLS_CHANNEL", "#calls"),
        ("CALLS_CHANNEL", "calls"),
        ("CALLS_CHANNEL", "U0123"),
        ("ALERT_CHANNEL", "#alerts"),
        ("ALERT_CHANNEL", "@secret"),
        ("HEALTH_PORT", "65536"),
        ("HEALTH_HOST", "127.0.0.1:9090"),
        ("HOST", "http://127.0.0.1"),
        ("HOST", "0.0.0.0:3000"),
        ("PORT", "٣٠٠٠"),
        ("PORT", "9" * 5000),
        ("SLACK_SIGNING_SECRET", "xoxb-secret"),
        ("SLACK_SIGNING_SECRET", "sec ret"),
        ("EVO_BASE_URL", "https://evo voice.io"),
        ("EVO_FLOWS", '"flow1,flow2"'),
        ("EVO_USERNAME", "'secret'"),
        ("EVO_PASSWORD", "secret\udcff"),
        ("ALLOWED_COUNTRIES", "XOXB-SECRET"),
        ("DEFAULT_REGION", "XX"),
        ("DEFAULT_REGION", "America"),
        ("ALLOWED_COUNTRIES", "US,XX"),
        ("ALLOWED_COUNTRIES", "US CA"),
        ("ALLOWED_COUNTRIES", ","),
        ("ALLOWED_COUNTRIES", " , "),
        ("ALLOWED_NUMBER_KINDS", "satellite"),
        ("ALLOWED_NUMBER_KINDS", "premium uan"),
        ("CALLING_HOURS", "8-21"),
        ("CALLING_HOURS", "08:00"),
        ("CALLING_HOURS", "08:00-25:00"),
        ("CALLING_HOURS", "08:00-24:01"),
        ("CALLING_HOURS", "24:00-08:00"),
        ("CALLING_HOURS", "08:60-21:00"),
        ("CALLING_HOURS", "08:00-08:00"),
        ("CALLING_HOURS", "8am-9pm"),
        ("CALLING_HOURS", "٠٨:00-21:00"),
        ("CALLING_DAYS", "weekdays"),
        ("CALLING_DAYS", "Mon-Noday"),
        ("CALLING_DAYS", ","),
        ("CALLING_DAYS", "Mon-Fri-Sun"),
        ("CALLING_DAYS", "Monkey"),
        ("NO_CALL_DATES", "Christmas"),
        ("NO_CALL_DATES", "2026-02-29"),
        ("NO_CALL_DATES", "02-30"),
        ("NO_CALL_DATES", "2026-1-5"),
        ("NO_CALL_DATES", "12/25"),
        ("NO_CALL_DATES", "13-01"),
        ("MAX_CALLS_PER_HOUR", "-1"),
        ("MAX_CALLS_PER_HOUR_ALL", "1000000"),
        ("MAX_CALLS_PER_DAY", "many"),
        ("MAX_CALLS_PER_DAY_ALL", "1.5"),
        ("MASK_NUMBERS", "sometimes"),
        ("MAX_CALLS_AT_ONCE", "0"),
        ("MAX_CALLS_AT_ONCE", "65"),
        ("MAX_CALLS_AT_ONCE", "many"),
        ("MAX_WAIT_SECONDS", "9"),
        ("MAX_WAIT_SECONDS", "90.5"),
        ("HISTORY_DAYS", "-1"),
        ("HISTORY_DAYS", "٣٦٥"),
        ("DATABASE_URL", "mysql://secret@host/db"),
        ("DATABASE_URL", "evoslack.db"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "postgresql://bot:secret@db.example:port/evoslack"),
        ("DATABASE_URL", "postgresql://bot:secret@[::1/evoslack"),
        ("DATABASE_URL", "postgresql://bot:p@secret@db.example/evoslack"),
        ("DATABASE_URL", "postgresql://bot:p@secret/x@db.example/evoslack"),
        ("DATABASE_URL", "postgresql://bot:p@secret?x@db.example/evoslack"),
        ("DATABASE_URL", "postgresql://bot:p@secret#x@db.example/evoslack"),
        ("DATABASE_URL", "postgresql://bot:12/secret@db.example/evoslack"),
        ("DATABASE_URL", "postgresql://bot:12?secret@db.example/evoslack"),
        ("DATABASE_URL", "postgresql://bot:12#secret@db.example/evoslack"),
        ("DATABASE_URL", "postgresql://bot:sec ret@db.example/evoslack"),
        ("DATABASE_URL", "postgresql://bot:secret%zz@db.example/evoslack"),
        ("DATABASE_URL", "postgresql://bot:secret@db.example:70000/evoslack"),
        ("DATABASE_URL", "sqlite:///secret.db?mode=ro"),
        ("DATABASE_URL", "sqlite:///folder/"),
        ("LOG_LEVEL", "TRACE"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_a_wrong_value_is_named_with_what_to_write_instead_and_never_repeated(name: str, value: str) -> None:
    (problem,) = problems(**{name: value})

    assert problem.startswith(f"{name} ")
    assert len(problem) > len(name) + 10
    assert "secret" not in problem


@pytest.mark.parametrize(
    "value", ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000", "http://127.1.2.3"]
)
def test_plain_http_is_allowed_only_for_this_machine(value: str) -> None:
    assert read(EVO_BASE_URL=value).evo_base_url == value


@pytest.mark.parametrize(
    ("region", "countries", "expected"),
    [
        ("DE", "", {"DE"}),
        ("DE", "US", {"US"}),
        ("DE", "us,de", {"US", "DE"}),
        ("DE", "*", {"*"}),
    ],
)
def test_the_allowed_countries_are_those_listed_or_else_the_default_region(
    region: str, countries: str, expected: set[str]
) -> None:
    assert read(DEFAULT_REGION=region, ALLOWED_COUNTRIES=countries).allowed_countries == expected


def test_a_wrong_region_is_reported_once() -> None:
    assert [problem.split()[0] for problem in problems(DEFAULT_REGION="XX")] == ["DEFAULT_REGION"]


def test_a_password_keeps_its_spaces() -> None:
    assert read(EVO_PASSWORD=" pass word ").evo_password == " pass word "


@pytest.mark.parametrize(
    "rest",
    [
        "/evoslack",
        "host",
        "host/db?sslmode=require&application_name=a%40b",
        "u@host:5432/db",
        "u:a%40b%2F%25:!$&'()*+,;=-._~c@host/db",
        "u:p@[::1]:5432/db",
        "/db?host=/var/run/postgresql",
    ],
)
def test_what_is_encoded_is_taken(rest: str) -> None:
    assert read(DATABASE_URL=f"postgresql://{rest}").database_url == f"postgresql+psycopg://{rest}"


@pytest.mark.parametrize("host", ["*", "::1", "[::1]", "bot-1.example", "0.0.0.0"])
def test_where_to_listen_is_a_name_or_an_address(host: str) -> None:
    assert read(HOST=host).host == host


def test_two_servers_cannot_have_the_same_port() -> None:
    http = {"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": "s"}

    (problem,) = problems(**http, PORT="8080", HEALTH_PORT="8080")
    assert problem.startswith("HEALTH_PORT is the same as PORT")
    assert problems(**http, PORT="0", HEALTH_PORT="0") == []
    assert problems(PORT="8080", HEALTH_PORT="8080") == [], "in Socket Mode nothing listens on PORT"


@pytest.mark.parametrize("prefix", ["postgresql", "postgresql+psycopg"])
def test_both_spellings_of_a_postgresql_url_mean_the_same(prefix: str) -> None:
    assert read(DATABASE_URL=f"{prefix}://u:p@h/db").database_url == "postgresql+psycopg://u:p@h/db"


def test_the_repr_of_the_settings_shows_no_secret() -> None:
    settings = Settings.from_env({**ENOUGH, **SECRETS})

    assert "secret" not in repr(settings)
    assert "secret" not in str(settings)
    assert "bot@acme.test" in repr(settings)


def test_settings_are_immutable() -> None:
    with pytest.raises(FrozenInstanceError):
        read().port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    "contact", ["U0123456789", "C0123456789", "IT support (extension 42)", "Zoë", "x" * 80]
)
def test_the_help_contact_is_an_id_or_a_few_words(contact: str) -> None:
    assert read(HELP_CONTACT=contact).help_contact == contact


@pytest.mark.parametrize("contact", ["@alice", "#help", "<@U1>", "<!channel>", "x" * 81, "one\ntwo", "a\x00"])
def test_a_name_that_slack_does_not_resolve_is_no_help_contact(contact: str) -> None:
    (problem,) = problems(HELP_CONTACT=contact)
    assert problem.startswith("HELP_CONTACT must be an id")


# --- the rules ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("08:00-21:00", CallingHours(480, 1260)),
        ("8:00–21:00", CallingHours(480, 1260)),  # a dash, as word processors make it
        ("20:00-02:30", CallingHours(1200, 150)),
        ("08:00-24:00", CallingHours(480, 1440)),
        ("08:00-00:00", CallingHours(480, 1440)),
        ("00:00-24:00", CallingHours(0, 1440)),
    ],
)
def test_calling_hours_are_a_window_that_may_go_over_midnight(value: str, expected: CallingHours) -> None:
    assert read(CALLING_HOURS=value).calling_hours == expected


@pytest.mark.parametrize("value", ["", "  "])
def test_calling_hours_that_are_set_and_empty_are_off(value: str) -> None:
    assert read(CALLING_HOURS=value).calling_hours is None
    assert read(CALLING_HOURS=value).rules.hours == ()


def test_days_and_dates_without_calls_hold_also_at_any_hour() -> None:
    (hours,) = read(CALLING_HOURS="", CALLING_DAYS="Sat,Sun").rules.hours
    assert hours == CallingHours(0, 1440, frozenset({5, 6}))

    (hours,) = read(CALLING_HOURS="", NO_CALL_DATES="12-25").rules.hours
    assert hours == CallingHours(0, 1440, dates_off=frozenset({"12-25"}))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Mon-Sun", {0, 1, 2, 3, 4, 5, 6}),
        ("Mon-Fri", {0, 1, 2, 3, 4}),
        ("sat - mon", {5, 6, 0}),
        ("Monday, WED,Sat", {0, 2, 5}),
        ("Tuesday-Thursday", {1, 2, 3}),
        ("Sun", {6}),
    ],
)
def test_calling_days_are_weekdays_one_by_one_or_from_to(value: str, expected: set[int]) -> None:
    assert read(CALLING_DAYS=value).calling_days == expected


def test_a_leap_day_can_be_without_calls() -> None:
    assert read(NO_CALL_DATES="02-29,2028-02-29").no_call_dates == {"02-29", "2028-02-29"}


def test_a_limit_of_zero_is_none() -> None:
    none = dict.fromkeys(
        ("MAX_CALLS_PER_HOUR", "MAX_CALLS_PER_HOUR_ALL", "MAX_CALLS_PER_DAY", "MAX_CALLS_PER_DAY_ALL"), "0"
    )
    assert read(**none).rules.limits == ()
    assert read(**none, MAX_CALLS_AT_ONCE="1").rules == read(**none).rules

    every = {name: str(most) for most, name in enumerate(none, start=1)}
    assert set(read(**every).rules.limits) == {
        Limit(1, HOUR, per_person=True),
        Limit(2, HOUR, per_person=False),
        Limit(3, A_DAY, per_person=True),
        Limit(4, A_DAY, per_person=False),
    }
