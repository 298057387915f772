"""Which digits in somebody's message are telephone numbers, and which are not."""

from __future__ import annotations

import pytest

from evoslack.numbers import numbers_in

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


def test_several_numbers_come_in_their_order_and_those_that_slack_marked_come_first() -> None:
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


def test_a_text_without_end_is_read_quickly_enough() -> None:
    text = " ".join(f"(202) 555-{index:04}" for index in range(100, 2100))

    assert len(numbers_in(text, "US")) == 2000
