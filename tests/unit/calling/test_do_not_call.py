"""What a person types to block a number, and what the result of a call blocks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoslack.calling.calls import Call, CallNote, Result, State
from evoslack.calling.do_not_call import TypedBlock, block_of, one_line, typed_block
from evoslack.calling.numbers import BadNumber, Problem, e164
from evoslack.calling.rulebook import LONGEST_REASON, BlockedNumber
from tests.calls import call_request

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
NUMBER = "+18144043093"
CALL = Call("c0ffee", call_request(number=NUMBER), State.PLACED, T0)


@pytest.mark.parametrize(
    "spelling",
    [
        *("8144043093", "814 404 3093", "(814) 404-3093", "+1 814 404 3093", "tel:814-404-3093"),
        *("<tel:+18144043093|814 404 3093>", "８１４４０４３０９３", "+1 (814) 404 - 3093", "814.404.3093"),
    ],
)
@pytest.mark.parametrize("reason", ["", "asked by email", "2 complaints since 2024", "wife of 8144043094"])
def test_a_number_in_any_spelling_then_why(spelling: str, reason: str) -> None:
    assert typed_block(f"  {spelling}  {reason}\n", "US") == TypedBlock(NUMBER, reason)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", Problem.EMPTY),
        ("asked by email", Problem.EMPTY),
        ("Bob 8144043093", Problem.EMPTY),  # the number comes first
        ("8144043093 8144043094 both asked", Problem.SEVERAL),
        ("814404309 asked", Problem.TOO_SHORT),
        ("911 asked", Problem.EMERGENCY),
        ("1-800-FLOWERS asked", Problem.LETTERS),
        ("8144043093x12 asked", Problem.EXTENSION),
        ("814404 asked 3093", Problem.SHORT_CODE),  # never put together from pieces
    ],
)
def test_what_is_wrong_with_the_number_is_named(text: str, problem: Problem) -> None:
    with pytest.raises(BadNumber) as caught:
        typed_block(text, "US")

    assert caught.value.problem is problem


@given(st.text(max_size=80))
def test_no_text_breaks_it_and_what_it_finds_is_a_number(text: str) -> None:
    try:
        found = typed_block(text, "US")
    except BadNumber:
        return
    assert e164(found.number, "US") == found.number


@given(st.text())
def test_a_reason_is_one_line_that_every_database_takes(text: str) -> None:
    shown = one_line(text)

    assert one_line(shown) == shown
    assert not set(shown) & set("\n\r\t\0\x1b\ud800")


@pytest.mark.parametrize("result", [*Result, None])
def test_only_who_asked_not_to_be_called_is_blocked(result: Result | None) -> None:
    block = block_of(CALL, CallNote(result, " a\nb ", "U_BOSS"), T0, "Asked")

    expected = BlockedNumber(NUMBER, "a b", "U_BOSS", T0, "c0ffee")
    assert block == (expected if result is Result.DO_NOT_CALL else None)


def test_a_note_without_text_has_a_reason_and_a_long_one_is_cut() -> None:
    empty = block_of(CALL, CallNote(Result.DO_NOT_CALL, "", "U_BOSS"), T0, "Asked")
    long = block_of(CALL, CallNote(Result.DO_NOT_CALL, "x" * 3_000, "U_BOSS"), T0, "Asked")

    assert empty is not None
    assert long is not None
    assert empty.reason == "Asked"
    assert (len(long.reason), long.reason[-2:]) == (LONGEST_REASON, "x…")
