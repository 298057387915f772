"""Where a number is, and what time it is there, from phonenumbers' offline data.

Only a hint for people: numbers move, and toll-free ones are nowhere. What is not known is left out. The names
of places cost about half a second and 100 MB, once, when the first one is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers import PhoneNumberType, timezone

from evoslack.calling.area_codes import SPLIT_AREA_CODES
from evoslack.calling.number_kinds import NORTH_AMERICA
from evoslack.calling.numbers import is_e164

_UNKNOWN_ZONE = "Etc/Unknown"  # phonenumbers' word for it


@dataclass(frozen=True, slots=True)
class Place:
    """Where a number is, as far as that is known."""

    name: str = ""  # a city, a state or a country, in English; empty: unknown
    zones: tuple[str, ...] = ()  # IANA names of every time zone that it may lie in
    is_toll_free: bool = False  # then it is nowhere

    def local_time(self, at: datetime) -> datetime | None:
        """The time there; None if it is unknown, or if the place spans zones with different times."""
        times = self.local_times(at)
        return times[0] if len(times) == 1 else None

    def local_times(self, at: datetime) -> list[datetime]:
        """Every time that it may be there, earliest first; zones that agree count once."""
        times = {
            f"{local:%Y-%m-%d %H:%M}": local for local in (at.astimezone(ZoneInfo(z)) for z in self.zones)
        }
        return [times[wall] for wall in sorted(times)]


@lru_cache(maxsize=4096)
def place_of(number: str) -> Place:
    """The place of an E.164 number."""
    place = zones_of(number)
    if place.is_toll_free or not is_e164(number):
        return place
    # Imported here: it is slow and large, and `--check` or a bot that just starts does not need it.
    from phonenumbers import geocoder  # noqa: PLC0415

    return replace(place, name=geocoder.description_for_number(phonenumbers.parse(number), "en"))


@lru_cache(maxsize=4096)
def zones_of(number: str) -> Place:
    """The place of an E.164 number without its name, which is quick from the first time on.

    A mobile number may be anywhere in its country, except in North America, where its area code says where.
    If the time in one of its zones is unknown here, none is known: a rule must not leave that zone out.
    """
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return Place()
    if phonenumbers.number_type(parsed) == PhoneNumberType.TOLL_FREE:
        return Place(is_toll_free=True)
    zones = set(_zones_of(parsed))
    return Place(zones=tuple(sorted(zones)) if all(map(_is_known, zones)) else ())


def _zones_of(parsed: phonenumbers.PhoneNumber) -> tuple[str, ...]:
    if parsed.country_code != NORTH_AMERICA or not phonenumbers.is_valid_number(parsed):
        return tuple(timezone.time_zones_for_number(parsed))
    split = SPLIT_AREA_CODES.get(phonenumbers.national_significant_number(parsed)[:3], ())
    return (*split, *timezone.time_zones_for_geographical_number(parsed))


@lru_cache(maxsize=512)
def country_name(code: str) -> str:
    """The name of a country by its ISO code, in English; empty if it is unknown."""
    example = phonenumbers.example_number(code)
    if example is None:
        return ""
    from phonenumbers import geocoder  # noqa: PLC0415

    return str(geocoder.country_name_for_number(example, "en"))


def known_countries() -> frozenset[str]:
    """The ISO codes of every country that has numbers."""
    return frozenset(phonenumbers.SUPPORTED_REGIONS)


def _is_known(zone: str) -> bool:
    if zone == _UNKNOWN_ZONE:
        return False
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return True
