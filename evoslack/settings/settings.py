"""The settings: environment variables, read once and checked all together.

A wrong setting never ends in a traceback. Every problem gets a plain sentence, and no secret is ever printed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TypeVar

from evoslack.calling.calling_hours import AROUND_THE_CLOCK, CallingHours
from evoslack.calling.rulebook import Masking, NumberKind, Rules, limits_of
from evoslack.settings import addresses, values

T = TypeVar("T")

DEFAULT_DATABASE_URL = "sqlite:///evoslack.db"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LOG_FORMATS = ("text", "json")


class BadSettings(Exception):
    """The settings cannot be used; `problems` has one sentence for each problem.

    `note` says where the settings came from, if that is known.
    """

    def __init__(self, problems: list[str], note: str = "") -> None:
        super().__init__("; ".join(problems))
        self.problems, self.note = problems, note


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
    health_host: str
    health_port: int | None  # None: there are no health pages
    evo_base_url: str
    evo_username: str
    evo_password: str = field(repr=False)
    evo_account_id: str | None
    evo_flows: tuple[str, ...]
    evo_caller_id: str | None
    evo_user_map: Mapping[str, str]
    calls_channel: str
    help_contact: str
    alert_channel: str  # a channel or user id; empty: nobody is told
    default_region: str
    allowed_countries: frozenset[str]
    max_calls_at_once: int
    max_wait_seconds: int
    history_days: int
    allowed_number_kinds: frozenset[NumberKind]
    calling_hours: CallingHours | None  # None: at any hour
    calling_days: frozenset[int]  # Monday is 0
    no_call_dates: frozenset[str]  # 2026-11-26, or 12-25 for every year
    max_calls_per_hour: int  # per person; 0: no limit, as in the next three
    max_calls_per_hour_all: int
    max_calls_per_day: int
    max_calls_per_day_all: int
    mask_numbers: Masking
    database_url: str = field(repr=False)  # may contain a password
    log_level: str
    log_format: str

    @classmethod
    def from_env(cls, env: Mapping[str, str], unreadable: Mapping[str, str] | None = None) -> Settings:
        """Read the settings. Raises `BadSettings` with every problem at once.

        `unreadable` are settings that are set, but whose value could not be read, each with a sentence.
        """
        read = _Reader(env, unreadable or {})
        region = read.one("DEFAULT_REGION", "US", values.region)
        read.require_one_of_two("SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET")
        settings = cls(
            slack_bot_token=read.required("SLACK_BOT_TOKEN", values.token("xoxb-", "a bot token")),
            slack_app_token=read.optional("SLACK_APP_TOKEN", values.token("xapp-", "an app-level token")),
            slack_signing_secret=read.optional("SLACK_SIGNING_SECRET", values.signing_secret),
            slack_command=read.one("SLACK_COMMAND", "/call", values.command),
            slack_api_url=read.one("SLACK_API_URL", "https://slack.com/api/", addresses.api_url),
            host=read.one("HOST", "127.0.0.1", addresses.host),
            port=read.one("PORT", "3000", addresses.port),
            health_host=read.one("HEALTH_HOST", "127.0.0.1", addresses.host),
            health_port=read.optional("HEALTH_PORT", addresses.port),
            evo_base_url=read.one("EVO_BASE_URL", "https://evovoice.io", addresses.url),
            evo_username=read.required("EVO_USERNAME", values.text),
            evo_password=read.required("EVO_PASSWORD", values.password),
            evo_account_id=read.optional("EVO_ACCOUNT_ID", values.text),
            evo_flows=read.one("EVO_FLOWS", "", values.comma_separated),
            evo_caller_id=read.optional("EVO_CALLER_ID", values.e164),
            evo_user_map=read.one("EVO_USER_MAP", "", values.user_map),
            calls_channel=read.required("CALLS_CHANNEL", values.channel),
            help_contact=read.one("HELP_CONTACT", "", values.help_contact),
            alert_channel=read.one("ALERT_CHANNEL", "", values.channel_or_user),
            default_region=region,
            allowed_countries=read.one("ALLOWED_COUNTRIES", region, values.countries),
            max_calls_at_once=read.one("MAX_CALLS_AT_ONCE", "8", values.whole_number(1, 64)),
            max_wait_seconds=read.one("MAX_WAIT_SECONDS", "120", values.whole_number(10, 3600)),
            history_days=read.one("HISTORY_DAYS", "365", values.whole_number(1, 36500)),
            allowed_number_kinds=read.one("ALLOWED_NUMBER_KINDS", "", values.number_kinds),
            calling_hours=read.one_or_off("CALLING_HOURS", "08:00-21:00", values.calling_hours),
            calling_days=read.one("CALLING_DAYS", "Mon-Sun", values.calling_days),
            no_call_dates=read.one("NO_CALL_DATES", "", values.dates),
            max_calls_per_hour=read.one("MAX_CALLS_PER_HOUR", "60", values.whole_number(0, 999_999)),
            max_calls_per_hour_all=read.one("MAX_CALLS_PER_HOUR_ALL", "0", values.whole_number(0, 999_999)),
            max_calls_per_day=read.one("MAX_CALLS_PER_DAY", "0", values.whole_number(0, 999_999)),
            max_calls_per_day_all=read.one("MAX_CALLS_PER_DAY_ALL", "0", values.whole_number(0, 999_999)),
            mask_numbers=Masking(
                read.one("MASK_NUMBERS", Masking.SHARED, values.one_of(tuple(Masking), str.lower))
            ),
            database_url=read.one("DATABASE_URL", DEFAULT_DATABASE_URL, addresses.database_url),
            log_level=read.one("LOG_LEVEL", "INFO", values.one_of(LOG_LEVELS, str.upper)),
            log_format=read.one("LOG_FORMAT", "text", values.one_of(LOG_FORMATS, str.lower)),
        )
        if settings.slack_app_token is None and settings.port and settings.port == settings.health_port:
            read.problems.append("HEALTH_PORT is the same as PORT; choose another, such as 9090.")
        if read.problems:
            raise BadSettings(read.problems)
        return settings

    @classmethod
    def names(cls) -> frozenset[str]:
        """The names of all settings, as they are written in the environment."""
        return frozenset(each.name.upper() for each in fields(cls))

    @property
    def rules(self) -> Rules:
        """The rules that the settings make: the ceiling for what administrators change."""
        # Without hours, days without calls still hold: a limit that was set is never dropped silently.
        hours = self.calling_hours or AROUND_THE_CLOCK
        hours = replace(hours, days=self.calling_days, dates_off=self.no_call_dates)
        limits = {
            "person_hour": self.max_calls_per_hour,
            "all_hour": self.max_calls_per_hour_all,
            "person_day": self.max_calls_per_day,
            "all_day": self.max_calls_per_day_all,
        }
        return Rules(
            countries=self.allowed_countries,
            kinds=self.allowed_number_kinds,
            hours=() if hours == AROUND_THE_CLOCK else (hours,),
            limits=limits_of(limits),
            masking=self.mask_numbers,
        )


def database_url(env: Mapping[str, str], unreadable: Mapping[str, str] | None = None) -> str:
    """Only the database's address, for what needs nothing else. Raises `BadSettings`."""
    read = _Reader(env, unreadable or {})
    url = read.one("DATABASE_URL", DEFAULT_DATABASE_URL, addresses.database_url)
    if read.problems:
        raise BadSettings(read.problems)
    return url


class _Reader:
    """Reads variables one by one and collects the problems. An empty variable counts as not set."""

    def __init__(self, env: Mapping[str, str], unreadable: Mapping[str, str]) -> None:
        self._env, self._unreadable = env, unreadable
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
        if name in self._unreadable:
            self.problems.append(self._unreadable[name])
            return None
        if not self._has(name):
            return None
        try:
            return parse(_readable(self._env[name], is_password=parse is values.password))
        except ValueError as problem:
            self.problems.append(f"{name} {problem}")
            return None

    def one(self, name: str, default: str, parse: Callable[[str], T]) -> T:
        found = self.optional(name, parse)
        return parse(default) if found is None else found

    def one_or_off(self, name: str, default: str, parse: Callable[[str], T]) -> T | None:
        """Like `one`, but a variable that is set and empty means off."""
        if name in self._env and not self._has(name):
            return None
        return self.one(name, default, parse)

    def _has(self, name: str) -> bool:
        return name in self._unreadable or bool(self._env.get(name, "").strip())


def _readable(value: str, *, is_password: bool) -> str:
    """The same text, if it can be a setting at all. A password may be in quotes."""
    try:
        value.encode()
    except UnicodeEncodeError:  # how Python shows bytes of the environment that it cannot read
        raise ValueError("has bytes that are not UTF-8.") from None
    if not is_password and len(bare := value.strip()) > 1 and bare[0] == bare[-1] and bare[0] in "'\"":
        raise ValueError("is in quotes; leave them out, because docker's --env-file keeps them.")
    return value
