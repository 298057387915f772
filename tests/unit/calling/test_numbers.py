"""One clean telephone number is dialed; whatever else was typed is answered with a question."""

from __future__ import annotations

import unicodedata
from itertools import zip_longest

import phonenumbers
import pytest
from hypothesis import example as with_example
from hypothesis import given
from hypothesis import strategies as st

from evoslack.calling.number_format import example, masked, pretty, redacted
from evoslack.calling.numbers import (
    ANY_COUNTRY,
    LONGEST_COMMAND,
    LONGEST_TEXT,
    BadNumber,
    Problem,
    Typed,
    dialable,
    is_e164,
    is_region,
    typed_after_command,
)

EVERYWHERE = {ANY_COUNTRY}
NUMBER = "+12025550143"


def problem(text: str, region: str = "US", allowed: set[str] = EVERYWHERE) -> Problem | None:
    try:
        dialable(text, region, allowed)
    except BadNumber as bad:
        return bad.problem
    return None


@pytest.mark.parametrize(
    "text",
    [
        "+12025550143",
        "2025550143",
        "12025550143",
        "1 202 555 0143",
        "202-555-0143",
        "(202) 555-0143",
        "202.555.0143",
        "[202] 555 0143",
        "+1 (202) 555–0143",  # an en dash, as word processors make it
        "+1 202−555−0143",  # a minus sign
        "  202 555 0143\n",
        "202\u00a0555\u00a00143",  # spaces that do not break
        "\u202a+12025550143\u202c",  # marks that come along when a contact is copied
        "+1\u200b2025550143",
        "２０２５５５０１４３",
        "＋12025550143",
        "٢٠٢٥٥٥٠١٤٣",
        "tel:+12025550143",
        "TEL: 202 555 0143",
        "<tel:+12025550143|202-555-0143>",  # what Slack makes of a number
        "<tel:2025550143>",
        "202 555 0143.",
        "011 1 202 555 0143",
    ],
)
def test_one_number_is_understood_however_people_write_it(text: str) -> None:
    assert dialable(text, "US", {"US"}) == NUMBER


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("020 7946 0958", "GB", "+442079460958"),
        ("+44 (0)20 7946 0958", "US", "+442079460958"),
        ("0044 20 7946 0958", "GB", "+442079460958"),
        ("011 44 20 7946 0958", "US", "+442079460958"),
        ("030 901820", "DE", "+4930901820"),
        ("06 698 12345", "IT", "+390669812345"),  # Italy dials the zero
        ("202 555 0143", "CA", "+12025550143"),
        ("+52 55 1234 5678", "US", "+525512345678"),
    ],
)
def test_numbers_without_a_plus_are_of_the_region_and_others_of_their_own(
    text: str, region: str, number: str
) -> None:
    assert dialable(text, region, EVERYWHERE) == number


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Problem.EMPTY),
        ("   ", Problem.EMPTY),
        ("\u200b\u202a", Problem.EMPTY),
        ("2" * (LONGEST_TEXT + 1), Problem.TOO_LONG_TEXT),
        ("202 555 0143 or 202 555 0144", Problem.SEVERAL),
        ("202 555 0143, 202 555 0144", Problem.SEVERAL),
        ("202 555 0143 / 202 555 0144", Problem.SEVERAL),
        ("2025550143 2025550144", Problem.SEVERAL),
        ("+12025550143 +12025550143", Problem.SEVERAL),
        ("+12025550143 x5", Problem.EXTENSION),
        ("2025550143x5", Problem.EXTENSION),
        ("2025550143 ext 5", Problem.EXTENSION),
        ("2025550143 ext.5", Problem.EXTENSION),
        ("2025550143 extension 5", Problem.EXTENSION),
        ("+12025550143;ext=5", Problem.EXTENSION),
        ("2025550143,5", Problem.EXTENSION),
        ("2025550143#", Problem.EXTENSION),
        ("2025550143~5", Problem.EXTENSION),  # read as an extension by the library
        ("*67 2025550143", Problem.EXTENSION),
        ("1-800-FLOWERS", Problem.LETTERS),
        ("call 202 555 0143", Problem.LETTERS),
        ("2.025550143e9", Problem.LETTERS),
        ("<@U123>", Problem.LETTERS),
        ("call me", Problem.NOT_A_NUMBER),
        ("<!channel>", Problem.NOT_A_NUMBER),
        ("+", Problem.NOT_A_NUMBER),
        ("202+5550143", Problem.NOT_A_NUMBER),
        ("²025550143", Problem.NOT_A_NUMBER),
        ("555-0143", Problem.TOO_SHORT),  # local: without the area code it could be anywhere
        ("202555014", Problem.TOO_SHORT),
        ("+1 202 555 014", Problem.TOO_SHORT),
        ("20255501433", Problem.TOO_LONG),
        ("+1 202 555 0143 1", Problem.TOO_LONG),
        ("2025550143/44", Problem.TOO_LONG),
        ("00 1 202 555 0143", Problem.TOO_LONG),  # 00 is not how America dials abroad
        ("0000000000", Problem.INVALID),
        ("1111111111", Problem.INVALID),
        ("+1 102 555 0143", Problem.INVALID),
        ("+999 123 4567", Problem.INVALID),
        ("+1 900 555 0123", Problem.PREMIUM),
        ("900-555-0123", Problem.PREMIUM),
        ("+44 909 879 0000", Problem.PREMIUM),
    ],
)
def test_anything_else_is_denied_with_the_first_problem(text: str, expected: Problem) -> None:
    assert problem(text) == expected


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("911", "US"),
        ("9-1-1", "US"),
        (" 911 ", "US"),
        ("+911", "US"),
        ("９１１", "US"),
        ("tel:911", "US"),
        ("<tel:911|911>", "US"),
        ("112", "US"),
        ("999", "US"),
        ("999", "GB"),
        ("911", "GB"),
        ("112", "DE"),
        ("110", "DE"),
        ("000", "AU"),
    ],
)
def test_emergency_numbers_are_never_dialed(text: str, region: str) -> None:
    """Those of the region, and those that people know from everywhere."""
    assert problem(text, region) is Problem.EMERGENCY


@pytest.mark.parametrize("text", ["411", "611", "12345", "55555", "1911", "116117", "1-976"])
def test_short_numbers_are_never_dialed(text: str) -> None:
    assert problem(text) is Problem.SHORT_CODE


@pytest.mark.parametrize("country_code", ["1", "44", "49"])
@pytest.mark.parametrize("short", ["911", "112", "110", "999", "411"])
def test_no_emergency_or_short_number_slips_through_behind_a_country_code(
    country_code: str, short: str
) -> None:
    assert problem(f"+{country_code} {short}") is not None


@pytest.mark.parametrize(
    ("text", "allowed", "country"),
    [
        ("+44 20 7946 0958", {"US"}, "GB"),
        ("+1 416 555 0143", {"US"}, "CA"),  # the same country code is not the same country
        ("+1 242 359 1234", {"US", "CA"}, "BS"),
        ("+1 684 733 1234", {"US"}, "AS"),
        ("+800 1234 5678", {"US"}, "001"),  # toll-free in many countries
        ("202 555 0143", {"GB"}, "US"),
        ("202 555 0143", set(), "US"),
    ],
)
def test_only_allowed_countries_are_called(text: str, allowed: set[str], country: str) -> None:
    with pytest.raises(BadNumber) as denied:
        dialable(text, "US", allowed)
    assert (denied.value.problem, denied.value.country) == (Problem.COUNTRY, country)
    assert is_e164(dialable(text, "US", {country}))
    assert is_e164(dialable(text, "US", EVERYWHERE))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1-800-FLOWERS", "(800) 356-9377"),
        ("call 202 555 0143", "(202) 555-0143"),
        ("2O25550143", ""),  # the letter O
        ("abc1", ""),
    ],
)
def test_a_number_in_letters_is_asked_about_and_not_guessed(text: str, meant: str) -> None:
    with pytest.raises(BadNumber) as denied:
        dialable(text, "US", EVERYWHERE)
    assert (denied.value.problem, denied.value.meant) == (Problem.LETTERS, meant)


@given(st.text(max_size=80), st.sampled_from(["US", "GB", "DE", "IT", "BR"]))
@with_example("+" * 60, "US")
@with_example("<tel:|>", "US")
@with_example("\ud800", "US")
def test_whatever_is_typed_is_a_number_or_a_question(text: str, region: str) -> None:
    """Never another exception; and what was made of it stays what it is."""
    try:
        number = dialable(text, region, EVERYWHERE)
    except BadNumber:
        return
    assert is_e164(number)
    assert dialable(number, region, EVERYWHERE) == number


SIGNS = st.sampled_from(["", "", "", *"0123456789", *" -.()/+~x#,;:[]{}*&'|=_"])


@given(st.tuples(*[SIGNS] * 12), st.sampled_from(["2025550143", "+12025550143", "01112025550143"]))
@with_example(("",) * 10 + ("~", "5"), "2025550143")
def test_no_typed_digit_is_ever_left_out(signs: tuple[str, ...], number: str) -> None:
    """Only the American prefixes may come or go: a number that is cut silently rings a stranger."""
    text = "".join(digit + sign for digit, sign in zip_longest(number[-10:], signs, fillvalue=""))
    text = number[:-10] + text
    try:
        number = dialable(text, "US", {"US"})
    except BadNumber:
        return
    typed = "".join(char for char in text if char.isdigit())
    assert typed in {number.removeprefix("+1"), number.removeprefix("+"), f"011{number.removeprefix('+')}"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Typed()),
        ("202 555 0143", Typed("202 555 0143")),
        ("202 555 0143 survey", Typed("202 555 0143", "survey")),
        ("customer survey 202-555-0143", Typed("202-555-0143", "customer survey")),
        ("survey +44 20 7946 0958 now", Typed("+44 20 7946 0958", "survey now")),
        ("<tel:+12025550143|202-555-0143> survey", Typed("+12025550143", "survey")),
        ("  customer   survey ", Typed("", "customer survey")),
        ("survey 2024", Typed("2024", "survey")),
        ("911 survey", Typed("911", "survey")),
        ("1-800-FLOWERS", Typed("1-800-FLOWERS", "")),
        ("202 555 0143 or 202 555 0144", Typed("202 555 0143 or 202 555 0144")),
    ],
)
def test_text_after_the_command_is_split_into_number_and_words(text: str, expected: Typed) -> None:
    assert typed_after_command(text, "US") == expected


@given(st.text(st.characters(exclude_characters="<>:"), max_size=60))
@with_example("call 202 555 0143 or 2025550144 please")
@with_example("a1 2025550143 b2")
def test_nothing_typed_after_the_command_gets_lost(text: str) -> None:
    typed = typed_after_command(text, "US")

    def letters(words: str) -> list[str]:
        return sorted(c for c in words if not c.isspace() and unicodedata.category(c) != "Cf")

    assert letters(typed.number + typed.words) == letters(text)


def test_text_that_is_not_a_number_stays_whole_in_the_number_field() -> None:
    """Where the form then says what is wrong with it; a number is looked for only up to some length."""
    text = "survey " * (LONGEST_COMMAND // 7 - 5) + "202 555 0143"
    assert typed_after_command(text, "US").number == "202 555 0143"

    text = "survey " * LONGEST_COMMAND + "202 555 0143"
    assert typed_after_command(text, "US") == Typed(text)
    assert problem(text) is Problem.TOO_LONG_TEXT
    assert problem(" " * LONGEST_COMMAND) is Problem.EMPTY


def test_people_read_their_own_numbers_in_national_form_and_others_with_a_plus() -> None:
    assert pretty(NUMBER, "US") == "(202) 555-0143"
    assert pretty(NUMBER, "GB") == "+1 202-555-0143"
    assert pretty("+442079460958", "GB") == "020 7946 0958"
    assert pretty("+14165550143", "US") == "+1 416-555-0143"
    assert pretty("anonymous", "US") == "anonymous"


@pytest.mark.parametrize(
    ("number", "shown"),
    [(NUMBER, "+12…43"), ("+4930901820", "+49…20"), ("+12345", "…"), ("", "…")],
)
def test_a_log_shows_too_little_of_a_number_to_call_it(number: str, shown: str) -> None:
    assert masked(number) == shown


@pytest.mark.parametrize(
    ("number", "region", "shown"),
    [
        ("+18144043093", "US", "(•••) •••-3093"),
        ("+18144043093", "GB", "+• •••-•••-3093"),
        ("+442079460958", "US", "+•• •• •••• 0958"),
        ("+442079460958", "GB", "••• •••• 0958"),
        ("+6791234567", "FJ", "•••4567"),
        ("+2902345", "US", "+••• ••45"),
    ],
)
def test_a_redacted_number_shows_its_last_four_digits_only(number: str, region: str, shown: str) -> None:
    assert redacted(number, region) == shown


def test_a_redacted_number_never_shows_more_than_four_digits_and_hides_five() -> None:
    for region in phonenumbers.SUPPORTED_REGIONS:
        parsed = phonenumbers.example_number(region)
        number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
        for reader in ("US", region):
            shown = [char for char in redacted(number, reader) if char.isdecimal()]
            assert "".join(shown) == number[len(number) - len(shown) :]
            assert len(shown) == min(4, len(number) - 1 - 5)


def test_the_example_of_a_region_is_a_number_that_could_be_dialed_there() -> None:
    neighbors = {"EH", "MF"}  # their examples have the form of a neighbor's numbers
    wrong = [
        region
        for region in phonenumbers.SUPPORTED_REGIONS - neighbors
        if not is_region(region) or problem(example(region), region, {region})
    ]
    assert wrong == []


def test_an_unknown_region_is_invalid_but_still_has_an_example() -> None:
    assert not is_region("XX")
    assert not is_region("us")
    assert not is_region("001")
    assert example("XX")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+12025550143", True),
        ("+1234567", True),
        ("+123456789012345", True),
        ("+123456", False),
        ("+1234567890123456", False),
        ("+02025550143", False),
        ("12025550143", False),
        ("+1202555014a", False),
        ("+1202555014٣", False),
        ("+12025550143\n", False),
        (" +12025550143", False),
        ("", False),
    ],
)
def test_e164_is_a_plus_and_seven_to_fifteen_digits(text: str, expected: bool) -> None:
    assert is_e164(text) is expected
