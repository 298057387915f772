"""Finds the phone numbers in a message, which may be long and written to slow us down.

The phonenumbers library decides what is a number. It is given only the places that have digits, a piece at a
time, and gives up on a piece full of near misses. So time grows linearly with the length of the text, and the
length is limited.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberMatch, PhoneNumberMatcher

from evoslack.calling.numbers import SLACK_LINK

LONGEST_MESSAGE = 40_000  # characters that are read; Slack cuts a message there (slack-facts 4)
MOST_NUMBERS = 101  # a list holds 100 (slack-facts 3), and one more shows that there are more

_FEWEST_DIGITS = 4  # of any number of any country
_LONGEST_PIECE = 1_000  # characters; what the library takes for one number has at most about 560
_NEAR_THE_CUT = 100  # a number that ends so close to the end of a piece may continue after it
_TRIES = 60  # at one piece
_MOST_IN_PIECES = 15_000  # characters of all pieces: a hundred numbers take a fifth of that

# All that Slack writes (slack-facts 4); the last one last, for it makes no others.
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))
_TOKEN = re.compile(r"<[^<>]*+>")  # Slack's links, mentions and dates

# Every part is possessive or bounded, and a match that fails has read only what lies between two digits.
_GAP = r"(?:[^\w\n]|[_xXｘー])"  # what may stand between the digits of a number, and more
_SPACE = r"[ \t\u00a0,]"
_WORD = r"(?:e?xt(?:ensi[oó]n?)?n?|int|anexo|доб)[:.]?"
_EXTENSION = rf"(?:;ext=|{_SPACE}{{0,12}}+{_WORD}(?:{_SPACE}|-){{0,4}}+)\d{{1,20}}+#?"
_PIECE = re.compile(rf"\d++(?:{_GAP}{{1,12}}+\d++)*+(?:{_EXTENSION})?", re.IGNORECASE)
_LEAD = 11  # characters before the first digit: plus and brackets, and the character before those

_ID_BEFORE = re.compile(r"(?:[#№$€£¥=/_]|[^\W\d_]-?|\d[.,])\Z")
_COUNTED = re.compile(
    r"\b(?:order|invoice|ticket|case|ref|reference|id|account|acct|customer|serial|tracking|item|part|sku)"
    r"(?:\s*(?:no|nr|number|id))?[.:]?\s*\Z",
    re.IGNORECASE,
)
_LONGEST_COUNTED = 64  # characters before the digits
_ID_AFTER = re.compile(r"[-_/]?[^\W\d_]|\.\w")


def numbers_in(text: str, region: str) -> list[str]:
    """The numbers in a text (Slack's mrkdwn), as E.164, each once, in their order.

    What Slack itself marked as a number counts first; digits in links, mentions, prices, dates, times and
    ids do not. `region` is the ISO code for numbers without a plus. At most `MOST_NUMBERS` are found, and
    what comes after the first `LONGEST_MESSAGE` characters is not read.
    """
    is_cut, text = len(text) > LONGEST_MESSAGE, text[:LONGEST_MESSAGE]
    if is_cut and text.rfind("<") > text.rfind(">"):  # the cut goes through a link, whose digits mean nothing
        text = text[: text.rfind("<")]
    marked = (link[1] for link in SLACK_LINK.finditer(text))
    # A number never spans lines, so everything can be searched as one text.
    plain = "\n".join((*marked, _TOKEN.sub(" ", text)))
    for entity, character in _ENTITIES:
        plain = plain.replace(entity, character)
    last = len(plain) - (_NEAR_THE_CUT if is_cut else 0)  # half a number is another one
    found: dict[str, None] = {}
    for start, match in _matches(plain, region):
        number = phonenumbers.format_number(match.number, PhoneNumberFormat.E164)
        if start + len(match.raw_string) > last or len(found) == MOST_NUMBERS:
            break
        if number not in found and not _is_an_id(plain, start, match.raw_string):
            found[number] = None
    return list(found)


def _matches(text: str, region: str) -> Iterator[tuple[int, PhoneNumberMatch]]:
    """What the library takes for numbers, and where each begins."""
    end, left = 0, _MOST_IN_PIECES
    while left > 0 and (piece := _PIECE.search(text, end)):
        start, end = max(end, piece.start() - _LEAD), piece.end()
        if sum(map(str.isdecimal, piece[0])) < _FEWEST_DIGITS:
            continue
        while start < end and left > 0:
            # With the character after the piece, which decides.
            part = text[start : min(end + 1, start + _LONGEST_PIECE)]
            match = next(iter(PhoneNumberMatcher(part, region, max_tries=_TRIES)), None)
            if match is None:
                left -= len(part)
                break
            continues = start + len(part) < end and match.end > _LONGEST_PIECE - _NEAR_THE_CUT
            if not continues:
                yield start + match.start, match
            read = match.start if continues else match.end
            left -= read
            start += read


def _is_an_id(text: str, start: int, digits: str) -> bool:
    """Whether the digits name something else: `#4155550143`, `INV-4155550143`, `order 4155550143`."""
    if digits.isdecimal() and _COUNTED.search(text, max(0, start - _LONGEST_COUNTED), start):
        return True
    end = start + len(digits)
    return bool(_ID_BEFORE.search(text, max(0, start - 2), start) or _ID_AFTER.match(text, end))
