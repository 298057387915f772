"""The settings: environment variables, read once and checked all together.

A wrong setting never ends in a traceback. Every problem gets a plain sentence, and no secret is ever printed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from evoslack import setting_values as values

T = TypeVar("T")

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LOG_FORMATS = ("text", "json")


class BadSettings(Exception):
    """The settings cannot be used; `problems` has one sentence for each problem."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an operator can configure. Secrets are left out of the repr."""

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
    help_contact: str
    default_region: str
    allowed_countries: frozenset[str]
    max_calls_at_once: int
    max_wait_seconds: int
    history_days: int
    database_url: str = field(repr=False)  # may contain a password
    log_level: str
    log_format: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read the settings. Raises `BadSettings` with every problem at once."""
        read = _Reader(env)
        region = read.one("DEFAULT_REGION", "US", values.region)
        read.require_one_of_two("SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET")
        settings = cls(
            slack_bot_token=read.required("SLACK_BOT_TOKEN", values.token("xoxb-", "a bot token")),
            slack_app_token=read.optional("SLACK_APP_TOKEN", values.token("xapp-", "an app-level token")),
            slack_signing_secret=read.optional("SLACK_SIGNING_SECRET", values.text),
            slack_command=read.one("SLACK_COMMAND", "/call", values.command),
            slack_api_url=read.one("SLACK_API_URL", "https://slack.com/api/", values.api_url),
            host=read.one("HOST", "127.0.0.1", values.text),
            port=read.one("PORT", "3000", values.port),
            evo_base_url=read.one("EVO_BASE_URL", "https://evovoice.io", values.url),
            evo_username=read.required("EVO_USERNAME", values.text),
            evo_password=read.required("EVO_PASSWORD", values.password),
            evo_account_id=read.optional("EVO_ACCOUNT_ID", values.text),
            evo_flows=read.one("EVO_FLOWS", "", values.comma_separated),
            evo_caller_id=read.optional("EVO_CALLER_ID", values.e164),
            evo_user_map=read.one("EVO_USER_MAP", "", values.user_map),
            calls_channel=read.required("CALLS_CHANNEL", values.channel),
            help_contact=read.one("HELP_CONTACT", "", values.help_contact),
            default_region=region,
            allowed_countries=read.one("ALLOWED_COUNTRIES", region, values.countries),
            max_calls_at_once=read.one("MAX_CALLS_AT_ONCE", "8", values.whole_number(1, 64)),
            max_wait_seconds=read.one("MAX_WAIT_SECONDS", "120", values.whole_number(10, 3600)),
            history_days=read.one("HISTORY_DAYS", "365", values.whole_number(1, 36500)),
            database_url=read.one("DATABASE_URL", "sqlite:///evoslack.db", values.database_url),
            log_level=read.one("LOG_LEVEL", "INFO", values.one_of(LOG_LEVELS, str.upper)),
            log_format=read.one("LOG_FORMAT", "text", values.one_of(LOG_FORMATS, str.lower)),
        )
        if read.problems:
            raise BadSettings(read.problems)
        return settings


class _Reader:
    """Reads variables one by one and collects the problems. An empty variable counts as not set."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.problems: list[str] = []

    def require_one_of_two(self, app_token: str, signing_secret: str) -> None:
        """Without either of these, Slack has no way to reach the bot."""
        if not self._has(app_token) and not self._has(signing_secret):
            self.problems.append(f"Set {app_token} (xapp-…, Socket Mode), or {signing_secret} to serve HTTP.")

    def required(self, name: str, parse: Callable[[str], str]) -> str:
        if not self._has(name):
            self.problems.append(f"{name} is missing.")
            return ""
        return self.optional(name, parse) or ""

    def optional(self, name: str, parse: Callable[[str], T]) -> T | None:
        if not self._has(name):
            return None
        try:
            return parse(self._env[name])
        except ValueError as problem:
            self.problems.append(f"{name} {problem}")
            return None

    def one(self, name: str, default: str, parse: Callable[[str], T]) -> T:
        found = self.optional(name, parse)
        return parse(default) if found is None else found

    def _has(self, name: str) -> bool:
        return bool(self._env.get(name, "").strip())
