"""The card: the whole meaning also without colors or blocks, and nothing from outside becomes markup."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evoslack.calling.calls import (
    FINAL,
    UNANSWERED,
    Call,
    CallNote,
    HangUp,
    LostReason,
    Progress,
    Result,
    State,
)
from evoslack.calling.number_format import unbroken
from evoslack.calling.outcomes import Reason
from evoslack.calling.status import CallStatus, status_of
from evoslack.slack.rendering import button_messages, card_messages, cards, messages
from evoslack.slack.rendering.status_words import RESULT_WORDS
from sandbox.slack.block_kit import elements_of, problems_in_blocks
from tests.calls import call_request

REQUEST = call_request(
    "secret-key",
    flow_name="Appointment reminder",
    caller_id="+442079460958",
    caller_id_label="Main line",
    channel_id="C_DM",
    response_url="https://hooks.slack.com/secret-url",
)
CALL = Call("call-id", REQUEST, State.ACCEPTED, accepted_at=datetime(2026, 3, 2, 9, 30, tzinfo=UTC))
TROUBLES = {
    State.REJECTED: Reason.BAD_REQUEST,
    State.NOT_SENT: Reason.UNREACHABLE,
    State.IN_DOUBT: Reason.NO_ANSWER,
    State.EXPIRED: Reason.WAITED,
}
REASONS = {messages.reason(replace(CALL, state=state, reason=reason)) for state, reason in TROUBLES.items()}
# The markup that this bot itself makes: its people and its dates.
OURS = re.compile(r"<@U_[A-Z]+>|<!date\^\d+\^\{date_short_pretty\} \{time\}\|2026-03-02 09:30 UTC>")
SHOWN = unbroken("(202) 555-0143")


def at(state: State, **more: Any) -> Call:
    return replace(CALL, state=state, reason=TROUBLES.get(state), **more)


def named(flow_name: str) -> Call:
    return replace(CALL, request=replace(REQUEST, flow_name=flow_name))


def strings(found: Any) -> list[str]:
    if isinstance(found, str):
        return [found]
    values = found.values() if isinstance(found, dict) else found if isinstance(found, list) else []
    return [text for value in values for text in strings(value)]


def mrkdwn_in(found: Any) -> list[dict[str, Any]]:
    """Every text with markup."""
    if isinstance(found, list):
        return [text for each in found for text in mrkdwn_in(each)]
    if not isinstance(found, dict):
        return []
    return [found] if found.get("type") == "mrkdwn" else mrkdwn_in(list(found.values()))


FOUND_NOTHING = {"progress": Progress.LOST, "lost_reason": LostReason.UNSEEN}


@pytest.mark.parametrize(
    ("call", "asks"),
    [
        (at(State.PLACED), False),
        (at(State.NOT_SENT), False),
        (at(State.EXPIRED), False),
        (at(State.IN_DOUBT), True),
        (at(State.IN_DOUBT, **FOUND_NOTHING), True),
        (at(State.REJECTED, progress=Progress.WAITING), True),
        (at(State.REJECTED, progress=Progress.LOST, lost_reason=LostReason.BLIND), True),
        (at(State.REJECTED, **FOUND_NOTHING), False),
        (replace(at(State.REJECTED), reason=Reason.LOGIN_REJECTED), False),
    ],
    ids=str,
)
def test_call_again_asks_first_while_it_is_not_proven_that_nothing_rang(call: Call, asks: bool) -> None:
    assert ("confirm" in cards.call_again(call)) is asks


@pytest.mark.parametrize("state", State)
def test_a_card_of_every_state_is_one_that_slack_takes(state: State) -> None:
    assert problems_in_blocks(cards.blocks(at(state, detail="x" * 200), "US")) == []


@pytest.mark.parametrize("state", State)
def test_the_line_for_screen_readers_says_all_that_the_card_says(state: State) -> None:
    call = at(state)
    line = cards.text(call, "US")

    assert line.startswith(f"{messages.headline(call, 'US')}.")
    for part in (SHOWN, "<@U_SARA>", "Appointment reminder", unbroken("+44 20 7946 0958"), "Main line"):
        assert part in line
        assert any(part in text for text in strings(cards.blocks(call, "US")))
    assert messages.reason(call) in line
    assert "  " not in line


@pytest.mark.parametrize("state", State)
def test_a_reason_is_shown_where_there_is_trouble_and_only_there(state: State) -> None:
    call = at(state)
    reasons = [block for block in cards.blocks(call, "US") if block.get("text", {}).get("text") in REASONS]

    assert len(reasons) == (state in TROUBLES)
    has_controls = not call.is_open and state is not State.CANCELED
    assert len(cards.blocks(call, "US")) == 2 + (state in TROUBLES) + has_controls


def test_the_first_block_has_the_whole_meaning() -> None:
    """Slack's desktop notifications read it first (slack-facts 16)."""
    first, *_ = cards.blocks(at(State.IN_DOUBT), "US")

    assert first["text"]["text"].startswith(f"*❓ {SHOWN} · not certain*")


@pytest.mark.parametrize("nasty", ["<!channel>", "<@U1>", "<https://evil.test|click>", "<!here|x> & <#C1>"])
def test_nothing_that_a_flow_or_evo_voice_says_becomes_a_mention_or_a_link(nasty: str) -> None:
    call = replace(named(nasty), state=State.REJECTED, reason=Reason.BAD_REQUEST, detail=nasty)

    for text in [cards.text(call, "US"), *strings(cards.blocks(call, "US"))]:
        assert "<" not in OURS.sub("", text)
    assert all(part["verbatim"] is True for part in mrkdwn_in(cards.blocks(call, "US")))


@pytest.mark.parametrize("name", ["x" * 5000, "<" * 5000, "日本語" * 2000])
def test_a_flow_with_a_very_long_name_still_has_a_card_that_slack_takes_and_updates(name: str) -> None:
    """`chat.update` refuses a text of more than 4,000 characters (slack-facts 4)."""
    call = replace(named(name), state=State.IN_DOUBT, reason=Reason.NO_ANSWER)

    assert problems_in_blocks(cards.blocks(call, "US")) == []
    assert len(cards.text(call, "US")) <= 4000


def test_a_name_is_never_cut_in_the_middle_of_an_escaped_sign() -> None:
    """Half of `&amp;` would be shown as it stands."""
    for length in range(70, 85):
        flow = card_messages.flow(named("x" * length + "&" * 20))
        assert "&" not in flow.replace("&amp;", ""), length
        assert flow.endswith("…")


def test_a_card_can_be_found_again_by_its_call_and_gives_nothing_else_away() -> None:
    """Everyone in the workspace can read the metadata of a message."""
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


# --- how a placed call goes on ---------------------------------------------------------------------------

ANSWERED_AT = CALL.accepted_at + timedelta(seconds=7)


def followed(progress: Progress, **more: Any) -> Call:
    """A placed call that is known at Evo Voice and has come that far."""
    values: dict[str, Any] = {"session_id": "S1", "answered_at": ANSWERED_AT, "evo_outcome": "No Answer"}
    return at(State.PLACED, progress=progress, **(values | more))


def controls(call: Call, *, can_end: bool = True) -> list[dict[str, Any]]:
    """What can be pressed, in order."""
    shown = cards.blocks(call, "US", can_end=can_end)
    return [each for block in shown for each in elements_of(block)]


def options(menu: dict[str, Any]) -> dict[str, str]:
    return {option["text"]["text"]: option["value"] for option in menu["options"]}


def button(call: Call, name: str, *, can_end: bool = True) -> dict[str, Any] | None:
    found = [each for each in controls(call, can_end=can_end) if each["action_id"] == name]
    assert len(found) <= 1
    return found[0] if found else None


NOTE = CallNote(Result.REACHED, "Wants a call on Monday", "U_BOSS", CALL.accepted_at, revision=1)
# One call of each status.
EVERY_CALL = [
    *(at(state) for state in State if state not in {State.PLACED, State.ACCEPTED} | UNANSWERED),
    *(followed(progress, answered_at=None) for progress in Progress if progress is not Progress.ENDED),
    *(
        followed(Progress.ENDED, evo_outcome=outcome, ended_at=ANSWERED_AT)
        for outcome in ("Completed", "No Answer", "Busy", "Failed", "Canceled", "Voicemail")
    ),
    followed(Progress.ENDED, evo_outcome="", hang_up=HangUp.ASKED, hung_up_by="U_BOSS", ended_at=ANSWERED_AT),
]


def test_the_list_above_has_every_status() -> None:
    assert {status_of(call) for call in EVERY_CALL} == set(CallStatus)


@pytest.mark.parametrize("hang_up", [None, *HangUp])
@pytest.mark.parametrize("progress", Progress)
def test_a_card_of_every_progress_is_one_that_slack_takes(progress: Progress, hang_up: HangUp | None) -> None:
    call = followed(progress, hang_up=hang_up, evo_outcome="<" * 200)

    assert problems_in_blocks(cards.blocks(call, "US", can_end=True)) == []
    assert len(cards.text(call, "US")) <= 4000


@pytest.mark.parametrize("progress", Progress)
def test_the_line_for_screen_readers_says_how_far_it_has_come(progress: Progress) -> None:
    call = followed(progress)
    first, *_ = cards.blocks(call, "US")

    headline = messages.headline(call, "US")
    assert cards.text(call, "US").startswith(headline)
    assert first["text"]["text"].replace("*", "").startswith(headline)


def test_since_when_people_talk_is_each_readers_own_clock() -> None:
    """A time that goes on running while nobody updates the card."""
    (field,) = [
        text for text in strings(cards.blocks(followed(Progress.ANSWERED), "US")) if "Answered <" in text
    ]

    assert f"<!date^{int(ANSWERED_AT.timestamp())}^{{ago}} at {{time_secs}}|09:30:07 UTC>" in field


@pytest.mark.parametrize("progress", sorted(set(Progress) - {Progress.ANSWERED}))
def test_no_time_runs_while_nobody_talks(progress: Progress) -> None:
    assert "{ago}" not in json.dumps(cards.blocks(followed(progress), "US"))


def test_no_time_runs_if_the_answer_was_not_seen() -> None:
    assert "{ago}" not in json.dumps(cards.blocks(followed(Progress.ANSWERED, answered_at=None), "US"))


@pytest.mark.parametrize("progress", sorted(set(Progress) - FINAL))
def test_a_call_that_goes_on_can_be_ended_after_a_question(progress: Progress) -> None:
    hang_up = button(followed(progress), cards.HANG_UP)

    assert hang_up is not None
    assert (hang_up["value"], hang_up["style"], hang_up["text"]["text"]) == ("call-id", "danger", "Hang up")
    assert hang_up["confirm"]["text"]["text"] == button_messages.HANG_UP_TEXT
    assert hang_up["confirm"]["confirm"]["text"] == "Hang up"
    assert hang_up["confirm"]["deny"]["text"] == "Cancel"


@pytest.mark.parametrize(
    "call",
    [
        followed(Progress.ANSWERED, session_id=""),
        followed(Progress.ANSWERED, hang_up=HangUp.ASKED),
        *(followed(progress) for progress in sorted(FINAL)),
        at(State.PLACED, session_id="S1"),
        at(State.PLACING, session_id="S1"),
        at(State.ACCEPTED),
    ],
    ids=["not known which", "asked already", "ended", "lost", "not followed", "being placed", "waiting"],
)
def test_what_cannot_be_ended_has_no_button_for_it(call: Call) -> None:
    assert button(call, cards.HANG_UP) is None


def test_nobody_is_offered_what_the_bot_may_not_do() -> None:
    assert button(followed(Progress.ANSWERED), cards.HANG_UP, can_end=False) is None
    assert "hang_up" not in json.dumps(cards.blocks(followed(Progress.ANSWERED), "US"))


def test_a_hanging_up_without_effect_can_be_tried_again() -> None:
    assert button(followed(Progress.ANSWERED, hang_up=HangUp.NO_EFFECT), cards.HANG_UP) is not None


@pytest.mark.parametrize("progress", Progress)
@pytest.mark.parametrize(
    ("hang_up", "words"),
    [
        (HangUp.ASKED, "Hang-up requested by <@U_BOSS>. Evo Voice hasn't confirmed the end of the call yet."),
        (HangUp.NO_EFFECT, "Hanging up had no effect; the call is still going."),
    ],
)
def test_a_card_says_that_a_person_hung_up_until_the_call_is_over(
    progress: Progress, hang_up: HangUp, words: str
) -> None:
    call = followed(progress, hang_up=hang_up, hung_up_by="U_BOSS")

    assert (words in " ".join(strings(cards.blocks(call, "US")))) is (progress not in FINAL)
    assert (words in cards.text(call, "US")) is (progress not in FINAL)


@pytest.mark.parametrize("call", EVERY_CALL, ids=status_of)
def test_a_call_can_be_made_again_once_it_is_over_and_not_before(call: Call) -> None:
    """While somebody may be on the phone, nobody is offered to call them."""
    for can_end in (True, False):
        is_over = not (call.is_in_progress or call.is_scheduled)
        assert ("Call again" in str(controls(call, can_end=can_end))) is is_over


@pytest.mark.parametrize("call", EVERY_CALL, ids=status_of)
def test_the_next_step_is_one_press_away_and_what_is_rarer_is_in_the_menu(call: Call) -> None:
    pressed = controls(call)
    ids = [each["action_id"] for each in pressed]

    if call.is_open:
        assert pressed == []
    elif call.is_in_progress:
        assert ids == [cards.HANG_UP, cards.MORE]
        assert options(pressed[1]) == {"Result and note": "note:call-id"}
    elif call.is_scheduled:
        assert ids == [cards.CANCEL, cards.CHANGE_TIME]
    elif call.state is State.CANCELED:
        assert ids == [cards.MORE], "nobody was called, so there is nothing to note"
        assert options(pressed[0]) == {"Call again": "again:call-id"}
    elif status_of(call) in {CallStatus.COMPLETED, CallStatus.HUNG_UP, CallStatus.ENDED}:
        assert ids == [cards.MORE], "there is nothing that has to be done"
        assert options(pressed[0]) == {"Result and note": "note:call-id", "Call again": "again:call-id"}
    elif status_of(call) in {CallStatus.NOT_SENT, CallStatus.TOO_LATE}:
        assert ids == [cards.CALL_AGAIN], "nothing came of it"
    else:
        assert ids == [cards.CALL_AGAIN, cards.MORE]
        assert options(pressed[1]) == {"Result and note": "note:call-id"}


@pytest.mark.parametrize(
    ("value", "call_id"), [("again:1", "1"), ("note:1", ""), ("", ""), ("again:", ""), ("xagain:1", "")]
)
def test_only_the_choice_to_call_again_leads_to_a_form(value: str, call_id: str) -> None:
    assert cards.chose_call_again(value) == call_id


# --- where it is, and what came of it --------------------------------------------------------------------


def test_the_card_says_where_the_number_is_and_what_time_it_was_there() -> None:
    call = replace(CALL, request=replace(REQUEST, number="+18144043093"))

    assert details(call).endswith("· Pennsylvania, 4:30\u00a0AM there")
    assert "Where: Pennsylvania, 4:30\u00a0AM there." in cards.text(call, "US")


@pytest.mark.parametrize(
    ("number", "place"),
    [("+18003569377", ""), ("+12085550143", "Idaho"), ("+88216123456", ""), ("+999", ""), ("no number", "")],
    ids=["toll-free", "two times", "no country", "no area", "no number"],
)
def test_a_place_or_time_that_is_not_certain_is_not_guessed(number: str, place: str) -> None:
    call = replace(CALL, request=replace(REQUEST, number=number))

    assert card_messages.place(call) == place
    assert details(call).endswith(place or "Main line")
    assert ("Where:" in cards.text(call, "US")) is bool(place)


def details(call: Call) -> str:
    """The small line about the call."""
    return next(
        str(block["elements"][0]["text"]) for block in cards.blocks(call, "US") if block["type"] == "context"
    )


def test_a_note_is_shown_with_its_result_who_wrote_it_and_when() -> None:
    call = followed(Progress.ENDED, note=NOTE)
    note = cards.blocks(call, "US")[2]

    assert note["type"] == "context"
    assert re.fullmatch(
        r"\*Reached\* · Wants a call on Monday · <@U_BOSS>, <!date.*", note["elements"][0]["text"]
    )
    assert "<@U_BOSS> wrote: Reached: Wants a call on Monday." in cards.text(call, "US")


@pytest.mark.parametrize("result", Result)
def test_every_result_has_words(result: Result) -> None:
    call = followed(Progress.ENDED, note=replace(NOTE, result=result, text=""))

    assert f"*{RESULT_WORDS[result]}* · <@U_BOSS>" in cards.blocks(call, "US")[2]["elements"][0]["text"]


@pytest.mark.parametrize("note", [CallNote(), replace(NOTE, result=None, text="")], ids=["none", "emptied"])
def test_no_note_takes_no_room(note: CallNote) -> None:
    call = followed(Progress.ENDED, note=note)

    assert not any("wrote" in text or "U_BOSS" in text for text in strings(cards.blocks(call, "US")))
    assert "wrote" not in cards.text(call, "US")


NASTY = [
    "<!channel> & <@U1> <https://evil.test|click>" * 80,
    "&" * 3000,
    "line\n\n\nline\r\n" * 200,
    "\u202egnihton \u2066" * 100,
    "日本語" * 1000,
    "👩‍👩‍👧" * 400,
]


@pytest.mark.parametrize("nasty", NASTY, ids=lambda nasty: ascii(nasty[:9]))
@pytest.mark.parametrize("call", EVERY_CALL, ids=status_of)
def test_whatever_others_wrote_the_card_is_short_safe_and_one_that_slack_takes(
    call: Call, nasty: str
) -> None:
    request = replace(call.request, flow_name=nasty, caller_id_label=nasty, user_id=f"U1> {nasty}")
    note = replace(NOTE, text=nasty, by=f"U1> {nasty}")
    call = replace(
        call, request=request, note=note, evo_outcome=nasty, hung_up_by=f"<{nasty}", detail=nasty[:200]
    )

    shown = cards.blocks(call, "US", can_end=True)

    assert problems_in_blocks(shown) == []
    assert len(cards.text(call, "US")) <= 4000
    for text in [cards.text(call, "US"), *strings(shown)]:
        assert "<" not in re.sub(r"<!date[^<>]*>", "", text)
        assert "\u202e" not in text and "\u2066" not in text
    rows = [text["text"] for text in mrkdwn_in(shown[:1] + shown[2:])]
    assert not any("\n" in row for row in rows), "its height does not grow with line breaks"


@pytest.mark.parametrize("nasty", ["<!channel>", "<@U1>", "<https://evil.test|click> & more"])
def test_evo_voices_word_for_the_end_becomes_no_mention_and_no_link(nasty: str) -> None:
    call = followed(Progress.ENDED, evo_outcome=nasty)

    for text in [cards.text(call, "US"), *strings(cards.blocks(call, "US", can_end=True))]:
        assert "<" not in OURS.sub("", text)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize(
    "said", ["bad number +1 (202) 555-0143", "12025550143?", "555 0143", "５５５ ０１４３", "٥٥٥٠١٤٣"]
)
def test_a_card_that_others_read_shows_no_number_however_it_was_written(state: State, said: str) -> None:
    call = at(state, detail=said, evo_outcome=said, progress=Progress.ENDED, note=replace(NOTE, text=said))
    call = replace(call, request=replace(REQUEST, flow_name=said, caller_id_label=said))

    shown = " ".join([cards.text(call, "US", hides_number=True)])
    shown += " ".join(strings(cards.blocks(call, "US", can_end=True, hides_number=True)))

    assert unbroken("(•••) •••-0143") in shown
    digits = [unicodedata.digit(char, None) for char in shown]
    assert "5550143" not in "".join(str(digit) for digit in digits if digit is not None)
    assert "gave no outcome" not in shown  # it did; it is only not shown


def test_a_card_that_others_read_keeps_what_evo_voice_says_of_other_things() -> None:
    call = at(State.REJECTED, detail="no such flow")

    assert "no such flow" in cards.text(call, "US", hides_number=True)
