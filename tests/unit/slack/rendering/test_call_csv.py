"""The period that was typed, and the rows of the file."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoslack.calling.calls import Call, CallRequest, Progress, Reason, State
from evoslack.slack.listeners.export import Period, Unreadable
from evoslack.slack.rendering.call_csv import HEADER, file_of, row_of

TODAY = date(2026, 11, 22)
T0 = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)
REQUEST = CallRequest("key", "T1", "U_SARA", "acc1", "flow2", "Survey", "+18144043093", "+12025550100")
CALL = Call("call1", REQUEST, State.IN_DOUBT, T0, reason=Reason.NO_ANSWER)


@pytest.mark.parametrize(
    ("words", "first", "last"),
    [
        ("", date(2026, 10, 24), TODAY),
        ("2026-10", date(2026, 10, 1), date(2026, 10, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2025-12", date(2025, 12, 1), date(2025, 12, 31)),
        ("2026-10-01 2026-10-31", date(2026, 10, 1), date(2026, 10, 31)),
        ("2026-10-01 2026-10-01", date(2026, 10, 1), date(2026, 10, 1)),
    ],
)
def test_a_period_is_whole_days_the_last_one_included(words: str, first: date, last: date) -> None:
    period = Period.typed(words.split(), TODAY)

    assert (period.first, period.last) == (first, last)
    assert period.since == datetime(first.year, first.month, first.day, tzinfo=UTC)
    assert period.until - period.since == last - first + timedelta(days=1)


@given(st.text(alphabet="0123456789- ٣xX", max_size=24))
def test_whatever_is_typed_it_is_a_period_or_unreadable(words: str) -> None:
    try:
        period = Period.typed(words.split(), TODAY)
    except Unreadable:
        return
    assert period.since < period.until


def test_a_row_has_what_is_known_and_nothing_else() -> None:
    row = dict(zip(HEADER, row_of(CALL), strict=True))

    assert row["asked at (UTC)"] == "2026-03-02T09:30:00Z"
    assert (row["state"], row["reason"], row["progress"]) == ("in doubt", "no answer", "")
    assert row["answered at (UTC)"] == row["ended at (UTC)"] == row["talked (seconds)"] == ""


def test_a_call_that_was_answered_says_how_long_it_was() -> None:
    answered_at, ended_at = T0 + timedelta(seconds=10), T0 + timedelta(seconds=70.6)
    call = replace(CALL, state=State.PLACED, reason=None, progress=Progress.ENDED)
    row = row_of(replace(call, answered_at=answered_at, ended_at=ended_at, evo_outcome="Completed"))

    assert row[-5:] == ["Completed", "2026-03-02T09:30:10Z", "2026-03-02T09:31:10Z", "61", "ended"]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1", "＝1", "＠x"]
)
def test_no_text_from_outside_becomes_a_formula(text: str) -> None:
    row = row_of(replace(CALL, evo_outcome=text, request=replace(REQUEST, flow_name=text)))

    assert row[3] == row[8] == f"'{text}"
    assert row[4] == "+18144043093"  # a number is a number


@pytest.mark.parametrize("sign", [";", "|", "\n", "\t", '"'])
def test_nor_where_a_table_program_splits_at_another_sign(sign: str) -> None:
    text = f"Survey{sign}=HYPERLINK(1)"

    row = row_of(replace(CALL, evo_outcome=text, request=replace(REQUEST, flow_name=text)))

    assert row[3] == row[8] == f"Survey{sign}'=HYPERLINK(1)"


def test_nor_behind_a_row_of_separators_and_spaces() -> None:
    for text in ("a;\n =1", "a\n\n\n+1", 'a ;" |  @x', "a;b\t\t-1", ";;=1 |=2"):
        row = row_of(replace(CALL, evo_outcome=text))
        assert row[8] == re.sub(r"([=+@-])", r"'\1", text)
    for text in ("a =1", "a-b", "a;b=1", "1 + 1"):
        assert row_of(replace(CALL, evo_outcome=text))[8] == text


def test_names_of_every_kind_come_back_as_they_were() -> None:
    names = ["Ümfrage", 'a "b", c;d', "two\nlines", "😀", "it's"]
    calls = [replace(CALL, request=replace(REQUEST, flow_name=name)) for name in names]

    content, rows = file_of(iter(calls))

    assert rows == len(names)
    read = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert [row["flow"] for row in read] == names


def test_no_calls_make_an_empty_file() -> None:
    assert file_of(iter([]))[1] == 0
