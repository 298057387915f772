"""What was typed after the command: it picks a flow, or it is said; nothing is dropped silently."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoslack.calling.offer import Flow
from evoslack.slack.rendering.typed_words import MOST_QUOTED, read_words

FLOWS = (Flow("flow1", "Payment reminder"), Flow("flow2", "Customer survey"), Flow("flow3", "Recall #2"))


@pytest.mark.parametrize(
    ("words", "flow", "said"),
    [
        ("", None, []),
        ("survey", "flow2", []),
        ("sruvey", None, ["You have no flow called “sruvey”. Did you mean Customer survey?"]),
        (
            "the sruvey please",
            None,
            ["You have no flow called “the sruvey please”. Did you mean Customer survey?"],
        ),
        ("paymant", None, ["You have no flow called “paymant”. Did you mean Payment reminder?"]),
        ("xyz", None, ["You have no flow called “xyz”. Choose one."]),
        ("*67", None, ["“*67” can't be dialed."]),
        ("#31#", None, ["“#31#” can't be dialed."]),
        ("@boss", None, ["“@boss” isn't a number."]),
        ("<@U0BOSS>", None, ["“<@U0BOSS>” isn't a number."]),
        ("*67 survey @boss", "flow2", ["“*67” can't be dialed.", "“@boss” isn't a number."]),
        ("*67 *67", None, ["“*67” can't be dialed."]),
        ("recall #2", "flow3", []),  # it belongs to the name
        ("*please*", None, ["You have no flow called “*please*”. Choose one."]),
        (
            "please call <!channel>",
            None,
            ["You have no flow called “please call”. Choose one.", "“<!channel>” isn't a number."],
        ),
    ],
)
def test_every_word_picks_a_flow_or_is_said(words: str, flow: str | None, said: list[str]) -> None:
    read = read_words(words, FLOWS)

    assert (read.flow.id if read.flow else None) == flow
    assert list(read.unused) == said


def test_with_a_single_flow_there_is_nothing_to_choose() -> None:
    assert read_words("sruvey", FLOWS[1:2]).unused == ("You have no flow called “sruvey”.",)


def test_hundreds_of_flows_with_long_names_are_compared_quickly() -> None:
    flows = [Flow(str(n), " ".join(f"w{n}x{i:03}" for i in range(40))) for n in range(500)]

    began = time.process_time()
    read_words(" ".join(f"q{i:04}" for i in range(40)), flows)

    assert time.process_time() - began < 1


def test_a_long_text_is_quoted_in_short() -> None:
    (said,) = read_words("x" * 500, FLOWS).unused

    assert said == f"You have no flow called “{'x' * 39}…”. Choose one."


def test_many_codes_are_not_a_wall_of_text() -> None:
    said = read_words(" ".join(f"*{code}" for code in range(100)), FLOWS).unused

    assert len(said) == MOST_QUOTED + 1
    assert said[-1] == "EvoSlack couldn't use the rest of what you typed, either."


@given(st.text(max_size=300))
def test_no_text_breaks_it_and_none_is_dropped(words: str) -> None:
    read = read_words(words, FLOWS)

    assert bool(words.split()) == bool(read.flow or read.unused)
    assert all(len(sentence) < 150 and "\n" not in sentence for sentence in read.unused)
