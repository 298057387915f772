"""The one table of words: every status has a symbol of its own, and words that work without it."""

from __future__ import annotations

import unicodedata

import pytest

from evoslack.calling.calls import Result
from evoslack.calling.status import CallStatus
from evoslack.slack.rendering.status_words import RESULT_WORDS, STATUS_WORDS


def test_every_status_and_every_result_has_words() -> None:
    assert set(STATUS_WORDS) == set(CallStatus)
    assert set(RESULT_WORDS) == set(Result)


def test_no_two_look_or_read_alike() -> None:
    assert len({each.symbol for each in STATUS_WORDS.values()}) == len(CallStatus)
    assert len({each.words for each in STATUS_WORDS.values()}) == len(CallStatus)


@pytest.mark.parametrize("status", CallStatus)
def test_the_words_say_it_without_color(status: CallStatus) -> None:
    symbol, words = STATUS_WORDS[status].symbol, STATUS_WORDS[status].words

    assert unicodedata.category(symbol[0]) == "So", "a symbol, no letter"
    assert symbol[1:] in {"", "\ufe0f"}, "one symbol, if need be in its colored form"
    assert words.isascii() and words == words.casefold(), "they stand behind a number"


@pytest.mark.parametrize("status", CallStatus)
def test_nothing_but_a_completed_call_wears_a_tick(status: CallStatus) -> None:
    has_tick = any(tick in STATUS_WORDS[status].symbol for tick in "✅✔☑🗸")

    assert has_tick is (status is CallStatus.COMPLETED)
