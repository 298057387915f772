"""The sentences of *Request access*: what the help contact is sent, and what the person reads (mrkdwn)."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from evoslack.calling.access import ASK_AGAIN_AFTER
from evoslack.calling.refusals import CannotCheck, Denial, NothingToOffer, Source
from evoslack.slack.rendering import times
from evoslack.slack.rendering.help_contact import HelpContact
from evoslack.slack.rendering.mrkdwn import escape

REQUEST_ACCESS = "Request access"
SENDING = "Sending your request…\nStill sending after 20 seconds? Close this and try again."

# What is missing and what to do about it, for those denials that someone else can put right.
_MISSING = {
    Denial.EMAIL_MISSING: (
        "an email address in Slack that EvoSlack can see",
        "Add them to EVO_USER_MAP as {user_id}=the email of their Evo Voice login.",
    ),
    Denial.NO_LOGIN: (
        "an Evo Voice login with their Slack email address",
        "Create one with the Manager role, or add them to EVO_USER_MAP as {user_id}=their login's email.",
    ),
    Denial.SEVERAL_LOGINS: (
        "one clear login: several Evo Voice logins have their email address",
        "Keep that address at only one of them in Evo Voice.",
    ),
    Denial.ROLE: ("the Manager role in Evo Voice", "Give it to their login in Evo Voice."),
    Denial.ACCOUNT: (
        "access to the Evo Voice account that this workspace calls from",
        "Give their login access to that account in Evo Voice.",
    ),
    Denial.READ_ONLY: (
        "full manager access; theirs in Evo Voice is read-only",
        "Give their login full access in Evo Voice.",
    ),
}

_NOT_CHECKED = {
    Source.SLACK: "EvoSlack couldn't check who you are because Slack gave no usable answer",
    Source.EVO_VOICE: "EvoSlack couldn't check what you're missing because Evo Voice gave no usable answer",
}


def can_be_requested(denial: Denial) -> bool:
    """Whether someone else can put this right."""
    return denial in _MISSING


def request(user_id: str, denial: Denial) -> str:
    """What the help contact is sent."""
    missing, to_do = _MISSING[denial]
    return (
        f"<@{user_id}> wants to place calls with EvoSlack.\n"
        f"*Missing:* {missing}.\n"
        f"*What to do:* {to_do.format(user_id=user_id)} Then let <@{user_id}> know."
    )


def sent(contact: HelpContact, command: str) -> str:
    """The request is there."""
    return f"Request sent to {contact.name}. Once you have access, type {command}."


def asked_before(ago: timedelta, contact: HelpContact) -> str:
    """There was a request already."""
    left = ASK_AGAIN_AFTER - max(ago, timedelta(0))  # a clock may have been set back
    hours = max(math.ceil(left / timedelta(hours=1)), 1)
    again = f"You can ask again in {hours} hour{'' if hours == 1 else 's'}."
    return f"You asked {times.ago(ago)}. {contact.name} has your request. {again}"


def asked(contact: HelpContact, at: datetime) -> str:
    """The same where it stands for longer, in the Home tab; `at` is when they asked."""
    again_at = times.when(at + ASK_AGAIN_AFTER)
    return f"You asked {contact.name} {times.when(at)}. You can ask again {again_at}."


def not_sent(contact: HelpContact, problem: str) -> str:
    """Slack did not take the request; `problem` is its error code."""
    why = f"EvoSlack couldn't send your request ({escape(problem)})."
    if problem in {"not_in_channel", "channel_not_found"} and contact.is_channel:
        return f"{why} It isn't in {contact.name}. Ask there yourself, or type /invite @EvoSlack there."
    if problem == "ratelimited":
        return f"{why} Try again in a minute."
    return f"{why} Ask {contact.name} yourself."


def maybe_sent(contact: HelpContact) -> str:
    """Slack gave no answer, or one that proves nothing."""
    return (
        "Slack gave no clear answer, so your request may not have arrived. "
        f"Ask {contact.name} yourself to be sure."
    )


def nobody_to_ask(contact: HelpContact) -> str:
    """The setting was changed since the button was shown."""
    return f"EvoSlack can't send requests anymore. Ask {contact.name} yourself."


def can_call_now(command: str) -> str:
    """They got access meanwhile."""
    return f"You can place calls now. Type {command}."


def not_checked(refusal: CannotCheck | NothingToOffer) -> str:
    """It cannot be checked what they are missing, so nothing is sent."""
    source = refusal.source if isinstance(refusal, CannotCheck) else Source.EVO_VOICE
    return f"{_NOT_CHECKED[source]}. No request was sent. Try again in a minute."
