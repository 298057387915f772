"""North American area codes that lie in several time zones: a number there may be in any of them.

The library guesses by the digits after the area code. That is right for most landlines and for few mobiles,
and it leaves Gary, Indiana, in the wrong zone; calling hours must not depend on it. From the public maps of
area codes and time zones. What is not here lies in one zone, but for places that keep a neighbor's time.
"""

from __future__ import annotations

_ATLANTIC, _EASTERN, _CENTRAL = "America/Halifax", "America/New_York", "America/Chicago"
_MOUNTAIN, _PACIFIC = "America/Denver", "America/Los_Angeles"

_SPLIT: dict[tuple[str, ...], str] = {
    ("America/St_Johns", _ATLANTIC): "709 879",  # Newfoundland and Labrador
    (_ATLANTIC, _EASTERN): "367 418 581",  # eastern Quebec with the Magdalen Islands
    (_EASTERN, _CENTRAL): (
        "219 574 812 930 "  # Indiana
        "270 364 606 "  # Kentucky
        "423 931 "  # Tennessee
        "334 "  # Alabama with Phenix City
        "448 850 "  # Florida
        "906 "  # Michigan
    ),
    ("America/Toronto", "America/Winnipeg"): "807",  # Ontario
    (_CENTRAL, _MOUNTAIN): (
        "308 "  # Nebraska
        "605 701 "  # the Dakotas
        "620 785 "  # Kansas
    ),
    ("America/Regina", "America/Edmonton"): "306 474 639",  # Saskatchewan with Lloydminster
    (_MOUNTAIN, _PACIFIC): (
        "208 986 "  # Idaho
        "458 541 "  # Oregon
        "775 "  # Nevada
    ),
    (
        "America/Vancouver",
        "America/Edmonton",
        "America/Fort_Nelson",
    ): "236 250 257 672 778",  # British Columbia
    ("America/Phoenix", _MOUNTAIN): "928",  # Arizona with the Navajo Nation
    ("America/Anchorage", "America/Adak"): "907",  # Alaska
    ("America/Whitehorse", "America/Edmonton", "America/Winnipeg", "America/Toronto", "America/Panama"): (
        "867"  # Yukon, the Northwest Territories, Nunavut
    ),
}

# By area code, the IANA names of all its zones.
SPLIT_AREA_CODES = {area: zones for zones, areas in _SPLIT.items() for area in areas.split()}
