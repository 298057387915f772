"""Turns what an administrator fills in into a rule that can be stored, or says what is wrong with it.

Pure. The settings are the ceiling, so a rule is only taken if it is stricter. That one would forbid every
call is said at once. A rule that says nothing beyond the settings is none: `None`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from evoslack.calling.calling_hours import DAY_MIN, EVERY_DAY, CallingHours, opens_at
from evoslack.calling.places import known_countries
from evoslack.calling.rulebook import (
    ANY_COUNTRY,
    LIMIT_KINDS,
    FlowRule,
    Masking,
    Rules,
    lowest,
    value_of,
)

HIGHEST_LIMIT = 999_999  # as in the settings
_WEEK_MIN = 7 * DAY_MIN

Value = dict[str, Any]  # as it is stored


class RuleField(StrEnum):
    """What can be filled in; the limits have their names in a stored rule."""

    COUNTRIES = "countries"
    START = "start"
    END = "end"
    DAYS = "days"
    DATES_OFF = "dates_off"
    PERSON_HOUR = "person_hour"
    PERSON_DAY = "person_day"
    ALL_HOUR = "all_hour"
    ALL_DAY = "all_day"
    MASKING = "masking"
    FLOW = "flow"
    USERS = "users"
    GROUPS = "groups"
    CALLER_ID = "caller_id"


class Mistake(StrEnum):
    """What is wrong with a field."""

    NO_COUNTRY = "no_country"
    COUNTRY_TURNED_OFF = "country_turned_off"  # by the settings
    NO_TIME = "no_time"
    SAME_TIME = "same_time"
    NO_DAY = "no_day"
    BEYOND_HOURS = "beyond_hours"  # of the settings
    NEVER_OPEN = "never_open"
    BAD_DATE = "bad_date"
    BAD_LIMIT = "bad_limit"
    ABOVE_LIMIT = "above_limit"  # of the settings
    TOO_LENIENT = "too_lenient"  # for the settings
    FLOW_MISSING = "flow_missing"
    FLOW_GONE = "flow_gone"
    CALLER_ID_GONE = "caller_id_gone"
    BAD_NAME = "bad_name"  # no user or user group has such an id
    NOBODY = "nobody"  # is in the user groups
    GROUPS_UNREAD = "groups_unread"  # Slack did not say who is in them


@dataclass(frozen=True, slots=True)
class WrongField:
    """A mistake in a field; `detail` is what it is about, such as the countries or the dates."""

    field: RuleField
    mistake: Mistake
    detail: str = ""


class InvalidRule(Exception):
    """Some fields are wrong."""

    def __init__(self, wrong: Sequence[WrongField]) -> None:
        super().__init__(", ".join(each.mistake for each in wrong))
        self.wrong = wrong


def countries_value(codes: Collection[str], ceiling: Rules) -> Value | None:
    """Countries that may be called. Raises `InvalidRule`."""
    if not codes:
        raise InvalidRule([WrongField(RuleField.COUNTRIES, Mistake.NO_COUNTRY)])
    allowed = known_countries() if ANY_COUNTRY in ceiling.countries else ceiling.countries
    turned_off = set(codes) - allowed
    if turned_off:
        wrong = WrongField(RuleField.COUNTRIES, Mistake.COUNTRY_TURNED_OFF, ", ".join(sorted(turned_off)))
        raise InvalidRule([wrong])
    return None if set(codes) == ceiling.countries else {"countries": sorted(codes)}


def hours_value(
    typed: tuple[str, str], days: Collection[int], dates_off: str, ceiling: Rules, now: datetime
) -> Value | None:
    """When people may be called; `typed` are start and end as HH:MM. Raises `InvalidRule`."""
    times = [_minutes(each) for each in typed]
    wrong = [
        WrongField(field, Mistake.NO_TIME)
        for field, minute in zip((RuleField.START, RuleField.END), times, strict=True)
        if minute is None
    ]
    start, end = (minute or 0 for minute in times)
    if not wrong and start == end:
        wrong.append(WrongField(RuleField.END, Mistake.SAME_TIME))
    if not days or not EVERY_DAY.issuperset(days):
        wrong.append(WrongField(RuleField.DAYS, Mistake.NO_DAY))
    dates, bad_dates = read_dates(dates_off)
    if bad_dates:
        wrong.append(WrongField(RuleField.DATES_OFF, Mistake.BAD_DATE, ", ".join(bad_dates)))
    if wrong:
        raise InvalidRule(wrong)
    hours = CallingHours(start, end or DAY_MIN, frozenset(days), dates)
    for window in ceiling.hours:
        _require_within(hours, window)
    if is_never_open((*ceiling.hours, hours), now):
        is_without_dates = is_never_open((*ceiling.hours, replace(hours, dates_off=frozenset())), now)
        field = RuleField.DAYS if is_without_dates else RuleField.DATES_OFF
        raise InvalidRule([WrongField(field, Mistake.NEVER_OPEN)])
    return None if any(_adds_nothing(hours, window) for window in ceiling.hours) else value_of(hours)


def limits_value(typed: Mapping[str, str], ceiling: Rules) -> Value | None:
    """Limits as they were typed, by their names; empty or 0: what the settings say. Raises `InvalidRule`."""
    most, value, wrong = lowest(ceiling.limits), {}, []
    for name in LIMIT_KINDS:
        text = typed.get(name, "").strip()
        if not re.fullmatch(r"\d{0,6}", text, re.ASCII):
            wrong.append(WrongField(RuleField(name), Mistake.BAD_LIMIT))
        elif int(text or 0) > most.get(name, HIGHEST_LIMIT):
            wrong.append(WrongField(RuleField(name), Mistake.ABOVE_LIMIT, str(most[name])))
        elif int(text or 0) not in {0, most.get(name, 0)}:
            value[name] = int(text)
    if wrong:
        raise InvalidRule(wrong)
    return value or None


def masking_value(chosen: str, ceiling: Rules) -> Value | None:
    """Where numbers are masked. Raises `InvalidRule`."""
    if chosen not in allowed_masking(ceiling):
        raise InvalidRule([WrongField(RuleField.MASKING, Mistake.TOO_LENIENT)])
    return None if chosen == ceiling.masking else {"masking": chosen}


def allowed_masking(ceiling: Rules) -> list[Masking]:
    """What is as strict as the settings, or stricter."""
    order = list(Masking)
    return order[order.index(ceiling.masking) :]


def flow_value(rule: FlowRule) -> Value | None:
    """Who may use a flow, and its default caller ID. Raises `InvalidRule`."""
    ids = {RuleField.USERS: (r"[UW]\w{1,31}", rule.users), RuleField.GROUPS: (r"S\w{1,31}", rule.groups)}
    wrong = [
        WrongField(field, Mistake.BAD_NAME)
        for field, (pattern, names) in ids.items()
        if not all(re.fullmatch(pattern, name, re.ASCII) for name in names)
    ]
    if wrong:
        raise InvalidRule(wrong)
    return value_of(rule) if rule.is_restricted or rule.caller_id else None


def read_dates(text: str) -> tuple[frozenset[str], list[str]]:
    """Dates such as 2026-11-26, or 12-25 for every year, one a line or with commas; and what is none."""
    found, bad = set(), []
    for item in re.split(r"[\s,;]+", text.strip()):
        if item and not _is_date(item):
            bad.append(item)
        elif item:
            found.add(item)
    return frozenset(found), bad


def is_never_open(windows: Sequence[CallingHours], now: datetime) -> bool:
    """Whether nobody could be called in the next month."""
    return opens_at(windows, ["UTC"], now) is None


def in_words(windows: Sequence[CallingHours]) -> list[CallingHours]:
    """The fewest windows that say the same: one that lies within another says it all, but for the dates."""
    if len(windows) == 2 and _open_minutes(windows[1]) <= _open_minutes(windows[0]):
        return [replace(windows[1], dates_off=windows[0].dates_off | windows[1].dates_off)]
    return list(windows)


def _is_date(text: str) -> bool:
    if not re.fullmatch(r"(\d{4}-)?\d\d-\d\d", text, re.ASCII):
        return False
    day = text if len(text) > len("12-25") else f"2024-{text}"  # a leap year
    try:
        datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return False
    return True


def _minutes(time: str) -> int | None:
    """Minutes after midnight of a time as HH:MM; None for anything else."""
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", time, re.ASCII)
    return None if found is None else int(found[1]) * 60 + int(found[2])


def _require_within(hours: CallingHours, window: CallingHours) -> None:
    """Raises `InvalidRule` if calls would be allowed when the window of the settings is closed."""
    open_min = _open_minutes(window)
    outside = _open_minutes(hours) - open_min
    if not outside:
        return
    if not hours.days <= window.days and not window.is_over_midnight:
        raise InvalidRule([WrongField(RuleField.DAYS, Mistake.BEYOND_HOURS)])
    begins = {day * DAY_MIN + hours.start_min for day in hours.days}
    ends = {last % _WEEK_MIN for last in (_ends(hours) - 1 + day * DAY_MIN for day in hours.days)}
    found = [
        WrongField(field, Mistake.BEYOND_HOURS)
        for field, minutes in ((RuleField.START, begins), (RuleField.END, ends))
        if minutes & outside
    ]
    raise InvalidRule(found or [WrongField(RuleField.END, Mistake.BEYOND_HOURS)])


def _ends(hours: CallingHours) -> int:
    return hours.end_min + (DAY_MIN if hours.is_over_midnight else 0)


def _open_minutes(hours: CallingHours) -> set[int]:
    """The minutes of a week in which it is open, whatever the date."""
    spans: Iterable[range] = (
        range(day * DAY_MIN + hours.start_min, day * DAY_MIN + _ends(hours)) for day in hours.days
    )
    return {minute % _WEEK_MIN for span in spans for minute in span}


def _adds_nothing(hours: CallingHours, window: CallingHours) -> bool:
    return hours.dates_off <= window.dates_off and replace(hours, dates_off=window.dates_off) == window
