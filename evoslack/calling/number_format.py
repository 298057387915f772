"""How numbers are written: for people, for people who may not see them whole, and for logs."""

from __future__ import annotations

import phonenumbers
from phonenumbers import PhoneNumberFormat


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
    """As `pretty`, with only the begin and the last two digits: (814) •••-••93, +44 •• •••• ••58.

    For people who may know that there was a call, but not to whom. Hides at least five digits.
    """
    shown = pretty(number, region)
    digits = [place for place, char in enumerate(shown) if char.isdecimal()]
    if shown.startswith("+"):  # the country
        first = sum(place < len(shown.split(" ")[0]) for place in digits) if " " in shown else 0
    else:  # the area
        first = 3
    first = max(min(first, len(digits) - 7), 0)
    hidden = set(digits[first : len(digits) - 2])
    return "".join("•" if place in hidden else char for place, char in enumerate(shown))


def example(region: str) -> str:
    """A number of that region that belongs to nobody, as people write it there."""
    number = phonenumbers.example_number(region)
    return phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL) if number else "+1 201-555-0123"
