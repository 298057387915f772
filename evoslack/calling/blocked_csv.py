"""Reads a list of numbers that are not to be called from a CSV file: all of it, or what is wrong with it.

With a heading or without, separated by commas, semicolons or tabs, as UTF-8, UTF-16 or Windows text. Pure.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice

from evoslack.calling.do_not_call import one_line
from evoslack.calling.numbers import BadNumber, e164
from evoslack.calling.rulebook import LONGEST_REASON
from evoslack.runtime.unhurried import unhurried

MOST_LINES = 200_000

_NUMBER_NAMES = {
    "number",
    "phone",
    "phone number",
    "telephone",
    "telephone number",
    "mobile",
    "tel",
    "number called",
}
_REASON_NAMES = {"reason", "note", "notes", "comment", "comments", "why"}
_SAMPLE = 20  # lines by which the separator is recognized
_SEPARATORS = ",;\t"
_SEPARATOR_LINE = re.compile(r"sep=([,;\t])", re.IGNORECASE)  # Excel's own hint
_NO_TEXT = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF")  # .xlsx, .xls
_NUMBER_BEGINS = re.compile(r"[\"'=\s]*\+?[\d().\-\s]{5,}")
_IS_NUMBER = re.compile(r"[\"'=\s]*\+?(?:[().\-/\s]*\d){7,15}[\"'\s]*", re.ASCII)
_SHORTENED = re.compile(r"\+?\d+(?:[.,]\d+)?E\+?\d+", re.IGNORECASE)
_DECIMAL = re.compile(r"(\+?\d{5,})\.0+")  # what some programs make of a column of numbers
_FORMULA = re.compile(r'="(.*)"|\'(.*)', re.DOTALL)  # how spreadsheets keep a number as text


class NotAList(Exception):
    """The file as a whole cannot be used; `problem` says why."""

    def __init__(self, problem: FileProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


class FileProblem(StrEnum):
    """Why a file cannot be read."""

    EMPTY = "empty"
    NOT_TEXT = "not_text"
    TOO_MANY = "too_many"


class LineProblem(StrEnum):
    """What is wrong with a line besides its number."""

    NO_REASON = "no_reason"
    LONG_REASON = "long_reason"
    TWO_REASONS = "two_reasons"
    TWO_NUMBERS = "two_numbers"  # only one of them would be blocked
    SHORTENED = "shortened"  # a spreadsheet wrote 1.81E+10
    UNREADABLE = "unreadable"  # such as a quotation mark that is never closed


@dataclass(frozen=True, slots=True)
class WrongLine:
    """A line that cannot be imported. `other` is the line with the same number and another reason."""

    line: int
    number: str  # as it stands there
    problem: BadNumber | LineProblem
    other: int = 0


@dataclass(frozen=True, slots=True)
class ReadList:
    """What a file has. It is imported only if no line is wrong."""

    reasons: dict[str, str] = field(default_factory=dict)  # by number (E.164)
    wrong: list[WrongLine] = field(default_factory=list)
    heading: str = ""  # the first line, if it was taken for one although its words are unknown


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where number and reason stand (no reason: -1); commas in the last column were not quoted."""

    number: int = 0
    reason: int = 1
    how_many: int = 2
    other_numbers: tuple[int, ...] = ()

    def has_another(self, row: list[str]) -> bool:
        """Whether a second number stands in a column of its own."""
        return any(row[place].strip() for place in self.other_numbers if place < len(row))

    def of(self, row: list[str]) -> tuple[str, str]:
        number = row[self.number] if self.number < len(row) else ""
        if not 0 <= self.reason < len(row):
            return number, ""
        is_last = self.reason == self.how_many - 1
        rest = row[self.reason + 1 :] if is_last else []
        return number, ", ".join(each for each in [row[self.reason], *rest] if each.strip())


def read(content: bytes, region: str, otherwise: str = "") -> ReadList:
    """Read the file; `otherwise` is the reason of lines without one. Raises `NotAList`.

    `region` is the ISO code for numbers without a plus. About a fifth of a millisecond for each line.
    """
    text = _decoded(content)
    found = ReadList()
    lines: dict[str, int] = {}  # by number: where it stands first
    columns, heading = _Columns(), ""
    otherwise = one_line(otherwise)
    rows = list(islice(_rows(text), MOST_LINES + 1))
    if len(rows) > MOST_LINES:
        raise NotAList(FileProblem.TOO_MANY)
    for count, (line, row) in enumerate(unhurried(rows)):
        if row is None:
            found.wrong.append(WrongLine(line, "", LineProblem.UNREADABLE))
            break
        if count == 0 and (named := _heading(row)) is not None:
            columns, heading = named
            continue
        cells = columns.of(row)
        if columns.has_another(row):
            found.wrong.append(WrongLine(line, cells[0].strip(), LineProblem.TWO_NUMBERS))
        elif (wrong := _take(found, lines, line, cells, region, otherwise)) is not None:
            found.wrong.append(wrong)
    if not found.reasons and not found.wrong:
        raise NotAList(FileProblem.EMPTY)
    return ReadList(found.reasons, found.wrong, heading)


def _take(
    found: ReadList, lines: dict[str, int], line: int, cells: tuple[str, str], region: str, otherwise: str
) -> WrongLine | None:
    """Add what a line says, or say what is wrong with it."""
    shown = cells[0].strip()
    reason = one_line(cells[1]) or otherwise
    if _SHORTENED.fullmatch(shown):
        return WrongLine(line, shown, LineProblem.SHORTENED)
    try:
        number = e164(_unwrapped(shown), region)
    except BadNumber as bad:
        return WrongLine(line, shown, bad)
    if not reason:
        return WrongLine(line, shown, LineProblem.NO_REASON)
    if _IS_NUMBER.fullmatch(reason):
        return WrongLine(line, shown, LineProblem.TWO_NUMBERS)
    if len(reason) > LONGEST_REASON:
        return WrongLine(line, shown, LineProblem.LONG_REASON)
    if found.reasons.setdefault(number, reason) != reason:
        return WrongLine(line, shown, LineProblem.TWO_REASONS, lines[number])
    lines.setdefault(number, line)
    return None


def _unwrapped(cell: str) -> str:
    """A number without what programs put around it."""
    if (wrapped := _FORMULA.fullmatch(cell)) is not None:
        cell = (wrapped[1] or wrapped[2] or "").strip()
    return decimal[1] if (decimal := _DECIMAL.fullmatch(cell)) is not None else cell


def _heading(row: list[str]) -> tuple[_Columns, str] | None:
    """The columns that a heading names, or else the first two, and its words; None: this is no heading."""
    if any(map(_IS_NUMBER.fullmatch, row)):  # whatever else stands there, such as the reason "note"
        return None
    names = [" ".join(cell.casefold().replace("_", " ").split()) for cell in row]
    numbers = [place for place, name in enumerate(names) if name in _NUMBER_NAMES]
    number = next(iter(numbers), None)
    reason = next((place for place, name in enumerate(names) if name in _REASON_NAMES), None)
    if number is None and reason is None:
        has_digits = any(char.isdecimal() for name in names for char in name)
        return None if has_digits else (_Columns(how_many=max(len(names), 2)), one_line(", ".join(row)))
    if number is None:
        number = 1 if reason == 0 else 0
    return _Columns(number, -1 if reason is None else reason, len(names), tuple(numbers[1:])), ""


def _rows(text: str) -> Iterator[tuple[int, list[str] | None]]:
    """Each row that is not empty, with the number of its first line; None: it and the rest are unreadable."""
    lines = io.StringIO(text, newline="")
    hint = _SEPARATOR_LINE.fullmatch(text.split("\n", 1)[0].strip())
    if hint is not None:
        lines.readline()
    skipped = 0 if hint is None else 1
    reader = csv.reader(lines, delimiter=_separator(text) if hint is None else hint[1])
    while True:
        line = skipped + reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error:
            yield line, None
            return
        if row is None:
            return
        if any(cell.strip() for cell in row):
            yield line, row


def _separator(text: str) -> str:
    """What separates the columns: what most lines have right behind a number, or a heading between names."""
    sample = [line for line in text[:20_000].splitlines() if line.strip()][:_SAMPLE]

    def fits(separator: str) -> tuple[int, int]:
        split = [line.split(separator, 1) for line in sample if separator in line]
        begins = sum(_NUMBER_BEGINS.fullmatch(cells[0].strip("\"' ")) is not None for cells in split)
        named = {cell.strip("\"' ").casefold() for cell in sample[0].split(separator)} if sample else set()
        return bool(named & (_NUMBER_NAMES | _REASON_NAMES)) * _SAMPLE + begins, len(split)

    return max(_SEPARATORS, key=fits)


def _decoded(content: bytes) -> str:
    """The text of the file. Raises `NotAList`."""
    if content.startswith(_NO_TEXT):
        raise NotAList(FileProblem.NOT_TEXT)
    for encoding in _encodings(content):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text.removeprefix("\ufeff")
    raise NotAList(FileProblem.NOT_TEXT)


def _encodings(content: bytes) -> tuple[str, ...]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16",)
    if b"\0" in content[:200]:  # UTF-16 without a mark: every other byte of plain digits is zero
        return ("utf-16-le",) if content[1:2] == b"\0" else ("utf-16-be",)
    return "utf-8", "cp1252", "latin-1"
