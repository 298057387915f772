"""What people read who have placed as many calls as are allowed: which limit it is, and when it goes on."""

from __future__ import annotations

import math
from datetime import timedelta

from evoslack.calling.refusals import LimitReached
from evoslack.calling.rulebook import A_DAY, HOUR
from evoslack.slack.rendering import form_messages
from evoslack.slack.rendering.blocks import Block, modal, section
from evoslack.slack.rendering.help_contact import ADMIN, HelpContact
from evoslack.slack.rendering.local_times import yours

_SPANS = {HOUR: "hour", A_DAY: "24 hours"}
_UNITS = ((3600, "hour"), (60, "minute"), (1, "second"))


def next_step(refusal: LimitReached) -> str:
    """When it goes on. Plain text shows no moments, so how long that is from now."""
    return f"You can call again {_in(refusal.wait)}."


def words_with_time(refusal: LimitReached, contact: HelpContact) -> str:
    """The same with the moment, in the reader's own time zone (mrkdwn)."""
    at = yours(refusal.possible_at + timedelta(seconds=1))  # a token shows the second that has begun
    return contact.named_in(
        f"*{why(refusal)}*\nYou can call again {_in(refusal.wait)} ({at}).\n"
        f"If that's too few, ask {ADMIN} for a higher limit."
    )


def page(refusal: LimitReached, contact: HelpContact) -> Block:
    """The page that opens instead of the form."""
    body = [section(words_with_time(refusal, contact))]
    return modal("call_notice", form_messages.FORM_TITLE, form_messages.CLOSE, body)


def why(refusal: LimitReached) -> str:
    """Which limit it is (plain text)."""
    limit = refusal.limit
    whose = "You've" if limit.per_person else "Your team has"
    calls = f"{limit.most:,} call{'' if limit.most == 1 else 's'}"
    return f"{whose} placed {calls} in the last {_SPANS[limit.span]}, the most that's allowed."


def _in(length: timedelta) -> str:
    """How long from now, in its two largest units; rounded up, so that it is not too early."""
    seconds = max(math.ceil(length.total_seconds()), 1)
    if seconds > 60:
        seconds = math.ceil(seconds / 60) * 60
    parts = []
    for size, unit in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}{'' if count == 1 else 's'}")
    return f"in {' and '.join(parts)}"
