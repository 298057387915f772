"""How numbers are written: for people, for people who may not see them whole, and for logs."""

from __future__ import annotations

from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumberFormat

LAST_DIGITS, LEAST_HIDDEN = 4, 5  # of a redacted number


@lru_cache(maxsize=1024)  # the same few numbers are shown again and again
def pretty(number: str, region: str) -> str:
    """An E.164 number as people of `region` write it: their own in national form, others with +."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    home = phonenumbers.region_code_for_number(parsed) == region
    return phonenumbers.format_number(
        parsed, PhoneNumberFormat.NATIONAL if home else PhoneNumberFormat.INTERNATIONAL
    )


def unbroken(shown: str) -> str:
    """A number as it is shown, in a way that no line breaks inside it."""
    return shown.replace("-", "\u2011").replace(" ", "\u00a0")


def masked(number: str) -> str:
    """An E.164 number for logs: the first digits and the last two."""
    return f"{number[:3]}…{number[-2:]}" if len(number) > 6 else "…"


def redacted(number: str, region: str) -> str:
    """As `pretty`, with the last four digits only: (•••) •••-3093, +•• •• •••• 0958.

    For people who may know that there was a call, but not to whom. Of a number that is so short that four
    would be most of it, fewer are shown: at least five of its digits stay hidden, its country's included.
    """
    shown = pretty(number, region)
    digits = [place for place, char in enumerate(shown) if char.isdecimal()]
    visible = min(LAST_DIGITS, max(sum(char.isdecimal() for char in number) - LEAST_HIDDEN, 0))
    hidden = set(digits[: len(digits) - visible])
    return "".join("•" if place in hidden else char for place, char in enumerate(shown))


def example(region: str) -> str:
    """A number of that region that belongs to nobody, as people write it there."""
    number = phonenumbers.example_number(region)
    return phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL) if number else "+1 201-555-0123"
