"""The ways to say no: answers to a person, not failures.

Raised here in `calling`, worded in `slack.rendering.refusal_messages`. How dialing ended is never one of
these; that is an `Outcome`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from evoslack.calling.calling_hours import CallingHours
from evoslack.calling.calls import Call
from evoslack.calling.rulebook import BlockedNumber, Limit


class Refusal(Exception):
    """An answer to the person, not a failure; `slack.rendering.refusal_messages` has a sentence for each."""

    was_logged = False  # see `denial_log`


class Denial(StrEnum):
    """Why a person may not call."""

    NOT_A_MEMBER = "not_a_member"  # guest, bot, deleted, stranger, or of another workspace
    EMAIL_MISSING = "email_missing"
    EMAIL_UNCONFIRMED = "email_unconfirmed"
    NO_LOGIN = "no_login"  # no login in Evo Voice has that email
    SEVERAL_LOGINS = "several_logins"
    ROLE = "role"  # neither Manager nor SystemAdministrator
    ACCOUNT = "account"  # a manager, but of another account
    READ_ONLY = "read_only"


class NotAllowed(Refusal):
    """The person may not place calls; `denial` says why."""

    def __init__(self, denial: Denial) -> None:
        super().__init__(denial.value)
        self.denial = denial


class Source(StrEnum):
    """Which service could not be asked."""

    SLACK = "slack"
    EVO_VOICE = "evo_voice"


class CannotCheck(Refusal):
    """Whether the person may call could not be checked, so the answer is no for now."""

    def __init__(self, source: Source) -> None:
        super().__init__(source.value)
        self.source = source


class Lack(StrEnum):
    """What is missing before any call can be offered."""

    NOT_LOADED = "not_loaded"  # Evo Voice has not been reached since the start
    LOGIN = "login"  # the bot's login at Evo Voice fails
    ACCOUNT_UNCLEAR = "account_unclear"  # the login sees several accounts and none was chosen
    ACCOUNT_HIDDEN = "account_hidden"  # the chosen account is not one that the login sees
    FLOWS = "flows"  # no flow may be offered
    ALLOWED_FLOWS = "allowed_flows"  # there are flows, but not for this person
    CALLER_IDS = "caller_ids"  # the account owns no number


class NothingToOffer(Refusal):
    """The form cannot be filled: there is no flow, no number or no account to choose from."""

    def __init__(self, lack: Lack) -> None:
        super().__init__(lack.value)
        self.lack = lack


class UnknownFlow(Refusal):
    """The chosen flow is not on offer (anymore)."""


class UnknownCallerId(Refusal):
    """The chosen caller ID is not an owned number (anymore)."""


class NumberBusy(Refusal):
    """Another call to the same number is being dialed, or was placed `ago`."""

    def __init__(self, call: Call, ago: timedelta) -> None:
        super().__init__(call.id)
        self.call = call
        self.ago = ago


class NumberBlocked(Refusal):
    """The number is on the do-not-call list. Nobody gets past that."""

    def __init__(self, block: BlockedNumber) -> None:
        super().__init__(block.number)
        self.block = block


class OutsideHours(Refusal):
    """People may not be called there at `at`.

    `local_times` are all the times that it may be there then (none: unknown), `hours` the windows that must
    be open, `opens_at` when they all are next (None: not in a month, or unknown). `is_for_later`: the call
    waits for its time, so `at` is not now.
    """

    def __init__(
        self,
        at: datetime,
        local_times: tuple[datetime, ...],
        hours: tuple[CallingHours, ...],
        opens_at: datetime | None,
        *,
        number: str = "",
        is_for_later: bool = False,
    ) -> None:
        super().__init__(f"{at:%H:%M}")
        self.at = at
        self.local_times = local_times
        self.hours = hours
        self.opens_at = opens_at
        self.number = number  # E.164; empty: unknown
        self.is_for_later = is_for_later


class LimitReached(Refusal):
    """This person, or everyone together, has placed as many calls as are allowed `at` that moment.

    The next one is `possible_at`, or at once if it `is_contended`: see `rules.Facts`.
    """

    def __init__(
        self, limit: Limit, possible_at: datetime, at: datetime, *, is_contended: bool = False
    ) -> None:
        super().__init__(f"{limit.most} in {limit.span}")
        self.limit = limit
        self.possible_at = possible_at
        self.at = at
        self.is_contended = is_contended

    @property
    def wait(self) -> timedelta:
        """How long until the next call is possible."""
        return max(self.possible_at - self.at, timedelta(0))


class FlowNotAllowed(Refusal):
    """Administrators keep this flow to other people or user groups."""


class ReasonNeeded(Refusal):
    """Only an administrator may call outside the hours, and only with a reason."""


class CannotEvaluate(Refusal):
    """A rule cannot be evaluated, so the answer is no; `rule` is its name."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


class TimeProblem(StrEnum):
    """What is wrong with the time that a call should wait for."""

    MISSING = "missing"
    PAST = "past"
    FAR = "far"  # too far ahead
    GAP = "gap"  # clocks are put forward then, so there is no such time
    UNKNOWN_ZONE = "unknown_zone"  # the time there is unknown
    TWO_TIMES = "two_times"  # an offered time was chosen, and another one filled in


class BadTime(Refusal):
    """A call cannot wait for this time."""

    def __init__(self, problem: TimeProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


class KeyTaken(Refusal):
    """This form already became a call with other content; that call stands as it is."""

    def __init__(self, call: Call) -> None:
        super().__init__(call.id)
        self.call = call


class FormUsed(Refusal):
    """This form became a call that was deleted since, or withdrawn a moment ago."""


class FormBeforeRestore(Refusal):
    """This form was opened before the ledger was restored from a backup: it may have become a call since."""


class TooLate(Refusal):
    """Slack has given up on this submission, or is about to; nothing is written down. Submit again."""


class UnreadableForm(Refusal):
    """The form does not carry what this bot put into it."""


class NotYourForm(Refusal):
    """The request key belongs to another person's call."""


def require_same(
    first: Call,
    *,
    team_id: str,
    user_id: str,
    flow_id: str,
    number: str,
    caller_id: str,
    due_at: datetime | None = None,
) -> Call:
    """The call that a form became earlier, if the same person submitted the same values again.

    Raises `NotYourForm` or `KeyTaken`.
    """
    request = first.request
    if (request.team_id, request.user_id) != (team_id, user_id):
        raise NotYourForm
    content = (request.flow_id, request.number, request.caller_id, request.due_at)
    if content != (flow_id, number, caller_id, due_at):
        raise KeyTaken(first)
    return first
