"""What a caller must be told privately, decided from a notification alone. Pure functions."""

from __future__ import annotations

from evoslack.calling.calls import FINAL, Call, State
from evoslack.calling.notification import Notification
from evoslack.calling.status import CallStatus, status_of

_OVER = "over"


def summary(notification: Notification, *, is_edited: bool) -> str:
    """What a caller needs to know, in short: how it was placed, that it is over, that there is no card.

    A message that can be edited also says how far the call has come.
    """
    call = notification.call
    progress = call.progress.value if call.progress and is_edited else ""
    if call.progress in FINAL:
        progress = _OVER
    parts = [call.state.value, progress, "no_card" if notification.card_problem else ""]
    return " ".join(part for part in parts if part)


def is_kept(notification: Notification) -> bool:
    """Whether the direct message about it is edited as the call changes.

    What is not bad news gets a message of its own when the call is over: nobody notices an edit.
    """
    return is_bad_news(notification.call)


def is_bad_news(call: Call) -> bool:
    """Whether the caller must learn of it even with a card: neither placed nor waiting for its time."""
    return call.state not in {State.PLACED, State.SCHEDULED}


def did_it_themselves(call: Call) -> bool:
    """Whether the caller took the call back and knows so."""
    return call.state is State.CANCELED and call.canceled_by == call.request.user_id


def is_needed_anyway(notification: Notification) -> bool:
    """Whether the caller is told although the card may say it, too."""
    return (
        is_kept(notification)
        or bool(notification.card_problem)
        or notification.told_bad_news
        or bool(notification.told_ts)
        or (was_hung_up_by_another(notification) and _OVER not in notification.told_what.split())
    )


def was_hung_up_by_another(notification: Notification) -> bool:
    """Whether an administrator ended the call, which its caller may only notice as a dead line."""
    call = notification.call
    return status_of(call) is CallStatus.HUNG_UP and call.hung_up_by != call.request.user_id


def is_over(notification: Notification) -> bool:
    """Whether a placed call has ended, as far as it could be seen."""
    call = notification.call
    return call.state is State.PLACED and call.progress in FINAL
