"""Every sentence a person reads in Slack: short, honest, and saying what to do next.

Words only; layout is in `views` and `cards`. Text from outside is escaped where it enters a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass

from evoslack.calls import Call, State, Why
from evoslack.numbers import BadNumber, Problem, example, pretty
from evoslack.refusals import (
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

LONGEST_NAME = 200  # characters; a field takes 2,000, and escaping makes one up to five

# A shape and words, so that nobody depends on colour.
STATE_WORDS = {
    State.ACCEPTED: "⏳ On its way",
    State.PLACING: "⏳ On its way",
    State.PLACED: "✅ Placed",
    State.REJECTED: "❌ Refused",
    State.NOT_SENT: "❌ Not sent",
    State.IN_DOUBT: "❓ Not certain",
    State.EXPIRED: "⌛ Too late",
}

_NOTHING_RANG = "Nothing was dialled."
_ASK_OPERATOR = "Please tell whoever looks after EvoSlack."
_AGAIN_OR_ASK = "Please try again in a minute; if that does not help, tell whoever looks after EvoSlack."
_CHECK = "Check them and call again."

WHY_WORDS = {
    Why.LOGIN_REFUSED: f"Evo Voice did not accept EvoSlack's login. {_NOTHING_RANG} {_AGAIN_OR_ASK}",
    Why.ROLE_MISSING: f"EvoSlack's login in Evo Voice may not place calls. {_NOTHING_RANG} {_ASK_OPERATOR}",
    Why.NOT_PERMITTED: f"Evo Voice does not permit this call. {_NOTHING_RANG} {_ASK_OPERATOR}",
    Why.NOT_FOUND: f"Evo Voice does not know this flow any more. {_NOTHING_RANG} Choose another one.",
    Why.TOO_MANY: f"Evo Voice has too much to do. {_NOTHING_RANG} Please try again in a minute.",
    Why.BAD_REQUEST: f"Evo Voice does not accept this number, flow or caller ID. {_NOTHING_RANG} {_CHECK}",
    Why.UNREACHABLE: f"Evo Voice could not be reached. {_NOTHING_RANG} Please try again in a minute.",
    Why.LOGIN_FAILED: f"EvoSlack could not log in to Evo Voice. {_NOTHING_RANG} {_AGAIN_OR_ASK}",
    Why.HELD_UP: f"EvoSlack was held up before it could dial. {_NOTHING_RANG} Please call again.",
    Why.NO_ANSWER: "Evo Voice got the request but did not answer in time.",
    Why.CUT_OFF: "The connection to Evo Voice broke before it answered.",
    Why.SERVER_ERROR: "Evo Voice had an error while placing the call.",
    Why.ODD_ANSWER: "Evo Voice gave an answer that proves nothing.",
    Why.BOT_STOPPED: "EvoSlack stopped in the middle of placing this call.",
    Why.BOT_BROKE: f"EvoSlack had a defect while placing this call. {_ASK_OPERATOR}",
    Why.WAITED: f"Too many calls were waiting, and this one got too old. {_NOTHING_RANG} Please call again.",
}

IN_DOUBT_ADVICE = (
    "The phone may have rung, at most once. EvoSlack does not dial it again. "
    "Look in Evo Voice before you call again."
)

DENIAL_WORDS = {
    Denial.NOT_A_MEMBER: "Only full members of this workspace may place calls.",
    Denial.EMAIL_MISSING: "Slack does not show your e-mail address, so your Evo Voice login cannot be found.",
    Denial.EMAIL_UNCONFIRMED: "Your e-mail address in Slack is not confirmed. Confirm it, then try again.",
    Denial.NO_LOGIN: (
        "No Evo Voice login has your Slack e-mail address. If yours differs, ask an administrator of "
        "EvoSlack to connect the two."
    ),
    Denial.SEVERAL_LOGINS: "Several Evo Voice logins have your e-mail address, so it is unclear who you are.",
    Denial.ROLE: (
        "Placing calls needs the role Manager in Evo Voice, and your login does not have it. "
        "An Evo Voice administrator can give it to you."
    ),
    Denial.ACCOUNT: "You are a manager in Evo Voice, but not of the account that this workspace calls from.",
    Denial.READ_ONLY: (
        "Your manager access in Evo Voice is read-only, and placing calls needs more. "
        "An Evo Voice administrator can give it to you."
    ),
}

NUMBER_WORDS = {
    Problem.EMPTY: "Type a number, such as {example}.",
    Problem.TOO_LONG_TEXT: "This is too long for a number. Type one number, such as {example}.",
    Problem.SEVERAL: "There is more than one number here. Leave one; each call needs a form of its own.",
    Problem.EXTENSION: "Extensions cannot be dialled. Leave only the number itself.",
    Problem.LETTERS: "Use digits only, such as {example}.",
    Problem.NOT_A_NUMBER: "This is not a phone number. Type one such as {example}.",
    Problem.EMERGENCY: "Emergency numbers are never dialled from here. Use a phone.",
    Problem.SHORT_CODE: "Short numbers cannot be dialled from here. Type a full number.",
    Problem.TOO_SHORT: "This number is too short. Include the area code, such as {example}.",
    Problem.TOO_LONG: "This number has too many digits. Compare {example}; for another country begin with +.",
    Problem.INVALID: "No such number is in use. Compare {example}; for another country begin with +.",
    Problem.PREMIUM: "Premium-rate numbers are never dialled from here.",
    Problem.COUNTRY: "Calls to this country are not allowed here.",
}

SOURCE_WORDS = {
    Source.SLACK: "Slack did not say in time who you are",
    Source.EVO_VOICE: "Evo Voice did not say in time whether you may call",
}

LACK_WORDS = {
    Lack.NOT_LOADED: "Evo Voice cannot be reached right now. Please try again in a minute.",
    Lack.LOGIN: f"Evo Voice does not accept EvoSlack's login. {_ASK_OPERATOR}",
    Lack.ACCOUNT_UNCLEAR: f"It is not set up which Evo Voice account to call from. {_ASK_OPERATOR}",
    Lack.ACCOUNT_HIDDEN: f"EvoSlack's login does not see the account it should call from. {_ASK_OPERATOR}",
    Lack.FLOWS: "There is no flow to choose. Make one in Evo Voice, or ask for one to be allowed here.",
    Lack.CALLER_IDS: "The Evo Voice account owns no phone number to call from. Buy one there first.",
}

FORM_TITLE = "Place a call"
FORM_SUBMIT = "Call"
FORM_CLOSE = "Cancel"
CLOSE = "Close"
FLOW_LABEL = "Flow"
FLOW_HINT = "Runs when somebody answers."
SEARCH_PLACEHOLDER = "Type to search"
NUMBER_LABEL = "Number"
CALLER_ID_LABEL = "Caller ID"
CALLER_ID_HINT = "The number that the person called will see."
LOADING = (
    "Looking up who you are and what you can call with…\n"
    "Still here after ten seconds? Close this and start again."
)
FORM_TOO_LATE = "Slack did not let the form open in time. Please try again."
FORM_MAY_COME = "Slack is slow. If a form still opens, it works; otherwise please try again."


@dataclass(frozen=True, slots=True)
class Spoken:
    """A refusal in words, and the field of the form that it belongs to (empty: none)."""

    words: str
    field: str = ""
    try_again: bool = False  # the same form may well succeed in a moment


def spoken(refusal: Refusal, region: str) -> Spoken:
    """The words for a refusal, plain text without markup."""
    match refusal:
        case BadNumber():
            return Spoken(_number_words(refusal, region), "number", try_again=True)
        case UnknownFlow():
            return Spoken("This flow is not on offer any more. Choose another one.", "flow", try_again=True)
        case UnknownCallerId():
            words = "This caller ID is not an owned number any more. Choose another one."
            return Spoken(words, "caller_id", try_again=True)
        case NumberBusy():
            words = (
                "A call to this number is being dialled right now. Wait for its card before you call again."
            )
            return Spoken(words, "number", try_again=True)
        case CannotCheck(source=source):
            words = f"{SOURCE_WORDS[source]}. {_NOTHING_RANG} Please press again in a moment."
            return Spoken(words, "number", try_again=True)
        case NotAllowed(denial=denial):
            return Spoken(DENIAL_WORDS[denial])
        case NothingToOffer(lack=lack):
            return Spoken(LACK_WORDS[lack])
        case KeyTaken(call=call):
            state = STATE_WORDS[call.state].lower()
            words = f"This form already became a call to {pretty(call.request.number, region)} ({state})."
            return Spoken(f"{words} Open a new form for another call.", "number")
        case UnreadableForm():
            return Spoken("This form cannot be read any more. Close it and open a new one.")
        case NotYourForm():
            return Spoken("This form belongs to somebody else. Open your own.")
    raise TypeError(f"no words for {type(refusal).__name__}")


def number_hint(region: str, allowed: frozenset[str]) -> str:
    """An example of the region, and whether other countries can be called."""
    if allowed == frozenset({region}):
        return f"For example {example(region)}"
    return f"For example {example(region)}. Another country: begin with + and its code."


def on_its_way(call: Call, region: str, channel_id: str) -> str:
    """What the form turns into once the call is written down (mrkdwn)."""
    number = f"*{pretty(call.request.number, region)}*"
    match call.state:
        case State.ACCEPTED | State.PLACING:
            return (
                f"*⏳ On its way.* Evo Voice is being asked to call {number} with the flow "
                f"{shown_name(call.request.flow_name)}.\n"
                f"You can close this page; it does not change. The card in <#{channel_id}> does."
            )
        case _:
            state = STATE_WORDS[call.state]
            return f"*{state}.* This was your call to {number}. Details are in <#{channel_id}>."


def headline(call: Call, region: str) -> str:
    """One sentence on where the call stands, without markup."""
    number = pretty(call.request.number, region)
    match call.state:
        case State.ACCEPTED | State.PLACING:
            return f"Evo Voice is being asked to call {number}."
        case State.PLACED:
            return f"Evo Voice took the call to {number} and runs the flow when somebody answers."
        case State.IN_DOUBT:
            return f"EvoSlack cannot tell whether {number} was called."
        case State.REJECTED | State.NOT_SENT | State.EXPIRED:
            return f"{number} was not called."


def reason(call: Call) -> str:
    """Why the call is where it is and what to do next; empty for calls without trouble. Escaped."""
    if call.why is None:
        return ""
    words = WHY_WORDS[call.why]
    if call.why is Why.TOO_MANY and call.detail:
        words = words.replace("in a minute", f"in {call.detail} seconds")
    elif call.why in {Why.NOT_PERMITTED, Why.NOT_FOUND, Why.BAD_REQUEST} and call.detail:
        words = f"{words} It says: “{escape(call.detail)}”"
    if call.state is State.IN_DOUBT:
        words = f"{words} {IN_DOUBT_ADVICE}"
    return words


def private_line(call: Call, region: str, *, channel_id: str, card_problem: str) -> str:
    """What the caller is told privately (mrkdwn)."""
    lines = [f"*{STATE_WORDS[call.state]}.* {headline(call, region)}", reason(call)]
    if card_problem in {"not_in_channel", "channel_not_found"}:
        lines.append(
            f"EvoSlack is not in <#{channel_id}>, so there is no card yet. Ask for it to be invited."
        )
    elif card_problem:
        trouble = f"({escape(card_problem)}), so the team may not know."
        lines.append(f"The card in <#{channel_id}> is missing or out of date {trouble}")
    return "\n".join(line for line in lines if line)


def help_text(command: str, region: str) -> str:
    """What `/call help` answers (mrkdwn)."""
    return (
        f"*{command}* opens a form: choose a flow, a number and a caller ID, then press *{FORM_SUBMIT}*.\n"
        f"*{command} {example(region)}* fills in the number, *{command} {example(region)} survey* also the "
        "flow whose name fits best. Nothing is dialled before you press the button.\n"
        "You need the role Manager in Evo Voice. One press rings at most once, and you always hear what "
        "became of it."
    )


def wrong_command(arrived: str, expected: str) -> str:
    """For a command that the manifest has and the settings do not."""
    return f"EvoSlack listens to {expected}, not to {arrived}. Set SLACK_COMMAND to {arrived} to change that."


def broken(reference: str) -> str:
    """For a defect: nothing is claimed that is not known."""
    return (
        f"Something broke in EvoSlack (reference {reference}). Please try again; "
        "a form that already became a call will not call twice."
    )


def escape(text: str) -> str:
    """Text from outside, made safe for mrkdwn: no mention, no link gets through (slack-facts 4)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def shown_name(flow_name: str) -> str:
    """A flow's name, made safe and no longer than a card or a page can hold."""
    return escape(flow_name[:LONGEST_NAME])


def _number_words(bad: BadNumber, region: str) -> str:
    if bad.problem is Problem.LETTERS and bad.meant:
        return f"Use digits only. Do you mean {bad.meant}?"
    if bad.problem is Problem.COUNTRY:
        where = "outside any country" if bad.country == "001" else f"to {bad.country}"
        return f"Calls {where} are not allowed here. An administrator of EvoSlack can allow them."
    return NUMBER_WORDS[bad.problem].format(example=example(region))
