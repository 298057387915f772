"""Turns the text of one environment variable into a value.

Each function raises `ValueError` for a text it cannot use. The message completes a sentence that begins with
the variable's name and says what to write instead. It never repeats the text, which may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from evoslack.calling.calling_hours import DAY_MIN, CallingHours
from evoslack.calling.numbers import is_e164, is_region
from evoslack.calling.rulebook import ANY_COUNTRY, NumberKind

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LONGEST_CONTACT = 80  # characters; it stands in the middle of sentences


def text(value: str) -> str:
    """Any text, without the spaces around it."""
    return value.strip()


def password(value: str) -> str:
    """Exactly what was typed: a password may begin or end with a space."""
    return value


def token(prefix: str, what: str) -> Callable[[str], str]:
    """A Slack token: visible ASCII after its prefix."""

    def parse(value: str) -> str:
        value = value.strip()
        if not re.fullmatch(rf"{prefix}[!-~]+", value):
            raise ValueError(f"is not {what}, which begins with {prefix} and has no spaces.")
        return value

    return parse


def signing_secret(value: str) -> str:
    """The key that Slack signs its requests with."""
    value = value.strip()
    if value.startswith(("xoxb-", "xapp-")) or not re.fullmatch(r"[!-~]+", value):
        raise ValueError("is not valid; copy it from the app's page, Basic Information.")
    return value


def command(value: str) -> str:
    """A slash command (slack-facts 8)."""
    value = value.strip()
    if not re.fullmatch(r"/[a-z0-9_-]{1,31}", value):
        raise ValueError("must look like /call: a slash, then up to 31 lowercase letters, digits, - or _.")
    return value


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """A whole number in that range, in ASCII digits."""

    def parse(value: str) -> int:
        value = value.strip()
        if not re.fullmatch(r"\d{1,6}", value, re.ASCII) or not least <= int(value) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}.")
        return int(value)

    return parse


def one_of(allowed: tuple[str, ...], fold: Callable[[str], str]) -> Callable[[str], str]:
    """One of a few words, after `fold` has made upper and lower case the same."""

    def parse(value: str) -> str:
        value = fold(value.strip())
        if value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}.")
        return value

    return parse


def comma_separated(value: str) -> tuple[str, ...]:
    """The items of a list, without empty ones."""
    return tuple(item.strip() for item in value.split(",") if item.strip())


def e164(value: str) -> str:
    """A phone number such as +18144043093."""
    value = value.strip()
    if not is_e164(value):
        raise ValueError("must be a number in E.164 form, such as +18144043093.")
    return value


def user_map(value: str) -> dict[str, str]:
    """Slack user ids and the email address of each in Evo Voice."""
    emails: dict[str, str] = {}
    for pair in comma_separated(value):
        user_id, _, email = (part.strip() for part in pair.partition("="))
        if not re.fullmatch(r"[UW][A-Z0-9_]+", user_id) or not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
            raise ValueError("must look like U123=alice@example.com,U456=bob@example.com.")
        if user_id in emails:
            raise ValueError(f"names {user_id} twice.")
        emails[user_id] = email
    return emails


def channel(value: str) -> str:
    """The id of a channel."""
    value = value.strip()
    if not re.fullmatch(r"[CG][A-Z0-9_]+", value):
        raise ValueError("must be a channel id such as C0123456789, not the channel's name.")
    return value


def channel_or_user(value: str) -> str:
    """The id of a channel, or of a user who gets direct messages."""
    value = value.strip()
    if not re.fullmatch(r"([CGUW][A-Z0-9_]+)?", value):
        raise ValueError("must be a channel id such as C0123456789 or a user id such as U0123456789.")
    return value


def help_contact(value: str) -> str:
    """The id of a Slack user or a channel, or a few words such as "IT support, extension 42"."""
    value = value.strip()
    if value.startswith(("@", "#", "<")):
        raise ValueError(
            "must be an id such as U0123456789 or C0123456789, not a name that begins with @ or #."
        )
    if len(value) > LONGEST_CONTACT or not value.isprintable():
        raise ValueError(f"must be an id or one line of up to {LONGEST_CONTACT} characters.")
    return value


def region(value: str) -> str:
    """A country code such as US."""
    value = value.strip().upper()
    if not is_region(value):
        raise ValueError("is not a two-letter country code such as US.")
    return value


def countries(value: str) -> frozenset[str]:
    """Country codes, or * for every country."""
    codes = comma_separated(value.upper())
    wrong = [code for code in codes if code != ANY_COUNTRY and not is_region(code)]
    if wrong:
        short = ", ".join(code for code in wrong if len(code) <= 3)  # anything longer may be a secret
        raise ValueError(
            f"has {short or 'something'} that is not a country code; write codes such as US,CA or * for all."
        )
    if not codes:
        raise ValueError("names no country, so nobody could be called; write US,CA or * for all.")
    return frozenset(codes)


def number_kinds(value: str) -> frozenset[NumberKind]:
    """Kinds of numbers to call although they are not by default."""
    words = [word.lower() for word in comma_separated(value)]
    if not set(words) <= set(NumberKind):
        raise ValueError(f"must list only {', '.join(NumberKind)}.")
    return frozenset(NumberKind(word) for word in words)


def calling_hours(value: str) -> CallingHours:
    """A window such as 08:00-21:00; over midnight if it ends before it begins."""
    found = re.fullmatch(r"(\d{1,2}):(\d\d)\s*[-–]\s*(\d{1,2}):(\d\d)", value.strip(), re.ASCII)
    if found is None:
        raise ValueError("must look like 08:00-21:00.")
    start_h, start_m, end_h, end_m = map(int, found.groups())
    start, end = start_h * 60 + start_m, end_h * 60 + end_m
    if start_m > 59 or end_m > 59 or start >= DAY_MIN or end > DAY_MIN:
        raise ValueError("has an invalid time; write it like 08:00-21:00.")
    if start == end:
        raise ValueError("begins and ends at the same time; leave it empty to call at any hour.")
    return CallingHours(start, end or DAY_MIN)


def calling_days(value: str) -> frozenset[int]:
    """Weekdays such as Mon-Fri or Mon,Wed,Sat; Monday is 0."""
    days: set[int] = set()
    for item in comma_separated(value):
        first, dash, last = (part.strip() for part in item.partition("-"))
        begin, end = _weekday(first), _weekday(last if dash else first)
        days |= {day % 7 for day in range(begin, end + 1 if end >= begin else end + 8)}
    if not days:
        raise ValueError("names no weekday; leave it out to call on every day.")
    return frozenset(days)


def _weekday(word: str) -> int:
    """By its name, or by three letters of it or more."""
    found = [day for day, name in enumerate(_DAYS) if len(word) >= 3 and name.startswith(word.lower())]
    if not found:
        raise ValueError("must name weekdays, such as Mon-Fri or Mon,Tue,Sat.")
    return found[0]


def dates(value: str) -> frozenset[str]:
    """Dates such as 2026-11-26, or 12-25 for every year."""
    found = comma_separated(value)
    for item in found:
        try:
            datetime.strptime(item if len(item) > 5 else f"2024-{item}", "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            raise ValueError("must be dates such as 2026-11-26, or 12-25 for every year.") from None
        if not re.fullmatch(r"(\d{4}-)?\d\d-\d\d", item, re.ASCII):
            raise ValueError("must be dates such as 2026-11-26, or 12-25 for every year.")
    return frozenset(found)
