"""The log lines of calls, and the fields that every line about a call has (docs/logs.md)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime

from evoslack.calling.calls import Call, State
from evoslack.calling.matching import TrackedCall
from evoslack.calling.number_format import masked

log = logging.getLogger(__name__)


def fields_of(call: Call) -> Mapping[str, object]:
    """What a line about this call carries for machines; give it as `extra`. What is unknown is left out."""
    request = call.request
    fields = {
        "call_id": call.id,
        "user_id": request.user_id,
        "flow_id": request.flow_id,
        "state": call.state.value,
        "reason": call.reason and call.reason.value,
        "progress": call.progress and call.progress.value,
        "session_id": call.session_id,
        "dial_s": _dial_s(call),
        "duration_s": call.talked_s,
    }
    return {name: value for name, value in fields.items() if value not in {None, ""}}


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
        extra=fields_of(call),
    )


def log_step(call: Call, what: str, *, at: datetime) -> None:
    """For LOG_LEVEL=DEBUG: what is done with a call, and how long after it was accepted."""
    after_s = (at - call.accepted_at).total_seconds()
    log.debug("call %s: %s, %.3f s after it was accepted", call.id, what, after_s, extra=fields_of(call))


def log_progress(tracked: TrackedCall) -> None:
    """One line for each step of a call at Evo Voice, once it is placed."""
    talked_s = None
    if tracked.answered_at is not None and tracked.ended_at is not None:
        talked_s = max((tracked.ended_at - tracked.answered_at).total_seconds(), 0.0)
    fields = {
        "call_id": tracked.call_id,
        "user_id": tracked.user_id,
        "flow_id": tracked.flow_id,
        "progress": tracked.progress.value,
        "reason": tracked.lost_reason and tracked.lost_reason.value,
        "session_id": tracked.session_id,
        "duration_s": talked_s,
    }
    known = {name: value for name, value in fields.items() if value not in {None, ""}}
    log.info("call %s: %s", tracked.call_id, tracked.progress, extra=known)


def log_note(call: Call) -> None:
    """One line for each note: who wrote it and the result; never the text."""
    note = call.note
    what = note.result.value if note.result else "no result"
    has_text = "with a note" if note.text else "without a note"
    log.info("call %s: %s by %s, %s", call.id, what, note.by, has_text, extra=fields_of(call))


def _dial_s(call: Call) -> float | None:
    """How long dialing took, until Evo Voice answered or nothing more was waited for."""
    if call.began_at is None or call.finished_at is None:
        return None
    return round((call.finished_at - call.began_at).total_seconds(), 3)
