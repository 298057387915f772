"""The ways to say no: answers to a person, not failures.

Raised in the middle, worded in `slack.refusal_words`. How dialing ended is never one of these; that is an
`Outcome`.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from evoslack.calling.calls import Call


class Refusal(Exception):
    """An answer to the person, not a failure; `slack.refusal_words` has the words for each."""


class Denial(StrEnum):
    """Why somebody may not call."""

    NOT_A_MEMBER = "not_a_member"  # guest, bot, deleted, stranger, or of another workspace
    EMAIL_MISSING = "email_missing"
    EMAIL_UNCONFIRMED = "email_unconfirmed"
    NO_LOGIN = "no_login"  # nobody in Evo Voice has that email
    SEVERAL_LOGINS = "several_logins"
    ROLE = "role"  # neither Manager nor SystemAdministrator
    ACCOUNT = "account"  # a manager, but of another account
    READ_ONLY = "read_only"


class NotAllowed(Refusal):
    """The person may not place calls, and it is known why."""

    def __init__(self, denial: Denial) -> None:
        super().__init__(denial.value)
        self.denial = denial


class Source(StrEnum):
    """Whom we could not ask."""

    SLACK = "slack"
    EVO_VOICE = "evo_voice"


class CannotCheck(Refusal):
    """It could not be found out whether the person may call, so the answer is no for now."""

    def __init__(self, source: Source) -> None:
        super().__init__(source.value)
        self.source = source


class Lack(StrEnum):
    """What is missing before any call can be offered."""

    NOT_LOADED = "not_loaded"  # Evo Voice was not reached since the start
    LOGIN = "login"  # Evo Voice refuses the bot's login
    ACCOUNT_UNCLEAR = "account_unclear"  # the login sees several accounts and none was chosen
    ACCOUNT_HIDDEN = "account_hidden"  # the chosen account is not one that the login sees
    FLOWS = "flows"  # no flow may be offered
    CALLER_IDS = "caller_ids"  # the account owns no number


class NothingToOffer(Refusal):
    """The form cannot be filled: there is no flow, no number or no account to choose from."""

    def __init__(self, lack: Lack) -> None:
        super().__init__(lack.value)
        self.lack = lack


class UnknownFlow(Refusal):
    """The chosen flow is not on offer (any more)."""


class UnknownCallerId(Refusal):
    """The chosen caller ID is not an owned number (any more)."""


class NumberBusy(Refusal):
    """Another call to the same number is being dialed, or was placed `ago`."""

    def __init__(self, call: Call, ago: timedelta) -> None:
        super().__init__(call.id)
        self.call = call
        self.ago = ago


class KeyTaken(Refusal):
    """This form already became a call with other content; that call stands as it is."""

    def __init__(self, call: Call) -> None:
        super().__init__(call.id)
        self.call = call


class FormUsed(Refusal):
    """This form became a call that is no longer kept, or that was taken back a moment ago."""


class TooLate(Refusal):
    """Slack has given this press up, or is about to; nothing is written down, and pressing again works."""


class UnreadableForm(Refusal):
    """The form does not carry what this bot put into it."""


class NotYourForm(Refusal):
    """The request key belongs to somebody else's call."""


def require_same(
    first: Call, *, team_id: str, user_id: str, flow_id: str, number: str, caller_id: str
) -> Call:
    """The call that a form became earlier, if this is the same person's same press of it.

    Raises `NotYourForm` or `KeyTaken`. The labels around the call do not count.
    """
    request = first.request
    if (request.team_id, request.user_id) != (team_id, user_id):
        raise NotYourForm
    if (request.flow_id, request.number, request.caller_id) != (flow_id, number, caller_id):
        raise KeyTaken(first)
    return first
