"""The buttons of a call, *Call again* and *Hang up*: what they ask first, and what they answer."""

from __future__ import annotations

from evoslack.calling.calls import Call, Ending, HangUp
from evoslack.calling.refusals import CannotCheck, NothingToOffer, Source
from evoslack.calling.status import CallStatus, status_of
from evoslack.slack.rendering.help_contact import ADMIN

CANCEL = "Cancel"

CALL_AGAIN = "Call again"
CALL_AGAIN_TITLE = "It may have rung"
CALL_AGAIN_TEXT = (
    "Check Evo Voice first. If the first call went out, calling again rings the same phone a second time."
)
CALL_AGAIN_CONFIRM = "Open the form"
GONE = "EvoSlack no longer has a record of this call. Use Evo Voice, or open a new form."
HANG_UP = "Hang up"
HANG_UP_TEXT = "The call ends right away. This can't be undone."
HANG_UP_MESSAGES = {
    HangUp.ASKED: "Hang-up requested. Evo Voice hasn't confirmed the end of the call yet.",
    HangUp.NO_EFFECT: "Hanging up had no effect; the call is still going. Try again, or end it in Evo Voice.",
}
CANNOT_HANG_UP = "EvoSlack can't hang up this call. End it in Evo Voice."
NOTHING_TO_HANG_UP = "Nothing to hang up: the call is over, or EvoSlack can't tell which one it is."
ENDING_MESSAGES = {
    Ending.FORBIDDEN: (
        "The call is still going: EvoSlack's Evo Voice login needs the User role to end calls. "
        f"End it in Evo Voice, and tell {ADMIN}."
    ),
    None: "Evo Voice didn't answer, so the call is probably still going. Try again, or end it in Evo Voice.",
}
# For people who may not place calls, or of whom it can't be checked, the sentence is about hanging up.
NO_LONGER_YOURS = (
    "You can't hang up this call because you no longer have access to EvoSlack. "
    "An Evo Voice administrator can hang it up."
)
_NOT_HUNG_UP = {
    Source.SLACK: (
        "EvoSlack couldn't check who you are because Slack gave no usable answer, so it didn't hang up. "
        "Try again, or end the call in Evo Voice."
    ),
    Source.EVO_VOICE: (
        "EvoSlack couldn't check your role because Evo Voice gave no usable answer, so it didn't hang up. "
        "Try again in a moment."
    ),
}


def hang_up_title(number: str) -> str:
    """What the button asks first; `number` as it is shown."""
    return f"{HANG_UP} {number}?"


def not_hung_up(refusal: CannotCheck | NothingToOffer) -> str:
    """When it can't be checked who pressed."""
    return _NOT_HUNG_UP[refusal.source if isinstance(refusal, CannotCheck) else Source.EVO_VOICE]


def cannot_hang_up(call: Call, *, can_end: bool) -> str:
    """Why people who are on the phone see no *Hang up* although the bot may end calls; else empty."""
    is_on_the_phone = status_of(call) is CallStatus.ON_THE_CALL
    return CANNOT_HANG_UP if can_end and is_on_the_phone and call.found_later else ""


def only_caller_can_hang_up(call: Call) -> str:
    """For a person who is neither the caller nor an administrator (mrkdwn)."""
    return f"Only <@{call.request.user_id}> or an Evo Voice administrator can hang up this call."
