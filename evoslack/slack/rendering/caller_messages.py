"""What callers are told privately about their calls, and what was said before that this settles."""

from __future__ import annotations

from evoslack.calling.calls import State
from evoslack.calling.notification import Notification
from evoslack.slack.rendering import messages

_SETTLES = {
    State.IN_DOUBT: "This settles the earlier “not certain”.",
    State.REJECTED: "This corrects the earlier “rejected”.",
}


def paragraph(notification: Notification, region: str, channel_id: str) -> str:
    """Where the call stands now (mrkdwn). An earlier doubt that cannot be edited anymore is taken back."""
    call = notification.call
    words = messages.private_message(
        call,
        region,
        channel_id=channel_id,
        card_problem=notification.card_problem,
        is_edited=bool(notification.told_ts),
    )
    earlier = notification.told_what.partition(" ")[0]
    is_corrected = not (notification.told_ts or call.is_uncertain)  # nothing is settled while it is checked
    if not is_corrected or not notification.told_bad_news or earlier in {"", call.state.value}:
        return words
    settles = _SETTLES.get(State(earlier), "")
    return f"{words}\n{settles}" if settles else words
