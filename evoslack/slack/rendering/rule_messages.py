"""Every no of a rule in words: which rule, why, and what to do. Plain text, and the field it belongs to."""

from __future__ import annotations

from evoslack.calling.refusals import (
    BadTime,
    CannotEvaluate,
    FlowNotAllowed,
    LimitReached,
    NumberBlocked,
    OutsideHours,
    ReasonNeeded,
    Refusal,
    TimeProblem,
)
from evoslack.slack.rendering.messages import NOTHING_RANG, TELL_ADMIN

NUMBER, FLOW, TIME, REASON = "number", "flow", "time", "reason"  # fields

TIME_MESSAGES = {
    TimeProblem.MISSING: "Choose a date and a time.",
    TimeProblem.PAST: "That time has passed. Choose a later one.",
    TimeProblem.FAR: "Choose a time in the next 30 days.",
    TimeProblem.GAP: "Clocks are put forward then, so that time doesn't exist. Choose another one.",
    TimeProblem.UNKNOWN_ZONE: "EvoSlack doesn't know what time it is there. Use your own time.",
    TimeProblem.TWO_TIMES: "You also filled in a time below. Choose “Another time”, or clear it.",
}


def words_and_field(refusal: Refusal, region: str) -> tuple[str, str] | None:  # noqa: ARG001
    """A sentence and the field of the form; None for a refusal that is no rule's."""
    match refusal:
        case NumberBlocked(block=block):
            return f"This number is on the do-not-call list: {block.reason}", NUMBER
        case OutsideHours():
            return f"It's outside calling hours there. {NOTHING_RANG}", NUMBER
        case LimitReached(limit=limit):
            whose = "You've" if limit.per_person else "Your team has"
            return f"{whose} reached the limit of {limit.most} calls. {NOTHING_RANG}", NUMBER
        case FlowNotAllowed():
            return "You can't use this flow. Choose another one.", FLOW
        case ReasonNeeded():
            return "Give a reason to call outside calling hours.", REASON
        case CannotEvaluate(rule=rule):
            return f"EvoSlack can't read the rule “{rule}”. {NOTHING_RANG} {TELL_ADMIN}", NUMBER
        case BadTime(problem=problem):
            return TIME_MESSAGES[problem], TIME
    return None
