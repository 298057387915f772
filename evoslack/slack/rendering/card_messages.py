"""The words of the card beside its headline: who called, with what, where, and what came of it (mrkdwn).

Text from outside is put on one line, cut to what a card has room for, and escaped.
"""

from __future__ import annotations

from datetime import datetime

from evoslack.calling.calls import Call, HangUp, State
from evoslack.calling.number_format import pretty, unbroken
from evoslack.calling.places import place_of
from evoslack.slack.rendering import schedule_messages, times
from evoslack.slack.rendering.button_messages import HANG_UP_MESSAGES
from evoslack.slack.rendering.mrkdwn import mention, one_line
from evoslack.slack.rendering.status_words import RESULT_WORDS

LONGEST_ON_CARD = 80  # characters of a name
LONGEST_NOTE = 300  # characters of a note; the form shows all of it
_LONGEST_IN_TEXT = 200  # characters of a note where everything is one text of at most 4,000 (slack-facts 4)

SEPARATOR = "\u00a0· "  # of what stands on one line; the dot stays with what comes before it


def called_by(call: Call) -> str:
    """Who called, and when, in each reader's own time zone; or who wanted that, for what time."""
    who = mention(call.request.user_id)
    if call.is_scheduled:
        return f"Scheduled by {who}, {times.when(call.accepted_at)}"
    if (due_at := _missed_time(call)) is not None:
        return f"Scheduled by {who} for {times.when(due_at)}"
    return f"Called by {who}, {times.when(call.accepted_at)}"


def _missed_time(call: Call) -> datetime | None:
    """For when a call was scheduled that was not dialed then."""
    return call.request.due_at if call.state in {State.CANCELED, State.NOT_SENT, State.EXPIRED} else None


def flow(call: Call) -> str:
    """The name of the flow."""
    return one_line(call.request.flow_name, LONGEST_ON_CARD)


def caller_id(call: Call, region: str) -> str:
    """What the person sees on their phone, and Evo Voice's name for it."""
    number = unbroken(pretty(call.request.caller_id, region))
    label = one_line(call.request.caller_id_label, LONGEST_ON_CARD)
    return f"from {number}, {label}" if label else f"from {number}"


def place(call: Call) -> str:
    """Where the number is and what time it was there when it was called; empty if that is unknown.

    The headline of a call that waits for its time says both.
    """
    if call.is_scheduled:
        return ""
    found = place_of(call.request.number)
    local = found.local_time(_missed_time(call) or call.accepted_at)
    name = one_line(found.name, LONGEST_ON_CARD)
    if local is None:
        return name
    return f"{name}, {times.clock(local)} there" if name else f"{times.clock(local)} there"


def talking_since(at: datetime) -> str:
    """How long people have been talking. Slack counts it, so it is right whenever the card is read."""
    return f"Answered {times.moment(at, '{ago} at {time_secs}', '%H:%M:%S')}"


def hours_reason(call: Call) -> str:
    """Why an administrator called outside the calling hours; empty for other calls."""
    reason = one_line(call.request.hours_reason, LONGEST_NOTE)
    return schedule_messages.outside_hours(reason) if reason else ""


def hang_up(call: Call) -> str:
    """What became of a hang up so far; empty without one, and once the call is over."""
    if call.hang_up is None or not call.is_in_progress:
        return ""
    words = HANG_UP_MESSAGES[call.hang_up]
    if call.hang_up is HangUp.ASKED and call.hung_up_by:
        return words.replace(".", f" by {mention(call.hung_up_by)}.", 1)
    return words


def note(call: Call) -> str:
    """What came of the call, in a person's own words; empty if nobody wrote anything."""
    written = call.note
    if not written.revision:
        return ""
    result = f"*{RESULT_WORDS[written.result]}*" if written.result else ""
    text = one_line(written.text, LONGEST_NOTE)
    if not (result or text):
        return ""
    by = f"{mention(written.by)}, {times.when(written.at)}" if written.at else mention(written.by)
    return " · ".join(part for part in (result, text, by) if part)


def in_sentences(call: Call, region: str) -> str:
    """All of this in sentences, for notifications and screen readers; some do not show dates."""
    did = "Scheduled" if call.is_scheduled or _missed_time(call) else "Called"
    sentences = [f"{did} by {mention(call.request.user_id)}, flow {flow(call)}, {caller_id(call, region)}"]
    sentences.append(f"Where: {there}" if (there := place(call)) else "")
    if call.note.revision and (call.note.result or call.note.text):
        result = RESULT_WORDS[call.note.result] if call.note.result else "Note"
        text = one_line(call.note.text, _LONGEST_IN_TEXT)
        sentences.append(
            f"{mention(call.note.by)} wrote: {': '.join(part for part in (result, text) if part)}"
        )
    return " ".join(f"{sentence}." for sentence in sentences if sentence)
