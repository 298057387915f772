"""The sentences people read: right for each case, honest, and safe with any text from outside."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evoslack.calling.calls import Call, CallRequest, Ending, HangUp, LostReason, Progress, State
from evoslack.calling.number_format import example, unbroken
from evoslack.calling.numbers import BadNumber, Problem
from evoslack.calling.outcomes import Reason
from evoslack.calling.refusals import (
    CannotCheck,
    Denial,
    KeyTaken,
    Lack,
    NotAllowed,
    NothingToOffer,
    NotYourForm,
    NumberBusy,
    Refusal,
    Source,
    UnknownCallerId,
    UnknownFlow,
    UnreadableForm,
)
from evoslack.calling.status import status_of
from evoslack.slack.rendering import button_messages, form_messages, messages, mrkdwn, refusal_messages
from evoslack.slack.rendering.status_words import STATUS_WORDS

REQUEST = CallRequest("key", "T1", "U_SARA", "acc1", "flow1", "Reminder", "+12025550143", "+12025550100")
CALL = Call("id", REQUEST, State.ACCEPTED, accepted_at=datetime(2026, 3, 2, 9, 30, tzinfo=UTC))
NOTHING_RANG = "Nothing was dialed."
SHOWN = unbroken("(202) 555-0143")
FIELDS = {"number", "flow", "caller_id"}

REASONS = {
    State.REJECTED: {Reason.LOGIN_REJECTED, Reason.ROLE_MISSING, Reason.NOT_PERMITTED, Reason.NOT_FOUND}
    | {Reason.TOO_MANY, Reason.BAD_REQUEST},
    State.NOT_SENT: {Reason.UNREACHABLE, Reason.LOGIN_FAILED, Reason.HELD_UP, Reason.BLOCKED}
    | {Reason.OUTSIDE_HOURS, Reason.LIMIT_REACHED, Reason.NUMBER_DENIED, Reason.FLOW_DENIED}
    | {Reason.CALLER_ID_GONE, Reason.ROLE_LOST, Reason.ON_THE_PHONE, Reason.UNCHECKED},
    State.IN_DOUBT: {
        Reason.NO_ANSWER,
        Reason.CUT_OFF,
        Reason.SERVER_ERROR,
        Reason.ODD_ANSWER,
        Reason.BOT_STOPPED,
    }
    | {Reason.BOT_BROKE, Reason.IN_BETWEEN, Reason.RESTORED},
    State.EXPIRED: {Reason.WAITED, Reason.NOT_ANSWERED, Reason.MISSED},
}


LOOKED_FOR = {"progress": Progress.LOST, "lost_reason": LostReason.UNSEEN}  # and not found
UNPROVEN = sorted(REASONS[State.REJECTED] - {Reason.LOGIN_REJECTED})


def state_words(call: Call) -> str:
    """The headline without the number."""
    return messages.headline(call, "US").replace(f"{SHOWN} · ", "", 1)


def ended(state: State, reason: Reason | None = None, detail: str = "", **more: Any) -> Call:
    return replace(CALL, state=state, reason=reason, detail=detail, **more)


def test_every_reason_belongs_to_a_state_and_has_words() -> None:
    assert set().union(*REASONS.values()) == set(Reason) == set(messages.REASON_MESSAGES)


@pytest.mark.parametrize(
    ("state", "reason"), [(state, reason) for state, reasons in REASONS.items() for reason in sorted(reasons)]
)
def test_whether_a_phone_rang_is_said_exactly_where_it_is_known(state: State, reason: Reason) -> None:
    call = ended(state, reason, **(LOOKED_FOR if reason in UNPROVEN else {}))
    line = messages.private_message(call, "US", channel_id="C1", card_problem="")

    if state is State.IN_DOUBT:
        assert NOTHING_RANG not in line
        assert "may have rung" in line
        assert "won't redial" in line
    else:
        assert NOTHING_RANG in line
        assert str(STATUS_WORDS[status_of(call)].words) in line
        assert "may have rung" not in line


@pytest.mark.parametrize("reason", UNPROVEN)
@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"progress": Progress.WAITING}, "EvoSlack is checking whether the phone rang."),
        ({"progress": Progress.LOST, "lost_reason": LostReason.BLIND}, "couldn't check whether it rang."),
        ({"progress": Progress.LOST, "lost_reason": LostReason.UNCLEAR}, "can't tell them apart."),
        ({}, "couldn't check whether it rang."),  # written by a version that did not check
    ],
    ids=str,
)
def test_a_no_that_proves_nothing_is_not_said_to_mean_that_nothing_rang(
    reason: Reason, found: dict[str, Any], words: str
) -> None:
    """A 400 can come from late in the service; only a check that found nothing settles it."""
    call = ended(State.REJECTED, reason, **found)
    line = messages.private_message(call, "US", channel_id="C1", card_problem="")

    assert words in line
    assert f"❌ {SHOWN} · rejected" in line
    assert NOTHING_RANG not in line
    assert "didn't call" not in line
    assert ("may have rung, once" in line) is not call.is_in_progress


def test_a_placed_call_has_no_reason_and_claims_no_more_than_that_it_was_taken() -> None:
    """Whether anyone answers is not known at that moment."""
    call = ended(State.PLACED, progress=Progress.WAITING)
    line = messages.private_message(call, "US", channel_id="C1", card_problem="")

    assert messages.reason(call) == ""
    assert line == f"*📞 {SHOWN} · placed*"
    assert "answered" not in line
    assert "\n" not in line


@pytest.mark.parametrize("progress", [Progress.WAITING, Progress.RINGING, Progress.ANSWERED])
def test_a_message_that_stays_as_it_is_says_nothing_that_changes(progress: Progress) -> None:
    call = ended(State.PLACED, progress=progress)

    stays = messages.private_message(call, "US", channel_id="C1", card_problem="")
    assert stays == f"*📞 {SHOWN} · placed*"
    follows = messages.private_message(call, "US", channel_id="C1", card_problem="", is_edited=True)
    assert follows == messages.headline(call, "US", is_bold=True)


def test_a_call_that_failed_says_what_to_do() -> None:
    call = ended(State.PLACED, progress=Progress.ENDED, evo_outcome="Failed")

    words = "Evo Voice couldn't complete the call. Check the number, then call again."
    assert messages.reason(call) == words
    assert words in messages.private_message(call, "US", channel_id="C1", card_problem="")


@pytest.mark.parametrize(
    ("call", "can_end", "is_said"),
    [
        (ended(State.PLACED, progress=Progress.ANSWERED, session_id="s", found_later=True), True, True),
        (ended(State.PLACED, progress=Progress.ANSWERED, session_id="s", found_later=True), False, False),
        (ended(State.PLACED, progress=Progress.ANSWERED, session_id="s"), True, False),
        (ended(State.PLACED, progress=Progress.RINGING, session_id="s", found_later=True), True, False),
        (ended(State.PLACED, progress=Progress.ENDED, session_id="s", found_later=True), True, False),
    ],
)
def test_a_missing_hang_up_button_is_explained_to_people_on_the_phone(
    call: Call, can_end: bool, is_said: bool
) -> None:
    words = button_messages.CANNOT_HANG_UP if is_said else ""

    assert button_messages.cannot_hang_up(call, can_end=can_end) == words


def test_too_many_calls_says_how_long_to_wait_if_evo_voice_did() -> None:
    asked = messages.reason(ended(State.REJECTED, Reason.TOO_MANY, "30"))
    assert asked.startswith("Evo Voice is busy and asked EvoSlack to wait 30 seconds. ")
    assert messages.reason(ended(State.REJECTED, Reason.TOO_MANY)).startswith("Evo Voice is busy. ")


@pytest.mark.parametrize("reason", [Reason.NOT_PERMITTED, Reason.NOT_FOUND, Reason.BAD_REQUEST])
def test_evo_voices_own_words_are_passed_on_where_they_help_and_are_escaped(reason: Reason) -> None:
    words = messages.reason(ended(State.REJECTED, reason, "<!channel> & more"))

    assert ": “&lt;!channel&gt; &amp; more”. " in words


@pytest.mark.parametrize("reason", [Reason.SERVER_ERROR, Reason.ODD_ANSWER])
def test_status_numbers_are_for_operators(reason: Reason) -> None:
    assert "502" not in messages.reason(ended(State.IN_DOUBT, reason, "502"))


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        ("not_in_channel", "EvoSlack isn't in <#C1>"),
        ("channel_not_found", "EvoSlack isn't in <#C1>"),
        ("ratelimited", "your team may not know"),
        ("<!channel>", "&lt;!channel&gt;"),
    ],
)
def test_a_person_who_is_told_privately_hears_when_the_team_may_not_know(problem: str, words: str) -> None:
    line = messages.private_message(ended(State.PLACED), "US", channel_id="C1", card_problem=problem)

    assert "<#C1>" in line
    assert words in line


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("<!channel>", "&lt;!channel&gt;"),
        ("R&D", "R&amp;D"),
        ("&lt;", "&amp;lt;"),
        ("<https://evil.test|Evo Voice>", "&lt;https://evil.test|Evo Voice&gt;"),
        ("plain", "plain"),
    ],
)
def test_text_from_outside_is_escaped(text: str, escaped: str) -> None:
    assert mrkdwn.escape(text) == escaped


# --- refusals --------------------------------------------------------------------------------------------

AT_A_FIELD: list[tuple[Refusal, str]] = [
    *((BadNumber(problem), "number") for problem in Problem),
    (UnknownFlow(), "flow"),
    (UnknownCallerId(), "caller_id"),
    (NumberBusy(CALL, timedelta(seconds=8)), "number"),
    (CannotCheck(Source.SLACK), "number"),
    (CannotCheck(Source.EVO_VOICE), "number"),
    (KeyTaken(CALL), "number"),
    (NothingToOffer(Lack.NOT_LOADED), "number"),
]
FOR_THE_WHOLE_FORM: list[Refusal] = [
    *map(NotAllowed, Denial),
    *(NothingToOffer(lack) for lack in Lack if lack is not Lack.NOT_LOADED),
    NotYourForm(),
    UnreadableForm(),
]


@pytest.mark.parametrize(("refusal", "field"), AT_A_FIELD, ids=str)
def test_a_no_that_can_be_mended_stands_at_its_field(refusal: Refusal, field: str) -> None:
    refusal_message = refusal_messages.refusal_message(refusal, "US")

    assert refusal_message.field == field
    assert field in FIELDS
    assert refusal_message.words


@pytest.mark.parametrize("refusal", FOR_THE_WHOLE_FORM, ids=repr)
def test_a_no_that_cannot_be_mended_in_the_form_replaces_it(refusal: Refusal) -> None:
    refusal_message = refusal_messages.refusal_message(refusal, "US")

    assert refusal_message.field == ""
    assert refusal_message.words


def test_a_kind_of_no_without_words_is_noticed() -> None:
    with pytest.raises(TypeError, match="no words for Refusal"):
        refusal_messages.refusal_message(Refusal(), "US")


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (BadNumber(Problem.LETTERS, meant="(800) 356-9377"), "Did you mean (800) 356-9377?"),
        (BadNumber(Problem.LETTERS), "Example: 020 79"),
        (BadNumber(Problem.TOO_SHORT), "Example: 020 79"),
        (BadNumber(Problem.COUNTRY, country="CA"), "Calls to Canada are turned off. Ask"),
        (BadNumber(Problem.COUNTRY, country="GB"), "Calls to the United Kingdom are turned off. Ask"),
        (BadNumber(Problem.COUNTRY, country="DO"), "Calls to the Dominican Republic are"),
        (BadNumber(Problem.COUNTRY, country="CD"), "Calls to the Democratic Republic Of Congo are"),
        (BadNumber(Problem.COUNTRY, country="XK"), "Calls to this country (XK) are turned off."),
        (BadNumber(Problem.COUNTRY, country=""), "Calls to this country are turned off."),
        (BadNumber(Problem.COUNTRY, country="001"), "outside any country"),
    ],
)
def test_a_wrong_number_is_answered_with_what_to_type(bad: BadNumber, words: str) -> None:
    region = "GB"
    expected = words.replace("020 79", example(region))
    assert expected in refusal_messages.refusal_message(bad, region).words


def test_a_form_that_became_another_call_says_which_and_how_it_stands() -> None:
    words = refusal_messages.refusal_message(
        KeyTaken(ended(State.PLACED, progress=Progress.WAITING)), "US"
    ).words

    assert "(202) 555-0143" in words
    assert "📞 calling" in words


@pytest.mark.parametrize(("allowed", "abroad"), [({"US"}, False), ({"US", "CA"}, True), ({"*"}, True)])
def test_the_hint_speaks_of_other_countries_only_where_they_can_be_called(
    allowed: set[str], abroad: bool
) -> None:
    assert ("start with +" in form_messages.number_hint("US", frozenset(allowed))) is abroad


def test_help_names_the_command_as_it_is_called_here() -> None:
    words = form_messages.help_text("/dial", "US")

    assert words.count("/dial") == 12
    assert "{" not in words
    assert "/call" not in words


def test_a_defect_claims_nothing_and_gives_a_reference() -> None:
    words = messages.broken("AB12CD")

    assert "AB12CD" in words
    assert NOTHING_RANG not in words


@pytest.mark.parametrize(
    "words", [*messages.REASON_MESSAGES.values(), *refusal_messages.LACK_MESSAGES.values()]
)
def test_sentences_end(words: str) -> None:
    assert words.endswith(".")


# --- how a placed call goes on ---------------------------------------------------------------------------


def followed(progress: Progress | None, **more: Any) -> Call:
    return replace(CALL, state=State.PLACED, progress=progress, **more)


def talked(seconds: float) -> dict[str, datetime]:
    return {"answered_at": CALL.accepted_at, "ended_at": CALL.accepted_at + timedelta(seconds=seconds)}


@pytest.mark.parametrize(
    ("progress", "more", "state", "why"),
    [
        (None, {}, "❔ outcome unknown", ""),
        (Progress.WAITING, {}, "📞 calling", ""),
        (Progress.RINGING, {}, "🔔 ringing", ""),
        (Progress.ANSWERED, {}, "🟢 on the call", ""),
        (Progress.LOST, {}, "❔ outcome unknown", "EvoSlack lost track of this call. It may not have been"),
        (Progress.LOST, {"lost_reason": LostReason.UNCLEAR}, "❔ outcome unknown", "can't tell them apart."),
        (
            Progress.LOST,
            {"lost_reason": LostReason.BLIND},
            "❔ outcome unknown",
            "lost track of it. Check Evo Voice.",
        ),
        (Progress.LOST, {"lost_reason": LostReason.LONG}, "❔ outcome unknown", "It has gone on for hours"),
    ],
)
def test_each_step_of_a_placed_call_has_words(
    progress: Progress | None, more: dict[str, Any], state: str, why: str
) -> None:
    call = followed(progress, **more)
    symbol, words = state.split(" ", 1)

    assert state_words(call) == state
    assert messages.headline(call, "US") == f"{symbol} {SHOWN} · {words}"
    assert messages.headline(call, "US", is_bold=True) == f"*{symbol} {SHOWN} · {words}*"
    assert why in messages.reason(call) and bool(messages.reason(call)) is bool(why)


def test_who_hung_up_is_said_beside_the_number() -> None:
    call = followed(Progress.ENDED, hang_up=HangUp.ASKED, hung_up_by="U_BOSS", **talked(42))

    assert (
        messages.headline(call, "US", is_bold=True) == f"*✋ {SHOWN} · hung up by <@U_BOSS>* · talked 42 sec"
    )
    assert state_words(call) == "✋ hung up by <@U_BOSS> · talked 42 sec"


@pytest.mark.parametrize("user_id", ["U1> <!channel", "<@U1>", "", "u" * 500, "U1|x"])
def test_what_is_no_user_id_becomes_no_mention(user_id: str) -> None:
    shown = mrkdwn.mention(user_id)

    assert "<" not in shown and len(shown) < 100


def test_a_number_is_never_broken_at_the_end_of_a_line() -> None:
    number = messages.headline(CALL, "US").split(" ")[1]

    assert number == "(202)\u00a0555\u20110143"
    assert messages.headline(CALL, "US", hides_number=True).split(" ")[1] == unbroken("(•••) •••-0143")


@pytest.mark.parametrize("state", [state for state in State if state is not State.PLACED])
@pytest.mark.parametrize("progress", Progress)
def test_how_far_a_call_has_come_is_said_only_of_one_that_was_placed(
    state: State, progress: Progress
) -> None:
    call = replace(CALL, state=state)

    assert state_words(replace(call, progress=progress)) == str(STATUS_WORDS[status_of(call)])
    assert messages.headline(replace(call, progress=progress), "US") == messages.headline(call, "US")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"evo_outcome": "Completed", **talked(75)}, "☑️ (202) 555-0143 · completed · talked 1 min 15 sec"),
        (talked(3), "⏹️ (202) 555-0143 · ended · talked 3 sec · Evo Voice gave no outcome"),
        ({"evo_outcome": "Busy"}, "🚫 (202) 555-0143 · busy"),
        ({"evo_outcome": "<!channel> & co"}, "⏹️ (202) 555-0143 · ended · “&lt;!channel&gt; &amp; co”"),
        ({"evo_outcome": " \n "}, "⏹️ (202) 555-0143 · ended · Evo Voice gave no outcome"),
        ({"ended_at": CALL.accepted_at}, "⏹️ (202) 555-0143 · ended · Evo Voice gave no outcome"),
        (talked(-2), "⏹️ (202) 555-0143 · ended · talked 0 sec · Evo Voice gave no outcome"),
    ],
    ids=[
        "all is known",
        "no word",
        "nobody answered",
        "nasty word",
        "blank word",
        "no answer seen",
        "clocks differ",
    ],
)
def test_the_end_says_what_is_known_and_nothing_else(more: dict[str, Any], words: str) -> None:
    said = messages.headline(followed(Progress.ENDED, **more), "US")

    assert said == words.replace("(202) 555-0143", SHOWN)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        *((spelled, "☑️ completed") for spelled in ("Completed", "completed", "COMPLETED ")),
        *((spelled, "🔕 no answer") for spelled in ("No Answer", "no-answer", "NoAnswer", "NO_ANSWER")),
        *((spelled, "✖️ canceled") for spelled in ("Canceled", "cancelled")),
        ("busy", "🚫 busy"),
        ("Failed", "⚠️ failed"),
        ("Voicemail", "⏹️ ended · “Voicemail”"),
    ],
)
def test_known_outcomes_are_recognized_however_they_are_spelled(outcome: str, words: str) -> None:
    assert state_words(followed(Progress.ENDED, evo_outcome=outcome)) == words


@pytest.mark.parametrize("outcome", ["", "Busy", "No Answer", "Failed", "Canceled", "Voicemail"])
@pytest.mark.parametrize("progress", Progress)
def test_nothing_that_did_not_reach_a_person_wears_a_tick(progress: Progress, outcome: str) -> None:
    call = followed(progress, evo_outcome=outcome)

    said = messages.headline(call, "US") + state_words(call)
    assert not any(tick in said for tick in "✅✔☑")


def test_a_call_that_was_answered_and_then_lost_is_not_said_to_be_unanswered() -> None:
    call = followed(Progress.LOST, lost_reason=LostReason.LONG, **talked(4 * 3600))

    assert "gone on for hours" in messages.reason(call)
    assert "may not have been answered" not in messages.reason(call)


def test_a_call_that_was_answered_before_it_was_lost_is_not_said_to_be_unanswered() -> None:
    call = followed(Progress.LOST, lost_reason=LostReason.UNSEEN, answered_at=CALL.accepted_at)

    assert messages.reason(call).endswith("It was answered.")


def test_that_nobody_could_look_is_not_said_to_be_a_look_that_found_nothing() -> None:
    placed = followed(Progress.LOST, lost_reason=LostReason.BLIND)
    doubt = replace(placed, state=State.IN_DOUBT, reason=Reason.NO_ANSWER)

    assert "lost track of it" in messages.reason(placed)
    assert "EvoSlack couldn't check Evo Voice" in messages.reason(doubt)
    assert "found nothing" not in messages.reason(doubt)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 sec"),
        (0.4, "0 sec"),
        (59.4, "59 sec"),
        (59.6, "1 min 0 sec"),
        (60, "1 min 0 sec"),
        (61, "1 min 1 sec"),
        (3599, "59 min 59 sec"),
        (3600, "1 hr 0 min"),
        (3659, "1 hr 0 min"),
        (3 * 3600 + 125, "3 hr 2 min"),
        (100_000, "27 hr 46 min"),
    ],
)
def test_time_spans_are_said_as_people_say_them(seconds: float, words: str) -> None:
    assert messages.duration(seconds) == words


@pytest.mark.parametrize("reason", sorted(REASONS[State.IN_DOUBT]))
def test_a_doubt_is_looked_into_and_then_said_to_be_unconfirmed(reason: Reason) -> None:
    doubt = ended(State.IN_DOUBT, reason)

    cause = f" ({messages.REASON_MESSAGES[reason]})"
    rung = "It may have rung, once. EvoSlack won't redial. "
    for progress in set(Progress) - {Progress.LOST, Progress.ENDED}:
        looking = messages.reason(replace(doubt, progress=progress))
        wait = "EvoSlack is checking whether the phone rang. Wait for the result before calling again."
        assert looking == f"{rung}{wait}{cause}", "nobody is asked to check meanwhile"
    for unseen in (LostReason.UNSEEN, None):
        not_found = messages.reason(replace(doubt, progress=Progress.LOST, lost_reason=unseen))
        found = "EvoSlack checked Evo Voice and found nothing, but that doesn't prove it didn't ring."
        assert not_found == f"{rung}{found} Check Evo Voice before calling again.{cause}"
    assert messages.reason(doubt) == f"{rung}Check Evo Voice before calling again.{cause}"


def test_a_no_that_is_proof_says_nothing_of_being_looked_for() -> None:
    rejected = ended(State.REJECTED, Reason.LOGIN_REJECTED)

    assert {messages.reason(replace(rejected, progress=progress)) for progress in Progress} == {
        messages.reason(rejected)
    }


def test_every_end_of_hanging_up_has_words_where_the_card_has_none() -> None:
    """Whether a hang-up that Evo Voice took had an effect is what the card says."""
    assert set(button_messages.HANG_UP_MESSAGES) == set(HangUp)
    assert set(button_messages.ENDING_MESSAGES) == {None, Ending.FORBIDDEN}
    assert all(words.endswith(".") for words in button_messages.ENDING_MESSAGES.values())
    assert all(
        "end it in evo voice" in words.casefold() for words in button_messages.ENDING_MESSAGES.values()
    )


@pytest.mark.parametrize("state", [State.PLACED, State.IN_DOUBT])
def test_a_call_that_could_be_two_is_not_said_to_be_out_of_sight(state: State) -> None:
    call = replace(CALL, state=state, progress=Progress.LOST, lost_reason=LostReason.UNCLEAR)
    call = replace(call, reason=Reason.NO_ANSWER) if state is State.IN_DOUBT else call

    said = f"{state_words(call)} {messages.headline(call, 'US')} {messages.reason(call)}"

    assert "can't tell them apart" in said
    assert "found nothing" not in said and "answered" not in said and "ost track" not in said


def test_the_help_has_one_command_on_a_line() -> None:
    lines = form_messages.help_text("/call", "US").splitlines()

    commands = [line for line in lines if "*/call" in line]
    assert all(line.count("*/call") == 1 for line in commands)
    assert len(commands) == 12
    assert "Administrators: */call export* sends you everyone's latest calls as a file." in lines
    assert "*/call export rules* sends you every change to the rules and to that list." in lines
