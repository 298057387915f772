"""What happened to a call, in words: for its card, private messages, and history.

Sentences only; `cards` and `history` lay them out. Text from outside is escaped where it enters a sentence.
"""

from __future__ import annotations

import html
import re

from evoslack.calling.calls import Call, LostReason, Progress, Reason, State
from evoslack.calling.number_format import pretty, redacted
from evoslack.slack.rendering.help_contact import ADMIN

LONGEST_NAME = 200  # characters; a field takes 2,000, and escaping makes one up to five

NOTHING_RANG = "Nothing was dialed."
TELL_ADMIN = f"Tell {ADMIN}."
_RETRY_OR_TELL = f"Try again in a minute. If it keeps happening, tell {ADMIN}."

# Symbol and words, so that no meaning depends on color. A tick only where a call was completed.
STATE_WORDS = {
    State.RECEIVED: "⏳ Calling…",
    State.ACCEPTED: "⏳ Calling…",
    State.PLACING: "⏳ Calling…",
    State.PLACED: "📞 Placed",
    State.REJECTED: "❌ Rejected",
    State.NOT_SENT: "❌ Not placed",
    State.IN_DOUBT: "❓ Unconfirmed",
    State.EXPIRED: "⌛ Too late",
}
_PROGRESS_WORDS = {
    Progress.WAITING: "📞 Calling…",
    Progress.RINGING: "🔔 Ringing…",
    Progress.ANSWERED: "🟢 On the call",
}
_LOST_WORDS = {
    LostReason.UNSEEN: "❔ Lost track",
    LostReason.UNCLEAR: "❔ Not tracked",
    LostReason.BLIND: "❔ Not tracked",
    LostReason.LONG: "❔ No longer tracked",
}
# Evo Voice's word for how a call ended, without case, spaces and dashes.
_OUTCOME_WORDS = {
    "completed": "☑️ Completed",
    "busy": "🚫 Busy",
    "noanswer": "🔕 No answer",
    "failed": "⚠️ Failed",
    "canceled": "✖️ Canceled",
    "cancelled": "✖️ Canceled",
    "ended": "⏹️ Ended",
}
_ENDED = "⏹️ Ended"  # says nothing about how

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
    Reason.NO_ANSWER: "Evo Voice didn't answer in time.",
    Reason.CUT_OFF: "The connection to Evo Voice broke before it answered.",
    Reason.SERVER_ERROR: "Evo Voice had an error while placing the call.",
    Reason.ODD_ANSWER: "Evo Voice's answer was unclear.",
    Reason.IN_BETWEEN: "A web page came back instead of Evo Voice's answer.",
    Reason.BOT_STOPPED: "EvoSlack stopped while it was placing this call.",
    Reason.BOT_BROKE: f"EvoSlack hit a bug while it was placing this call. {TELL_ADMIN}",
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

MAY_HAVE_RUNG = "The phone may have rung, once. EvoSlack won't redial. Check Evo Voice before calling again."
_CHECKING = "EvoSlack is checking whether the phone rang. Wait for the result before calling again."
_CHECKING_TOO = "EvoSlack is checking Evo Voice, too."
_TWO_CALLS = "There was another call between the same numbers, and EvoSlack can't tell them apart."
_CHECK_RESULT = {
    LostReason.UNSEEN: "EvoSlack checked Evo Voice and found nothing, but that doesn't prove it didn't ring.",
    LostReason.UNCLEAR: _TWO_CALLS,
    LostReason.BLIND: "EvoSlack couldn't check Evo Voice.",
    LostReason.LONG: "",
}

CALLED_BY = "Called by"
STARTED = "Started"
ANSWERED = "Answered"
HISTORY = "Your latest calls"
NO_CALLS = "No calls yet."

STOPPED = "EvoSlack was stopped partway through, so this may be unfinished. Try again in a minute."


def state_words(call: Call) -> str:
    """Symbol and a few words: where the call stands, and how long it was. Escaped."""
    if call.state is not State.PLACED or call.progress is None:
        return STATE_WORDS[call.state]
    if call.progress is Progress.LOST:
        return _LOST_WORDS[call.lost_reason or LostReason.UNSEEN]
    if call.progress is Progress.ENDED:
        return " · ".join(_how_it_ended(call))
    return _PROGRESS_WORDS[call.progress]


def headline(call: Call, region: str, *, hides_number: bool = False, is_bold: bool = False) -> str:
    """One line on where the call stands, with its number; escaped. `is_bold`: mrkdwn, the state in bold."""
    number = (redacted if hides_number else pretty)(call.request.number, region)
    lead, rest = _headline(call, number)
    return f"*{lead}*{rest}" if is_bold else f"{lead}{rest}"


def _headline(call: Call, number: str) -> tuple[str, str]:
    match call.state, call.progress:
        case ((State.RECEIVED | State.ACCEPTED | State.PLACING), _):
            return f"⏳ Calling {number}…", ""
        case State.PLACED, Progress.WAITING:
            return f"📞 Calling {number}…", ""
        case State.PLACED, Progress.RINGING:
            return f"🔔 {number} is ringing…", ""
        case State.PLACED, Progress.ANSWERED:
            return f"🟢 On the call with {number}", f" · {shown_name(call.request.flow_name)} is running"
        case State.PLACED, Progress.ENDED:
            lead, *parts = _how_it_ended(call)
            parts += [number] if call.evo_outcome else [number, "Evo Voice gave no outcome"]
            return lead, "".join(f" · {part}" for part in parts)
        case State.PLACED, Progress.LOST if call.lost_reason in {None, LostReason.UNSEEN}:
            return f"❔ EvoSlack lost track of the call to {number}.", f" {_what_is_left(call)}"
        case _:
            return f"{state_words(call)}.", f" {what_happened(call, number)}"


def _how_it_ended(call: Call) -> list[str]:
    """Evo Voice's outcome in our words if it is a known one, else as it came; then how long people talked."""
    known = _OUTCOME_WORDS.get(re.sub(r"[\s_-]", "", call.evo_outcome.casefold()))
    parts = [known] if known else [_ENDED]
    if call.evo_outcome and not known:
        parts.append(f"“{shown_name(call.evo_outcome)}”")
    if call.talked_s is not None:
        parts.append(f"talked {duration(call.talked_s)}")
    return parts


def _what_is_left(call: Call) -> str:
    return "It may not have been answered." if call.answered_at is None else "It was answered."


def what_happened(call: Call, number: str) -> str:
    """A sentence on a call that was not placed, may have been, or cannot be tracked; escaped."""
    match call.state:
        case State.IN_DOUBT:
            return f"EvoSlack can't tell whether {number} was called."
        case State.REJECTED:
            return f"Evo Voice rejected the call to {number}."
        case State.PLACED if call.lost_reason is LostReason.LONG:
            return f"The call to {number} has gone on for hours, so EvoSlack stopped tracking it."
        case State.PLACED if call.lost_reason is LostReason.UNCLEAR:
            return f"Evo Voice accepted the call to {number}. {_TWO_CALLS}"
        case State.PLACED if call.lost_reason is LostReason.BLIND:
            return f"Evo Voice accepted the call to {number}, but EvoSlack couldn't see what happened next."
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
    if call.reason is None:
        return ""
    words = REASON_MESSAGES[call.reason]
    if call.reason is Reason.TOO_MANY and call.detail:
        words = f"{words[:-1]} and asked EvoSlack to wait {call.detail} seconds."
    elif call.reason in {Reason.NOT_PERMITTED, Reason.NOT_FOUND, Reason.BAD_REQUEST} and call.detail:
        words = f"{words[:-1]}: “{escape(call.detail)}”."
    if call.reason in _NEXT_STEP:
        words = f"{words} {_after_rejection(call, _NEXT_STEP[call.reason])}"
    if call.state is State.IN_DOUBT:
        words = f"{words} {MAY_HAVE_RUNG}"
        if call.progress is not None:
            result = _CHECK_RESULT[call.lost_reason or LostReason.UNSEEN]
            words = f"{words} {result if call.progress is Progress.LOST else _CHECKING_TOO}".rstrip()
    return words


def _after_rejection(call: Call, next_step: str) -> str:
    """Whether the phone rang although Evo Voice said no, as far as that is known by now."""
    if not call.is_uncertain:
        return f"{NOTHING_RANG} {next_step}"
    if call.is_in_progress:
        return _CHECKING
    is_ambiguous = call.lost_reason is LostReason.UNCLEAR
    why_not = _TWO_CALLS if is_ambiguous else "EvoSlack couldn't check whether it rang."
    return f"{why_not} {MAY_HAVE_RUNG}"


def called_by(call: Call, region: str) -> str:
    """Who called, with what; escaped."""
    request = call.request
    flow, caller_id = shown_name(request.flow_name), pretty(request.caller_id, region)
    return f"{CALLED_BY} <@{request.user_id}>, flow {flow}, caller ID {caller_id}."


def private_message(call: Call, region: str, *, channel_id: str, card_problem: str) -> str:
    """What the caller is told privately (mrkdwn). `card_problem`: Slack's error code, or empty."""
    lines = [headline(call, region, is_bold=True), reason(call)]
    if card_problem in {"not_in_channel", "channel_not_found"}:
        how = "Anyone there can type /invite @EvoSlack."
        lines.append(f"EvoSlack isn't in <#{channel_id}>, so there's no card yet. {how}")
    elif card_problem:
        trouble = f"({escape(card_problem)}), so your team may not know."
        lines.append(f"The card in <#{channel_id}> is missing or out of date {trouble}")
    return "\n".join(line for line in lines if line)


def broken(reference: str) -> str:
    """For a defect: nothing is claimed that is not known."""
    return (
        f"Something broke in EvoSlack (reference {reference}). Try again; "
        "a form that already placed a call won't place another."
    )


def escape(text: str) -> str:
    """Text from outside, made safe for mrkdwn: no mention, no link gets through (slack-facts 4)."""
    # With other spaces in it, this is not replaced by the name of the help contact.
    return html.escape(text, quote=False).replace(ADMIN, ADMIN.replace(" ", "\u00a0"))


def shown_name(name: str) -> str:
    """A text from Evo Voice, made safe and no longer than a card or a page can hold."""
    return escape(name[:LONGEST_NAME])
