"""What happened to a call, in words: for its card, private messages, history and Hang up.

Sentences only; `cards` and `history` lay them out. Text from outside is escaped where it enters a sentence.
"""

from __future__ import annotations

import secrets

from evoslack.calling.calls import Call, Ending, HangUp, LostReason, Progress, Reason, State
from evoslack.calling.numbers import pretty, redacted

LONGEST_NAME = 200  # characters; a field takes 2,000, and escaping makes one up to five

# A shape and words, so that nobody depends on color.
STATE_WORDS = {
    State.RECEIVED: "⏳ On its way",
    State.ACCEPTED: "⏳ On its way",
    State.PLACING: "⏳ On its way",
    State.PLACED: "✅ Placed",
    State.REJECTED: "❌ Refused",
    State.NOT_SENT: "❌ Not sent",
    State.IN_DOUBT: "❓ Not certain",
    State.EXPIRED: "⌛ Too late",
}

_PROGRESS_WORDS = {
    Progress.RINGING: "ringing",
    Progress.ANSWERED: "answered",
    Progress.ENDED: "ended",
    Progress.LOST: "no longer visible",
}

NOTHING_RANG = "Nothing was dialed."
ASK_OPERATOR = "Please tell whoever looks after EvoSlack."
_AGAIN_OR_ASK = "Please try again in a minute; if that does not help, tell whoever looks after EvoSlack."

REASON_MESSAGES = {
    Reason.LOGIN_REJECTED: f"Evo Voice did not accept EvoSlack's login. {NOTHING_RANG} {_AGAIN_OR_ASK}",
    # What Evo Voice said proves nothing for these; whether anything rang is said apart.
    Reason.ROLE_MISSING: "EvoSlack's login in Evo Voice isn't allowed to place calls.",
    Reason.NOT_PERMITTED: "Evo Voice doesn't permit this call.",
    Reason.NOT_FOUND: "Evo Voice doesn't know this flow any more.",
    Reason.TOO_MANY: "Evo Voice is busy.",
    Reason.BAD_REQUEST: "Evo Voice doesn't accept this number, flow or caller ID.",
    Reason.UNREACHABLE: f"Evo Voice could not be reached. {NOTHING_RANG} Please try again in a minute.",
    Reason.LOGIN_FAILED: f"EvoSlack could not log in to Evo Voice. {NOTHING_RANG} {_AGAIN_OR_ASK}",
    Reason.HELD_UP: f"EvoSlack was held up before it could dial. {NOTHING_RANG} Please call again.",
    Reason.NO_ANSWER: "Evo Voice got the request but did not answer in time.",
    Reason.CUT_OFF: "The connection to Evo Voice broke before it answered.",
    Reason.SERVER_ERROR: "Evo Voice had an error while placing the call.",
    Reason.ODD_ANSWER: "Evo Voice gave an answer that proves nothing.",
    Reason.IN_BETWEEN: "Something between EvoSlack and Evo Voice answered with a web page.",
    Reason.BOT_STOPPED: "EvoSlack stopped in the middle of placing this call.",
    Reason.BOT_BROKE: f"EvoSlack had a defect while placing this call. {ASK_OPERATOR}",
    Reason.NOT_ANSWERED: f"EvoSlack was interrupted before it could answer. {NOTHING_RANG} Call again.",
    Reason.WAITED: f"This call waited too long for its turn. {NOTHING_RANG} Please call again.",
}

# What to do about these once it is certain that nothing rang.
_AFTER_A_NO = {
    Reason.ROLE_MISSING: ASK_OPERATOR,
    Reason.NOT_PERMITTED: ASK_OPERATOR,
    Reason.NOT_FOUND: "Choose another one.",
    Reason.TOO_MANY: "Please call again.",
    Reason.BAD_REQUEST: "Check them and call again.",
}
_CHECKING = "EvoSlack is checking that nothing rang. Wait for the result before you call again."

IN_DOUBT_ADVICE = (
    "The phone may have rung, at most once. EvoSlack does not dial it again. "
    "Look in Evo Voice before you call again."
)

_NOT_SAID = "Evo Voice does not say how."
_MAYBE_UNANSWERED = "Perhaps nobody answered."
_LOOKING = "EvoSlack is looking for it there now."

_NOT_TOLD_APART = "There was another call between the same numbers, and EvoSlack cannot tell the two apart."
_WHAT_A_LOOK_SHOWED = {
    LostReason.UNSEEN: "EvoSlack looked there and found nothing. That doesn't prove that it didn't ring.",
    LostReason.UNCLEAR: _NOT_TOLD_APART,
    LostReason.BLIND: "Evo Voice did not let EvoSlack look there.",
    LostReason.LONG: "",
}

GONE = "EvoSlack has no record of this call any more. Type the command to call any number."
CALL_AGAIN = "Call again"
HISTORY = "Your latest calls"
NO_HISTORY = "You have not called anybody from here yet."
MAY_HAVE_RUNG = "The phone may have rung"
LOOK_FIRST = "Have you looked in Evo Voice? If the call went out, calling again rings the same phone twice."
OPEN_FORM = "Open the form"
CANCEL = "Cancel"

HANG_UP = "Hang up"
HANG_UP_TEXT = "This ends the call for both sides. It cannot be taken back."
HANG_UP_MESSAGES = {
    HangUp.ASKED: "Somebody hung up here; Evo Voice has not shown the end yet.",
    HangUp.NO_EFFECT: "Somebody hung up here, but the call goes on. Try again, or end it in Evo Voice.",
}
NOTHING_TO_HANG_UP = "There is nothing to end: the call is over, or EvoSlack does not see which one it is."
ENDING_MESSAGES = {
    Ending.FORBIDDEN: (
        "Evo Voice does not let EvoSlack's login end calls: it needs the role User. The call goes on. "
        "End it in Evo Voice, and tell whoever looks after EvoSlack."
    ),
    None: "Evo Voice did not answer, so the call probably goes on. Try again, or end it in Evo Voice.",
}


def only_caller_can_hang_up(call: Call) -> str:
    """For somebody who is neither the caller nor an administrator (mrkdwn)."""
    return f"Only <@{call.request.user_id}> or an Evo Voice administrator can hang up this call."


def state_words(call: Call) -> str:
    """Where the call stands, in two or three words."""
    words = STATE_WORDS[call.state]
    if call.state is State.PLACED and call.progress in _PROGRESS_WORDS:
        is_unseen = call.lost_reason in {None, LostReason.UNSEEN}
        words = f"{words}, {_PROGRESS_WORDS[call.progress] if is_unseen else 'not followed'}"
    return words


def headline(call: Call, region: str, *, hides_number: bool = False) -> str:
    """One sentence on where the call stands, without markup; escaped."""
    number = (redacted if hides_number else pretty)(call.request.number, region)
    match call.state:
        case State.RECEIVED | State.ACCEPTED | State.PLACING:
            return f"Evo Voice is being asked to call {number}."
        case State.PLACED:
            return _how_it_goes(call, number)
        case State.IN_DOUBT:
            return f"EvoSlack cannot tell whether {number} was called."
        case State.REJECTED:
            return f"Evo Voice rejected the call to {number}."
        case State.NOT_SENT | State.EXPIRED:
            return f"The call to {number} was not placed."


def _how_it_goes(call: Call, number: str) -> str:
    match call.progress:
        case Progress.RINGING:
            return f"{number} is ringing; the flow runs when somebody answers."
        case Progress.ANSWERED:
            return f"{number} was answered; the flow is running."
        case Progress.ENDED:
            after = "" if call.talked_s is None else f" after {duration(call.talked_s)}"
            said = f"Evo Voice says: “{escape(call.evo_outcome)}”." if call.evo_outcome else _NOT_SAID
            return f"The call to {number} ended{after}. {said}"
        case Progress.LOST if call.lost_reason is LostReason.LONG:
            return f"The call to {number} has gone on for hours; EvoSlack does not follow it any more."
        case Progress.LOST if call.lost_reason is LostReason.UNCLEAR:
            return f"Evo Voice took the call to {number}. {_NOT_TOLD_APART}"
        case Progress.LOST if call.lost_reason is LostReason.BLIND:
            return f"Evo Voice took the call to {number}, but did not let EvoSlack see how it went on."
        case Progress.LOST:
            return f"Evo Voice took the call to {number}, but shows nothing more of it. {_MAYBE_UNANSWERED}"
        case _:
            return f"Evo Voice took the call to {number} and runs the flow when somebody answers."


def duration(seconds: float) -> str:
    """A time span as people say it; seconds matter less and less."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def reason(call: Call) -> str:
    """Why the call is where it is and what to do next; empty for calls without trouble. Escaped."""
    if call.reason is None:
        return ""
    words = REASON_MESSAGES[call.reason]
    if call.reason is Reason.TOO_MANY and call.detail:
        words = f"{words[:-1]} and asked for a pause of {call.detail} seconds."
    elif call.reason in {Reason.NOT_PERMITTED, Reason.NOT_FOUND, Reason.BAD_REQUEST} and call.detail:
        words = f"{words[:-1]}: “{escape(call.detail)}”."
    if call.reason in _AFTER_A_NO:
        words = f"{words} {_what_a_no_means(call, _AFTER_A_NO[call.reason])}"
    if call.state is State.IN_DOUBT:
        words = f"{words} {IN_DOUBT_ADVICE}"
        if call.progress is not None:
            found = _WHAT_A_LOOK_SHOWED[call.lost_reason or LostReason.UNSEEN]
            words = f"{words} {found if call.progress is Progress.LOST else _LOOKING}"
    return words


def _what_a_no_means(call: Call, advice: str) -> str:
    """Whether anything rang although Evo Voice said no, as far as that is known by now."""
    if not call.is_uncertain:
        return f"{NOTHING_RANG} {advice}"
    if call.is_going_on:
        return _CHECKING
    is_unclear = call.lost_reason is LostReason.UNCLEAR
    why_not = _NOT_TOLD_APART if is_unclear else "EvoSlack couldn't check whether it rang."
    return f"{why_not} {IN_DOUBT_ADVICE}"


def private_line(call: Call, region: str, *, channel_id: str, card_problem: str) -> str:
    """What the caller is told privately (mrkdwn)."""
    lines = [f"*{state_words(call)}.* {headline(call, region)}", reason(call)]
    if card_problem in {"not_in_channel", "channel_not_found"}:
        how = "Somebody there can type /invite @EvoSlack."
        lines.append(f"EvoSlack is not in <#{channel_id}>, so there is no card yet. {how}")
    elif card_problem:
        trouble = f"({escape(card_problem)}), so the team may not know."
        lines.append(f"The card in <#{channel_id}> is missing or out of date {trouble}")
    return "\n".join(line for line in lines if line)


def new_reference() -> str:
    """A short word that a person can pass on and an operator can find in the log."""
    return secrets.token_hex(3).upper()


def broken(reference: str) -> str:
    """For a defect: nothing is claimed that is not known."""
    return (
        f"Something broke in EvoSlack (reference {reference}). Please try again; "
        "a form that already became a call will not call twice."
    )


STOPPED = "EvoSlack was stopped in the middle of this, so it may not be done. Try again in a minute."


def escape(text: str) -> str:
    """Text from outside, made safe for mrkdwn: no mention, no link gets through (slack-facts 4)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def shown_name(flow_name: str) -> str:
    """A flow's name, made safe and no longer than a card or a page can hold."""
    return escape(flow_name[:LONGEST_NAME])
