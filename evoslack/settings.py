"""The environment variables, read once, checked all together.

A wrong setting never ends in a traceback: every problem is listed in plain words, and no secret is ever
printed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TypeVar
from urllib.parse import urlsplit

from evoslack.calling.numbers import EVERY_COUNTRY, is_e164, is_region

T = TypeVar("T")

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LOG_FORMATS = ("text", "json")


class BadSettings(Exception):
    """The settings cannot be used; `problems` has a sentence for each reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an operator can say. Secrets have no repr."""

    slack_bot_token: str = field(repr=False)
    slack_app_token: str | None = field(repr=False)
    slack_signing_secret: str | None = field(repr=False)
    slack_command: str
    slack_api_url: str
    host: str
    port: int
    evo_base_url: str
    evo_username: str
    evo_password: str = field(repr=False)
    evo_account_id: str | None
    evo_flows: tuple[str, ...]
    evo_caller_id: str | None
    evo_user_map: Mapping[str, str]
    calls_channel: str
    default_region: str
    allowed_countries: frozenset[str]
    max_calls_at_once: int
    max_wait_seconds: int
    history_days: int
    database_url: str = field(repr=False)  # may carry a password
    log_level: str
    log_format: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read the settings. Raises `BadSettings` with every problem at once."""
        read = _Reader(env)
        region = read.one("DEFAULT_REGION", "US", _region)
        app_token = read.optional("SLACK_APP_TOKEN", _app_token)
        signing_secret = read.optional("SLACK_SIGNING_SECRET", _text)
        if app_token is None and signing_secret is None and not read.has("SLACK_APP_TOKEN"):
            read.problems.append(
                "Set SLACK_APP_TOKEN (xapp-…, Socket Mode), or SLACK_SIGNING_SECRET to serve HTTP."
            )
        settings = cls(
            slack_bot_token=read.required("SLACK_BOT_TOKEN", _bot_token),
            slack_app_token=app_token,
            slack_signing_secret=signing_secret,
            slack_command=read.one("SLACK_COMMAND", "/call", _command),
            slack_api_url=read.one("SLACK_API_URL", "https://slack.com/api/", _api_url),
            host=read.one("HOST", "127.0.0.1", _text),
            port=read.one("PORT", "3000", _port),
            evo_base_url=read.one("EVO_BASE_URL", "https://evovoice.io", _url),
            evo_username=read.required("EVO_USERNAME", _text),
            evo_password=read.required("EVO_PASSWORD", _secret),
            evo_account_id=read.optional("EVO_ACCOUNT_ID", _text),
            evo_flows=read.one("EVO_FLOWS", "", _list),
            evo_caller_id=read.optional("EVO_CALLER_ID", _e164),
            evo_user_map=read.one("EVO_USER_MAP", "", _user_map),
            calls_channel=read.required("CALLS_CHANNEL", _channel),
            default_region=region,
            allowed_countries=read.one("ALLOWED_COUNTRIES", region, _countries),
            max_calls_at_once=read.one("MAX_CALLS_AT_ONCE", "8", _whole(1, 64)),
            max_wait_seconds=read.one("MAX_WAIT_SECONDS", "120", _whole(10, 3600)),
            history_days=read.one("HISTORY_DAYS", "365", _whole(1, 36500)),
            database_url=read.one("DATABASE_URL", "sqlite:///evoslack.db", _database_url),
            log_level=read.one("LOG_LEVEL", "INFO", _one_of(LOG_LEVELS, str.upper)),
            log_format=read.one("LOG_FORMAT", "text", _one_of(LOG_FORMATS, str.lower)),
        )
        if read.problems:
            raise BadSettings(read.problems)
        return settings


class _Reader:
    """Reads variables one by one and collects what is wrong. An empty variable counts as not set."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.problems: list[str] = []

    def has(self, name: str) -> bool:
        return bool(self._env.get(name, "").strip())

    def required(self, name: str, parse: Callable[[str], str]) -> str:
        if not self.has(name):
            self.problems.append(f"{name} is missing.")
            return ""
        return self.optional(name, parse) or ""

    def optional(self, name: str, parse: Callable[[str], T]) -> T | None:
        if not self.has(name):
            return None
        try:
            return parse(self._env[name])
        except ValueError as problem:
            self.problems.append(f"{name} {problem}")
            return None

    def one(self, name: str, default: str, parse: Callable[[str], T]) -> T:
        found = self.optional(name, parse)
        return parse(default) if found is None else found


def _text(value: str) -> str:
    return value.strip()


def _secret(value: str) -> str:
    return value  # a password may begin or end with a space


def _prefixed(prefix: str, what: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        value = value.strip()
        if not re.fullmatch(rf"{prefix}[!-~]+", value):  # nothing but visible ASCII
            raise ValueError(f"is not {what}: it begins with {prefix} and has no spaces.")
        return value

    return parse


_bot_token = _prefixed("xoxb-", "a bot token")
_app_token = _prefixed("xapp-", "an app-level token")


def _command(value: str) -> str:
    value = value.strip()
    if not re.fullmatch(r"/[a-z0-9_-]{1,31}", value):
        raise ValueError("must look like /call: a slash, then up to 31 lower-case letters, digits, - or _.")
    return value


def _url(value: str) -> str:
    value = value.strip().rstrip("/")
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - looked at so that it complains
    except ValueError:  # whose words repeat the address
        raise ValueError("has a host or a port that cannot be read.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is not an address like https://evovoice.io.")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError("must begin with https://; plain http is only for this machine.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must be a plain address, without a login, a ? or a #.")
    return value


def _api_url(value: str) -> str:
    return _url(value) + "/"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _port(value: str) -> int:
    if not value.strip().isdecimal() or not 0 <= int(value) <= 65535:
        raise ValueError("is not a port: a number from 1 to 65535, or 0 for any free one.")
    return int(value)


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        value = value.strip()
        if not re.fullmatch(r"\d{1,6}", value, re.ASCII) or not least <= int(value) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}.")
        return int(value)

    return parse


def _list(value: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in value.split(",") if item.strip())


def _e164(value: str) -> str:
    value = value.strip()
    if not is_e164(value):
        raise ValueError("must be a number in E.164 form, such as +18144043093.")
    return value


def _user_map(value: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in _list(value):
        user_id, _, email = (part.strip() for part in pair.partition("="))
        if not re.fullmatch(r"[UW][A-Z0-9_]+", user_id) or not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
            raise ValueError("must look like U123=alice@example.com,U456=bob@example.com.")
        if user_id in found:
            raise ValueError(f"names {user_id} twice.")
        found[user_id] = email
    return found


def _channel(value: str) -> str:
    value = value.strip()
    if not re.fullmatch(r"[CG][A-Z0-9_]+", value):
        raise ValueError("must be a channel's id, such as C0123456789, not its name.")
    return value


def _region(value: str) -> str:
    value = value.strip().upper()
    if not is_region(value):
        raise ValueError("is not a country code of two letters, such as US.")
    return value


def _countries(value: str) -> frozenset[str]:
    codes = _list(value.upper())
    wrong = [code for code in codes if code != EVERY_COUNTRY and not is_region(code)]
    if wrong:
        raise ValueError(f"has {', '.join(wrong)}, which is not a country code; write US,CA or * for all.")
    return frozenset(codes)


def _database_url(value: str) -> str:
    value = value.strip()
    if value.startswith("postgresql://"):
        value = value.replace("postgresql://", "postgresql+psycopg://", 1)
    try:
        urlsplit(value).port  # noqa: B018 - looked at so that it complains
    except ValueError:
        raise ValueError("has a host or a port that cannot be read.") from None
    in_memory = value in {"sqlite://", "sqlite:///", "sqlite:///:memory:"}
    if not value.startswith(("sqlite:///", "postgresql+psycopg://")) or in_memory:
        raise ValueError("must be sqlite:///file.db or postgresql://user:password@host/name.")
    return value


def _one_of(allowed: tuple[str, ...], fold: Callable[[str], str]) -> Callable[[str], str]:
    def parse(value: str) -> str:
        value = fold(value.strip())
        if value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}.")
        return value

    return parse
