"""The sentences about calls that wait for their time: on the page that asks for one, and on their buttons.

Plain text where not said otherwise. Times are in the zone of the number called; the reader's own time is left
to Slack, which knows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from evoslack.calling.calls import Call
from evoslack.calling.places import Place
from evoslack.calling.refusals import (
    CannotCheck,
    NothingToOffer,
    OutsideHours,
    ReasonNeeded,
    Refusal,
    Source,
    TooLate,
)
from evoslack.slack.rendering import hours_messages, times
from evoslack.slack.rendering.local_times import city, due, local, where, yours
from evoslack.slack.rendering.messages import NOTHING_RANG, headline
from evoslack.slack.rendering.mrkdwn import escape, mention
from evoslack.slack.rendering.refusal_messages import refusal_message

PAGE_TITLE = "When to call"
CHANGE_TITLE = "Change time"
SCHEDULE, CONFIRM, SAVE = "Schedule", "Confirm", "Save"
CHOICE_LABEL = "When should EvoSlack call?"
AT_OTHER = "Another time, filled in below"
AT_ONCE = "Now, with a reason"
AT_ONCE_HINT = "For administrators. The reason is shown on the card."
DATE_LABEL, TIME_LABEL, ZONE_LABEL = "Date", "Time", "Time zone"
REASON_LABEL = "Reason"
REASON_HINT = "Needed outside calling hours. Everyone who sees the card can read it."
UTC_ZONE = "UTC"
NO_OWN_ZONE = "Slack didn't share your time zone. Enter the time in UTC, or in theirs."

CANCEL_CALL = "Cancel call"
CANCEL_TEXT = "It won't be dialed."
KEEP = "Keep it"
CHANGE_TIME = "Change time"
BUTTONS_TITLE = "Scheduled call"  # of the page that answers a button
GONE = "EvoSlack no longer has a record of this call."
HOURS_UNKNOWN = (
    "EvoSlack doesn't know what time it is there, so it can't check calling hours. "
    "An Evo Voice administrator can call with a reason."
)
OFFER_IS_OVER = "That time has passed. Choose another one, or close this and call now."
PRESS_AGAIN = f"EvoSlack took too long to answer. {NOTHING_RANG} Press the button once more."
ONLY_WITH_REASON = "Only an administrator can call outside calling hours. Choose another time."
NO_LONGER_YOURS = (
    "You can't change the time because you no longer have access to EvoSlack. You can still cancel the call."
)
_NOT_CHANGED = {
    Source.SLACK: (
        "EvoSlack couldn't check who you are because Slack gave no usable answer, so the call is still "
        "scheduled. Try again in a moment."
    ),
    Source.EVO_VOICE: (
        "EvoSlack couldn't check your role because Evo Voice gave no usable answer, so the call is still "
        "scheduled. Try again in a moment."
    ),
}


def hours_there(refusal: OutsideHours) -> str:
    """The calling hours, as a sentence."""
    if any(each.dates_off for each in refusal.hours) or len({each.days for each in refusal.hours}) > 1:
        return f"Calling hours there are {hours_messages.together(refusal.hours)}, except on no-call dates."
    return f"Calling hours there are {hours_messages.together(refusal.hours)}."


def time_there(place: Place, at: datetime) -> str:
    """What time it is there, as a sentence without its period; empty if that is unknown."""
    found = place.local_times(at)
    if not found:
        return ""
    if len(found) == 1:
        return f"it's {times.clock(found[0])} in {where(place, at)}"
    return f"it may be {times.clock(found[0])} to {times.clock(found[-1])} there"


def why(place: Place, refusal: OutsideHours) -> str:
    """Above the page when a call was denied for its hour (mrkdwn)."""
    now_there = time_there(place, refusal.at)
    if not now_there:
        return f"*{NOTHING_RANG}* {HOURS_UNKNOWN}"
    sentences = [f"*{NOTHING_RANG} {_capital(escape(now_there))}.*", escape(hours_there(refusal))]
    if refusal.opens_at is not None:
        opens = escape(local(place, refusal.opens_at, refusal.at))
        sentences.append(f"The next time is {opens} there ({yours(refusal.opens_at)}).")
    return " ".join(sentences)


def what_time(place: Place, now: datetime) -> str:
    """Above the page when the person wants to call later (mrkdwn)."""
    now_there = time_there(place, now)
    return (
        f"*Nothing is dialed yet.* {_capital(escape(now_there))}."
        if now_there
        else "*Nothing is dialed yet.*"
    )


def at_opening(place: Place, opens_at: datetime, now: datetime) -> str:
    """The offer to call as soon as the hours allow it."""
    return f"{local(place, opens_at, now)}, their time"


def not_at(place: Place, refusal: OutsideHours) -> str:
    """Under a time that is outside the calling hours."""
    if not refusal.local_times:
        return HOURS_UNKNOWN
    then = local(place, refusal.at)
    name = where(place, refusal.at)
    return f"That's {then} {f'in {name}' if name else 'there'}. {hours_there(refusal)}"


def my_zone(zone: str, theirs: Sequence[str], at: datetime) -> str:
    """The option for the reader's own time."""
    if not zone:
        return UTC_ZONE
    return (
        f"My time ({city(zone)}), and theirs" if same_time([zone, *theirs], at) else f"My time ({city(zone)})"
    )


def their_zone(zone: str, *, is_only: bool) -> str:
    """The option for a zone of the number."""
    return f"Their time ({city(zone)})" if is_only else f"Time in {city(zone)}"


def same_time(zones: Sequence[str], at: datetime) -> bool:
    """Whether there are several zones and all show the same time then."""
    return len(zones) > 1 and len({at.astimezone(ZoneInfo(zone)).utcoffset() for zone in zones}) == 1


def denied(refusal: Refusal, region: str) -> str:
    """Any other no, under the first field of the page."""
    if isinstance(refusal, TooLate):
        return PRESS_AGAIN
    if isinstance(refusal, ReasonNeeded):
        return f"Give a reason to call outside calling hours. {NOTHING_RANG}"
    return refusal_message(refusal, region).words


def cancel_title(number: str) -> str:
    """What Cancel asks first; `number` as it is shown."""
    return f"Cancel the call to {number}?"


def not_waiting(call: Call, region: str, reader: str) -> str:
    """For a call that was dialed, canceled or moved meanwhile (mrkdwn); empty if the reader canceled it."""
    if call.canceled_by == reader:
        return ""
    now = headline(call, region, is_bold=True)
    if call.is_unanswered:  # its page is there already, and it will wait in a moment
        return f"Nothing was changed: EvoSlack is still writing this call down. Try again in a moment.\n{now}"
    if call.is_scheduled:
        return f"Nothing was changed: someone changed its time meanwhile. Check it, then try again.\n{now}"
    return f"Nothing was changed: this call is no longer scheduled.\n{now}"


def only_theirs(call: Call) -> str:
    """For a person who is neither the caller nor an administrator (mrkdwn)."""
    who = mention(call.request.user_id)
    return f"Only {who} or an Evo Voice administrator can cancel this call or change its time."


def not_changed(refusal: CannotCheck | NothingToOffer) -> str:
    """When it can't be checked who pressed."""
    return _NOT_CHANGED[refusal.source if isinstance(refusal, CannotCheck) else Source.EVO_VOICE]


def moved(call: Call, number: str, by: str) -> str:
    """For the caller, when another person changed the time (mrkdwn)."""
    return f"*🕗 {mention(by)} rescheduled your call to {number}.* New time: {due(call)}."


def outside_hours(reason: str) -> str:
    """Why a call is placed outside the hours (mrkdwn); `reason` is on one line, cut and escaped."""
    return f"Outside calling hours: {reason}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
