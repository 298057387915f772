"""A misspelt setting is named; what other programs set is left alone."""

from __future__ import annotations

import re

import pytest

from evoslack.settings import Settings
from evoslack.settings.names import NameFindings, check_names

NOTHING = NameFindings((), ())

# What stands in the environments of shells, containers, clusters, CI and cloud machines.
COMMON = re.findall(
    r"\w+",
    """
PATH HOME USER LOGNAME SHELL PWD OLDPWD TERM LANG LANGUAGE LC_ALL TZ HOSTNAME HOSTTYPE OSTYPE MACHTYPE SHLVL
PAGER EDITOR VISUAL MAIL DISPLAY TMPDIR TMP TEMP COLUMNS LINES HISTFILE HISTSIZE HISTCONTROL HISTORY_FILE
LOG_DIR LOG_FILE LOG_PATH LOGDIR POST HOSTS_FILE HOST_IP PORT_RANGE POSTGRES_DB POSTGRES_PASSWORD
POSTGRES_HOST PGHOST PGPORT PGDATABASE DATABASE_HOST DATABASE_PORT DATABASE_NAME DB_URL REDIS_URL HTTP_PROXY
HTTPS_PROXY NO_PROXY ALL_PROXY http_proxy https_proxy no_proxy SSL_CERT_FILE REQUESTS_CA_BUNDLE PYTHONPATH
PYTHONUNBUFFERED PYTHONWARNINGS VIRTUAL_ENV PIP_INDEX_URL AWS_REGION AWS_DEFAULT_REGION AWS_ACCESS_KEY_ID
AWS_SECRET_ACCESS_KEY GOOGLE_CLOUD_PROJECT KUBERNETES_PORT KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT
HEALTH_CHECK_URL HEALTHCHECK_PATH HEALTH_TIMEOUT NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID INVOCATION_ID
JOURNAL_STREAM CREDENTIALS_DIRECTORY LISTEN_FDS CI GITHUB_TOKEN GITHUB_ACTIONS RUNNER_OS DEBUG NODE_ENV
APP_ENV ENVIRONMENT SECRET_KEY ALLOWED_HOSTS DEFAULT_LOCALE EVOSLACK_PORT EVOSLACK_SERVICE_HOST
EVOLUTION_HOME MAX_CONNECTIONS MAX_WORKERS MAX_CALLS MAIL_CHANNEL CALLER SLACK_WEBHOOK_URL SLACK_CLIENT_ID
SLACK_CLIENT_SECRET SLACK_APP_ID SLACK_BOT_ID SLACK_TEAM_ID SLACK_TOKEN SLACK_API_TOKEN SLACK_USER_TOKEN
SLACK_BOT_USER_TOKEN SLACK_CHANNEL SLACK_CHANNEL_ID SLACK_URL SLACK_SIGNING_KEY
""",
)


def check(*names: str, in_file: bool = False) -> NameFindings:
    return check_names(names, names if in_file else (), Settings.names())


@pytest.mark.parametrize("in_file", [False, True])
def test_what_other_programs_set_is_left_alone(in_file: bool) -> None:
    assert check(*COMMON, in_file=in_file) == NOTHING


def test_our_own_names_are_known() -> None:
    secrets = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "EVO_PASSWORD", "DATABASE_URL")
    assert check(*Settings.names(), *(f"{name}_FILE" for name in secrets), in_file=True) == NOTHING


@pytest.mark.parametrize("name", sorted(Settings.names() - {"HOST", "PORT"}))
def test_a_letter_too_few_or_too_many_is_noticed_in_every_name(name: str) -> None:
    """In a name of four letters, one letter makes another word: HOST is not POST."""
    in_the_middle = len(name) // 2
    for wrong in (name[:-1], f"{name}S", name[:in_the_middle] + name[in_the_middle + 1 :], name.lower()):
        (error,) = check(wrong, in_file=True).errors
        assert error.startswith(f"{wrong} is not a setting. Did you mean {name}"), error


@pytest.mark.parametrize(
    ("wrong", "ours"),
    [
        ("EVO_FLOW", "EVO_FLOWS"),
        ("EVO_FLOW_IDS", "EVO_FLOWS"),
        ("EVO_ACCOUNT", "EVO_ACCOUNT_ID"),
        ("EVO_PASS", "EVO_PASSWORD"),
        ("EVO_USER", "EVO_USERNAME or EVO_USER_MAP"),
        ("EVO_USERMAP", "EVO_USER_MAP"),
        ("CALL_CHANNEL", "CALLS_CHANNEL"),
        ("CALLS_CHANNEL_ID", "CALLS_CHANNEL"),
        ("ALLOWED_COUNTRY", "ALLOWED_COUNTRIES"),
        ("CALL_HOURS", "CALLING_HOURS"),
        ("MAX_CALL_PER_HOUR", "MAX_CALLS_PER_HOUR"),
        ("SLACK_BOT_TOKENS", "SLACK_BOT_TOKEN"),
        ("SLACK_SIGNING_SECRETS", "SLACK_SIGNING_SECRET"),
        ("SLACK_BOT_TOKEN_FILES", "SLACK_BOT_TOKEN_FILE"),
        ("EVO_PASSWORD_FILES", "EVO_PASSWORD_FILE"),
    ],
)
def test_a_misspelt_name_is_an_error_also_in_the_environment(wrong: str, ours: str) -> None:
    (error,) = check(wrong).errors
    meant = error.removeprefix(f"{wrong} is not a setting. Did you mean ").removesuffix("?")
    assert set(meant.split(" or ")) == set(ours.split(" or "))


@pytest.mark.parametrize("name", ["CALLS_CHANNEL_FILE", "EVO_USERNAME_FILE"])
def test_only_secrets_come_from_a_file(name: str) -> None:
    (error,) = check(name).errors
    assert "only secrets can come from a file" in error


def test_another_name_that_begins_like_ours_is_a_warning() -> None:
    found = check("EVO_REGION", "EVO_SERVICE_HOST", "EVO_PORT")
    assert found.errors == ()
    assert [warning.split()[0] for warning in found.warnings] == [
        "EVO_PORT",
        "EVO_REGION",
        "EVO_SERVICE_HOST",
    ]


@pytest.mark.parametrize(
    ("wrong", "ours"),
    [("DATABASE_URI", "DATABASE_URL"), ("LOGLEVEL", "LOG_LEVEL"), ("PORTS", "PORT"), ("HOSTS", "HOST")],
)
def test_names_that_other_programs_use_count_in_the_file_and_else_are_a_warning(
    wrong: str, ours: str
) -> None:
    assert check(wrong, in_file=True).errors == (f"{wrong} is not a setting. Did you mean {ours}?",)
    assert check(wrong) == NameFindings((), (f"{wrong} is not a setting. Did you mean {ours}?",))
    assert check(wrong, ours) == NOTHING
