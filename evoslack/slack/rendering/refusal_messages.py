"""Every no in words: why a person may not call, what is wrong with a number, what is missing.

One short sentence for each `Refusal`, plain text, and the field of the form that it belongs to.
"""

from __future__ import annotations

import html
from dataclasses import dataclass

from evoslack.calling.number_format import example, pretty
from evoslack.calling.numbers import BadNumber, Problem
from evoslack.calling.refusals import (
    CannotCheck,
    Denial,
    FormBeforeRestore,
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
from evoslack.calling.status import status_of
from evoslack.slack.rendering import place_names, rule_messages
from evoslack.slack.rendering.help_contact import ADMIN, NO_CONTACT, HelpContact
from evoslack.slack.rendering.messages import NOTHING_RANG, TELL_ADMIN
from evoslack.slack.rendering.number_messages import in_the_way
from evoslack.slack.rendering.status_words import STATUS_WORDS

DENIAL_MESSAGES = {
    Denial.NOT_A_MEMBER: "Only full members of this workspace can place calls. Ask one of them to call.",
    Denial.EMAIL_MISSING: (
        "EvoSlack can't see your email address in Slack, so it can't find your Evo Voice login. "
        f"Ask {ADMIN} to connect the two."
    ),
    Denial.EMAIL_UNCONFIRMED: "Your email address in Slack isn't confirmed. Confirm it, then try again.",
    Denial.NO_LOGIN: (
        f"No Evo Voice login has your Slack email address. If yours is different, ask {ADMIN} to connect the "
        "two."
    ),
    Denial.SEVERAL_LOGINS: (
        "Several Evo Voice logins have your email address. Ask an Evo Voice administrator to keep only one."
    ),
    Denial.ROLE: (
        "You need the Manager role in Evo Voice to place calls. "
        "An Evo Voice administrator can give it to you."
    ),
    Denial.ACCOUNT: (
        "You're a manager in Evo Voice, but not in the account that this workspace calls from. "
        "An Evo Voice administrator can give you access to it."
    ),
    Denial.READ_ONLY: (
        "Your manager access in Evo Voice is read-only, so you can't place calls. "
        "An Evo Voice administrator can give you full access."
    ),
}

_ALLOW = f"Ask {ADMIN} to allow them."
NUMBER_MESSAGES = {
    Problem.EMPTY: "Enter a number. Example: {example}",
    Problem.TOO_LONG_TEXT: "That's too long for a number. Enter one number. Example: {example}",
    Problem.SEVERAL: "Enter one number. Each call is placed separately.",
    Problem.EXTENSION: "Extensions and codes like *67 can't be dialed. Enter only the number.",
    Problem.LETTERS: "Use digits only. Example: {example}",
    Problem.NOT_A_NUMBER: "That isn't a phone number. Example: {example}",
    Problem.EMERGENCY: "EvoSlack never dials emergency numbers. Use a phone.",
    Problem.SHORT_CODE: "EvoSlack can't dial short numbers. Enter a full number.",
    Problem.TOO_SHORT: "That number is too short. Include the area code. Example: {example}",
    Problem.TOO_LONG: "That number is too long. For another country, start with +. Example: {example}",
    Problem.INVALID: "That isn't a valid number. Example: {example}",
    Problem.NETWORK: "EvoSlack never dials satellite phones and similar networks; they cost too much.",
    Problem.PREMIUM: f"Calls to premium-rate numbers are turned off; they cost extra. {_ALLOW}",
    Problem.SHARED_COST: f"Calls to shared-cost numbers are turned off; they can cost extra. {_ALLOW}",
    Problem.PERSONAL: (
        f"Calls to personal numbers such as +1 500 are turned off; they can cost extra. {_ALLOW}"
    ),
    Problem.PAGER: f"Calls to pagers are turned off; nobody picks up there. {_ALLOW}",
    Problem.UAN: f"Calls to universal access numbers are turned off; they can cost extra. {_ALLOW}",
    Problem.VOICEMAIL: f"Calls to voicemail numbers are turned off; nobody picks up there. {_ALLOW}",
}

SOURCE_MESSAGES = {
    Source.SLACK: "EvoSlack couldn't check who you are because Slack gave no usable answer.",
    Source.EVO_VOICE: (
        "EvoSlack couldn't check whether you can place calls because Evo Voice gave no usable answer."
    ),
}

LACK_MESSAGES = {
    Lack.NOT_LOADED: "EvoSlack can't reach Evo Voice right now. Try again in a minute.",
    Lack.LOGIN: f"Evo Voice doesn't accept EvoSlack's login. {TELL_ADMIN}",
    Lack.ACCOUNT_UNCLEAR: f"EvoSlack isn't set up with an Evo Voice account to call from. {TELL_ADMIN}",
    Lack.ACCOUNT_HIDDEN: (
        f"EvoSlack's login can't see the Evo Voice account that it should call from. {TELL_ADMIN}"
    ),
    Lack.FLOWS: (
        f"There are no flows to choose from. Create one in Evo Voice, or ask {ADMIN} to allow one here."
    ),
    Lack.ALLOWED_FLOWS: "Every flow is restricted to other people. Ask an Evo Voice administrator for one.",
    Lack.CALLER_IDS: "The Evo Voice account has no phone number to call from. Buy one in Evo Voice first.",
}

FORM_MESSAGES: dict[type[Refusal], str] = {
    UnreadableForm: "This form no longer works. Close it and open a new one.",
    FormUsed: "This form was already used. Open a new one to call again.",
    FormBeforeRestore: (
        "EvoSlack was restored from a backup while this form was open. Check the call's card, "
        "then open a new form."
    ),
    NotYourForm: "This form belongs to someone else. Open your own.",
}


@dataclass(frozen=True, slots=True)
class RefusalMessage:
    """A refusal in words, and the field of the form that it belongs to (empty: none)."""

    words: str
    field: str = ""


def refusal_message(refusal: Refusal, region: str) -> RefusalMessage:
    """The words for a refusal, plain text without markup."""
    if (by_rule := rule_messages.words_and_field(refusal, region)) is not None:
        return RefusalMessage(*by_rule)
    match refusal:
        case BadNumber():
            return RefusalMessage(_number_words(refusal, region), "number")
        case UnknownFlow():
            return RefusalMessage("This flow is no longer available. Choose another one.", "flow")
        case UnknownCallerId():
            return RefusalMessage("This caller ID is no longer available. Choose another one.", "caller_id")
        case NumberBusy():  # an error at a field shows a mention as an id, so the caller isn't named
            return RefusalMessage(busy_words(refusal, "Someone"), "number")
        case CannotCheck(source=source):
            words = f"{SOURCE_MESSAGES[source]} {NOTHING_RANG} Try again in a moment."
            return RefusalMessage(words, "number")
        case NotAllowed(denial=denial):
            return RefusalMessage(DENIAL_MESSAGES[denial])
        case NothingToOffer(lack=lack):
            # Right after the start the form stays open, and works as soon as Evo Voice has answered.
            return RefusalMessage(LACK_MESSAGES[lack], "number" if lack is Lack.NOT_LOADED else "")
        case KeyTaken(call=call):
            number, state = pretty(call.request.number, region), STATUS_WORDS[status_of(call)]
            words = (
                f"This form already started a call to {number} ({state}). Open a new form for another call."
            )
            return RefusalMessage(words, "number")
        case TooLate():
            words = f"EvoSlack took too long to answer. {NOTHING_RANG} Press Call once more."
            return RefusalMessage(words, "number")
        case UnreadableForm() | FormUsed() | FormBeforeRestore() | NotYourForm():
            return RefusalMessage(FORM_MESSAGES[type(refusal)])
    raise TypeError(f"no words for {type(refusal).__name__}")


def refusal_words(refusal: Refusal, region: str, contact: HelpContact = NO_CONTACT) -> str:
    """The same words with markup (mrkdwn), naming the help contact."""
    return contact.named_in(html.escape(refusal_message(refusal, region).words, quote=False))


def busy_words(busy: NumberBusy, caller: str) -> str:
    """Who called the number and how that stands; `caller` is how a sentence about that person begins."""
    return f"{in_the_way(busy.call, busy.ago, caller)}. Check that call first."


def _number_words(bad: BadNumber, region: str) -> str:
    if bad.problem is Problem.LETTERS and bad.meant:
        return f"Use digits only. Did you mean {bad.meant}?"
    if bad.problem is Problem.COUNTRY:
        return f"Calls to {place_names.country(bad.country)} are turned off. Ask {ADMIN} to allow them."
    return NUMBER_MESSAGES[bad.problem].format(example=example(region))
