"""Every reason, refusal, and problem has a sentence, and every sentence is in `rendering`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from evoslack.calling import refusals
from evoslack.calling.calling_hours import CallingHours
from evoslack.calling.calls import Call, CallRequest, LostReason, Progress, State
from evoslack.calling.number_format import example, unbroken
from evoslack.calling.numbers import BadNumber, Problem
from evoslack.calling.outcomes import Reason
from evoslack.calling.refusals import Denial, Lack, Refusal, Source, TimeProblem
from evoslack.calling.rulebook import A_DAY, HOUR, BlockedNumber, Limit
from evoslack.slack.rendering import messages
from evoslack.slack.rendering.refusal_messages import refusal_message

REQUEST = CallRequest("key", "T", "U", "acc", "flow", "Survey", "+18144043093", "+12025550100")
CALL = Call("id", REQUEST, State.PLACED, datetime(2026, 1, 2, tzinfo=UTC))

NOW = CALL.accepted_at
LIMITS = [Limit(999_999, span, is_of_one) for span in (HOUR, A_DAY) for is_of_one in (True, False)]
HOURS = (CallingHours(20 * 60, 150), CallingHours(9 * 60, 17 * 60 + 30, frozenset({0, 2, 4})))


def outside(*, is_for_later: bool, windows: int) -> Refusal:
    """The longest sentences about calling hours: a place with a long name, and a day far away."""
    at = datetime(2026, 9, 30, 10, 30, tzinfo=ZoneInfo("America/Anchorage"))
    return refusals.OutsideHours(
        at, (at,), HOURS[:windows], at + timedelta(days=21), number="+12505550143", is_for_later=is_for_later
    )


REFUSALS: list[Refusal] = [
    *(BadNumber(problem, country="GB") for problem in Problem),
    *(refusals.NotAllowed(denial) for denial in Denial),
    *(refusals.CannotCheck(source) for source in Source),
    *(refusals.NothingToOffer(lack) for lack in Lack),
    refusals.UnknownFlow(),
    refusals.UnknownCallerId(),
    refusals.UnreadableForm(),
    refusals.NotYourForm(),
    refusals.FormUsed(),
    refusals.FormBeforeRestore(),
    refusals.TooLate(),
    refusals.NumberBusy(CALL, timedelta(seconds=8)),
    refusals.KeyTaken(CALL),
    refusals.NumberBlocked(BlockedNumber(REQUEST.number, "<@U1> " + "asked us " * 40, "U", CALL.accepted_at)),
    *(
        refusals.LimitReached(limit, CALL.accepted_at + timedelta(hours=47), CALL.accepted_at)
        for limit in LIMITS
    ),
    *(outside(is_for_later=later, windows=hours) for later in (False, True) for hours in (1, 2)),
    refusals.OutsideHours(CALL.accepted_at, (), HOURS, None, number=REQUEST.number),
    refusals.FlowNotAllowed(),
    refusals.ReasonNeeded(),
    refusals.CannotEvaluate("flow:" + "x" * 200),
    *(refusals.BadTime(problem) for problem in TimeProblem),
]


def kinds(family: type[Refusal]) -> set[type[Refusal]]:
    return {kind for child in family.__subclasses__() for kind in {child, *kinds(child)}}


def test_the_list_above_has_every_kind_of_refusal() -> None:
    assert {type(refusal) for refusal in REFUSALS} == kinds(Refusal)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: f"{type(refusal).__name__}-{refusal}")
def test_every_refusal_is_a_short_sentence(refusal: Refusal) -> None:
    words = refusal_message(refusal, "US").words

    assert re.match(r"[A-Z]", words)
    assert words.endswith((".", "?", example("US")))
    assert "{" not in words
    assert len(words) <= 200


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_told_and_says_whether_a_phone_rang(reason: Reason) -> None:
    in_doubt = reason.value in {
        "no_answer",
        "cut_off",
        "server_error",
        "odd_answer",
        "bot_stopped",
        "bot_broke",
    }
    in_doubt |= reason in {Reason.IN_BETWEEN, Reason.RESTORED}
    state = State.IN_DOUBT if in_doubt else State.REJECTED
    call = Call("id", REQUEST, state, datetime(2026, 1, 2, tzinfo=UTC), reason=reason)
    if not in_doubt:  # most answers that say no prove it only together with a check that found nothing
        call = replace(call, progress=Progress.LOST, lost_reason=LostReason.UNSEEN)

    words = messages.reason(call)
    assert ("may have rung, once" in words) == in_doubt
    assert ("Nothing was dialed" in words) != in_doubt


@pytest.mark.parametrize("state", list(State))
def test_every_state_is_told_with_the_number_beside_it(state: State) -> None:
    headline = messages.headline(Call("id", REQUEST, state, CALL.accepted_at), "US")

    assert re.fullmatch(rf"[^\w\s]+ {re.escape(unbroken('(814) 404-3093'))} · [a-z ]+", headline)


SLACK = Path(__file__).parents[2] / "evoslack" / "slack"
ELSEWHERE = sorted(  # what receivers say is for operators
    path
    for path in SLACK.rglob("*.py")
    if not path.stem.endswith("messages") and path.parent.name != "receivers"
)
SENTENCE = re.compile(r"[A-Z“*].*\s.*\s.*[.?!…]|.*\. [A-Z].*", re.DOTALL)


def said_to_people(node: ast.AST) -> Iterator[str]:
    """The texts of a module, without its docstrings, log lines, and exceptions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Raise) or (
            isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        ):
            continue
        if isinstance(child, ast.Call) and ast.unparse(child.func).startswith("log."):
            continue
        if isinstance(child, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "0" for part in child.values)
        elif isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child.value
        else:
            yield from said_to_people(child)


@pytest.mark.parametrize("path", ELSEWHERE, ids=lambda path: str(path.relative_to(SLACK)))
def test_no_sentence_is_written_outside_the_message_files(path: Path) -> None:
    """To change a sentence, one goes to one place."""
    found = said_to_people(ast.parse(path.read_text(encoding="utf-8")))

    assert [text for text in found if SENTENCE.fullmatch(text)] == []
