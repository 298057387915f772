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

from evoslack.calling.calls import Call, CallNote, CallRequest, HangUp, Progress, Result, State
from evoslack.calling.outcomes import Reason
from evoslack.slack.listeners.export import Period, Unreadable
from evoslack.slack.rendering.call_csv import HEADER, NOBODY, Contact, file_of, row_of

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


def cells(call: Call, contact: Contact = NOBODY) -> dict[str, str]:
    """The row of a call, by column."""
    return dict(zip(HEADER, row_of(call, contact), strict=True))


def test_a_row_has_what_is_known_and_nothing_else() -> None:
    row = cells(CALL)

    assert row["asked at (UTC)"] == "2026-03-02T09:30:00Z"
    assert (row["state"], row["reason"], row["progress"]) == ("in doubt", "no answer", "")
    assert row["outcome"] == "not certain"
    empty = {"name", "email", "caller ID label", "answered at (UTC)", "ended at (UTC)", "talked (seconds)"}
    empty |= {"hung up by (Slack id)", "result", "note", "note by (Slack id)", "note at (UTC)"}
    assert {name for name in empty if row[name]} == set()


def test_columns_that_scripts_read_keep_their_names() -> None:
    older = (
        *("call id", "asked at (UTC)", "person (Slack id)", "flow", "number called", "caller ID", "state"),
        *(
            "reason",
            "Evo Voice's words",
            "answered at (UTC)",
            "ended at (UTC)",
            "talked (seconds)",
            "progress",
        ),
    )
    assert set(older) < set(HEADER)
    assert len(set(HEADER)) == len(HEADER)


def test_a_call_that_was_answered_says_how_long_it_was() -> None:
    answered_at, ended_at = T0 + timedelta(seconds=10), T0 + timedelta(seconds=70.6)
    call = replace(CALL, state=State.PLACED, reason=None, progress=Progress.ENDED)
    row = cells(replace(call, answered_at=answered_at, ended_at=ended_at, evo_outcome="Completed"))

    assert row["Evo Voice's words"] == "Completed"
    assert (row["outcome"], row["progress"]) == ("completed", "ended")
    assert (row["answered at (UTC)"], row["ended at (UTC)"]) == (
        "2026-03-02T09:30:10Z",
        "2026-03-02T09:31:10Z",
    )
    assert row["talked (seconds)"] == "61"


def test_a_row_says_who_hung_up_and_what_came_of_it() -> None:
    note = CallNote(Result.DO_NOT_CALL, "Asked us to stop.", "U_BOSS", T0 + timedelta(hours=1), 2)
    ended = replace(CALL, state=State.PLACED, progress=Progress.ENDED, note=note)
    row = cells(replace(ended, hang_up=HangUp.ASKED, hung_up_by="U_ROOT"), Contact("Sara", "sara@acme.test"))

    assert (row["outcome"], row["hung up by (Slack id)"]) == ("hung up", "U_ROOT")
    assert (row["result"], row["note"]) == ("do not call", "Asked us to stop.")
    assert (row["note by (Slack id)"], row["note at (UTC)"]) == ("U_BOSS", "2026-03-02T10:30:00Z")
    assert (row["person (Slack id)"], row["name"], row["email"]) == ("U_SARA", "Sara", "sara@acme.test")


@pytest.mark.parametrize(
    ("number", "there"),
    [
        ("+18144043093", ("2026-03-02 04:30:00", "America/New_York")),
        ("+442079460958", ("2026-03-02 09:30:00", "Europe/London")),
        ("+18005550123", ("", "")),  # toll-free: it could be anywhere
        ("+881612345678", ("", "")),  # a satellite phone
        ("", ("", "")),
    ],
)
def test_the_time_where_the_number_is_stands_beside_utc(number: str, there: tuple[str, str]) -> None:
    row = cells(replace(CALL, request=replace(REQUEST, number=number)))

    assert (row["local date and time"], row["local time zone"]) == there


FOREIGN = ("flow", "caller ID label", "Evo Voice's words", "name", "email", "note")


def foreign(text: str) -> set[str]:
    """What the file makes of a text, wherever it comes from outside."""
    request = replace(REQUEST, flow_name=text, caller_id_label=text)
    call = replace(CALL, evo_outcome=text, request=request, note=CallNote(None, text))
    row = cells(call, Contact(text, text))
    return {row[name] for name in FOREIGN}


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1", "＝1", "＠x"]
)
def test_no_text_from_outside_becomes_a_formula(text: str) -> None:
    assert foreign(text) == {f"'{text}"}
    assert cells(CALL)["number called"] == "+18144043093"  # a number is a number


@pytest.mark.parametrize("sign", [";", "|", "\n", "\t", '"'])
def test_nor_where_a_table_program_splits_at_another_sign(sign: str) -> None:
    assert foreign(f"Survey{sign}=HYPERLINK(1)") == {f"Survey{sign}'=HYPERLINK(1)"}


def test_nor_behind_a_row_of_separators_and_spaces() -> None:
    for text in ("a;\n =1", "a\n\n\n+1", 'a ;" |  @x', "a;b\t\t-1", ";;=1 |=2"):
        assert foreign(text) == {re.sub(r"([=+@-])", r"'\1", text)}
    for text in ("a =1", "a-b", "a;b=1", "1 + 1"):
        assert foreign(text) == {text}


def test_names_of_every_kind_come_back_as_they_were() -> None:
    names = ["Ümfrage", 'a "b", c;d', "two\nlines", "😀", "it's"]
    calls = [replace(CALL, request=replace(REQUEST, flow_name=name)) for name in names]

    content, rows = file_of(iter(calls), lambda _who: NOBODY)

    assert rows == len(names)
    read = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert [row["flow"] for row in read] == names


def test_half_a_character_breaks_no_file() -> None:
    content, rows = file_of([replace(CALL, note=CallNote(None, "\ud800"))], lambda _who: Contact("\udfff"))

    assert rows == 1 and b"?" in content


def test_no_calls_make_an_empty_file() -> None:
    assert file_of(iter([]), lambda _who: NOBODY)[1] == 0
