"""The log lines of calls."""

from __future__ import annotations

import logging

from evoslack.calling.calls import Call, State
from evoslack.calling.number_format import masked

log = logging.getLogger(__name__)


def log_state(call: Call) -> None:
    """One line for each change of a call, with a masked number."""
    level = logging.WARNING if call.state is State.IN_DOUBT else logging.INFO
    log.log(
        level,
        "call %s to %s by %s: %s%s",
        call.id,
        masked(call.request.number),
        call.request.user_id,
        call.state,
        f" ({call.reason})" if call.reason else "",
        extra={"call_id": call.id, "state": call.state.value},
    )


def log_note(call: Call) -> None:
    """One line for each note: who wrote it and the result; never the text."""
    note = call.note
    what = note.result.value if note.result else "no result"
    has_text = "with a note" if note.text else "without a note"
    log.info("call %s: %s by %s, %s", call.id, what, note.by, has_text, extra={"call_id": call.id})
