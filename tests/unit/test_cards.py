"""The card: the whole meaning also without colours or blocks, and nothing from outside becomes markup."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from evoslack.calls import Call, CallRequest, State, Why
from evoslack.sandbox.slack.block_kit import problems_in_blocks
from evoslack.slack import cards, messages

REQUEST = CallRequest(
    key="secret-key",
    team_id="T1",
    user_id="U_SARA",
    account_id="acc1",
    flow_id="flow1",
    flow_name="Appointment reminder",
    number="+12025550143",
    caller_id="+442079460958",
    channel_id="C_DM",
    response_url="https://hooks.slack.com/secret-url",
)
CALL = Call("call-id", REQUEST, State.ACCEPTED, accepted_at=datetime(2026, 3, 2, 9, 30, tzinfo=UTC))
TROUBLES = {
    State.REJECTED: Why.BAD_REQUEST,
    State.NOT_SENT: Why.UNREACHABLE,
    State.IN_DOUBT: Why.NO_ANSWER,
    State.EXPIRED: Why.WAITED,
}
REASONS = {messages.reason(replace(CALL, state=state, why=why)) for state, why in TROUBLES.items()}
# The markup that this bot itself makes: its person and its date.
OURS = re.compile(r"<@U_SARA>|<!date\^\d+\^\{date_short_pretty\} \{time\}\|2026-03-02 09:30 UTC>")


def at(state: State, **more: Any) -> Call:
    return replace(CALL, state=state, why=TROUBLES.get(state), **more)


def named(flow_name: str) -> Call:
    return replace(CALL, request=replace(REQUEST, flow_name=flow_name))


def strings(found: Any) -> list[str]:
    if isinstance(found, str):
        return [found]
    values = found.values() if isinstance(found, dict) else found if isinstance(found, list) else []
    return [text for value in values for text in strings(value)]


@pytest.mark.parametrize("state", State)
def test_a_card_of_every_state_is_one_that_slack_takes(state: State) -> None:
    assert problems_in_blocks(cards.blocks(at(state, detail="x" * 200), "US")) == []


@pytest.mark.parametrize("state", State)
def test_the_line_for_screen_readers_says_all_that_the_card_says(state: State) -> None:
    call = at(state)
    line = cards.text(call, "US")

    assert line.startswith(messages.STATE_WORDS[state])
    for part in ("(202) 555-0143", "<@U_SARA>", "Appointment reminder", "+44 20 7946 0958"):
        assert part in line
        assert any(part in text for text in strings(cards.blocks(call, "US")))
    assert messages.reason(call) in line
    assert "  " not in line


@pytest.mark.parametrize("state", State)
def test_a_reason_is_shown_where_there_is_trouble_and_only_there(state: State) -> None:
    call = at(state)
    reasons = [block for block in cards.blocks(call, "US") if block.get("text", {}).get("text") in REASONS]

    assert len(reasons) == (state in TROUBLES)
    assert len(cards.blocks(call, "US")) == 2 + (state in TROUBLES) + (not call.is_open)


def test_the_state_comes_first() -> None:
    first = cards.blocks(at(State.IN_DOUBT), "US")[0]

    assert first["text"]["text"].startswith("*❓ Not certain.*")


@pytest.mark.parametrize("nasty", ["<!channel>", "<@U1>", "<https://evil.test|click>", "<!here|x> & <#C1>"])
def test_nothing_that_a_flow_or_evo_voice_says_becomes_a_mention_or_a_link(nasty: str) -> None:
    call = replace(named(nasty), state=State.REJECTED, why=Why.BAD_REQUEST, detail=nasty)

    for text in [cards.text(call, "US"), *strings(cards.blocks(call, "US"))]:
        assert "<" not in OURS.sub("", text)
    *words, buttons = cards.blocks(call, "US")
    assert all(
        part["verbatim"] is True
        for block in words
        for part in [block.get("text"), *block.get("fields", [])]
        if part
    )
    assert buttons["type"] == "actions"


@pytest.mark.parametrize("name", ["x" * 5000, "<" * 5000, "日本語" * 2000])
def test_a_flow_with_a_very_long_name_still_has_a_card_that_slack_takes_and_updates(name: str) -> None:
    """`chat.update` refuses a text of more than 4,000 characters (slack-facts 4)."""
    call = replace(named(name), state=State.IN_DOUBT, why=Why.NO_ANSWER)

    assert problems_in_blocks(cards.blocks(call, "US")) == []
    assert len(cards.text(call, "US")) <= 4000


def test_a_name_is_never_cut_in_the_middle_of_an_escaped_sign() -> None:
    """Half of `&amp;` would be shown as it stands."""
    for length in range(490, 505):
        blocks = cards.blocks(named("x" * length + "&" * 20), "US")
        flow = next(text for text in strings(blocks) if text.startswith("*Flow*"))
        assert "&" not in flow.replace("&amp;", ""), length


def test_a_card_can_be_found_again_by_its_call_and_gives_nothing_else_away() -> None:
    """Everybody in the workspace may read the metadata of a message."""
    assert cards.metadata(CALL) == {"event_type": "evoslack_call", "event_payload": {"call_id": "call-id"}}


def test_no_card_carries_what_only_the_bot_should_know() -> None:
    for state in State:
        call = at(state)
        everything = json.dumps([cards.text(call, "US"), cards.blocks(call, "US"), cards.metadata(call)])
        assert "secret" not in everything


def test_the_time_is_each_readers_own() -> None:
    (when,) = [text for text in strings(cards.blocks(CALL, "US")) if "<!date" in text]

    assert f"<!date^{int(CALL.accepted_at.timestamp())}^" in when
    assert "2026-03-02 09:30 UTC" in when
