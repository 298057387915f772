"""Every no of a rule in words: which rule, why, and what to do. Plain text, and the field it belongs to."""

from __future__ import annotations

from datetime import datetime

from evoslack.calling.places import place_of
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
from evoslack.calling.rulebook import BlockedNumber
from evoslack.slack.rendering import hours_messages, limit_messages, times
from evoslack.slack.rendering.messages import NOTHING_RANG, TELL_ADMIN
from evoslack.slack.rendering.mrkdwn import plain_line
from evoslack.slack.rendering.place_names import in_a_sentence

NUMBER, FLOW, TIME, REASON = "number", "flow", "time", "reason"  # fields

LONGEST_QUOTED = 60  # characters of why a number is blocked; an error under a field is short
EVO_ADMIN = "an Evo Voice administrator"

TIME_MESSAGES = {
    TimeProblem.MISSING: "Choose a date and a time.",
    TimeProblem.PAST: "That time has passed. Choose a later one.",
    TimeProblem.FAR: "Choose a time in the next 30 days.",
    TimeProblem.GAP: "Clocks spring forward then, so that time doesn't exist. Choose another one.",
    TimeProblem.UNKNOWN_ZONE: "EvoSlack doesn't know what time it is there. Use your own time.",
    TimeProblem.TWO_TIMES: "You also filled in a time below. Choose “Another time”, or clear it.",
}


def words_and_field(refusal: Refusal, region: str) -> tuple[str, str] | None:  # noqa: ARG001
    """A sentence and the field of the form; None for a refusal that is no rule's."""
    match refusal:
        case NumberBlocked() | OutsideHours() | LimitReached() | CannotEvaluate():
            return " ".join([why(refusal), NOTHING_RANG, *next_step(refusal)]), NUMBER
        case FlowNotAllowed():
            step = f"Choose another flow, or ask {EVO_ADMIN} for it."
            return f"You don't have access to this flow. {NOTHING_RANG} {step}", FLOW
        case ReasonNeeded():
            return "Say why you call outside calling hours. The reason is kept with the call.", REASON
        case BadTime(problem=problem):
            return TIME_MESSAGES[problem], TIME
    return None


def why(refusal: Refusal) -> str:
    """Which rule says no to a number, and why: the sentence before "Nothing was dialed"."""
    match refusal:
        case NumberBlocked(block=block):
            return _blocked(block)
        case OutsideHours():
            return _outside(refusal)
        case LimitReached():
            return limit_messages.why(refusal)
        case CannotEvaluate(rule=rule):
            return f"EvoSlack can't read the rule “{plain_line(rule, 40)}”, so it can't check this call."
    raise TypeError(f"no rule about numbers: {type(refusal).__name__}")


def next_step(refusal: Refusal) -> list[str]:
    """What to do about it, and when the next call is possible."""
    match refusal:
        case NumberBlocked():
            return [f"If that's wrong, ask {EVO_ADMIN}."]
        case OutsideHours(local_times=()):
            return [f"{EVO_ADMIN[0].upper()}{EVO_ADMIN[1:]} can call with a reason."]
        case OutsideHours(opens_at=None):
            return [f"No time in the next month is allowed. {TELL_ADMIN}"]
        case OutsideHours(opens_at=datetime() as opens_at):
            return [_opens(refusal, opens_at)]
        case LimitReached():
            return [limit_messages.next_step(refusal)]
        case CannotEvaluate():
            return [TELL_ADMIN]
    return []


def _blocked(block: BlockedNumber) -> str:
    # An error under a field shows a mention as an id, so the person who blocked it isn't named.
    return (
        f"On the do-not-call list since {times.date(block.at)}: “{plain_line(block.reason, LONGEST_QUOTED)}”."
    )


def _outside(refusal: OutsideHours) -> str:
    times_there = refusal.local_times
    if not times_there:
        return "EvoSlack doesn't know what time it is there, so it can't check calling hours."
    name = place_of(refusal.number).name if refusal.number else ""
    there = f"in {in_a_sentence(name)}" if name and len(times_there) == 1 else "there"
    return hours_messages.closed(times_there, refusal.hours, there, is_later=refusal.is_for_later)


def _opens(refusal: OutsideHours, opens_at: datetime) -> str:
    """When calls are possible: by their clock if they have one, and how long that is from now."""
    wait = times.wait(opens_at - refusal.at)
    if len(refusal.local_times) > 1:  # each has its own clock
        return f"Choose a time {wait} later." if refusal.is_for_later else f"Call in {wait}."
    now = refusal.local_times[0]
    then = opens_at.astimezone(now.tzinfo)
    day = "" if then.date() == now.date() else f" on {then:%A}, {times.short_date(then)},"
    at = f"{times.plain_clock(then)}{day} their time"
    return f"Choose {at} or later." if refusal.is_for_later else f"Call at {at}, in {wait}."
