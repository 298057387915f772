"""The time in North American area codes, on both sides of each change of the clocks.

The expected times are written down by hand. They are of 2025, whose clocks nobody changes anymore.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from evoslack.calling.places import zones_of

# January 15, 18:00 UTC; around March 9; July 15, 18:00 UTC; around November 2.
WINTER, SUMMER = datetime(2025, 1, 15, 18, tzinfo=UTC), datetime(2025, 7, 15, 18, tzinfo=UTC)

# Area codes by the hour (UTC) at which the clocks change in March and November, and the hour there in winter
# and in summer when it is 18:00 UTC.
CHANGING = {
    "902 506": (6, 5, 14, 15),  # Nova Scotia, New Brunswick
    "212 202 617 305 404 216 215 313 704 919 416 514": (7, 6, 13, 14),  # New York to Miami, Toronto, Montreal
    "312 214 713 504 612 314 414 205 901 402 615 204": (8, 7, 12, 13),  # Chicago to Houston, Winnipeg
    "303 801 505 406 307 915 403 780": (9, 8, 11, 12),  # Denver, Salt Lake City, El Paso, Calgary
    "213 415 206 702 503 916 604": (10, 9, 10, 11),  # Los Angeles, Seattle, Las Vegas, Vancouver
}
# Those whose clocks never change, by the hour there when it is 18:00 UTC.
STEADY = {"602 520 480": 11, "808": 8, "787 939": 14, "671": 4, "670": 4}


def hour_there(area: str, at: datetime) -> str:
    place = zones_of(f"+1{area}2345678")
    local = place.local_time(at)
    assert local is not None, f"{area} has several times: {place.zones}"
    return f"{local:%H:%M}"


def areas(table: dict[str, object]) -> list[str]:
    return [area for key in table for area in key.split()]


def test_there_are_enough_area_codes() -> None:
    assert len(areas(CHANGING)) + len(areas(STEADY)) >= 40


@pytest.mark.parametrize("area", areas(CHANGING))
def test_the_clocks_change_at_two_in_the_morning_there(area: str) -> None:
    march, november, winter, summer = next(facts for key, facts in CHANGING.items() if area in key.split())
    spring, autumn = datetime(2025, 3, 9, march, tzinfo=UTC), datetime(2025, 11, 2, november, tzinfo=UTC)

    before_spring = datetime(2025, 3, 9, march - 1, 59, tzinfo=UTC)
    before_autumn = datetime(2025, 11, 2, november - 1, 59, tzinfo=UTC)
    assert [hour_there(area, at) for at in (before_spring, spring)] == ["01:59", "03:00"]
    assert [hour_there(area, at) for at in (before_autumn, autumn)] == ["01:59", "01:00"]
    assert [hour_there(area, at) for at in (WINTER, SUMMER)] == [f"{winter}:00", f"{summer}:00"]


@pytest.mark.parametrize("area", areas(STEADY))
def test_the_clocks_never_change_there(area: str) -> None:
    hour = next(hour for key, hour in STEADY.items() if area in key.split())

    at_changes = [datetime(2025, 3, 9, 18, tzinfo=UTC), datetime(2025, 11, 2, 18, tzinfo=UTC)]
    assert {hour_there(area, at) for at in (WINTER, SUMMER, *at_changes)} == {f"{hour:02}:00"}


@pytest.mark.parametrize(
    ("area", "winter", "summer"),
    [
        ("219", [12, 13], [13, 14]),  # Indiana: Gary keeps Chicago's time, and a part of the area does not
        ("270", [12, 13], [13, 14]),  # Kentucky
        ("850", [12, 13], [13, 14]),  # Florida
        ("906", [12, 13], [13, 14]),  # Michigan
        ("807", [12, 13], [13, 14]),  # Ontario
        ("605", [11, 12], [12, 13]),  # South Dakota
        ("701", [11, 12], [12, 13]),  # North Dakota
        ("785", [11, 12], [12, 13]),  # Kansas
        ("208", [10, 11], [11, 12]),  # Idaho
        ("541", [10, 11], [11, 12]),  # Oregon
        ("775", [10, 11], [11, 12]),  # Nevada
        ("306", [11, 12], [12]),  # Saskatchewan stands still, Lloydminster does not
        ("928", [11], [11, 12]),  # Arizona stands still, the Navajo Nation does not
        ("907", [8, 9], [9, 10]),  # Alaska and the Aleutian Islands
    ],
)
def test_an_area_with_several_times_has_them_all_for_every_number(
    area: str, winter: list[int], summer: list[int]
) -> None:
    """A mobile moves within its area, so no exchange of it is in one zone only."""
    for exchange in ("234", "555", "432", "976"):
        place = zones_of(f"+1{area}{exchange}5678")
        assert sorted({time.hour for time in place.local_times(WINTER)}) == winter
        assert sorted({time.hour for time in place.local_times(SUMMER)}) == summer


def test_newfoundland_has_its_half_hour_and_labrador_has_not() -> None:
    times = zones_of("+17095550143").local_times(WINTER)
    assert [f"{time:%H:%M}" for time in times] == ["14:00", "14:30"]


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        ("+18762101234", {"America/Jamaica"}),  # a mobile; by its area code it can only be there
        ("+442071838750", {"Europe/London"}),
        ("+81312345678", {"Asia/Tokyo"}),
    ],
)
def test_a_number_in_one_zone(number: str, zones: set[str]) -> None:
    assert set(zones_of(number).zones) == zones


def test_a_mobile_of_a_wide_country_may_be_anywhere_in_it() -> None:
    russian = zones_of("+79161234567")

    hours = {time.utcoffset() for time in russian.local_times(WINTER)}
    assert len(hours) >= 9
    assert len(zones_of("+61412345678").local_times(WINTER)) >= 4
