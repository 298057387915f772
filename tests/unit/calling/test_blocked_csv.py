"""Lists of numbers as people's programs write them: read whole, or what is wrong with which line."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoslack.calling.blocked_csv import MOST_LINES, FileProblem, LineProblem, NotAList, read
from evoslack.calling.numbers import BadNumber, Problem
from evoslack.calling.rulebook import LONGEST_REASON

ONE, TWO = "+18144043093", "+442071838750"


def reasons(text: str | bytes, otherwise: str = "") -> dict[str, str]:
    """What a file without wrong lines says."""
    found = read(text if isinstance(text, bytes) else text.encode(), "US", otherwise)
    assert found.wrong == []
    return found.reasons


def wrong(text: str, otherwise: str = "") -> list[tuple[int, str, Problem | LineProblem, int]]:
    """Line, number as written, problem, and the other line."""
    found = read(text.encode(), "US", otherwise).wrong
    problems = [
        each.problem.problem if isinstance(each.problem, BadNumber) else each.problem for each in found
    ]
    return [(each.line, each.number, what, each.other) for each, what in zip(found, problems, strict=True)]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "rows",
    [
        [(ONE, "x"), (TWO, "y z")],
        [("number", "reason"), (ONE, "x"), (TWO, "y z")],
        [("Phone_Number", "Comment", "City"), (ONE, "x", "Erie"), (TWO, "y z", "London")],
        [("Phone", "Why"), ("(814) 404-3093", "x"), ("", ""), (f"'{TWO}", "y z")],
        [("Telefon", "Grund"), (ONE, "x"), (f'="{TWO}"', "y z")],
    ],
)
def test_columns_are_found_with_a_heading_and_without(
    separator: str, end: str, rows: list[tuple[str, ...]]
) -> None:
    assert reasons(end.join(separator.join(row) for row in rows)) == {ONE: "x", TWO: "y z"}


@pytest.mark.parametrize(
    "text",
    [
        f"reason;number\nx;{ONE}\ny z;{TWO}",
        f"city;why;tel\nErie;x;{ONE}\nLondon;y z;{TWO}",
        f"sep=;\nreason;number\nx;{ONE}\ny z;{TWO}",
        f'"reason","number"\n"x","{ONE}"\n"y\nz","{TWO}"\n\n',
    ],
)
def test_columns_may_stand_in_any_order(text: str) -> None:
    assert reasons(text) == {ONE: "x", TWO: "y z"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{ONE};asked, by mail; twice", "asked, by mail,  twice"),
        (f"{ONE},asked; by mail", "asked; by mail"),
        (f"{ONE},asked, by mail", "asked,  by mail"),
        (f'{ONE},"asked, by ""mail"""', 'asked, by "mail"'),
        (f"number,reason,by\n{ONE},asked,Bob", "asked"),
        (f"number,reason\n{ONE},asked,by mail", "asked, by mail"),
    ],
)
def test_no_part_of_a_reason_is_lost(text: str, expected: str) -> None:
    assert reasons(text) == {ONE: " ".join(expected.split())}


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"]
)
def test_every_usual_encoding_is_recognized(encoding: str) -> None:
    text = f"number,reason\n{ONE},Müller möchte nicht\n"
    content = text.encode(encoding)
    if encoding == "utf-16-le":
        content = b"\xff\xfe" + content

    assert reasons(content) == {ONE: "Müller möchte nicht"}
    assert reasons(text.encode("utf-16-le")) == {ONE: "Müller möchte nicht"}  # without a mark


@pytest.mark.parametrize(
    "spelling",
    [
        *("8144043093", "814-404-3093", "(814) 404-3093", "1 814 404 3093", "tel:+1-814-404-3093"),
        *("＋１８１４４０４３０９３", "<tel:+18144043093|814-404-3093>", " +1 814.404.3093 ", "8144043093.0"),
        *("'+18144043093", '="8144043093"', "\u202a+18144043093\u202c"),
    ],
)
def test_a_number_may_be_spelled_in_any_way(spelling: str) -> None:
    quoted = spelling.replace('"', '""')

    assert reasons(f'"{quoted}",x') == {ONE: "x"}


def test_each_wrong_line_is_named_with_its_problem() -> None:
    text = (
        "number,reason\n"
        f"{ONE},first\n"
        "814404309,short\n"
        f"{TWO},\n"
        "\n"
        '8144043094,"two\nlines"\n'
        "(814) 404-3093,second\n"
        f"1-800-FLOWERS,x\n"
        "1.81E+10,x\n"
        ",no number\n"
        f"8144043095,{'r' * (LONGEST_REASON + 1)}\n"
        "911,x\n"
    )

    assert wrong(text) == [
        (3, "814404309", Problem.TOO_SHORT, 0),
        (4, TWO, LineProblem.NO_REASON, 0),
        (8, "(814) 404-3093", LineProblem.TWO_REASONS, 2),
        (9, "1-800-FLOWERS", Problem.LETTERS, 0),
        (10, "1.81E+10", LineProblem.SHORTENED, 0),
        (11, "", Problem.EMPTY, 0),
        (12, "8144043095", LineProblem.LONG_REASON, 0),
        (13, "911", Problem.EMERGENCY, 0),
    ]


def test_the_same_number_with_the_same_reason_is_fine() -> None:
    assert reasons(f"{ONE},x\n(814) 404-3093, x \n") == {ONE: "x"}


def test_lines_without_a_reason_get_the_one_for_all() -> None:
    assert reasons(f"{ONE}\n{TWO},own\n", "old system") == {ONE: "old system", TWO: "own"}
    assert reasons(f"number\n{ONE}\n", "old\nsystem") == {ONE: "old system"}
    assert [each[2] for each in wrong(f"{ONE}\n{TWO},own\n", " ")] == [LineProblem.NO_REASON]


@pytest.mark.parametrize("reason", ["why", "note", "mobile", "Phone"])
@pytest.mark.parametrize("first", [ONE, "(814) 404-3093", '="18144043093"'])
def test_a_first_line_with_a_number_is_no_heading_whatever_its_reason(first: str, reason: str) -> None:
    assert reasons(f"{first};{reason}\n{TWO};y z") == {ONE: reason, TWO: "y z"}


@pytest.mark.parametrize("second", [TWO, "(814) 404-3094", "814.404.3094", "18144043094.0"])
def test_a_second_number_is_no_reason(second: str) -> None:
    assert wrong(f"number,reason\n{ONE},{second}") == [(2, ONE, LineProblem.TWO_NUMBERS, 0)]
    assert reasons(f"{ONE},ticket 12345678\n{TWO},123456") == {ONE: "ticket 12345678", TWO: "123456"}


def test_a_second_column_of_numbers_is_not_left_out_silently() -> None:
    heading = "name,phone,mobile,reason"
    assert wrong(f"{heading}\nAnn,{ONE},{TWO},x\nBob,{ONE},,x") == [(2, ONE, LineProblem.TWO_NUMBERS, 0)]
    assert reasons(f"{heading}\nBob,{ONE},,x\nCy,{TWO}, ,y") == {ONE: "x", TWO: "y"}


def test_a_heading_in_unknown_words_is_told() -> None:
    assert read(f"Rufnummer,Grund\n{ONE},x".encode(), "US").heading == "Rufnummer, Grund"
    assert read(f"number,reason\n{ONE},x".encode(), "US").heading == ""


def test_a_quotation_mark_that_is_never_closed_swallows_nothing_silently() -> None:
    text = f'{TWO},fine\n{ONE},"open\n' + "8144043094,x\n" * 100

    assert [(line, what) for line, _number, what, _other in wrong(text)] == [(2, LineProblem.LONG_REASON)]


def test_a_cell_without_end_is_told() -> None:
    text = f'{TWO},fine\n{ONE},"' + "x" * 200_000

    assert [(line, what) for line, _number, what, _other in wrong(text)] == [(2, LineProblem.UNREADABLE)]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", FileProblem.EMPTY),
        (b"\xef\xbb\xbf\r\n \r\n", FileProblem.EMPTY),
        (b"number,reason\n", FileProblem.EMPTY),
        (b"PK\x03\x04abc", FileProblem.NOT_TEXT),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", FileProblem.NOT_TEXT),
        (b"\xff\xfea", FileProblem.NOT_TEXT),
        (b"8144043093,x\n" * (MOST_LINES + 2), FileProblem.TOO_MANY),
    ],
    ids=["nothing", "blank", "heading", "xlsx", "png", "half a character", "too many"],
)
def test_what_is_no_list_is_not_read(content: bytes, problem: FileProblem) -> None:
    with pytest.raises(NotAList) as caught:
        read(content, "US")

    assert caught.value.problem is problem


def test_a_region_decides_about_numbers_without_a_plus() -> None:
    assert list(read(b"030 901820,x", "DE").reasons) == ["+4930901820"]


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_file_breaks_it(content: bytes) -> None:
    try:
        found = read(content, "US", "x")
    except NotAList:
        return
    assert found.reasons or found.wrong
    assert all(0 < len(reason) <= LONGEST_REASON and "\n" not in reason for reason in found.reasons.values())


@given(
    st.dictionaries(
        st.integers(2_000_000, 9_999_999).map(lambda each: f"+1814{each}"),
        st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from(",;\t"),
)
def test_what_was_written_comes_back(entries: dict[str, str], separator: str) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=separator).writerows([("number", "reason"), *entries.items()])
    found = read(file.getvalue().encode(), "US")

    assert not [each for each in found.wrong if not isinstance(each.problem, BadNumber)]
    invalid = {each.number for each in found.wrong}
    assert found.reasons == {number: why for number, why in entries.items() if number not in invalid}
