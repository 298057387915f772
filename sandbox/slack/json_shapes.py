"""Composable checks of JSON values, like a schema, with readable problems.

A check takes a value and its JSON pointer and yields one sentence per problem, worded as in Slack's
`response_metadata.messages`. `block_kit` describes Block Kit with them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

Check = Callable[[Any, str], Iterator[str]]


def no(text: str, at: str) -> str:
    return f"[ERROR] {text} [json-pointer:{at}]"


def string(most: int, least: int = 1) -> Check:
    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield no("must provide a string", at)
        elif len(value) > most:
            yield no(f"must be less than {most + 1} characters", at)
        elif len(value) < least:
            yield no(f"must be more than {least - 1} characters", at)

    return check


def number(least: int, most: int) -> Check:
    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            yield no(f"must be a number from {least} to {most}", at)

    return check


def boolean(value: Any, at: str) -> Iterator[str]:
    if not isinstance(value, bool):
        yield no("must provide a boolean", at)


def day(value: Any, at: str) -> Iterator[str]:
    """A calendar day, as 2026-10-31."""
    try:
        is_day = date.fromisoformat(value).isoformat() == value
    except (TypeError, ValueError):
        is_day = False
    if not is_day:
        yield no("must provide a date as YYYY-MM-DD", at)


def clock_time(value: Any, at: str) -> Iterator[str]:
    """A time of day, as 08:30."""
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value, re.ASCII):
        yield no("must provide a time as HH:mm", at)


def decimal(value: Any, at: str) -> Iterator[str]:
    """A number as a string, as number inputs take it."""
    if not isinstance(value, str) or not re.fullmatch(r"-?\d+(\.\d+)?", value, re.ASCII):
        yield no("must provide a number as a string", at)


def anything(_value: Any, _at: str) -> Iterator[str]:
    return iter(())


def one_of(*allowed: str) -> Check:
    def check(value: Any, at: str) -> Iterator[str]:
        if value not in allowed:
            yield no(f"must be one of {', '.join(allowed)}", at)

    return check


def list_of(item: Check, least: int, most: int) -> Check:
    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield no("must provide an array", at)
            return
        if len(value) > most:
            yield no(f"no more than {most} items allowed", at)
        if len(value) < least:
            yield no(f"at least {least} items required", at)
        for index, each in enumerate(value):
            yield from item(each, f"{at}/{index}")

    return check


def shape(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None, *rules: Check) -> Check:
    """An object with these keys and no others; `rules` then check the object as a whole."""
    known = {**required, **(optional or {})}

    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield no("must provide an object", at)
            return
        found = [no(f"missing required field: {key}", at) for key in required if key not in value]
        for key, each in value.items():
            if key in known:
                found.extend(known[key](each, f"{at}/{key}"))
            elif key != "type":
                found.append(no(f"invalid additional property: {key}", at))
        yield from found
        if not found:
            for rule in rules:
                yield from rule(value, at)

    return check


def typed(kinds: dict[str, Check]) -> Check:
    """An object whose `type` selects the check."""

    def check(value: Any, at: str) -> Iterator[str]:
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in kinds:
            yield no(f"unsupported type: {kind}", at)
        else:
            yield from kinds[kind](value, at)

    return check
