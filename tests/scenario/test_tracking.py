"""After "placed": the card tracks the call to its end, and says so if the call is lost."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from evoslack.calling.calls import LostReason, Progress, State
from evoslack.slack.rendering.cards import CALL_AGAIN
from sandbox.evo.calls import BUSY, OutgoingCall, Script
from tests.scenario.office import BOSS, NUMBER, SARA, SHOWN, TYPED, Office, says_placed

RINGING = Script(ring_s=3600)
POLLS = ("/calls/active", "/sessions")


def poll_after(office: Office, seconds: float = 3) -> None:
    """Let time pass and wake the trackers."""
    office.pass_time(seconds=seconds)
    for bot in office.bots:
        bot.wake()


def until(office: Office, predicate: Callable[[], object], what: str = "", *, step_s: float = 3) -> None:
    """Let time pass until it is so; not before what is being dialed is dialed, unless that hangs."""
    with contextlib.suppress(AssertionError):
        office.slack.wait_for(lambda: not any(call.is_open for call in office.ledger()), within_s=2)
    ends = time.monotonic() + 15
    while not predicate():
        assert time.monotonic() < ends, f"{what or 'it'} never came true"
        poll_after(office, step_s)
        with contextlib.suppress(AssertionError):
            office.slack.wait_for(predicate, within_s=0.2)


def see(office: Office, words: str, number: str = SHOWN, *, step_s: float = 3) -> str:
    """Let time pass until the card for that number says so."""

    def card() -> str:
        return next((card["text"] for card in office.cards() if number in card["text"]), "")

    until(office, lambda: words in card(), f"{words!r} instead of {card()!r}", step_s=step_s)
    return card()


def at_the_phone(office: Office, number: str = NUMBER) -> OutgoingCall:
    """The latest call to that number in the phone system."""
    return next(call for call in reversed(office.evo.world.calls) if call.number == number)


def answered(office: Office, number: str = NUMBER) -> None:
    """The callee picks up right now."""
    call = at_the_phone(office, number)
    call.script = replace(call.script, ring_s=office.evo.world.age(call), talk_s=3600)


def polls(office: Office) -> int:
    """How often Evo Voice was polled."""
    return sum(request.path in POLLS and request.method == "GET" for request in office.evo.requests)


def expect_no_poll(office: Office, polls_so_far: int) -> None:
    """The bots have time to poll, and none of them does."""
    with pytest.raises(AssertionError, match="waiting for another poll"):
        office.slack.wait_for(lambda: polls(office) != polls_so_far, 0.7, "another poll")


@pytest.fixture
def ringing(office: Office) -> Office:
    """Sara's call, which keeps ringing."""
    office.evo.world.default_script = RINGING
    office.call()
    office.wait_for_card(says_placed)
    return office


def test_from_placed_to_ringing_to_answered_to_its_end(ringing: Office) -> None:
    see(ringing, "ringing")

    answered(ringing)
    see(ringing, "on the call")
    (card,) = ringing.cards()
    assert "{ago}" in str(card["blocks"]), "a running time that Slack keeps current"

    ringing.pass_time(minutes=2)
    at_the_phone(ringing).script = replace(at_the_phone(ringing).script, talk_s=0.001, outcome="Survey done")
    text = see(ringing, "· ended")

    (call,) = ringing.ledger()
    assert (call.state, call.progress, call.is_in_progress) == (State.PLACED, Progress.ENDED, False)
    assert call.talked_s is not None and 115 < call.talked_s < 140
    assert "talked 2 min" in text and "“Survey done”" in text
    assert len(ringing.cards()) == 1
    assert ringing.told() == [], "the card tells those who can read the channel"
    assert ringing.rings == 1


def test_polling_stops_when_no_call_is_running(ringing: Office) -> None:
    answered(ringing)
    see(ringing, "on the call")
    ringing.evo.world.hang_up(at_the_phone(ringing))
    see(ringing, "· ended")
    before = polls(ringing)

    for _round in range(3):
        poll_after(ringing, seconds=10)
        expect_no_poll(ringing, before)


@pytest.mark.parametrize("session", ["at_once", "late", "on_answer"])
def test_an_unanswered_call_ends_with_evo_voices_outcome(office: Office, session: str) -> None:
    office.evo.world.default_script = replace(BUSY, session=session if session != "on_answer" else "late")
    office.call()

    text = see(office, "· busy")

    assert "talked" not in text, "there was no conversation"


def test_without_a_session_the_end_has_no_outcome(ringing: Office) -> None:
    at_the_phone(ringing).script = Script(ring_s=3600, session="never")
    see(ringing, "ringing")
    ringing.evo.world.hang_up(at_the_phone(ringing))

    assert "gave no outcome" in see(ringing, "· ended")


def test_a_call_that_leaves_no_trace_is_lost(office: Office) -> None:
    office.evo.world.quirks.active_before_answer = False
    office.evo.world.default_script = RINGING
    office.call()
    office.wait_for_card(says_placed)  # it is not posted while the clock leaps

    text = see(office, "lost track", step_s=31)

    assert "may not have been answered" in text
    (call,) = office.ledger()
    assert (call.state, call.progress) == (State.PLACED, Progress.LOST)


def test_a_call_in_doubt_that_is_found_was_placed_after_all(office: Office) -> None:
    office.evo.world.default_script = RINGING
    office.evo.fault("/sessions/outgoing", "cut_after_ring")
    office.call()

    see(office, "ringing")

    office.wait_until_settled()
    assert office.rings == 1
    if office.told():  # about the doubt, if the call was not found first
        assert says_placed(office.told()[-1])


def test_a_call_in_doubt_that_is_not_found_stays_in_doubt_and_the_card_says_so(office: Office) -> None:
    office.evo.fault("/sessions/outgoing", "502_html")  # nothing rang
    office.call()
    office.wait_until_told("EvoSlack is checking whether the phone rang")
    office.wait_until_settled()

    text = see(office, "found nothing, but that doesn't prove", step_s=31)

    assert "not certain" in text
    office.wait_until_told("found nothing")
    (call,) = office.ledger()
    assert (call.state, call.progress) == (State.IN_DOUBT, Progress.LOST)
    assert len(set(office.told())) == 2, "a message may come twice if half a minute passes while it is sent"


def test_a_400_for_a_call_that_rings_is_corrected(office: Office) -> None:
    office.evo.world.default_script = RINGING
    office.evo.fault("/sessions/outgoing", "400_json_after_ring")
    office.call()

    see(office, "ringing")

    if office.told():  # about the rejection, if the call was not found first
        office.slack.wait_for(lambda: any(map(says_placed, office.told())))
    assert len(office.cards()) == 1


def call_again_asks_first(office: Office) -> bool:
    (card,) = office.cards()
    elements = [each for block in card["blocks"] for each in block.get("elements", [])]
    (button,) = [each for each in elements if each.get("action_id") == CALL_AGAIN]
    return "confirm" in button


@pytest.mark.parametrize("fault", ["400_json", "403_json", "403_text", "404_json", "429"])
def test_a_rejection_is_checked_before_the_card_says_that_nothing_rang(office: Office, fault: str) -> None:
    office.evo.fault("/sessions/outgoing", fault)
    office.call()
    text = office.wait_for_card("rejected")["text"]
    assert "checking whether the phone rang" in text and "Nothing was dialed" not in text
    office.wait_until_settled()
    assert CALL_AGAIN not in str(office.cards()), "while it may be ringing, nobody is offered to call again"
    assert not any("Nothing was dialed" in text for text in office.told())

    text = see(office, "Nothing was dialed", step_s=5)

    assert "rejected" in text and "may have rung" not in text
    office.wait_until_told("Nothing was dialed")
    assert not call_again_asks_first(office)
    assert len(office.cards()) == 1


@pytest.mark.parametrize("fault", ["403_json", "403_text", "404_json", "429"])
def test_a_rejection_of_a_call_that_rings_is_corrected(office: Office, fault: str) -> None:
    office.evo.world.default_script = RINGING
    office.evo.fault("/sessions/outgoing", f"{fault}_after_ring")
    office.call()

    see(office, "ringing")

    if office.told():  # about the rejection, if the call was not found first
        office.slack.wait_for(lambda: any(map(says_placed, office.told())))
    assert not any("Nothing was dialed" in text for text in office.told())
    assert len(office.cards()) == 1


def test_a_rejection_that_cannot_be_checked_is_called_uncertain(office: Office) -> None:
    office.hide_calls()
    office.evo.fault("/sessions/outgoing", "400_json_after_ring")
    office.call()
    office.wait_for_card("rejected")

    text = see(office, "couldn't check whether it rang", step_s=31)

    assert "may have rung, once" in text
    assert "may have rung, once" in office.wait_until_told("couldn't check whether it rang")
    assert not any("Nothing was dialed" in text for text in office.told())
    assert call_again_asks_first(office)


def test_a_number_that_was_just_rejected_cannot_be_called_for_a_moment(office: Office) -> None:
    """It may have rung anyway."""
    office.evo.fault("/sessions/outgoing", "400_json_after_ring")
    office.hide_calls()
    office.call(SARA)
    office.wait_for_card("rejected")

    office.form(BOSS)
    office.fill(BOSS, TYPED)
    delivery = office.press(BOSS)

    assert "<@U_SARA> called this number" in str(delivery.payload)
    assert "EvoSlack can't tell whether the call is still going on" in str(delivery.payload)
    assert office.rings == 1


def test_a_real_400_stands_and_is_checked_only_for_a_while(office: Office) -> None:
    office.evo.fault("/sessions/outgoing", "400_json")
    office.call()
    office.wait_for_card("rejected")
    office.wait_until_settled()

    until(office, lambda: office.ledger()[0].progress is Progress.LOST, step_s=5)
    office.wait_until_told("Nothing was dialed")
    office.wait_until_settled()  # and recorded as told
    told = office.told()

    before = polls(office)
    poll_after(office, seconds=60)
    expect_no_poll(office, before)
    assert office.ledger()[0].state is State.REJECTED
    assert office.told() == told


def test_two_calls_to_the_same_number_are_told_apart(ringing: Office) -> None:
    see(ringing, "ringing")
    first = at_the_phone(ringing)
    ringing.pass_time(seconds=10)
    ringing.call_anyway(BOSS)
    ringing.slack.wait_for(lambda: ringing.rings == 2)
    second = at_the_phone(ringing)

    ringing.evo.world.hang_up(first)
    until(ringing, lambda: {call.progress for call in ringing.ledger()} == {Progress.RINGING, Progress.ENDED})

    newer, older = ringing.ledger()
    assert (older.request.user_id, older.progress) == (SARA, Progress.ENDED)
    assert (newer.request.user_id, newer.progress) == (BOSS, Progress.RINGING)
    assert second.hung_up_s is None


def test_an_outsiders_call_to_the_same_number_is_not_mistaken_for_ours(office: Office) -> None:
    """It was there first, from the same caller ID; ours leaves no trace at first."""
    outsider = office.evo.world.place("flow2", NUMBER, "+12025550100", "boss@acme.test")
    outsider.script = Script(ring_s=0, talk_s=3600, session="at_once")
    office.evo.world.default_script = RINGING
    office.call()

    see(office, "ringing")
    seen = polls(office)
    office.evo.world.hang_up(outsider)
    until(office, lambda: polls(office) >= seen + 6)

    (call,) = office.ledger()
    assert call.progress is Progress.RINGING, "the call that ended was the other one"
    assert call.session_id in {"", at_the_phone(office).session_id}


def test_when_two_sessions_could_be_ours_neither_is(office: Office) -> None:
    """Another call to the same number from the same caller ID begins before Evo Voice answers us."""
    office.evo.world.default_script = Script(ring_s=3600, session="at_once")
    office.evo.fault("/sessions/outgoing", "slow_after_ring", seconds=0.5)
    office.call()
    office.evo.wait_for(lambda: office.rings)
    office.evo.world.place("flow2", NUMBER, "+12025550100", "boss@acme.test")
    office.wait_for_card(says_placed)
    seen = polls(office)
    until(office, lambda: polls(office) >= seen + 4)

    text = see(office, "outcome unknown", step_s=31)

    assert "can't tell them apart" in text
    (call,) = office.ledger()
    assert (call.session_id, call.lost_reason) == ("", LostReason.UNCLEAR)
    assert "hang_up" not in str(office.cards()[0]["blocks"])


def test_one_call_or_thirty_cost_the_same_number_of_requests(office: Office) -> None:
    office.evo.world.default_script = RINGING
    costs = []
    for count in (1, 29):
        for number in range(count):
            office.call(SARA, f"202 555 0{150 + number + count}")
        office.slack.wait_for(lambda: len(office.evo.world.rings) == len(office.ledger()))
        office.wait_until_settled()
        until(office, lambda: all(call.progress is Progress.RINGING for call in office.ledger()))
        before = polls(office)
        for polled in range(1, 6):
            poll_after(office)
            office.evo.wait_for(lambda least=before + 2 * polled: polls(office) >= least)
        costs.append(polls(office) - before)

    assert costs == [10, 10], "two requests per poll"


def test_evo_voice_being_down_for_a_while_does_not_end_the_call(ringing: Office) -> None:
    see(ringing, "ringing")
    ringing.evo.stop()
    for _round in range(5):
        poll_after(ringing, seconds=30)
    ringing.evo.start()
    answered(ringing)

    see(ringing, "on the call")


def test_a_restarted_bot_keeps_tracking(empty_office: Office) -> None:
    office = empty_office
    office.evo.world.default_script = RINGING
    first = office.open()
    for number in range(50):
        office.call(SARA, f"202 555 0{150 + number}")
    office.wait_until_settled()
    assert office.rings == 50
    first.stop()
    office.open()

    until(office, lambda: all(call.progress is Progress.RINGING for call in office.ledger()))
    for call in office.evo.world.calls:
        office.evo.world.hang_up(call)
    until(office, lambda: all(call.progress is Progress.ENDED for call in office.ledger()))
    until(office, lambda: all("Evo Voice gave no outcome" in card["text"] for card in office.cards()))
    assert (office.rings, len(office.cards())) == (50, 50)


def test_a_deleted_card_does_not_come_back(ringing: Office) -> None:
    see(ringing, "ringing")
    ringing.slack.delete_message("C_CALLS", ringing.cards()[0]["ts"])

    answered(ringing)
    until(ringing, lambda: ringing.ledger()[0].progress is Progress.ANSWERED)
    ringing.wait_until_settled()

    assert ringing.cards() == []


def test_a_caller_who_cannot_read_the_channel_is_told_how_it_ended(empty_office: Office) -> None:
    office = empty_office
    office.slack.add_channel("C_BOARD", "board", is_private=True)
    office.slack.leave(SARA, "C_BOARD")
    office.evo.world.default_script = RINGING
    office.open(CALLS_CHANNEL="C_BOARD")
    office.call()
    office.wait_until_told(says_placed)
    answered(office)
    until(office, lambda: office.ledger()[0].progress is Progress.ANSWERED)
    office.evo.world.hang_up(at_the_phone(office))

    until(office, lambda: any("talked" in text for text in office.told()))

    assert len(office.told()) == 2, "not every step in between"


@pytest.fixture
def two_bots(tmp_path: Path, postgres_url: str) -> Iterator[Office]:
    """Two bots on one PostgreSQL."""
    office = Office(tmp_path, postgres_url)
    office.evo.world.default_script = RINGING
    office.open()
    office.open()
    yield office
    office.close()


def test_only_one_of_two_bots_polls(two_bots: Office) -> None:
    two_bots.call()
    until(two_bots, lambda: two_bots.ledger()[0].progress is Progress.RINGING)
    before = polls(two_bots)

    for count in range(1, 6):
        poll_after(two_bots)
        two_bots.evo.wait_for(lambda least=before + 2 * count: polls(two_bots) >= least)
    with pytest.raises(AssertionError, match="waiting for the polls of both"):
        two_bots.slack.wait_for(lambda: polls(two_bots) >= before + 15, 0.7, "the polls of both")


def test_numbers_are_compared_by_their_digits_on_either_side(office: Office) -> None:
    office.evo.world.quirks.callee_side = "from"
    office.evo.world.quirks.active_before_answer = False
    office.evo.world.default_script = Script(ring_s=0, talk_s=3600, session="at_once")
    office.call(SARA, TYPED)

    see(office, "on the call")


@pytest.mark.parametrize("fault", ["502_html", "400_json"])
def test_a_call_that_never_rang_does_not_take_another_calls_session(office: Office, fault: str) -> None:
    """The boss calls the same number while EvoSlack still looks for Sara's call."""
    office.evo.world.default_script = Script(ring_s=3600, session="at_once")
    office.evo.fault("/sessions/outgoing", fault)
    office.call(SARA)
    office.wait_until_settled()
    office.pass_time(seconds=12)
    office.evo.fault("/sessions/outgoing", "slow_after_ring", seconds=1.5)
    office.call_anyway(BOSS)
    office.evo.wait_for(lambda: office.rings == 1)

    seen = polls(office)
    until(office, lambda: polls(office) >= seen + 4)  # while the boss's request is not answered
    office.wait_until_settled()
    until(office, lambda: not office.ledger()[1].is_in_progress, step_s=31)

    boss, sara = office.ledger()
    assert sara.state is not State.PLACED
    assert boss.state is State.PLACED
    assert not any("· calling" in text for text in office.told(SARA))


def test_a_call_that_was_only_found_later_cannot_be_hung_up(office: Office) -> None:
    """No answer proved that this call is ours; it may be someone else's."""
    office.evo.world.default_script = Script(ring_s=0, talk_s=3600, session="at_once")
    office.evo.fault("/sessions/outgoing", "cut_after_ring")
    office.call()

    see(office, "on the call")
    office.wait_until_settled()

    assert "hang_up" not in str(office.cards()[0]["blocks"])
    assert not office.ledger()[0].can_hang_up
