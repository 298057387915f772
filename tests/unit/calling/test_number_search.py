"""Which digits in a message are telephone numbers, and which are not."""

from __future__ import annotations

import random

import phonenumbers
import pytest

from evoslack.calling.number_search import LONGEST_MESSAGE, MOST_NUMBERS, numbers_in

US, UK = "+18144043093", "+442079460958"


@pytest.mark.parametrize(
    "text",
    [
        f"<tel:{US}|814-404-3093>",
        f"<tel:{US}>",
        "call (814) 404-3093 now",
        "814.404.3093",
        "Tel:8144043093",
        "(814) 404-3093, 814-404-3093 and +1 814 404 3093",
        "Ring me at 814 404 3093!",
        "text\n814-404-3093\ntext",
        "*814-404-3093*",
        "R&amp;D: 814-404-3093",
    ],
)
def test_numbers_as_people_and_slack_write_them_are_found_once(text: str) -> None:
    assert numbers_in(text, "US") == [US]


def test_numbers_keep_their_order_and_those_that_slack_marked_come_first() -> None:
    assert numbers_in(f"202-555-0143 or <tel:{UK}|020 7946 0958> or {US}", "US") == [UK, "+12025550143", US]


def test_the_region_decides_what_a_number_without_a_plus_means() -> None:
    assert numbers_in("020 7946 0958", "GB") == [UK]
    assert numbers_in("020 7946 0958", "US") == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no digits",
        "<https://x.test/8144043093?n=8144043093|8144043093>",
        "https://x.test/8144043093",
        "<@U8144043093> in <#C8144043093>",
        "<!date^8144043093^{date}|8144043093>",
        "#8144043093",
        "INV-8144043093",
        "ticket8144043093",
        "order 8144043093",
        "Invoice no. 8144043093",
        "Case ID: 8144043093",
        "8144043093.pdf",
        "$814,404,309.30",
        "$8144043093",
        "2026-03-02 09:30",
        "03/02/2026",
        "2026-11-22T08:14:40",
        "1.814.404.309.3.2",
        "12345",
        "911",
        "814404309",
        "99991231235959",
    ],
)
def test_other_digits_are_left_alone(text: str) -> None:
    assert numbers_in(text, "US") == []


def test_one_more_number_is_found_than_a_list_can_hold() -> None:
    """The one more shows that there are more."""
    text = " ".join(f"(202) 555-{index:04}" for index in range(100, 2100))

    found = numbers_in(text, "US")
    assert found == [f"+1202555{index:04}" for index in range(100, 100 + MOST_NUMBERS)]


def test_the_same_number_a_thousand_times_hides_no_other() -> None:
    assert numbers_in("814-404-3093 " * 1000 + "202-555-0143", "US") == [US, "+12025550143"]


@pytest.mark.parametrize("between", [" ", ", ", "; ", " / ", "\n", " and ", "\t", " " * 50, "-" * 50, " | "])
def test_many_numbers_in_a_row_are_all_found(between: str) -> None:
    """However long a row is without a letter in it; the library is shown a piece at a time."""
    text = between.join(f"202-555-{index:04}" for index in range(100, 200))

    assert numbers_in(text, "US") == [f"+1202555{index:04}" for index in range(100, 200)]


@pytest.mark.parametrize(
    "number", ["+49 30 901820", "+4930901820", f"<tel:{US}|814-404-3093>", "814-404-3093"]
)
def test_a_number_cut_off_by_the_length_limit_is_not_taken_for_another(number: str) -> None:
    """Half of +49 30 901820 is a number too, and belongs to another person."""
    whole = numbers_in(number, "US")
    for shift in range(-150, len(number) + 2):
        before = "x " * (LONGEST_MESSAGE // 2 - len(number)) + " " * (len(number) + shift)
        found = numbers_in(f"{before}{number} and so on", "US")
        assert found in ([], whole)
    assert found == [], "what stands after the end is not read"
    assert numbers_in(f"{number} " + "x " * LONGEST_MESSAGE, "US") == whole


@pytest.mark.parametrize(
    "text",
    [
        "<https://x.test/a?b=c,8144043093,",
        "<@U8144043093,8144043093,",
        "<!date^1^{date}|814-404-3093 ",
    ],
)
def test_digits_in_a_link_cut_off_by_the_length_limit_are_no_number(text: str) -> None:
    before = "x " * (LONGEST_MESSAGE // 2 - 200)

    assert numbers_in(f"{before}{text}{'y' * 1000}>", "US") == []


@pytest.mark.parametrize(
    "junk",
    [
        "&#" + "1" * 5000 + ";",  # more digits than Python makes a number of
        "&" * 5000,
        "<tel:" * 2000,
        "<" * 5000,
        "7" * 5000,
        "7 " * 2500,
        "1/" * 2500,
        "(" * 5000,
        "+1 " * 2000,
        "2026-03-02 08 " * 300,
    ],
)
def test_no_junk_breaks_the_search_or_hides_the_number_after_it(junk: str) -> None:
    assert numbers_in(f"{junk}\nRing 814-404-3093", "US") == [US]


@pytest.mark.parametrize(
    "text",
    [
        "814-404-3093 ext. 2025550143",
        "814-404-3093, extension 2025550143",
        "814-404-3093;ext=2025550143",
        "814-404-3093x20",
    ],
)
def test_an_extension_is_no_number_of_its_own(text: str) -> None:
    assert numbers_in(text, "US") == [US]


def test_the_search_finds_what_the_library_finds_in_the_whole_text() -> None:
    """Showing it only the places with digits leaves nothing out and adds nothing."""
    between = ("\n", "; ", "(", ")", " - ", "12", ": ", " ", "+", "[", "30 ", "\t", "–", "|", " " * 15)
    numbers = ("(202) 555-0143", "2025550145", "+44 20 7946 0958", "+4930901820", "２０２５５５０１４６")
    rolled = random.Random(8)
    for _ in range(1000):
        text = "".join(rolled.choice(rolled.choice((between, numbers))) for _ in range(rolled.randint(1, 25)))
        matches = phonenumbers.PhoneNumberMatcher(text, "US")
        e164 = phonenumbers.PhoneNumberFormat.E164
        library = [phonenumbers.format_number(match.number, e164) for match in matches]
        assert numbers_in(text, "US") == list(dict.fromkeys(library)), text
