"""The line under the number, and the question before a number is called that may be on the phone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evoslack.calling.calling_hours import CallingHours
from evoslack.calling.calls import Call, HangUp, LostReason, Progress, State
from evoslack.calling.numbers import BadNumber, Problem, dialable
from evoslack.calling.offer import CallerId, Flow, Offer
from evoslack.calling.outcomes import Reason
from evoslack.calling.places import Place, place_of
from evoslack.calling.refusals import OutsideHours
from evoslack.slack.rendering import number_line, number_messages, views
from evoslack.slack.rendering.blocks import Block
from evoslack.slack.rendering.form_metadata import FormMetadata
from sandbox.slack.block_kit import problems_in_view
from tests.calls import NUMBER, call_request

NOW = datetime(2026, 3, 2, 20, 48, tzinfo=UTC)
PENNSYLVANIA = Place("Pennsylvania", ("America/New_York",))
SETTINGS = views.FormSettings("/call", "US", frozenset({"US"}), "C_CALLS", frozenset())
OFFER = Offer("acc1", (Flow("flow1", "Reminder"),), (CallerId("+12025550100"),), CallerId("+12025550100"))
KNOWN = "0123456789abcdef" * 2


def call(minutes_ago: float = 60, **changes: Any) -> Call:
    at = NOW - timedelta(minutes=minutes_ago)
    placed = Call(KNOWN, call_request(), State.PLACED, at, began_at=at, finished_at=at)
    return replace(placed, **changes)


def over(outcome: str, **changes: Any) -> Call:
    return call(progress=Progress.ENDED, evo_outcome=outcome, ended_at=NOW, **changes)


def talking(minutes: float = 2) -> Call:
    return call(minutes + 1, progress=Progress.ANSWERED, answered_at=NOW - timedelta(minutes=minutes))


def words(*latest: Call, place: Place = PENNSYLVANIA, reader: str = "U_BOSS") -> str:
    return number_line.words(place, latest, reader, NOW)


def test_it_says_where_that_is_what_time_it_is_there_and_what_came_of_the_last_call() -> None:
    at = int((NOW - timedelta(hours=1)).timestamp())

    assert words(over("no-answer")) == (
        "Pennsylvania · 3:48\u00a0PM\u00a0there · last call: "
        f"<!date^{at}^{{date_short_pretty}} at {{time}}|2026-03-02 19:48 UTC> by <@U_SARA>, no answer"
    )


def test_who_is_on_the_phone_comes_first_and_the_last_call_is_not_told_twice() -> None:
    assert words(talking(), over("busy")) == (
        "🟢 <@U_SARA> is on the phone with this number (2 min) · Pennsylvania · 3:48\u00a0PM\u00a0there"
    )
    assert words(talking(), reader="U_SARA").startswith("🟢 You're on the phone with this number (2 min)")


def test_a_form_that_asks_about_the_number_does_not_say_twice_who_is_on_it() -> None:
    shown = number_line.words(PENNSYLVANIA, [talking(), over("busy")], "U_BOSS", NOW, is_asked=True)

    assert shown == "Pennsylvania · 3:48\u00a0PM\u00a0there"


def test_a_call_that_was_never_dialed_is_not_the_last_one() -> None:
    late = call(1, state=State.EXPIRED)

    assert "last call" not in words(late)
    assert words(late, over("busy")).endswith("busy")


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        (Place(), ""),
        (place_of("+18003569377"), "Toll-free"),
        (Place("", ("America/New_York", "America/Chicago")), ""),  # toll-free: nowhere
        (Place("", ("Europe/Paris",)), "9:48\u00a0PM\u00a0there"),
        (Place("France"), "France"),
        (
            Place("Tennessee", ("America/New_York", "America/Chicago")),
            "Tennessee · 2:48\u00a0PM\u00a0to\u00a03:48\u00a0PM\u00a0there",
        ),
        (Place("Twin", ("America/New_York", "America/Detroit")), "Twin · 3:48\u00a0PM\u00a0there"),
        (Place("<!channel>"), "&lt;!channel&gt;"),
    ],
)
def test_what_is_not_known_of_a_place_is_left_out(place: Place, shown: str) -> None:
    assert words(place=place) == shown


@pytest.mark.parametrize("hour", [0, 9, 12, 23])
def test_the_clock_is_the_american_one(hour: int) -> None:
    at = NOW.replace(hour=hour, minute=5)
    shown = {0: "12:05 AM", 9: "9:05 AM", 12: "12:05 PM", 23: "11:05 PM"}[hour]

    assert number_messages.time_there(at, at) == f"{shown} there".replace(" ", "\u00a0")


@pytest.mark.parametrize(
    ("a_call", "outcome"),
    [
        (over("Completed", answered_at=NOW - timedelta(seconds=42)), "completed, talked 42 sec"),
        (over("BUSY"), "busy"),
        (over(""), "ended"),
        (over("<!channel> " + "x" * 200), "“&lt;!channel&gt; " + "x" * 29 + "”"),
        (over("completed", hang_up=HangUp.ASKED, hung_up_by="U_ROOT"), "hung up"),
    ],
)
def test_an_outcome_is_said_in_a_few_words(a_call: Call, outcome: str) -> None:
    assert number_messages.outcome(a_call) == outcome


# --- a number that cannot be dialed -----------------------------------------------------------------------


def bad(typed: str) -> BadNumber:
    with pytest.raises(BadNumber) as found:
        dialable(typed, "US", {"US"})
    return found.value


@pytest.mark.parametrize("typed", ["", "8", "+", "(8", "814 40", "411", "814 404 30", "+1 814"])
def test_nothing_is_wrong_while_a_number_is_obviously_not_finished(typed: str) -> None:
    assert number_line.is_unfinished(typed, bad(typed))


@pytest.mark.parametrize(
    "typed", ["911", "hello", "*67", "814 404 3093 55", "+1 000 000 0000", "1-900-555-1234", "+442079460018"]
)
def test_what_no_further_digit_can_repair_is_said(typed: str) -> None:
    assert not number_line.is_unfinished(typed, bad(typed))


def test_a_problem_is_said_like_the_error_after_a_press() -> None:
    assert number_line.problem(BadNumber(Problem.EMERGENCY), "US") == (
        "⚠️ EvoSlack never dials emergency numbers. Use a phone."
    )


# --- the blocks -----------------------------------------------------------------------------------------


def form(line: str = "", question: views.Question | None = None, anyway: str = "") -> Block:
    metadata = FormMetadata("key", anyway=anyway, asked_at="1" if anyway else "")
    about = views.FormAbout(line=line)
    prefill = views.Prefill(number="202 555 0143", words="nothing like it")
    return views.form(OFFER, metadata, SETTINGS, prefill, about, question)


def as_slack_sends_it(view: Block) -> Block:
    more = {"id": "V1", "hash": "1.a", "state": {"values": {}}, "external_id": "", "clear_on_close": False}
    return view | more | {"notify_on_close": False, "team_id": "T1", "bot_id": "B1", "root_view_id": "V1"}


def test_an_update_changes_the_line_and_nothing_else() -> None:
    sent = as_slack_sends_it(form("before"))

    after = number_line.updated(sent, "after & later")

    assert problems_in_view(after) == []
    assert after == form("after & later")
    assert number_line.updated(sent, "") == form("")
    assert number_line.updated(as_slack_sends_it(form("")), "first") == form("first")


def test_the_line_stands_right_under_the_number() -> None:
    ids = [block["block_id"] for block in form("here")["blocks"]]

    assert ids == ["notes", "number", "number_line", "flow", "caller_id", "when"]
    assert number_line.line_in(form("here")["blocks"]) == "here"
    assert number_line.line_in(form("")["blocks"]) == ""


def test_a_question_stands_on_top_and_is_taken_away_with_what_it_lets_pass() -> None:
    asking = form("here", views.Question("*Wait*", NUMBER, KNOWN), anyway=KNOWN)
    assert problems_in_view(asking) == []
    assert asking["blocks"][0]["text"]["text"] == "*Wait*"
    assert asking["submit"]["text"] == "Call anyway"
    assert number_line.asked_about(asking["blocks"]) == NUMBER

    assert number_line.without_question(asking) == form("here")


def test_a_question_that_nobody_gets_past_keeps_the_button() -> None:
    assert form(question=views.Question("*Wait*", NUMBER))["submit"]["text"] == "Call"


def test_outside_the_hours_the_line_says_that_a_press_schedules_if_there_is_a_time_for_it() -> None:
    hours = (CallingHours(8 * 60, 21 * 60),)
    night = NOW.replace(hour=4)
    closed = OutsideHours(night, (night,), hours, night + timedelta(hours=4))
    assert number_line.objection(closed, "").endswith(" Or press *Call* to schedule it.")
    for never in (OutsideHours(night, (night,), hours, None), OutsideHours(night, (), hours, None)):
        assert "schedule" not in number_line.objection(never, "")


# --- the question -----------------------------------------------------------------------------------------


def question(
    a_call: Call, reader: str = "U_BOSS", link: str = "", others: int = 0, *, was_pressed: bool = True
) -> str:
    ago = NOW - a_call.accepted_at
    return number_messages.question(a_call, reader, ago, link=link, others=others, was_pressed=was_pressed)


@pytest.mark.parametrize(
    ("a_call", "said"),
    [
        (talking(), "*<@U_SARA> is on the phone with this number* (2 min)."),
        (talking(0.5), "*<@U_SARA> is on the phone with this number* (30 sec)."),
        (talking(125), "*<@U_SARA> is on the phone with this number* (2 hr 5 min)."),
        (call(1, progress=Progress.WAITING), "*<@U_SARA> is calling this number right now*."),
        (call(1, progress=Progress.RINGING), "*<@U_SARA> is calling this number right now*."),
        (
            call(3, state=State.IN_DOUBT, reason=Reason.NO_ANSWER),
            (
                "*<@U_SARA> called this number 3 minutes ago*, "
                "and EvoSlack can't tell whether the call is still going on."
            ),
        ),
        (
            call(1, progress=Progress.LOST, lost_reason=LostReason.BLIND),
            (
                "*<@U_SARA> called this number 1 minute ago*, "
                "and EvoSlack can't tell whether the call is still going on."
            ),
        ),
        (
            call(8 / 60, progress=Progress.ENDED, evo_outcome="no-answer"),
            "*<@U_SARA> called this number 8 seconds ago*: no answer.",
        ),
    ],
)
def test_the_question_says_who_may_be_on_the_phone(a_call: Call, said: str) -> None:
    assert question(a_call) == f"{said} Nothing was dialed."
    assert question(a_call, was_pressed=False) == said


def test_the_question_about_ones_own_call_says_you() -> None:
    assert question(talking(), "U_SARA").startswith("*You're on the phone with this number* (2 min).")
    assert question(call(3, state=State.IN_DOUBT), "U_SARA").startswith("*You called this number 3 minutes")


def test_the_question_links_the_card_and_counts_earlier_calls() -> None:
    asked = question(talking(), link="https://acme.slack.com/archives/C1/p1", others=2)

    assert "2 earlier calls to it may still be going on, too." in asked
    assert asked.endswith("<https://acme.slack.com/archives/C1/p1|Open card>")
    assert "1 earlier call to it may" in question(talking(), others=1)


def test_a_call_that_is_being_dialed_can_only_be_waited_for() -> None:
    dialing = call(0, state=State.PLACING)

    assert number_messages.being_dialed(dialing, "U_BOSS") == (
        "*<@U_SARA> started a call to this number seconds ago.* Press *Call* again in a few seconds."
    )
    assert number_messages.being_dialed(dialing, "U_SARA").startswith("*You started a call to this number")
