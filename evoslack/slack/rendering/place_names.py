"""Countries and places as they are called in the middle of a sentence: the United Kingdom, Honolulu, HI."""

from __future__ import annotations

from evoslack.calling.places import country_name

_WITH_THE = (
    "United ",
    "Bahamas",
    "Comoros",
    "Democratic ",
    "Gambia",
    "Maldives",
    "Netherlands",
    "Philippines",
    "Vatican",
)
_ENDS_WITH_THE = ("Republic", "Islands", "Isle Of Man", "Territories", "Territory")


def in_a_sentence(name: str) -> str:
    """A place's name, with an article if it takes one."""
    name = name.removeprefix("The ")
    return f"the {name}" if name.startswith(_WITH_THE) or name.endswith(_ENDS_WITH_THE) else name


def country(code: str) -> str:
    """A country by its ISO code, or words for one without a name."""
    if code == "001":
        return "numbers outside any country"
    if name := country_name(code):
        return in_a_sentence(name)
    return f"this country ({code})" if code else "this country"
