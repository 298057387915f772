"""Public numbering facts: the example numbers of every country and every type that `phonenumbers` publishes.

One test goes through them all, so that it is quick; what is wrong is listed by country, type and number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import cache

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from evoslack.calling.numbers import BadNumber, Problem, dialable
from evoslack.calling.places import zones_of
from evoslack.calling.rulebook import ANY_COUNTRY, NumberKind

ORDINARY = {
    "fixed line": PhoneNumberType.FIXED_LINE,
    "mobile": PhoneNumberType.MOBILE,
    "fixed line or mobile": PhoneNumberType.FIXED_LINE_OR_MOBILE,
    "voice over IP": PhoneNumberType.VOIP,
    "toll-free": PhoneNumberType.TOLL_FREE,
}
DENIED = {
    Problem.PREMIUM: PhoneNumberType.PREMIUM_RATE,
    Problem.SHARED_COST: PhoneNumberType.SHARED_COST,
    Problem.PERSONAL: PhoneNumberType.PERSONAL_NUMBER,
    Problem.PAGER: PhoneNumberType.PAGER,
    Problem.UAN: PhoneNumberType.UAN,
    Problem.VOICEMAIL: PhoneNumberType.VOICEMAIL,
}

# Countries that share numbers with a larger neighbor, which those numbers then belong to.
NORTH_AMERICA = (
    *("AG", "AI", "AS", "BB", "BM", "BS", "CA", "DM", "DO", "GD", "GU", "JM", "KN"),
    *("KY", "LC", "MP", "MS", "PR", "SX", "TC", "TT", "VC", "VG", "VI"),
)
NEIGHBOR = dict.fromkeys(NORTH_AMERICA, "US") | {
    "AX": "FI",
    "BL": "GP",
    "CC": "AU",
    "CX": "AU",
    "EH": "MA",
    "GG": "GB",
    "IM": "GB",
    "JE": "GB",
    "KZ": "RU",
    "MF": "GP",
    "SJ": "NO",
    "VA": "IT",
    "YT": "RE",
}
# Canada's 310 numbers have seven digits and no area code: they cannot be dialed from abroad. Its 600 numbers
# cost the caller extra, whatever their type is.
NOT_AS_THEIR_TYPE = {("CA", Problem.UAN), ("CA", "voice over IP")}


@dataclass(frozen=True, slots=True)
class Example:
    """An example number; `kind` is its type in words, or the problem that it is."""

    region: str
    kind: str
    parsed: phonenumbers.PhoneNumber

    @property
    def number(self) -> str:
        return phonenumbers.format_number(self.parsed, PhoneNumberFormat.E164)


@cache
def examples() -> list[Example]:
    return list(all_examples())


def all_examples() -> Iterator[Example]:
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind, number_type in (ORDINARY | DENIED).items():
            parsed = phonenumbers.example_number_for_type(region, number_type)
            if parsed is not None and (region, kind) not in NOT_AS_THEIR_TYPE:
                yield Example(region, kind, parsed)


def answer(text: str, region: str, countries: Set[str], kinds: Set[NumberKind] = frozenset()) -> str:
    """The number to dial, or the problem, with the country if it is that."""
    try:
        return dialable(text, region, countries, kinds)
    except BadNumber as bad:
        return f"{bad.problem}{bad.country}"


def test_there_are_enough_facts() -> None:
    assert len(examples()) >= 1300
    assert len({example.region for example in examples()}) >= 240
    assert min(Counter(example.kind for example in examples()).values()) >= 15


def test_every_example_is_answered_by_its_kind() -> None:
    """Ordinary numbers are dialed, also toll-free ones; of the rest, each kind once it is allowed."""
    wrong = []
    for each in examples():
        others = set(NumberKind) - {each.kind}
        expected = each.kind if each.kind in DENIED else each.number
        found = [answer(each.number, "US", {ANY_COUNTRY}, kinds) for kinds in (frozenset(), others)]
        found.append(answer(each.number, "US", {ANY_COUNTRY}, set(NumberKind) - others))
        if found != [expected, expected, each.number]:
            wrong.append((each.region, each.kind, each.number, found))
    assert wrong == []


def test_every_example_is_in_its_country_and_only_there() -> None:
    """A number that countries share is in the larger one: the smaller one's name alone does not allow it."""
    wrong = []
    for each in examples():
        kinds = set(NumberKind)
        found = answer(each.number, "US", set(), kinds).removeprefix("country")
        may_be = {each.region} if each.kind == "fixed line" else {each.region, NEIGHBOR.get(each.region)}
        if each.region in {"EH", "MF"}:  # their examples have the form of a neighbor's
            may_be = {NEIGHBOR[each.region], "BL"}
        everywhere_else = phonenumbers.SUPPORTED_REGIONS - {found}
        if (
            found not in may_be
            or answer(each.number, "US", {found}, kinds) != each.number
            or answer(each.number, "US", everywhere_else, kinds) != f"country{found}"
        ):
            wrong.append((each.region, each.kind, each.number, found))
    assert wrong == []


def test_every_example_gets_the_same_answer_however_it_is_written() -> None:
    wrong = []
    for each in examples():
        national = phonenumbers.format_number(each.parsed, PhoneNumberFormat.NATIONAL)
        written = phonenumbers.format_number(each.parsed, PhoneNumberFormat.INTERNATIONAL)
        digits = each.number.removeprefix("+")
        spellings = [
            *((national, each.region), (written, "US"), (f"tel:{each.number}", "GB")),
            *((f"011 {digits}", "US"), (f"00 {digits}", "GB"), (written.replace(" ", "."), "DE")),
            (each.number.translate({ord(str(n)): ord("０") + n for n in range(10)}), "JP"),
        ]
        for countries in ({ANY_COUNTRY}, {"US"}):
            expected = answer(each.number, "US", countries)
            found = {text: answer(text, region, countries) for text, region in spellings}
            wrong += [(each.region, each.kind, text, it) for text, it in found.items() if it != expected]
    assert wrong == []


def test_every_example_has_a_time_zone_unless_it_is_toll_free() -> None:
    """Otherwise calling hours could never be checked, and nobody there could be called."""
    places = [(each, zones_of(each.number)) for each in examples()]

    assert [each.number for each, place in places if place.is_toll_free != (each.kind == "toll-free")] == []
    assert [each.number for each, place in places if not place.zones and not place.is_toll_free] == []


# --- facts that the types do not tell -----------------------------------------------------------------------

EVERYTHING = set(NumberKind)


@pytest.mark.parametrize(
    "number",
    [
        *("+870773111632", "+8707731116", "+881612345678", "+881812345678", "+88213001234", "+88312345678"),
        *("+883510012345", "+878101234567890", "+80812345678", "+979123456789", "+97912345678"),
        *("+88812345678", "+8888888888"),
    ],
)
def test_networks_of_no_country_are_never_dialed(number: str) -> None:
    """Satellite phones, world-wide premium rate and the like, valid or not, and whatever is allowed."""
    spellings = [number, f"{number[:4]} {number[4:]}", f"tel:{number}", f"011{number[1:]}"]

    assert {answer(each, "US", {ANY_COUNTRY}, EVERYTHING) for each in spellings} == {Problem.NETWORK}
    assert answer(f"00{number[1:]}", "GB", {ANY_COUNTRY}, EVERYTHING) == Problem.NETWORK


def test_the_libraries_own_networks_are_all_among_them() -> None:
    for code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS:
        parsed = phonenumbers.example_number_for_non_geo_entity(code)
        number = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
        expected = number if code == 800 else Problem.NETWORK
        assert answer(number, "US", {ANY_COUNTRY}, EVERYTHING) == expected, code


def test_international_toll_free_numbers_are_in_no_country() -> None:
    assert answer("+80012345678", "US", {ANY_COUNTRY}) == "+80012345678"
    assert answer("+80012345678", "US", set(phonenumbers.SUPPORTED_REGIONS)) == "country001"


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+1 900 555 0143", Problem.PREMIUM),
        ("+1 202 976 0143", Problem.PREMIUM),
        ("1-212-976-1234", Problem.PREMIUM),
        ("(416) 976-0143", Problem.PREMIUM),
        ("+1 600 555 0143", Problem.PREMIUM),
        ("+1 500 555 0143", Problem.PERSONAL),
        ("+1 521 555 0143", Problem.PERSONAL),
        ("+1 533 555 0143", Problem.PERSONAL),
        ("+1 544 555 0143", Problem.PERSONAL),
        ("+1 566 555 0143", Problem.PERSONAL),
        ("+1 577 555 0143", Problem.PERSONAL),
        ("+1 588 555 0143", Problem.PERSONAL),
        ("+1 622 555 0143", Problem.PERSONAL),
        ("+1 976 555 0143", Problem.INVALID),
        ("+1 523 555 0143", Problem.INVALID),  # not in use yet
        ("+1 202 559 7600", "+12025597600"),  # 976 elsewhere is nothing
        ("+1 520 555 0143", "+15205550143"),  # Tucson
        ("+1 505 555 0143", "+15055550143"),  # Albuquerque
        ("+1 800 555 0143", "+18005550143"),
        ("+1 844 555 0143", "+18445550143"),
    ],
)
def test_north_americas_own_kinds(number: str, expected: str) -> None:
    assert answer(number, "US", {ANY_COUNTRY}) == expected


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+1 242 359 1234", "BS"),
        ("+1 246 250 1234", "BB"),
        ("+1 264 497 2345", "AI"),
        ("+1 268 464 1234", "AG"),
        ("+1 284 300 1234", "VG"),
        ("+1 340 642 1234", "VI"),
        ("+1 345 323 1234", "KY"),
        ("+1 441 370 1234", "BM"),
        ("+1 473 403 1234", "GD"),
        ("+1 649 231 1234", "TC"),
        ("+1 658 555 0143", "JM"),
        ("+1 664 492 3456", "MS"),
        ("+1 670 234 5678", "MP"),
        ("+1 671 300 1234", "GU"),
        ("+1 684 733 1234", "AS"),
        ("+1 721 520 1234", "SX"),
        ("+1 758 284 5678", "LC"),
        ("+1 767 225 1234", "DM"),
        ("+1 784 430 1234", "VC"),
        ("+1 787 234 5678", "PR"),
        ("+1 939 234 5678", "PR"),
        ("+1 809 234 5678", "DO"),
        ("+1 829 234 5678", "DO"),
        ("+1 849 234 5678", "DO"),
        ("+1 868 291 1234", "TT"),
        ("+1 869 765 2917", "KN"),
        ("+1 876 210 1234", "JM"),
        ("+1 416 555 0143", "CA"),
        ("+44 1534 456789", "JE"),
        ("+44 7797 712345", "JE"),
        ("+44 1481 256789", "GG"),
        ("+44 1624 756789", "IM"),
        ("+44 7624 123456", "IM"),
        ("+7 701 234 5678", "KZ"),
        ("+7 717 212 3456", "KZ"),
        ("+262 269 60 12 34", "YT"),
        ("+358 18 123456", "AX"),
        ("+47 79 12 34 56", "SJ"),
        ("+61 8 9162 1234", "CC"),
        ("+39 06 69812345", "VA"),
        ("+599 715 1234", "BQ"),
    ],
)
def test_what_shares_a_country_code_is_not_the_same_country(number: str, country: str) -> None:
    larger = {"US", "GB", "RU", "RE", "FI", "NO", "AU", "IT", "CW"}

    assert answer(number, "US", larger) == f"country{country}"
    assert answer(number, "US", {country}).startswith("+")


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+7 916 123 4567", "RU"),
        ("+262 262 12 34 56", "RE"),
        ("+590 590 20 12 34", "GP"),
        ("+1 800 555 0143", "US"),
    ],
)
def test_the_main_country_of_a_code_keeps_its_own_numbers(number: str, country: str) -> None:
    assert answer(number, "US", {country}).startswith("+")
    assert answer(number, "US", {"CA", "KZ", "YT", "MF"}) == f"country{country}"
