"""What a form says about its number as it opens and while it is typed: what the rules say comes first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evoslack.calling.access import Access
from evoslack.calling.calling_hours import CallingHours
from evoslack.calling.calls import Call, State
from evoslack.calling.offer import CallerId, Flow, Offer
from evoslack.calling.refusals import CannotEvaluate
from evoslack.calling.rulebook import HOUR, BlockedNumber, Limit, Rules, StoredRule
from evoslack.slack.card_links import CardLinks
from evoslack.slack.listeners.busy_number import BusyNumbers
from evoslack.slack.listeners.number_lines import FORM_WAITS_S, NumberLines
from evoslack.slack.rendering import views
from evoslack.slack.rendering.views import Prefill
from tests.calls import call_request
from tests.rules import KnownFacts, rule_check

NIGHT, NOON = datetime(2026, 3, 2, 9, 12, tzinfo=UTC), datetime(2026, 3, 2, 17, tzinfo=UTC)
NUMBER, TYPED = "+18144043093", "814 404 3093"
OFFER = Offer("acc1", (Flow("flow2", "Survey"),), (CallerId("+12025550100"),), CallerId("+12025550100"))
SETTINGS = views.FormSettings("/call", "US", frozenset({"US"}), "C_CALLS", frozenset())
HOURS = Rules(frozenset({"US"}), hours=(CallingHours(8 * 60, 21 * 60),))
EARLY = (
    "⚠️ It's 4:12 AM in Pennsylvania. Calling hours are 8:00 AM to 9:00 PM, their time. "
    "Call at 8:00 AM their time, in 3 hr 48 min. Or press *Call* to schedule it."
)


class Past:
    """The calls of the past."""

    def __init__(self, *latest: Call) -> None:
        self.latest = list(latest)

    def latest_of(self, user_id: str, team_id: str, limit: int) -> list[Call]:
        return self.latest

    def latest_to(self, account_id: str, number: str, limit: int) -> list[Call]:
        return self.latest

    def for_a_form(self, *_: Any) -> tuple[Call | None, list[Call]]:
        return (self.latest or [None])[0], self.latest


def in_this_thread(ask: Callable[[], Any], _tell: Any) -> None:
    ask()


def lines(
    facts: KnownFacts | None = None,
    at: datetime = NOON,
    past: Past | None = None,
    run: Callable[..., None] = in_this_thread,
) -> NumberLines:
    history: Any = past or Past()
    access: Any = Access(history, lambda: OFFER)
    busy = BusyNumbers(history, access, CardLinks("", lambda _ids: {}), SETTINGS, lambda: at)
    return NumberLines(history, busy, rule_check(HOURS, facts, at), SETTINGS, run, lambda: at)


def both(found: NumberLines, typed: str = TYPED) -> str:
    """What is said while a person types, which is the same as when a form opens."""
    line = found.line(OFFER, typed, "U_SARA", "T1", is_asked=False)
    assert found.known("acc1", "U_SARA", "T1", Prefill(number=typed)).about.line == line
    return line


def test_within_calling_hours_it_says_where_that_is() -> None:
    assert both(lines()) == "Pennsylvania · 12:00\u00a0PM\u00a0there"


def test_outside_calling_hours_it_says_that_and_the_last_call_but_not_the_time_twice() -> None:
    assert both(lines(at=NIGHT)) == EARLY
    earlier = Call("id", call_request(number=NUMBER), State.EXPIRED, NIGHT)
    assert both(lines(at=NIGHT, past=Past(earlier))) == EARLY
    placed = Call("id", call_request(number=NUMBER), State.IN_DOUBT, NIGHT - timedelta(days=1))
    assert both(lines(at=NIGHT, past=Past(placed))).startswith(f"{EARLY}\nlast call: ")


def test_a_blocked_number_is_said_with_who_blocked_it() -> None:
    facts = KnownFacts()
    facts.blocked[NUMBER] = BlockedNumber(NUMBER, "asked us", "U_BOSS", NIGHT)

    first, second = both(lines(facts)).split("\n")
    assert first.startswith("⚠️ On the do-not-call list since Mar 2, 2026: “asked us”. Added by <@U_BOSS>.")
    assert second.startswith("Pennsylvania · ")
    assert "Added by" not in both(lines(facts), "415 555 2671")


def test_a_reached_limit_is_said_before_anything_is_pressed() -> None:
    facts = KnownFacts()
    facts.reached = {Limit(60, HOUR, per_person=True): NOON + timedelta(minutes=5)}

    assert both(lines(facts)).startswith("⚠️ You've placed 60 calls ")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("1-900-555-1234", "⚠️ Calls to premium-rate numbers are turned off; they cost extra."),
        ("+870 773 111 632", "⚠️ EvoSlack never dials satellite phones and similar networks;"),
        ("+1 876 555 0143", "⚠️ Calls to Jamaica are turned off."),
        ("+1 787 234 5678", "⚠️ Calls to Puerto Rico are turned off."),
    ],
)
def test_a_number_that_is_not_called_is_said(typed: str, said: str) -> None:
    assert both(lines(), typed).startswith(said)


def test_a_rule_that_cannot_be_read_is_said_while_a_number_is_typed() -> None:
    facts = KnownFacts()
    facts.rules = [StoredRule("hours", {}, 1, "U_ROOT", NOON)]

    found = lines(facts)
    said = found.line(OFFER, TYPED, "U_SARA", "T1", is_asked=False)
    assert said.startswith("⚠️ EvoSlack can't read the rule “hours”")
    with pytest.raises(CannotEvaluate):  # a form does not open at all
        found.known("acc1", "U_SARA", "T1", Prefill(number=TYPED))


def test_a_form_knows_the_flows_own_caller_ids_whatever_this_person_chose_last() -> None:
    facts, past = KnownFacts(), Past()
    facts.rules = [StoredRule("flow:flow1", {"caller_id": "+12025550199"}, 1, "U_ROOT", NOON)]
    past.latest = [Call("id", call_request(caller_id="+12025550100"), State.PLACED, NIGHT)]

    about = lines(facts, past=past).known("acc1", "U_SARA", "T1", Prefill()).about
    assert (about.caller_ids, about.defaults) == ({"flow1": "+12025550100"}, {"flow1": "+12025550199"})


def test_a_form_does_not_wait_for_rules_that_take_too_long() -> None:
    class SlowFacts(KnownFacts):
        def stored(self) -> list[StoredRule]:
            over.wait(10)
            return []

    over, threads = threading.Event(), []

    def aside(ask: Callable[[], Any], _tell: Any) -> None:
        threads.append(threading.Thread(target=ask))
        threads[-1].start()

    began_s = time.monotonic()
    about = lines(SlowFacts(), run=aside).known("acc1", "U_SARA", "T1", Prefill(number=TYPED)).about
    took_s = time.monotonic() - began_s
    over.set()
    for thread in threads:
        thread.join()

    assert about == views.FormAbout()
    assert took_s < FORM_WAITS_S + 2
