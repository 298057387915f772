"""Every no in words: why somebody may not call, what is wrong with a number, what is missing.

One short sentence for each `Refusal`, plain text, and the field of the form that it belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass

from evoslack.calling.calls import State
from evoslack.calling.numbers import BadNumber, Problem, example, pretty
from evoslack.calling.refusals import (
    CannotCheck,
    Denial,
    FormUsed,
    KeyTaken,
    Lack,
    NotAllowed,
    NothingToOffer,
    NotYourForm,
    NumberBusy,
    Refusal,
    Source,
    TooLate,
    UnknownCallerId,
    UnknownFlow,
    UnreadableForm,
)
from evoslack.slack.rendering.messages import ASK_OPERATOR, NOTHING_RANG, STATE_WORDS

DENIAL_WORDS = {
    Denial.NOT_A_MEMBER: "Only full members of this workspace may place calls. Ask one of them to call.",
    Denial.EMAIL_MISSING: (
        "Slack does not show your email address, so your Evo Voice login cannot be found. Ask an "
        "administrator of EvoSlack to connect the two."
    ),
    Denial.EMAIL_UNCONFIRMED: "Your email address in Slack is not confirmed. Confirm it, then try again.",
    Denial.NO_LOGIN: (
        "No Evo Voice login has your Slack email address. If yours differs, ask an administrator of "
        "EvoSlack to connect the two."
    ),
    Denial.SEVERAL_LOGINS: (
        "Several Evo Voice logins have your email address, so it is unclear who you are. "
        "Ask an Evo Voice administrator to leave one."
    ),
    Denial.ROLE: (
        "Placing calls needs the role Manager in Evo Voice, and your login does not have it. "
        "An Evo Voice administrator can give it to you."
    ),
    Denial.ACCOUNT: (
        "You are a manager in Evo Voice, but not of the account that this workspace calls from. "
        "An Evo Voice administrator can give you access to it."
    ),
    Denial.READ_ONLY: (
        "Your manager access in Evo Voice is read-only, and placing calls needs more. "
        "An Evo Voice administrator can give it to you."
    ),
}

NUMBER_WORDS = {
    Problem.EMPTY: "Type a number, such as {example}.",
    Problem.TOO_LONG_TEXT: "This is too long for a number. Type one number, such as {example}.",
    Problem.SEVERAL: "There is more than one number here. Leave one; each call needs a form of its own.",
    Problem.EXTENSION: "Extensions and codes such as *67 cannot be dialed. Leave only the number itself.",
    Problem.LETTERS: "Use digits only, such as {example}.",
    Problem.NOT_A_NUMBER: "This is not a phone number. Type one such as {example}.",
    Problem.EMERGENCY: "Emergency numbers are never dialed from here. Use a phone.",
    Problem.SHORT_CODE: "Short numbers cannot be dialed from here. Type a full number.",
    Problem.TOO_SHORT: "This number is too short. Include the area code, such as {example}.",
    Problem.TOO_LONG: "This number has too many digits. Compare {example}; for another country begin with +.",
    Problem.INVALID: "No such number is in use. Compare {example}; for another country begin with +.",
    Problem.PREMIUM: "Premium-rate numbers are never dialed from here.",
}

SOURCE_WORDS = {
    Source.SLACK: "It could not be checked who you are: Slack gave no usable answer",
    Source.EVO_VOICE: "It could not be checked whether you may call: Evo Voice gave no usable answer",
}

LACK_WORDS = {
    Lack.NOT_LOADED: "Evo Voice cannot be reached right now. Please try again in a minute.",
    Lack.LOGIN: f"Evo Voice does not accept EvoSlack's login. {ASK_OPERATOR}",
    Lack.ACCOUNT_UNCLEAR: f"It is not set up which Evo Voice account to call from. {ASK_OPERATOR}",
    Lack.ACCOUNT_HIDDEN: f"EvoSlack's login does not see the account it should call from. {ASK_OPERATOR}",
    Lack.FLOWS: "There is no flow to choose. Make one in Evo Voice, or ask for one to be allowed here.",
    Lack.CALLER_IDS: "The Evo Voice account owns no phone number to call from. Buy one there first.",
}


FORM_WORDS: dict[type[Refusal], str] = {
    UnreadableForm: "This form cannot be read any more. Close it and open a new one.",
    FormUsed: "This form was used before. Open a new one to call again.",
    NotYourForm: "This form belongs to somebody else. Open your own.",
}


@dataclass(frozen=True, slots=True)
class RefusalMessage:
    """A refusal in words, and the field of the form that it belongs to (empty: none)."""

    words: str
    field: str = ""


def refusal_message(refusal: Refusal, region: str) -> RefusalMessage:
    """The words for a refusal, plain text without markup."""
    match refusal:
        case BadNumber():
            return RefusalMessage(_number_words(refusal, region), "number")
        case UnknownFlow():
            return RefusalMessage("This flow is not on offer any more. Choose another one.", "flow")
        case UnknownCallerId():
            words = "This caller ID is not an owned number any more. Choose another one."
            return RefusalMessage(words, "caller_id")
        case NumberBusy(call=call) if call.state is State.REJECTED:
            words = "Evo Voice just rejected a call to this number. EvoSlack is checking that nothing rang."
            return RefusalMessage(f"{words} Look at its card first.", "number")
        case NumberBusy():
            words = "A call to this number is being dialed or was just placed. Look at its card first."
            return RefusalMessage(words, "number")
        case CannotCheck(source=source):
            words = f"{SOURCE_WORDS[source]}. {NOTHING_RANG} Please try again in a moment."
            return RefusalMessage(words, "number")
        case NotAllowed(denial=denial):
            return RefusalMessage(DENIAL_WORDS[denial])
        case NothingToOffer(lack=lack):
            # Right after the start: the form stays, and works as soon as Evo Voice was asked.
            return RefusalMessage(LACK_WORDS[lack], "number" if lack is Lack.NOT_LOADED else "")
        case KeyTaken(call=call):
            state = STATE_WORDS[call.state].lower()
            words = f"This form already became a call to {pretty(call.request.number, region)} ({state})."
            return RefusalMessage(f"{words} Open a new form for another call.", "number")
        case TooLate():
            return RefusalMessage(
                f"EvoSlack took too long to answer. {NOTHING_RANG} Press Call again.", "number"
            )
        case UnreadableForm() | FormUsed() | NotYourForm():
            return RefusalMessage(FORM_WORDS[type(refusal)])
    raise TypeError(f"no words for {type(refusal).__name__}")


def _number_words(bad: BadNumber, region: str) -> str:
    if bad.problem is Problem.LETTERS and bad.meant:
        return f"Use digits only. Do you mean {bad.meant}?"
    if bad.problem is Problem.COUNTRY:
        where = "outside any country" if bad.country == "001" else f"to {bad.country}"
        return f"Calls {where} are not allowed here. An administrator of EvoSlack can allow them."
    return NUMBER_WORDS[bad.problem].format(example=example(region))
