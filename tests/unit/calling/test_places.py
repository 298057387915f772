"""Where a number is and what time it is there, as far as its digits tell."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from evoslack.calling.places import Place, place_of

WINTER, SUMMER = datetime(2026, 1, 15, 20, tzinfo=UTC), datetime(2026, 7, 15, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "name", "winter", "summer"),
    [
        ("+18144043093", "Pennsylvania", "15:00", "16:00"),
        ("+16025550100", "Arizona", "13:00", "13:00"),  # Arizona has no daylight saving time
        ("+442079460958", "London", "20:00", "21:00"),
        ("+6591234567", "Singapore", "04:00", "04:00"),
    ],
)
def test_a_number_has_a_place_and_a_time(number: str, name: str, winter: str, summer: str) -> None:
    place = place_of(number)

    assert place.name == name
    assert [f"{place.local_time(at):%H:%M}" for at in (WINTER, SUMMER)] == [winter, summer]


def test_a_place_with_several_times_has_no_single_one() -> None:
    idaho = place_of("+12085550100")

    assert idaho.local_time(WINTER) is None
    assert [f"{time:%H:%M}" for time in idaho.local_times(WINTER)] == ["12:00", "13:00"]


def test_zones_that_agree_count_once() -> None:
    place = Place("somewhere", ("America/New_York", "America/Toronto"))

    assert len(place.local_times(WINTER)) == 1
    assert f"{place.local_time(WINTER):%H:%M}" == "15:00"


@pytest.mark.parametrize("number", ["", "+", "+88123", "x", "911"])
def test_of_anything_else_nothing_is_known(number: str) -> None:
    assert place_of(number) == Place()


def test_a_toll_free_number_is_nowhere() -> None:
    assert place_of("+18005550100").name == ""
