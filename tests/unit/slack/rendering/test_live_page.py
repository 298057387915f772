"""The page that a form becomes: honest in every state, and taken by Slack whatever the flow is called."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from evoslack.calling.calls import OPEN_STATES, UNANSWERED, Call, HangUp, Progress, State
from evoslack.calling.number_format import unbroken
from evoslack.calling.status import status_of
from evoslack.slack.rendering import cards, live_page, private_message
from evoslack.slack.rendering.status_words import STATUS_WORDS
from sandbox.slack.block_kit import problems_in_blocks, problems_in_view
from tests.calls import call_request

CALL = Call("id", call_request(view_id="V1"), State.ACCEPTED, datetime(2026, 3, 2, 9, 30, tzinfo=UTC))
LINK = "https://sandbox.slack.com/archives/C1/p1700000000000100"
TALKING = replace(
    CALL,
    state=State.PLACED,
    progress=Progress.ANSWERED,
    session_id="s1",
    answered_at=datetime(2026, 3, 2, 9, 31, tzinfo=UTC),
)


def view(call: Call, *, card_link: str = "", card_problem: str = "", can_end: bool = True) -> dict[str, Any]:
    return live_page.view(
        call, "US", channel_id="C1", card_link=card_link, card_problem=card_problem, can_end=can_end
    )


def buttons(shown: dict[str, Any]) -> list[str]:
    elements = [each for block in shown["blocks"] for each in block.get("elements", [])]
    return [each["action_id"] for each in elements if each["type"] == "button"]


@pytest.mark.parametrize("state", sorted(OPEN_STATES))
def test_an_open_call_is_being_placed_and_nothing_else_is_claimed(state: State) -> None:
    shown = view(replace(CALL, state=state))

    assert shown["blocks"][0]["text"]["text"] == f"*⏳ {unbroken('(202) 555-0143')} · dialing*"
    assert "You can close this. The card in <#C1> stays up to date." in str(shown)
    assert "calling" not in str(shown)
    assert buttons(shown) == []


@pytest.mark.parametrize("state", sorted({*State} - OPEN_STATES - UNANSWERED - {State.SCHEDULED}))
def test_a_call_that_is_over_says_how_it_ended_and_where_the_details_are(state: State) -> None:
    """It must not read as if another call were on its way."""
    shown = view(replace(CALL, state=state), card_link=LINK)

    words = STATUS_WORDS[status_of(replace(CALL, state=state))]
    assert (
        shown["blocks"][0]["text"]["text"] == f"*{words.symbol} {unbroken('(202) 555-0143')} · {words.words}*"
    )
    assert "dialing" not in str(shown)
    was_dialed = state not in {State.NOT_SENT, State.EXPIRED, State.CANCELED}
    assert buttons(shown) == [cards.CALL_AGAIN, *([cards.NOTE] if was_dialed else [])]
    assert f"The card in <#C1> has the details. *<{LINK}|Open card>*" in str(shown)


@pytest.mark.parametrize("call", [CALL, TALKING, replace(CALL, state=State.NOT_SENT)], ids=lambda c: c.state)
@pytest.mark.parametrize(
    ("problem", "link", "words"),
    [
        ("not_in_channel", "", "No card yet: EvoSlack isn't in <#C1>. Type /invite @EvoSlack there."),
        ("channel_not_found", "", "No card yet: EvoSlack isn't in <#C1>. Type /invite @EvoSlack there."),
        ("restricted_action", "", "The card in <#C1> isn't there yet."),
        ("message_not_found", LINK, "The card in <#C1> is missing or out of date."),
    ],
)
def test_a_page_does_not_point_at_a_card_that_is_not_there(
    call: Call, problem: str, link: str, words: str
) -> None:
    shown = view(call, card_problem=problem, card_link=link)

    assert shown["blocks"][-1]["elements"][0]["text"] == words
    assert problems_in_view(shown) == []


def test_a_call_that_cannot_be_hung_up_here_says_where() -> None:
    words = "EvoSlack can't hang up this call. End it in Evo Voice."

    assert words in str(view(replace(TALKING, found_later=True)))
    assert words not in str(view(TALKING))


def test_a_page_that_slack_gave_no_id_for_does_not_promise_to_follow() -> None:
    shown = view(replace(CALL, request=replace(CALL.request, view_id="")))

    assert "It won't change; the card in <#C1> will." in str(shown)


def test_a_call_on_the_phone_counts_its_time_and_can_be_ended() -> None:
    shown = view(TALKING)

    assert buttons(shown) == [cards.HANG_UP]
    (button,) = next(each for each in shown["blocks"] if each["type"] == "actions")["elements"]
    assert button["value"] == "id"
    assert "can't be undone" in button["confirm"]["text"]["text"]
    assert "<!date^1772443860^{ago} at {time_secs}|09:31:00 UTC>" in str(shown)


@pytest.mark.parametrize(
    ("call", "can_end"),
    [
        (TALKING, False),
        (replace(TALKING, hang_up=HangUp.ASKED), True),
        (replace(TALKING, session_id=""), True),
        (replace(TALKING, found_later=True), True),
    ],
    ids=["not allowed", "asked already", "session unknown", "may be another's"],
)
def test_hang_up_is_not_offered_where_it_could_not_work(call: Call, can_end: bool) -> None:
    assert buttons(view(call, can_end=can_end)) == []


@pytest.mark.parametrize("name", ["<!channel>", "x" * 5000, "&" * 5000])
@pytest.mark.parametrize("state", State)
def test_slack_takes_the_page_whatever_the_flow_is_called(state: State, name: str) -> None:
    """The call is written down by then; a page that Slack rejects would look like a failure."""
    call = replace(CALL, state=state, request=replace(CALL.request, flow_name=name))
    ended = replace(TALKING, request=call.request, progress=Progress.ENDED, evo_outcome=name)

    for each in (call, ended):
        shown = view(each, card_link=LINK)
        assert problems_in_view(shown, "modal") == []
        assert "<!channel" not in str(shown)


@pytest.mark.parametrize("count", [1, 2, 31])
def test_a_private_message_offers_to_call_again_only_what_is_over(count: int) -> None:
    over = replace(CALL, state=State.REJECTED, progress=Progress.LOST)
    paragraphs = [("&" * 5000, over)] * (count - 1) + [("one", TALKING if count > 1 else over)]

    found = private_message.blocks(paragraphs, "US")

    assert problems_in_blocks(found) == []
    assert len(found) <= 50
    assert str(found).count(cards.CALL_AGAIN) == max(count - 1, 1)
