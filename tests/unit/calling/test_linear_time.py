"""No text can stall the bot: reading takes time linear in its length.

Speed is measured by ratio: a text four times as long may take eight times as long; what is quadratic takes
sixteen. Python's own steps are counted, which is exact; what happens inside `re` is CPU time of this thread,
the least of several runs, so that a busy machine changes nothing.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evoslack.calling.calls import Call, State
from evoslack.calling.history_filter import HistoryFilter
from evoslack.calling.number_format import pretty
from evoslack.calling.number_search import numbers_in
from evoslack.calling.numbers import dialable, typed_after_command
from evoslack.calling.offer import CallerId, Flow
from evoslack.calling.refusals import Refusal
from evoslack.calling.workflow_step import StepInputs
from evoslack.evo import session_poller, wire
from evoslack.slack.listeners.export import Period, Unreadable
from evoslack.slack.listeners.message_texts import MOST_PARTS, texts_of
from evoslack.slack.rendering import home_filters, mrkdwn, select_options, typed_words, views
from evoslack.slack.rendering.call_csv import row_of
from tests.calls import call_request

Reader = Callable[[str], object]

TIMES_LONGER, TIMES_MORE_WORK = 4, 8
NO_WORK_S = 0.002  # CPU; less is not worth comparing
NO_STEPS = 500  # lines of Python, likewise
TRIES = 6

FLOWS = [Flow(f"flow{count}", f"Customer survey {count} aaaaaaaaaaaaaaaaaaaa") for count in range(30)]
CALLER_IDS = [CallerId(f"+120255501{count:02}", f"Line {count} aaaaaaaaaaaaaaaa") for count in range(30)]
REQUEST = call_request()
CALL = Call("call1", REQUEST, State.PLACED, datetime(2026, 3, 2, tzinfo=UTC))

READERS: Mapping[str, Reader] = {
    "numbers in a message": lambda text: numbers_in(text, "US"),
    "after the command": lambda text: typed_after_command(text, "US"),
    "a typed number": lambda text: dialable(text, "US", {"US"}),
    "a shown number": lambda text: pretty(text, "US"),
    "the search for a flow": lambda text: select_options.flow_options(FLOWS, text),
    "the search for a caller ID": lambda text: select_options.caller_id_options(CALLER_IDS, text, "US"),
    "the flow that is meant": lambda text: typed_words.best_flow(FLOWS, text),
    "the flow that is meant, by its name": lambda text: typed_words.best_flow(
        [Flow("flow1", text)], "survey " * 9
    ),
    "what a form remembers": views.FormMetadata.unpacked,
    "the search in the Home tab": lambda text: (
        home_filters.filter_after(
            HistoryFilter(), {"action_id": home_filters.FilterAction.SEARCH, "value": text}
        ).digits
    ),
    "what a Home tab remembers": HistoryFilter.unpacked,
    "what a workflow filled in": lambda text: StepInputs.of({"person": {"id": text}, "flow": text}),
    "a period": lambda text: Period.typed(text.split(), date(2026, 3, 2)),
    "a flow's name in a file": lambda text: row_of(replace(CALL, request=replace(REQUEST, flow_name=text))),
    "Evo Voice's words in a file": lambda text: row_of(replace(CALL, evo_outcome=text)),
    "Evo Voice's words": wire.short,
    "a caller ID of Evo Voice": lambda text: wire.caller_id_of(
        {"accountId": "acc1", "type": "PhoneNumber", "phoneNumber": text}, "acc1"
    ),
    "a time of Evo Voice": session_poller.moment,
    "a call of Evo Voice": lambda text: session_poller.active_of(
        {"sid": text, "status": "queued", "to": text}
    ),
    "a session of Evo Voice": lambda text: session_poller.session_of(
        {"id": "id", "accountId": "acc1", "fromAddress": text, "destination": text}, "acc1"
    ),
    "a text in a card": mrkdwn.escape,
    "a message": lambda text: list(texts_of({"blocks": [{"elements": [{"text": each} for each in text]}]})),
}

HOSTILE = (
    *("<tel:", "<tel:1", "<", "<tel:1|", "<tel:+12025550143|", ">", "|", "&", "&#", "&#x1", "&lt;", "&amp;"),
    *(
        "7",
        "7 ",
        "77    ",
        "1-",
        "1.",
        "1/",
        "1~",
        "1x",
        "1\u00a0\u00a0",
        "٢",
        "２ ",
        "(1)",
        "(",
        "[(",
        "+",
        "+1 ",
    ),
    *(
        "order ",
        "order 2025550143 ",
        "2025550143 ",
        "(202) 555-0143 ",
        "202-555-01",
        "https://x.test/2025550143 ",
    ),
    *(
        " ext",
        "1 \t\t ext",
        ";ext=1",
        "x ",
        "tel: ",
        "3/10/2011 ",
        "2012-01-02 08",
        ":30",
        "12-34 (56",
        "\u200b",
    ),
    *(
        "\n",
        "\t",
        " ",
        "; ",
        '"',
        "=",
        "a",
        "aa ",
        "survey ",
        "a1 ",
        "?",
        "a? ",
        "{",
        "[",
        '{"a":',
        "\\",
        "/Date(",
    ),
)


def _cpu_s(reader: Reader, text: str) -> float:
    started = time.thread_time()
    with suppress(Refusal, Unreadable, ValueError, RecursionError):
        reader(text)
    return time.thread_time() - started


def _steps(reader: Reader, text: str) -> int:
    """How many lines of Python run, in whatever module."""
    count = 0

    def step(_: FrameType, event: str, __: Any) -> Any:
        nonlocal count
        count += event == "line"
        return step

    before = sys.gettrace()
    sys.settrace(step)
    try:
        with suppress(Refusal, Unreadable, ValueError, RecursionError):
            reader(text)
    finally:
        sys.settrace(before)
    return count


def _text(unit: str, length: int) -> str:
    return (unit * (length // len(unit) + 1))[:length]


def grows_too_fast(reader: Reader, unit: str, length: int) -> bool:
    """Whether a text four times as long takes more than eight times the CPU time, again and again."""
    short, long = _text(unit, length), _text(unit, length * TIMES_LONGER)
    least_short = least_long = float("inf")
    for _ in range(TRIES):
        least_short = min(least_short, _cpu_s(reader, short))
        least_long = min(least_long, _cpu_s(reader, long))
        if least_long <= TIMES_MORE_WORK * max(least_short, NO_WORK_S):
            return False
    return True


def takes_too_many_steps(reader: Reader, unit: str, length: int) -> bool:
    """The same in lines of Python, once: the count is the same on every machine."""
    reader_of_short = _steps(reader, _text(unit, length))
    return _steps(reader, _text(unit, length * TIMES_LONGER)) > TIMES_MORE_WORK * max(
        reader_of_short, NO_STEPS
    )


@pytest.mark.parametrize("before", ["", "a"])
@pytest.mark.parametrize("name", READERS)
def test_four_times_the_text_is_never_sixteen_times_the_work(name: str, before: str) -> None:
    """One sign that means something somewhere, over and over."""
    for unit in HOSTILE:
        assert not grows_too_fast(lambda text: READERS[name](before + text), unit, 5_000), unit


SIGNS = st.sampled_from(HOSTILE)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=25)
@given(before=SIGNS, units=st.lists(SIGNS, min_size=1, max_size=5), after=SIGNS)
def test_no_mixture_of_them_is_superlinear(name: str, before: str, units: list[str], after: str) -> None:
    def reader(text: str) -> object:
        return READERS[name](before + text + after)

    assert not grows_too_fast(reader, "".join(units), 5_000)
    assert not takes_too_many_steps(reader, "".join(units), 1_000)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=10)
@given(before=st.text(max_size=40), unit=st.text(min_size=1, max_size=4), after=st.text(max_size=10))
def test_no_other_text_is_superlinear(name: str, before: str, unit: str, after: str) -> None:
    assert not grows_too_fast(lambda text: READERS[name](before + text + after), unit, 5_000)


# Patterns and loops that were here once: the measure finds them.
WAS_QUADRATIC: Mapping[str, tuple[Reader, str, int]] = {
    "links": (re.compile(r"<tel:([^|>]+)(?:\|[^>]*)?>", re.IGNORECASE).findall, "<tel:", 2_000),
    "labels": (re.compile(r"<tel:([^|>]+)(?:\|[^>]*)?>", re.IGNORECASE).findall, "<tel:1|", 3_000),
    "brackets": (re.compile(r"<[^>]*>").findall, "<", 5_000),
    "line ends": (re.compile(r"([;|\t\r\n\"]\s*)(?=[=+\-@])").findall, "\n", 1_000),
    "what stands before each number": (
        lambda text: [re.search(r"\d[.,]\Z", text[: each.start()]) for each in re.finditer(r"\d+", text)],
        "1 ",
        2_500,
    ),
    "words that are not in a list": (
        lambda text: [word for word in text.split() if word not in [f"{word}?" for word in text.split()]],
        "1 ",
        1_000,
    ),
}


@pytest.mark.parametrize("name", WAS_QUADRATIC)
def test_the_measure_finds_what_is_quadratic(name: str) -> None:
    assert grows_too_fast(*WAS_QUADRATIC[name])


def test_the_count_of_steps_finds_what_is_quadratic() -> None:
    def every_pair(text: str) -> int:
        found = 0
        for one in text:
            for other in text:
                found += one == other
        return found

    assert takes_too_many_steps(every_pair, "a", 100)
    assert not takes_too_many_steps(lambda text: every_pair(text[:50]), "a", 100)


def test_a_megabyte_costs_no_more_than_the_part_that_is_read() -> None:
    """Text beyond the length limit costs nothing."""
    for unit in HOSTILE:
        read = _steps(READERS["numbers in a message"], _text(unit, 41_000))
        assert _steps(READERS["numbers in a message"], _text(unit, 1_000_000)) <= read + NO_STEPS, unit


@pytest.mark.parametrize(
    "blocks",
    [
        [{"text": ""}] * 10 * MOST_PARTS,
        [[]] * 10 * MOST_PARTS,
        [{"elements": [{"text": "1"}] * 100}] * MOST_PARTS,
        [{"text": "7" * 100}] * 10 * MOST_PARTS,
    ],
    ids=["texts", "lists", "lists of lists", "digits"],
)
def test_a_message_of_a_hundred_thousand_parts_is_searched_in_time(blocks: list[Any]) -> None:
    assert _steps(lambda _: list(texts_of({"blocks": blocks})), "") < 20 * MOST_PARTS


def test_a_deeply_nested_or_circular_message_is_searched_in_time() -> None:
    round_and_round: dict[str, Any] = {"text": "814-404-3093"}
    round_and_round["elements"] = [round_and_round, round_and_round]

    found = list(texts_of({"text": "first", "blocks": [round_and_round]}))

    assert found[:2] == ["first", "814-404-3093"]
    assert len(found) <= MOST_PARTS
