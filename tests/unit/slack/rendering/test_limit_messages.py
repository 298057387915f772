"""What a person reads who has placed as many calls as are allowed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from evoslack.calling.refusals import LimitReached
from evoslack.calling.rulebook import A_DAY, HOUR, Limit
from evoslack.slack.rendering import limit_messages
from evoslack.slack.rendering.help_contact import HelpContact
from evoslack.slack.rendering.refusal_messages import refusal_message
from sandbox.slack.block_kit import problems_in_view

T0 = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def refusal(
    wait: timedelta = timedelta(minutes=12), most: int = 20, span: timedelta = HOUR, mine: bool = True
) -> LimitReached:
    return LimitReached(Limit(most, span, per_person=mine), T0 + wait, T0)


def test_under_the_field_it_says_which_limit_and_how_long() -> None:
    words = refusal_message(refusal(), "US")
    assert words.field == "number"
    assert words.words == (
        "You've placed 20 calls in the last hour, the most that's allowed. Nothing was dialed. "
        "You can call again in 12 minutes."
    )


@pytest.mark.parametrize(
    ("most", "span", "mine", "words"),
    [
        (1, HOUR, True, "You've placed 1 call in the last hour,"),
        (1500, A_DAY, False, "Your team has placed 1,500 calls in the last 24 hours,"),
    ],
)
def test_each_limit_is_told_from_the_others(most: int, span: timedelta, mine: bool, words: str) -> None:
    assert words in limit_messages.why(refusal(most=most, span=span, mine=mine))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "in 1 second."),
        (0.2, "in 1 second."),
        (58.1, "in 59 seconds."),
        (59.1, "in 1 minute."),
        (60, "in 1 minute."),
        (60.5, "in 2 minutes."),
        (3599, "in 1 hour."),
        (3661, "in 1 hour and 2 minutes."),
        (86400, "in 24 hours."),
    ],
)
def test_the_wait_is_rounded_up_so_that_nobody_comes_too_early(seconds: float, words: str) -> None:
    assert limit_messages.next_step(refusal(timedelta(seconds=seconds))).endswith(words)


def test_the_page_has_the_moment_and_names_who_can_raise_the_limit() -> None:
    page = limit_messages.page(refusal(timedelta(minutes=12)), HelpContact.of("U0BOSS0000"))

    assert problems_in_view(page) == []
    words = page["blocks"][0]["text"]["text"]
    assert f"You can call again in 12 minutes (<!date^{int(T0.timestamp()) + 12 * 60 + 1}^" in words
    assert "UTC> your time).\n" in words
    assert "<@U0BOSS0000>" in words
