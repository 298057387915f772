"""Turns what a person typed into a number that may be dialed, or into the reason why not.

Strict on purpose: a wrong guess would ring a stranger. Anything but one clean phone number is answered with a
question, never repaired silently.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import islice

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberMatcher, ValidationResult
from phonenumbers.shortnumberinfo import is_emergency_number, is_possible_short_number_for_region

from evoslack.calling.number_kinds import is_international_network, kind_of
from evoslack.calling.refusals import Refusal
from evoslack.calling.rulebook import ANY_COUNTRY, NumberKind

LONGEST_TEXT = 60  # the longest sensible spelling of one number; E.164 has at most 15 digits
LONGEST_RAW = 1_000  # the same with invisible characters and the link that Slack makes of it
LONGEST_COMMAND = 2_000  # characters after the command that are searched for a number

# Excluding "<" inside keeps a text full of "<tel:" from being scanned again from each of them.
SLACK_LINK = re.compile(r"<tel:([^<|>]++)(?:\|[^<>]*+)?+>", re.IGNORECASE)

# People group digits with dashes, dots, brackets and spaces of every kind.
_GROUPING = re.compile(r"[\s\-\u2010-\u2015\u2212.·()\[\]/]+")
_PLUS = "+\uff0b"  # and the full-width one of Asian keyboards
_TEL = re.compile(r"\btel:\s*", re.IGNORECASE)
_EXTENSION = re.compile(r"(?:;|,|#|~|\*|\bext?\b|\bext?(?=\d)|\bextension\b|(?<=\d)\s*x\s*\d)", re.IGNORECASE)


# What a phone takes for a command to the network, such as *67, before the number that it is for.
_CODES = re.compile(r"(?:[*#]{1,2}\d{2,3}#?\s+)+", re.ASCII)


class Problem(StrEnum):
    """What is wrong with a typed number."""

    EMPTY = "empty"
    TOO_LONG_TEXT = "too_long_text"
    SEVERAL = "several"
    EXTENSION = "extension"
    LETTERS = "letters"
    NOT_A_NUMBER = "not_a_number"
    EMERGENCY = "emergency"
    SHORT_CODE = "short_code"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    INVALID = "invalid"
    NETWORK = "network"  # of no country, such as a satellite phone; never dialed
    # The kinds that can be allowed, named like `NumberKind`.
    PREMIUM = "premium"
    SHARED_COST = "shared_cost"
    PERSONAL = "personal"
    PAGER = "pager"
    UAN = "uan"
    VOICEMAIL = "voicemail"
    COUNTRY = "country"


class BadNumber(Refusal):
    """The text is not one number that may be dialed.

    `meant` is a number the person may have meant (in the form people write it), `country` the ISO code
    of a country that is not allowed.
    """

    def __init__(self, problem: Problem, *, meant: str = "", country: str = "") -> None:
        super().__init__(problem.value)
        self.problem = problem
        self.meant = meant
        self.country = country


@dataclass(frozen=True, slots=True)
class Typed:
    """What `/call …` asked for: the text of a number, and words that should name a flow."""

    number: str = ""
    words: str = ""


def dialable(
    text: str, region: str, allowed: Collection[str], kinds: Iterable[NumberKind] = frozenset()
) -> str:
    """Return the E.164 number that `text` spells.

    `region` is the ISO code for numbers without a plus; `allowed` holds ISO codes or `*`; `kinds` are called
    although they are not by default. A number is in one country only, phonenumbers' choice: Puerto Rico and
    Jersey are countries of their own, and a number that several countries share is in the first of them.
    Raises `BadNumber` with the first thing that is wrong.
    """
    number = _one_number(text, region)
    if number.kind is not None and number.kind not in kinds:
        raise BadNumber(Problem(number.kind.value))
    if ANY_COUNTRY not in allowed and number.country not in allowed:
        raise BadNumber(Problem.COUNTRY, country=number.country)
    return number.e164


def e164(text: str, region: str) -> str:
    """Return the E.164 number that `text` spells, of any kind and country. Raises `BadNumber`."""
    return _one_number(text, region).e164


@dataclass(frozen=True, slots=True)
class _Number:
    """What one valid number is; `country` is an ISO code, empty for a number of none."""

    e164: str
    kind: NumberKind | None
    country: str


@lru_cache(maxsize=64)  # a press asks several times; what digits spell never changes
def _one_number(text: str, region: str) -> _Number:
    text = text.strip()
    if len(text) > LONGEST_RAW:
        raise BadNumber(Problem.TOO_LONG_TEXT)
    typed = _clean(text)
    if not typed:
        raise BadNumber(Problem.EMPTY)
    if len(typed) > LONGEST_TEXT:
        raise BadNumber(Problem.TOO_LONG_TEXT)
    if not is_e164(typed) and len(_found(typed, region)) > 1:
        raise BadNumber(Problem.SEVERAL)
    # From here on only what will be dialed: a lenient parser could cut something off.
    bare = _digits(typed, region)
    _not_short(bare, region)
    number = _parsed(bare, region)
    if is_international_network(number):
        raise BadNumber(Problem.NETWORK)
    _possible(number)
    if not phonenumbers.is_valid_number(number):
        raise BadNumber(Problem.INVALID)
    return _Number(
        e164=phonenumbers.format_number(number, PhoneNumberFormat.E164),
        kind=kind_of(number),
        country=phonenumbers.region_code_for_number(number) or "",
    )


def typed_after_command(text: str, region: str) -> Typed:
    """Split the text after `/call` into a number and words; nothing that was typed is lost.

    One number is recognized wherever it stands. Several stay together in the number field, where the form
    asks for one; so does a text that is too long, and the form says so.
    """
    if len(text) > LONGEST_COMMAND:
        return Typed(text)
    typed = _clean(text)
    found = _found(typed, region)
    codes = _CODES.match(typed)
    if codes and len(found) < 2:  # a code that a number follows is left over, like words
        found = [
            (codes.end() + start, codes.end() + end) for start, end in _found(typed[codes.end() :], region)
        ]
    if len(found) == 1:
        start, end = found[0]
        return Typed(typed[start:end].strip(), _one_space(typed[:start] + " " + typed[end:]))
    if len(found) > 1:
        return Typed(typed)
    pieces = typed.split()
    digits = [piece for piece in pieces if _has_digit(piece)]
    words = [piece for piece in pieces if not _has_digit(piece)]
    # Digits may belong to a flow's name ("survey 2024"), but a form with a wrong number says so, and a number
    # put into the flow search would vanish without a word.
    return Typed(" ".join(digits), " ".join(words))


def is_e164(text: str) -> bool:
    """Whether the text is a possible number in E.164 form."""
    return re.fullmatch(r"\+[1-9]\d{6,14}", text, re.ASCII) is not None


def is_region(code: str) -> bool:
    """Whether phonenumbers knows the ISO code, such as `US`."""
    return code in phonenumbers.SUPPORTED_REGIONS


def _clean(text: str) -> str:
    """Without link wrappers and the invisible marks that come along when a number is copied."""
    text = SLACK_LINK.sub(lambda link: f" {link[1]} ", text)
    text = "".join(char for char in text if unicodedata.category(char) != "Cf").strip()
    return _TEL.sub("", text).strip()


def _found(text: str, region: str) -> list[tuple[int, int]]:
    """Where the first two numbers stand in the text; more make no difference."""
    matches = PhoneNumberMatcher(text, region, phonenumbers.Leniency.POSSIBLE, max_tries=20)
    return [(match.start, match.end) for match in islice(matches, 2)]


def _digits(typed: str, region: str) -> str:
    """The text without the characters that only group digits. Only digits and a plus sign remain."""
    if _EXTENSION.search(typed):
        raise BadNumber(Problem.EXTENSION)
    rest = _GROUPING.sub("", typed)
    if all(char.isdecimal() or (char in _PLUS and place == 0) for place, char in enumerate(rest)):
        return rest
    if any(char.isalpha() for char in rest) and any(char.isdecimal() for char in rest):
        raise BadNumber(Problem.LETTERS, meant=_spelled_with_letters(typed, region))
    raise BadNumber(Problem.NOT_A_NUMBER)


def _spelled_with_letters(typed: str, region: str) -> str:
    """1-800-FLOWERS in digits, if that is what it is."""
    try:
        number = phonenumbers.parse(typed, region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    home = phonenumbers.region_code_for_number(number) == region
    return phonenumbers.format_number(
        number, PhoneNumberFormat.NATIONAL if home else PhoneNumberFormat.INTERNATIONAL
    )


def _not_short(typed: str, region: str) -> None:
    """Emergency and short numbers are denied before any other check."""
    digits = phonenumbers.normalize_digits_only(typed)
    if any(is_emergency_number(digits, code) for code in {region, "US", "GB"}):
        raise BadNumber(Problem.EMERGENCY)
    if len(digits) > 6 or typed.startswith(tuple(_PLUS)):
        return
    number = _parsed(typed, region)
    if not phonenumbers.is_valid_number(number) and is_possible_short_number_for_region(number, region):
        raise BadNumber(Problem.SHORT_CODE)


def _parsed(typed: str, region: str) -> phonenumbers.PhoneNumber:
    try:
        return phonenumbers.parse(typed, region)
    except phonenumbers.NumberParseException as error:
        kinds = {
            error.TOO_SHORT_AFTER_IDD: Problem.TOO_SHORT,
            error.TOO_SHORT_NSN: Problem.TOO_SHORT,
            error.TOO_LONG: Problem.TOO_LONG,
            error.INVALID_COUNTRY_CODE: Problem.INVALID,
        }
        raise BadNumber(kinds.get(error.error_type, Problem.NOT_A_NUMBER)) from None


def _possible(number: phonenumbers.PhoneNumber) -> None:
    match phonenumbers.is_possible_number_with_reason(number):
        case ValidationResult.IS_POSSIBLE:
            return
        case ValidationResult.TOO_SHORT | ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
            raise BadNumber(Problem.TOO_SHORT)
        case ValidationResult.TOO_LONG:
            raise BadNumber(Problem.TOO_LONG)
        case _:
            raise BadNumber(Problem.INVALID)


def _has_digit(text: str) -> bool:
    return any(char.isdigit() for char in text)


def _one_space(text: str) -> str:
    return " ".join(text.split())
