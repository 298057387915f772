"""Which numbers cost extra, or reach no person: by phonenumbers' types, and what the types leave out.

Read off the number alone, never off its spelling.
"""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType

from evoslack.calling.rulebook import NumberKind

INTERNATIONAL_TOLL_FREE = 800
NORTH_AMERICA = 1

_KINDS = {
    PhoneNumberType.PREMIUM_RATE: NumberKind.PREMIUM,
    PhoneNumberType.SHARED_COST: NumberKind.SHARED_COST,
    PhoneNumberType.PERSONAL_NUMBER: NumberKind.PERSONAL,
    PhoneNumberType.PAGER: NumberKind.PAGER,
    PhoneNumberType.UAN: NumberKind.UAN,
    PhoneNumberType.VOICEMAIL: NumberKind.VOICEMAIL,
}

# Country codes of no country: shared cost, satellite, personal and machine networks, premium rate. The
# library's list changes; these stay.
_NETWORKS = frozenset({808, 870, 878, 881, 882, 883, 888, 979}) | frozenset(
    phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS
) - {INTERNATIONAL_TOLL_FREE}

# North America: 900, an exchange 976 in any area, and Canada's 600, where the caller pays for satellite and
# mobile services, cost extra; the library takes the last two for ordinary numbers. 500 and its relatives
# follow a person.
_PAY_PER_CALL = re.compile(r"900|600|...976")
_FOLLOW_ME = re.compile(r"5(?:00|2[1-9]|33|44|66|77|88)")


def is_international_network(number: PhoneNumber) -> bool:
    """Whether it belongs to no country, such as a satellite phone. International toll-free does not count."""
    return number.country_code in _NETWORKS


def kind_of(number: PhoneNumber) -> NumberKind | None:
    """The kind of a valid number that must be allowed before it is called; None for ordinary ones."""
    if number.country_code == NORTH_AMERICA:
        national = phonenumbers.national_significant_number(number)
        if _PAY_PER_CALL.match(national):
            return NumberKind.PREMIUM
        if _FOLLOW_ME.match(national):
            return NumberKind.PERSONAL
    return _KINDS.get(phonenumbers.number_type(number))
