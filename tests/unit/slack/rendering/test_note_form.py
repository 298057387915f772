"""The form of a note: what Slack takes, what is read from it, and what two writers see of each other."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoslack.calling.calls import Call, CallNote, Result, State
from evoslack.calling.refusals import CannotCheck, Denial, NotAllowed, Source
from evoslack.slack.rendering import note_form, note_messages
from evoslack.slack.rendering.blocks import Block
from evoslack.slack.rendering.note_form import LONGEST_NOTE, NOTE, RESULT, NoteMetadata, Written
from evoslack.slack.rendering.status_words import RESULT_WORDS
from sandbox.slack.block_kit import problems_in_view
from tests.calls import call_request

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
CALL = Call("c0ffee", call_request(), State.PLACED, T0)
NASTY = ["<" * LONGEST_NOTE, "&<!channel>\n" * 250, "👩‍👩‍👧" * 375, "\u200f" * LONGEST_NOTE]


def noted(result: Result | None, text: str, by: str = "U_BOSS") -> Call:
    return replace(CALL, note=CallNote(result, text, by, T0, 3))


def element(view: Block, block_id: str) -> dict[str, Any]:
    return next(each["element"] for each in view["blocks"] if each.get("block_id") == block_id)


def texts(view: Block) -> list[str]:
    return [each["text"]["text"] for each in view["blocks"] if each["type"] == "section"]


def values(result: str | None, text: str | None) -> dict[str, Any]:
    option = {"text": {"type": "plain_text", "text": "x"}, "value": result} if result is not None else None
    return {
        RESULT: {RESULT: {"type": "radio_buttons", "selected_option": option}},
        NOTE: {NOTE: {"type": "plain_text_input", "value": text}},
    }


@pytest.mark.parametrize("text", ["", "x", *NASTY])
@pytest.mark.parametrize("result", [None, *Result])
def test_slack_takes_every_form(result: Result | None, text: str) -> None:
    call = noted(result, text)
    views = [note_form.form(call, "US"), note_form.conflict(call, "US", Written(result, text), "U_SARA")]

    for view in [*views, note_form.notice(note_messages.GONE, text), note_form.loading("id")]:
        assert problems_in_view(view) == []
        assert len(json.dumps(view)) < 250_000


@pytest.mark.parametrize("result", [None, *Result])
def test_what_is_written_down_stands_in_the_form_and_reads_the_same(result: Result | None) -> None:
    view = note_form.form(noted(result, "kept"), "US")

    initial = element(view, RESULT).get("initial_option", {}).get("value")
    read = note_form.written_in(values(initial, element(view, NOTE)["initial_value"]))
    assert read.is_in(noted(result, "kept").note)
    assert NoteMetadata.unpacked(view["private_metadata"]) == NoteMetadata("c0ffee", 3)


def test_every_result_has_words_and_none_is_a_choice_of_its_own() -> None:
    options = element(note_form.form(CALL, "US"), RESULT)["options"]

    assert [each["value"] for each in options] == [*(each.value for each in Result), "none"]
    assert set(RESULT_WORDS) == set(Result)
    assert note_form.written_in(values("none", None)) == Written()


def test_both_fields_are_optional() -> None:
    inputs = [block for block in note_form.form(CALL, "US")["blocks"] if block["type"] == "input"]

    assert [block["optional"] for block in inputs] == [True, True]


@pytest.mark.parametrize(
    ("theirs", "reader", "words"),
    [
        (noted(Result.VOICEMAIL, "x"), "U_SARA", "<@U_BOSS> saved this while you were typing: *Voicemail*"),
        (noted(None, "x"), "U_SARA", "<@U_BOSS> saved this while you were typing:"),
        (noted(None, ""), "U_SARA", "<@U_BOSS> removed the note while you were typing."),
        (noted(None, "x", "U_SARA"), "U_SARA", "You saved this before:"),
        (noted(None, "", "U_SARA"), "U_SARA", "You removed the note before."),
    ],
)
def test_the_second_writer_reads_who_wrote_what_and_keeps_their_own(
    theirs: Call, reader: str, words: str
) -> None:
    view = note_form.conflict(theirs, "US", Written(Result.REACHED, "mine"), reader)

    assert texts(view)[1] == f"*Not saved yet.* {words}"
    assert (theirs.note.text in texts(view)) == bool(theirs.note.text)
    assert element(view, NOTE)["initial_value"] == "mine"
    assert element(view, RESULT)["initial_option"]["value"] == "reached"
    assert NoteMetadata.unpacked(view["private_metadata"]).revision == 3


@given(st.text(max_size=50))
def test_any_text_becomes_one_that_databases_and_slack_take(text: str) -> None:
    read = note_form.written_in(values(None, text)).text

    read.encode()
    assert "\x00" not in read
    assert note_form.written_in(values(None, read)).text == read, "reading it again changes nothing"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (None, ""),
        (" \n\t ", ""),
        ("a\r\nb\rc\td", "a\nb\nc\td"),
        ("a\x00\x07b", "ab"),
        ("a\ud800b", "a\ufffdb"),
        ("\u202eabc\u2066", "abc"),
        ("א\u200fב", "א\u200fב"),
    ],
)
def test_only_what_nobody_can_read_is_taken_out(typed: str | None, kept: str) -> None:
    assert note_form.written_in(values(None, typed)).text == kept


@pytest.mark.parametrize("odd", [{}, {RESULT: {}}, values("nonsense", "x"), values("", "x"), None, []])
def test_a_form_of_another_shape_is_noticed(odd: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        note_form.written_in(odd)


@given(st.from_regex(r"[\w-]{1,64}", fullmatch=True).filter(str.isascii), st.integers(0, 2**31 - 2))
def test_metadata_comes_back_as_it_was_packed(call_id: str, revision: int) -> None:
    metadata = NoteMetadata(call_id, revision)

    assert NoteMetadata.unpacked(metadata.packed()) == metadata


@pytest.mark.parametrize(
    "forged",
    [
        *("", "{", "null", "[]", "7", "x" * 5000, "[" * 200, '"x"'),
        '{"call_id":"a"}',
        '{"call_id":"a","revision":"0"}',
        '{"call_id":"a","revision":0.5}',
        '{"call_id":"a","revision":true}',
        '{"call_id":"a","revision":-1}',
        '{"call_id":"a","revision":2147483647}',
        '{"call_id":"","revision":0}',
        '{"call_id":"a b","revision":0}',
        '{"call_id":"a\\n","revision":0}',
        '{"call_id":null,"revision":0}',
        '{"call_id":"a","revision":0,"more":0}',
    ],
)
def test_forged_metadata_is_not_believed(forged: str) -> None:
    with pytest.raises(ValueError):
        NoteMetadata.unpacked(forged)


@pytest.mark.parametrize("source", list(Source))
def test_a_check_that_failed_says_nothing_about_dialing(source: Source) -> None:
    words = note_messages.not_saved(CannotCheck(source), "US")

    assert words.startswith("Not saved. ")
    assert "dialed" not in words


@pytest.mark.parametrize("denial", list(Denial))
def test_a_no_says_first_what_it_is_about(denial: Denial) -> None:
    words = note_messages.denied(NotAllowed(denial), "US")

    assert words.startswith("Notes are for people who can place calls. ")
