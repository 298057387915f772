"""What a form says about a number: where it is, when it was called last, and who is on the phone with it."""

from __future__ import annotations

from datetime import datetime, timedelta

from evoslack.calling.calls import Call
from evoslack.calling.refusals import NumberBlocked, OutsideHours, Refusal
from evoslack.calling.status import CallStatus, plain_outcome, status_of
from evoslack.slack.rendering import rule_messages, times
from evoslack.slack.rendering.messages import NOTHING_RANG, duration
from evoslack.slack.rendering.mrkdwn import escape, mention
from evoslack.slack.rendering.status_words import STATUS_WORDS

OPEN_CARD = "Open card"
TOLL_FREE = "Toll-free"
WARNING = "⚠️"
SCHEDULE_IT = "Or press *Call* to schedule it."  # a press dials nothing then, it asks for a time
TOO_QUICK = "Your last press came too soon to count, so press *Call anyway* again if you mean it."
LONGEST_OUTCOME = 40  # characters of Evo Voice's own word

_UNDER_WAY = {CallStatus.DIALING, CallStatus.CALLING, CallStatus.RINGING}
_CANT_TELL = {CallStatus.NOT_CERTAIN, CallStatus.LOST, CallStatus.REJECTED}


def problem(sentence: str) -> str:
    """Under a number that cannot be dialed (mrkdwn); `sentence` is plain text."""
    return f"{WARNING} {escape(sentence)}"


def objection(refusal: Refusal) -> str:
    """The same for a number that a rule says no to, and what to do (mrkdwn)."""
    sentences = [escape(rule_messages.why(refusal)), *map(escape, rule_messages.next_step(refusal))]
    if isinstance(refusal, NumberBlocked):
        sentences.insert(1, f"Added by {mention(refusal.block.by)}.")
    if isinstance(refusal, OutsideHours) and refusal.opens_at is not None:
        sentences.append(SCHEDULE_IT)
    return f"{WARNING} {' '.join(sentences)}"


def time_there(earliest: datetime, latest: datetime) -> str:
    """The local time, or the times that it may be in a place with several; no line breaks inside it."""
    if earliest.utcoffset() == latest.utcoffset():
        return f"{times.clock(earliest)} there".replace(" ", times.NO_BREAK)
    return f"{times.clock(earliest)} to {times.clock(latest)} there".replace(" ", times.NO_BREAK)


def last_called(call: Call, reader: str) -> str:
    """When the number was called last, by whom, and what came of it (mrkdwn)."""
    when = times.moment(call.accepted_at, "{date_short_pretty} at {time}", "%Y-%m-%d %H:%M")
    return f"last call: {when} by {_name(call, reader, 'you')}, {outcome(call)}"


def outcome(call: Call) -> str:
    """What came of a call, in a few words (mrkdwn)."""
    status = status_of(call)
    if status is CallStatus.ENDED and plain_outcome(call.evo_outcome) not in {"", "ended"}:
        return f"“{escape(call.evo_outcome[:LONGEST_OUTCOME])}”"
    talked = f", talked {duration(call.talked_s)}" if call.talked_s else ""
    return f"{STATUS_WORDS[status].words}{talked}"


def on_it_now(call: Call, reader: str, at: datetime) -> str:
    """Who may be on the phone with the number (mrkdwn)."""
    symbol = STATUS_WORDS[status_of(call)].symbol
    return f"{symbol} {in_the_way(call, at - call.accepted_at, _name(call, reader))}"


def question(call: Call, reader: str, ago: timedelta, *, link: str, others: int, was_pressed: bool) -> str:
    """Above a form whose number may be on the phone (mrkdwn); `was_pressed`: it was about to call it."""
    bold, rest = _in_the_way(call, ago, _name(call, reader))
    sentences = [f"*{bold}*{rest}.", *([NOTHING_RANG] if was_pressed else [])]
    if others:
        were = "1 earlier call" if others == 1 else f"{others} earlier calls"
        sentences.append(f"{were} to it may still be going on, too.")
    if link:
        sentences.append(f"<{link}|{OPEN_CARD}>")
    return " ".join(sentences)


def being_dialed(call: Call, reader: str) -> str:
    """The same while the other call is being dialed, which nobody gets past."""
    who = _name(call, reader, "You")
    return f"*{who} started a call to this number seconds ago.* Press *Call* again in a few seconds."


def in_the_way(call: Call, ago: timedelta, who: str) -> str:
    """Who may be on the phone with the number, without a period; `who` is empty for the reader's own call.

    `ago` is how long ago the number was called.
    """
    return "".join(_in_the_way(call, ago, who))


def _in_the_way(call: Call, ago: timedelta, who: str) -> tuple[str, str]:
    status = status_of(call)
    is_on = f"{who} is" if who else "You're"
    if status is CallStatus.ON_THE_CALL:
        since = call.answered_at or call.accepted_at
        return f"{is_on} on the phone with this number", f" ({_span(call.accepted_at + ago - since)})"
    if status in _UNDER_WAY:
        return f"{is_on} calling this number right now", ""
    called = f"{who or 'You'} called this number {times.ago(ago)}"
    if status in _CANT_TELL:
        return called, ", and EvoSlack can't tell whether the call is still going on"
    return called, f": {outcome(call)}"


def _name(call: Call, reader: str, own: str = "") -> str:
    """A mention of the person who called; `own` if the reader did."""
    return own if call.request.user_id == reader else mention(call.request.user_id)


def _span(length: timedelta) -> str:
    """How long people have been talking, roughly."""
    seconds = max(int(length.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} sec"
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours} hr {minutes} min" if hours else f"{minutes} min"
