"""The buttons of a call, *Call again* and *Hang up*: what they ask first, and what they answer."""

from __future__ import annotations

from evoslack.calling.calls import Call, Ending, HangUp

CANCEL = "Cancel"

CALL_AGAIN = "Call again"
CALL_AGAIN_TITLE = "It may have rung"
CALL_AGAIN_TEXT = (
    "Check Evo Voice first. If the first call went out, calling again rings the same phone a second time."
)
CALL_AGAIN_CONFIRM = "Open the form"
GONE = "EvoSlack no longer has a record of this call. To call any number, type the command."
HANG_UP = "Hang up"
HANG_UP_TEXT = "This ends the call for both sides. This can't be undone."
HANG_UP_MESSAGES = {
    HangUp.ASKED: "Hang-up requested. Evo Voice hasn't shown the end of the call yet.",
    HangUp.NO_EFFECT: "Hanging up had no effect; the call is still going. Try again, or end it in Evo Voice.",
}
NOTHING_TO_HANG_UP = "Nothing to hang up: the call is over, or EvoSlack can't tell which one it is."
ENDING_MESSAGES = {
    Ending.FORBIDDEN: (
        "The call is still going: EvoSlack's Evo Voice login needs the User role to end calls. "
        "End it in Evo Voice, and tell your EvoSlack admin."
    ),
    None: "Evo Voice didn't answer, so the call is probably still going. Try again, or end it in Evo Voice.",
}


def only_caller_can_hang_up(call: Call) -> str:
    """For a person who is neither the caller nor an administrator (mrkdwn)."""
    return f"Only <@{call.request.user_id}> or an Evo Voice administrator can hang up this call."
