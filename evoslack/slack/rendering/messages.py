"""What happened to a call, in words: for its card, private messages, and history.

Sentences only; `cards` and `history` lay them out. Text from outside is escaped where it enters a sentence.
"""

from __future__ import annotations

from evoslack.calling.calls import Call, LostReason, Progress, State
from evoslack.calling.number_format import pretty, redacted, unbroken
from evoslack.calling.outcomes import Reason
from evoslack.calling.status import STATUS_OF_OUTCOME, CallStatus, plain_outcome, status_of
from evoslack.slack.rendering.help_contact import ADMIN
from evoslack.slack.rendering.local_times import due
from evoslack.slack.rendering.mrkdwn import escape, mention, one_line
from evoslack.slack.rendering.status_words import STATUS_WORDS, StatusWords

LONGEST_DETAIL = 160  # characters of Evo Voice's own reason for a no
LONGEST_OUTCOME = 60  # characters of Evo Voice's own word for how a call ended

NOTHING_RANG = "Nothing was dialed."
TELL_ADMIN = f"Tell {ADMIN}."
_RETRY_OR_TELL = f"Try again in a minute. If it keeps happening, tell {ADMIN}."

REASON_MESSAGES = {
    Reason.LOGIN_REJECTED: f"Evo Voice rejected EvoSlack's login. {NOTHING_RANG} {_RETRY_OR_TELL}",
    # A rejection for one of the next five proves nothing; `_after_rejection` says whether the phone rang.
    Reason.ROLE_MISSING: "EvoSlack's Evo Voice login isn't allowed to place calls.",
    Reason.NOT_PERMITTED: "Evo Voice doesn't permit this call.",
    Reason.NOT_FOUND: "Evo Voice couldn't find this flow.",
    Reason.TOO_MANY: "Evo Voice is busy.",
    Reason.BAD_REQUEST: "Evo Voice doesn't accept this number, flow, or caller ID.",
    Reason.UNREACHABLE: f"EvoSlack couldn't reach Evo Voice. {NOTHING_RANG} Try again in a minute.",
    Reason.LOGIN_FAILED: f"EvoSlack couldn't log in to Evo Voice. {NOTHING_RANG} {_RETRY_OR_TELL}",
    Reason.HELD_UP: f"EvoSlack stalled before it could dial. {NOTHING_RANG} Call again.",
    # A rule said no right before dialing, or nobody was there to dial. The whole channel reads it.
    Reason.BLOCKED: f"{NOTHING_RANG} This number is on the do-not-call list.",
    Reason.OUTSIDE_HOURS: f"{NOTHING_RANG} It was outside calling hours there. Call again to choose a time.",
    Reason.LIMIT_REACHED: f"{NOTHING_RANG} The call limit was reached. Call again later.",
    Reason.NUMBER_DENIED: (
        f"{NOTHING_RANG} Calls to this kind of number, or to its country, are turned off. "
        f"Ask {ADMIN} to allow them."
    ),
    Reason.FLOW_DENIED: (
        f"{NOTHING_RANG} The flow is gone, or the caller can't use it anymore. Call again with another flow."
    ),
    Reason.CALLER_ID_GONE: f"{NOTHING_RANG} The caller ID is gone. Call again with another one.",
    Reason.ROLE_LOST: f"{NOTHING_RANG} The caller can no longer place calls. A colleague can call again.",
    Reason.ON_THE_PHONE: (
        f"{NOTHING_RANG} Someone may have been on the phone with this number. Check that call first."
    ),
    Reason.UNCHECKED: f"{NOTHING_RANG} EvoSlack couldn't check whether this call is allowed. Call again.",
    Reason.MISSED: f"{NOTHING_RANG} EvoSlack wasn't running when its time came. Call again.",
    Reason.NO_ANSWER: "Evo Voice didn't answer in time.",
    Reason.CUT_OFF: "The connection to Evo Voice broke before it answered.",
    Reason.SERVER_ERROR: "Evo Voice had an error while placing the call.",
    Reason.ODD_ANSWER: "Evo Voice's answer was unclear.",
    Reason.IN_BETWEEN: "A web page came back instead of Evo Voice's answer.",
    Reason.BOT_STOPPED: "EvoSlack stopped while it was placing this call.",
    Reason.BOT_BROKE: f"EvoSlack hit a bug while it was placing this call. {TELL_ADMIN}",
    Reason.RESTORED: "EvoSlack was restored from a backup in which this call was still waiting.",
    Reason.NOT_ANSWERED: f"EvoSlack stopped before it confirmed this call. {NOTHING_RANG} Call again.",
    Reason.WAITED: f"This call waited too long for its turn. {NOTHING_RANG} Call again.",
}
_NEXT_STEP = {
    Reason.ROLE_MISSING: TELL_ADMIN,
    Reason.NOT_PERMITTED: TELL_ADMIN,
    Reason.NOT_FOUND: "Choose another flow.",
    Reason.TOO_MANY: "Call again.",
    Reason.BAD_REQUEST: "Check them and call again.",
}

MAY_HAVE_RUNG = "It may have rung, once. EvoSlack won't redial."
_CHECK_FIRST = "Check Evo Voice before calling again."
_CHECKING = "EvoSlack is checking whether the phone rang. Wait for the result before calling again."
_FAILED = "Evo Voice couldn't complete the call. Check the number, then call again."
_TWO_CALLS = "There was another call between the same numbers, and EvoSlack can't tell them apart."
_CHECK_RESULT = {
    LostReason.UNSEEN: "EvoSlack checked Evo Voice and found nothing, but that doesn't prove it didn't ring.",
    LostReason.UNCLEAR: _TWO_CALLS,
    LostReason.BLIND: "EvoSlack couldn't check Evo Voice.",
    LostReason.LONG: "",
}

# Slack's codes for a channel that the bot is not in.
NOT_IN_CHANNEL = frozenset({"not_in_channel", "channel_not_found"})

HISTORY = "Your latest calls"
NO_CALLS = "No calls yet."

STOPPED = "EvoSlack was stopped partway through, so this may be unfinished. Try again in a minute."


def headline(call: Call, region: str, *, hides_number: bool = False, is_bold: bool = False) -> str:
    """The whole meaning in one line: number and how the call stands (mrkdwn)."""
    lead = f"{_words(call).symbol} {number(call, region, hides_number=hides_number)} · {_status(call)}"
    return " · ".join([f"*{lead}*" if is_bold else lead, *_details(call)])


def number(call: Call, region: str, *, hides_number: bool = False) -> str:
    """The number called, as people of that region write it, on one line."""
    return unbroken((redacted if hides_number else pretty)(call.request.number, region))


def _words(call: Call) -> StatusWords:
    return STATUS_WORDS[status_of(call)]


def _status(call: Call) -> str:
    words = _words(call).words
    if call.state is State.CANCELED and call.canceled_by:
        return f"{words} by {mention(call.canceled_by)}"
    return f"{words} by {mention(call.hung_up_by)}" if status_of(call) is CallStatus.HUNG_UP else words


def _details(call: Call) -> list[str]:
    """When it is dialed; Evo Voice's outcome if it is not a known one; how long people talked; escaped."""
    found = [due(call)] if call.is_scheduled and call.request.due_at else []
    outcome = one_line(call.evo_outcome, LONGEST_OUTCOME)
    is_open_ended = status_of(call) is CallStatus.ENDED
    if is_open_ended and outcome and plain_outcome(call.evo_outcome) not in STATUS_OF_OUTCOME:
        found.append(f"“{outcome}”")
    if call.talked_s is not None:
        found.append(f"talked {duration(call.talked_s)}")
    if is_open_ended and not outcome:
        found.append("Evo Voice gave no outcome")
    return found


def what_happened(call: Call, number: str) -> str:
    """A sentence on a call that was not placed, or may not have been; escaped."""
    match call.state:
        case State.IN_DOUBT:
            return f"EvoSlack can't tell whether {number} was called."
        case State.REJECTED:
            return f"Evo Voice rejected the call to {number}."
        case State.PLACED:
            return f"Evo Voice accepted the call to {number}."
        case _:
            return f"EvoSlack didn't call {number}."


def duration(seconds: float) -> str:
    """A time span as people say it; seconds matter less and less."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} hr {minutes} min"
    return f"{minutes} min {rest} sec" if minutes else f"{rest} sec"


def reason(call: Call) -> str:
    """Why the call is where it is and what to do next; empty for calls without trouble. Escaped."""
    if call.state is State.PLACED and call.progress is Progress.LOST:
        return _why_lost(call)
    if status_of(call) is CallStatus.FAILED:
        return _FAILED
    if call.reason is None:
        return ""
    words = REASON_MESSAGES[call.reason]
    if call.reason is Reason.TOO_MANY and call.detail:
        words = f"{words[:-1]} and asked EvoSlack to wait {call.detail} seconds."
    elif call.reason in {Reason.NOT_PERMITTED, Reason.NOT_FOUND, Reason.BAD_REQUEST} and call.detail:
        words = f"{words[:-1]}: “{one_line(call.detail, LONGEST_DETAIL)}”."
    if call.reason in _NEXT_STEP:
        words = f"{words} {_after_rejection(call, _NEXT_STEP[call.reason])}"
    return _in_doubt(call, words) if call.state is State.IN_DOUBT else words


def _in_doubt(call: Call, cause: str) -> str:
    """What may have happened, then what to do now, then why nobody knows."""
    if call.is_in_progress:
        next_step = _CHECKING
    elif call.progress is None:
        next_step = _CHECK_FIRST
    else:
        result = _CHECK_RESULT[call.lost_reason or LostReason.UNSEEN]
        next_step = f"{result} {_CHECK_FIRST}".lstrip()
    return f"{MAY_HAVE_RUNG} {next_step} ({cause})"


def _after_rejection(call: Call, next_step: str) -> str:
    """Whether the phone rang although Evo Voice said no, as far as that is known by now."""
    if not call.is_uncertain:
        return f"{NOTHING_RANG} {next_step}"
    if call.is_in_progress:
        return _CHECKING
    is_ambiguous = call.lost_reason is LostReason.UNCLEAR
    why_not = _TWO_CALLS if is_ambiguous else "EvoSlack couldn't check whether it rang."
    return f"{why_not} {MAY_HAVE_RUNG} {_CHECK_FIRST}"


def _why_lost(call: Call) -> str:
    match call.lost_reason:
        case LostReason.LONG:
            return "It has gone on for hours, so EvoSlack stopped tracking it. Check Evo Voice."
        case LostReason.UNCLEAR:
            return f"Evo Voice accepted this call. {_TWO_CALLS}"
        case LostReason.BLIND:
            return "Evo Voice accepted this call, but EvoSlack lost track of it. Check Evo Voice."
        case _:
            left = "It may not have been answered." if call.answered_at is None else "It was answered."
            return f"EvoSlack lost track of this call. {left}"


def private_message(
    call: Call, region: str, *, channel_id: str, card_problem: str, is_edited: bool = False
) -> str:
    """What the caller is told privately (mrkdwn). `card_problem`: Slack's error code, or empty.

    `is_edited`: the message changes with the call. One that stays as it is says only what stays true.
    """
    is_going_on = call.state is State.PLACED and call.is_in_progress
    first = _placed(call, region) if is_going_on and not is_edited else headline(call, region, is_bold=True)
    lines = [first, reason(call)]
    if card_problem in NOT_IN_CHANNEL:
        how = "Anyone there can type /invite @EvoSlack."
        lines.append(f"EvoSlack isn't in <#{channel_id}>, so there's no card yet. {how}")
    elif card_problem:
        trouble = f"({escape(card_problem)}), so your team may not know."
        lines.append(f"The card in <#{channel_id}> is missing or out of date {trouble}")
    return "\n".join(line for line in lines if line)


def _placed(call: Call, region: str) -> str:
    """A call in progress, without how far it has come."""
    symbol = STATUS_WORDS[CallStatus.CALLING].symbol
    return f"*{symbol} {unbroken(pretty(call.request.number, region))} · placed*"


def broken(reference: str) -> str:
    """For a defect: nothing is claimed that is not known."""
    return (
        f"Something broke in EvoSlack (reference {reference}). Try again; "
        "a form that already placed a call won't place another."
    )
